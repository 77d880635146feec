import { assert } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import { MessageChannel } from "node:worker_threads"
import { ProtocolError } from "../../src/ActorError.ts"
import { assertTypeError, errorOf, forked, upTo } from "./asserts.ts"
import behaviours, { isSame, Kinds, kinds, Payloads, Point, Vault } from "./fixtures/values.ts"
import * as Journal from "./journal.ts"
import { onOneWorker } from "./oneWorker.ts"

const fixture = { module: new URL("./fixtures/values.ts", import.meta.url), behaviours }

/** A method of {@link Kinds}; they are made in a loop, so the types do not know them one by one. */
type Send = (payload: { readonly index: number; readonly value: unknown }) => Effect.Effect<
  { readonly same: boolean; readonly value: unknown },
  unknown
>

onOneWorker(fixture, Vault.layer(), (it, placement) => {
  // ---- every kind of value ----

  for (const [name, { values }] of Object.entries(kinds)) {
    it.effect(`C9: values of ${name} arrive as they are, and come back as they are`, () =>
      Effect.gen(function*() {
        const actor = yield* Kinds.spawn()
        const send = (actor as unknown as Record<string, Send>)[name]!
        for (const [index, value] of values.entries()) {
          const answer = yield* send({ index, value })
          assert.isTrue(answer.same, `value ${index} arrived as another`)
          assert.isTrue(isSame(name, index, answer.value), `value ${index} came back as another`)
        }
      }))
  }

  it.effect("C9: every kind of value at once", () =>
    Effect.gen(function*() {
      const actor = yield* Kinds.spawn()
      const sends = Object.entries(kinds).flatMap(([name, { values }]) =>
        values.map((value, index) => ({ name, index, value }))
      )
      const answers = yield* Effect.forEach(
        sends,
        ({ index, name, value }) => (actor as unknown as Record<string, Send>)[name]!({ index, value }),
        { concurrency: "unbounded" }
      )
      for (const [i, { index, name }] of sends.entries()) {
        assert.isTrue(answers[i]!.same && isSame(name, index, answers[i]!.value), `value ${index} of ${name}`)
      }
    }))

  // ---- payloads ----

  it.effect("C9: a payload may be nothing, a bare value, or a class", () =>
    Effect.gen(function*() {
      const payloads = yield* Payloads.spawn()
      assert.strictEqual(yield* payloads.none(), "none")
      assert.strictEqual(yield* payloads.text("loud"), "LOUD")
      assert.strictEqual(yield* payloads.point(new Point({ x: 3, y: 4 })), 5)
      assert.strictEqual(yield* payloads.point({ x: 3, y: 4 }), 5)
    }))

  it.effect("C9: what is a class in a payload is one in the handler", () =>
    Effect.gen(function*() {
      const payloads = yield* Payloads.spawn()
      const points = [new Point({ x: 3, y: 4 }), new Point({ x: 6, y: 8 })]
      assert.deepStrictEqual(yield* payloads.points({ points }), [5, 10])
    }))

  it.effect("C9: the constructor defaults of payload fields are filled in", () =>
    Effect.gen(function*() {
      const payloads = yield* Payloads.spawn()
      assert.deepStrictEqual(yield* payloads.defaults({ nested: {} }), { n: 5, nested: { text: "default" } })
      assert.deepStrictEqual(yield* payloads.defaults({ n: 6, nested: { text: "own" } }), {
        n: 6,
        nested: { text: "own" }
      })
    }))

  it.effect("C9: the headers of a call reach its handler", () =>
    Effect.gen(function*() {
      const payloads = yield* Payloads.spawn()
      assert.deepStrictEqual(yield* payloads.headers(undefined, { headers: { "x-tenant": "a" } }), { "x-tenant": "a" })
      assert.deepStrictEqual(yield* payloads.headers(), {})
    }))

  // ---- nothing is shared ----

  const bag = () => ({ count: 0, inner: { count: 0, inner: { count: 0 } } })

  it.effect("C9: one object in two calls of a batch is two objects in the actor", () =>
    Effect.gen(function*() {
      const vault = yield* Vault.spawn()
      const value = bag()
      yield* Effect.all([vault.keep({ value }), vault.mutate({ value })], { concurrency: "unbounded" })
      assert.deepStrictEqual(yield* vault.kept(), bag())
      assert.deepStrictEqual(value, bag())
    }))

  it.effect("C9: an object that two calls of a batch have in common, deep inside, is two objects in the actor", () =>
    Effect.gen(function*() {
      const vault = yield* Vault.spawn()
      const shared = { count: 0 }
      const outer = { count: 1, inner: { count: 2, inner: shared } }
      const other = { count: 3, inner: shared }
      yield* Effect.all([vault.keep({ value: outer }), vault.mutate({ value: other })], { concurrency: "unbounded" })
      assert.deepStrictEqual(yield* vault.kept(), { count: 1, inner: { count: 2, inner: { count: 0 } } })
    }))

  it.effect("C9: an object far down in a large value is two objects in the actor", () =>
    Effect.gen(function*() {
      const vault = yield* Vault.spawn()
      const shared = { count: 0 }
      const nest = (depth: number): object => depth === 0 ? shared : { inner: nest(depth - 1) }
      const large = { list: upTo(500).map((n) => ({ n })), inner: nest(200) }
      yield* Effect.all([vault.keep({ value: large }), vault.mutate({ value: shared })], { concurrency: "unbounded" })
      let kept = yield* vault.kept()
      while (kept !== null && typeof kept === "object" && "inner" in kept) kept = kept.inner
      assert.deepStrictEqual(kept, { count: 0 })
    }))

  it.effect("C9: a Map in two calls of a batch is two Maps in the actor, its keys and values as well", () =>
    Effect.gen(function*() {
      const vault = yield* Vault.spawn()
      const key = { count: 0 }
      const value = new Map<unknown, unknown>([[key, key]])
      yield* Effect.all([vault.keep({ value }), vault.mutate({ value }), vault.mutate({ value: key })], {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(yield* vault.kept(), new Map([[{ count: 0 }, { count: 0 }]]))
    }))

  it.effect("C9: bytes in two calls of a batch are not the same bytes in the actor, nor two views of one buffer", () =>
    Effect.gen(function*() {
      const vault = yield* Vault.spawn()
      const bytes = Uint8Array.of(1, 2, 3, 4)
      yield* Effect.all([vault.keepBytes({ value: bytes }), vault.mutateBytes({ value: bytes })], {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(yield* vault.keptBytes(), Uint8Array.of(1, 2, 3, 4))
      yield* Effect.all([
        vault.keepBytes({ value: bytes.subarray(0, 3) }),
        vault.mutateBytes({ value: bytes.subarray(1, 4) })
      ], { concurrency: "unbounded" })
      assert.deepStrictEqual(yield* vault.keptBytes(), Uint8Array.of(1, 2, 3))
    }))

  it.effect("C9: one object in two results of a batch is two objects for the callers", () =>
    Effect.gen(function*() {
      const vault = yield* Vault.spawn()
      yield* vault.keep({ value: bag() })
      const [first, second] = yield* Effect.all([vault.kept(), vault.kept()], { concurrency: "unbounded" })
      assert.deepStrictEqual(first, bag())
      ;(first as { inner: { count: number } }).inner.count = 99
      assert.deepStrictEqual(second, bag())
      assert.deepStrictEqual(yield* vault.kept(), bag())
    }))

  it.effect("C9: a payload is what it was when the call was made", () =>
    Effect.gen(function*() {
      const vault = yield* Vault.spawn()
      const value = bag()
      const call = yield* forked(vault.keep({ value }))
      value.inner.count = 99
      yield* Fiber.join(call)
      assert.deepStrictEqual(yield* vault.kept(), bag())
    }))

  it.effect("C9: bytes are what they were when the call was made", () =>
    Effect.gen(function*() {
      const vault = yield* Vault.spawn()
      const value = Uint8Array.of(1, 2, 3)
      const call = yield* forked(vault.keepBytes({ value }))
      value.fill(99)
      yield* Fiber.join(call)
      assert.deepStrictEqual(yield* vault.keptBytes(), Uint8Array.of(1, 2, 3))
    }))

  for (
    const { keep, value, what } of [
      {
        what: "an object",
        value: bag,
        keep: (vault: Vault["Service"]) => ({ keep: vault.keep({ value: bag() }), kept: vault.kept() })
      },
      {
        what: "bytes",
        value: () => Uint8Array.of(1, 2, 3),
        keep: (vault: Vault["Service"]) => ({
          keep: vault.keepBytes({ value: Uint8Array.of(1, 2, 3) }),
          kept: vault.keptBytes()
        })
      },
      {
        what: "a Map",
        value: () => new Map([["a", 1]]),
        keep: (vault: Vault["Service"]) => ({
          keep: vault.keepMap({ value: new Map([["a", 1]]) }),
          kept: vault.keptMap()
        })
      }
    ]
  ) {
    it.effect(`C9: a result is what it was when its handler ended, whatever the next call does (${what})`, () =>
      Effect.gen(function*() {
        const vault = yield* Vault.spawn()
        const calls = keep(vault)
        yield* calls.keep
        const [before, , after] = yield* Effect.all([calls.kept, vault.mutateKept(), calls.kept] as const, {
          concurrency: "unbounded"
        })
        assert.deepStrictEqual(before, value())
        assert.notDeepEqual(after, value())
      }))
  }

  // ---- bytes ----

  it.effect("C9: 64 MB go there and come back", () =>
    Effect.gen(function*() {
      const vault = yield* Vault.spawn()
      const bytes = new Uint8Array(64 * 1024 * 1024)
      for (let i = 0; i < bytes.length; i += 4096) bytes[i] = i / 4096
      const back = yield* vault.echoBytes({ bytes })
      assert.strictEqual(Buffer.compare(bytes, back), 0)
      // and nothing was taken away
      assert.strictEqual(bytes.length, 64 * 1024 * 1024)
    }))

  it.effect("C9: Transferable bytes arrive, and are moved where nothing has to be copied", () =>
    Effect.gen(function*() {
      const vault = yield* Vault.spawn()
      const bytes = new Uint8Array(1024)
      assert.strictEqual(yield* vault.move({ bytes }), 1024)
      // a process has no memory in common with this one
      assert.strictEqual(bytes.length, placement.name === "processes" ? 1024 : 0)
    }))

  it.effect("C9: Transferable bytes come back, and are moved where nothing has to be copied", () =>
    Effect.gen(function*() {
      const vault = yield* Vault.spawn()
      assert.deepStrictEqual(yield* vault.moveBack({ length: 1024 }), new Uint8Array(1024).fill(7))
      assert.strictEqual(yield* vault.left(), placement.name === "processes" ? 1024 : 0)
    }))

  it.effect("C9: Transferable bytes that are gone already are a defect of their call alone", () =>
    Effect.gen(function*() {
      const vault = yield* Vault.spawn()
      const bytes = new Uint8Array(1024)
      const [first, second, pong] = yield* Effect.all([
        Effect.exit(vault.move({ bytes })),
        Effect.exit(vault.move({ bytes })),
        Effect.exit(vault.ping())
      ], { concurrency: "unbounded" })
      assert.deepStrictEqual(first, Exit.succeed(1024))
      assert.deepStrictEqual(pong, Exit.succeed("pong" as const))
      if (placement.name === "processes") assert.deepStrictEqual(second, Exit.succeed(1024))
      else assertTypeError(second, "Vault.move", "cannot be sent")
    }))

  it.effect("C9: moving bytes takes no call out of its order", () =>
    Effect.gen(function*() {
      const vault = yield* Vault.spawn()
      const order: Array<string> = []
      const noted = <A, E>(name: string, call: Effect.Effect<A, E>) =>
        Effect.andThen(call, Effect.sync(() => order.push(name)))
      yield* Effect.all([
        noted("before", vault.keep({ value: 1 })),
        noted("move", vault.move({ bytes: new Uint8Array(8) })),
        noted("after", vault.keep({ value: 2 }))
      ], { concurrency: "unbounded" })
      assert.strictEqual(yield* vault.kept(), 2)
      assert.sameMembers(order, ["before", "move", "after"])
    }))

  it.effect("C9: shared memory is shared between threads, and is refused where it cannot be", () =>
    Effect.gen(function*() {
      const vault = yield* Vault.spawn()
      const memory = new SharedArrayBuffer(4)
      const exit = yield* Effect.exit(vault.increment({ memory }))
      if (placement.name === "processes") {
        assertTypeError(exit, "Vault.increment", "cannot be sent")
      } else {
        assert.deepStrictEqual(exit, Exit.void)
        assert.strictEqual(new Int32Array(memory)[0], 1)
      }
      assert.strictEqual(yield* vault.ping(), "pong")
    }))

  it.effect("C9: a port is moved between threads, and is refused where it cannot be", () =>
    Effect.gen(function*() {
      const vault = yield* Vault.spawn()
      const { port1, port2 } = new MessageChannel()
      yield* Effect.addFinalizer(() => Effect.sync(() => (port1.close(), port2.close())))
      const heard: Array<unknown> = []
      port1.on("message", (text) => heard.push(text))
      const exit = yield* Effect.exit(vault.say({ port: port2 as never, text: "hello" }))
      if (placement.name === "processes") {
        assertTypeError(exit, "Vault.say", "cannot be sent")
      } else {
        assert.deepStrictEqual(exit, Exit.void)
        yield* Journal.until("the actor was heard", () => heard.length > 0)
        assert.deepStrictEqual(heard, ["hello"])
      }
      assert.strictEqual(yield* vault.ping(), "pong")
    }))

  it.effect("C9: a result that was moved away already is a ProtocolError of its call alone", () =>
    Effect.gen(function*() {
      const vault = yield* Vault.spawn()
      yield* vault.moveBack({ length: 16 })
      const [exit, pong] = yield* Effect.all([Effect.exit(vault.moveBackAgain()), vault.ping()], {
        concurrency: "unbounded"
      })
      assert.strictEqual(pong, "pong")
      if (placement.name === "processes") {
        assert.deepStrictEqual(exit, Exit.succeed(new Uint8Array(16).fill(7)))
      } else {
        const error = errorOf(exit)
        assert.instanceOf(error, ProtocolError)
        assert.deepStrictEqual([error.method, error.outcome], ["moveBackAgain", "Unknown"])
      }
    }))
})
