import { assert, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { once } from "node:events"
import { ProtocolError } from "../../../src/ActorError.ts"
import { assertTypeError, defectOf, errorOf, forked, upTo } from "../support/asserts.ts"
import { onEveryPlacement } from "../support/placements.ts"
import { onOneWorker } from "../support/sharedWorkers.ts"
import behaviours, { Carrier, levels, nested, refused } from "./actors/sendable.ts"

const fixture = { module: new URL("./actors/sendable.ts", import.meta.url), behaviours }

onOneWorker(fixture, Carrier.layer(), (it) => {
  for (const [kind, [make, text]] of Object.entries(refused)) {
    it.effect(`C6: a value that must not be sent is rejected by the sender, with the name of the field (${kind})`, () =>
      Effect.gen(function*() {
        const carrier = yield* Carrier.spawn()
        const before = yield* forked(carrier.ping())
        const payload = yield* forked(Effect.exit(carrier.echo({ value: make() })))
        const answer = yield* forked(Effect.exit(carrier.give({ kind })))
        const after = yield* forked(carrier.ping())
        assertTypeError(yield* Fiber.join(payload), `Carrier.echo: the payload cannot be sent: ${text}`)
        const error = errorOf(yield* Fiber.join(answer))
        assert.instanceOf(error, ProtocolError)
        assert.include(error.message, `the answer cannot be sent: ${text}`)
        assert.deepStrictEqual([yield* Fiber.join(before), yield* Fiber.join(after)], ["pong", "pong"])
      }))
  }

  it.effect("C6: the text of a refusal names five parts of a value that must not be sent, and the number of the others", () =>
    Effect.gen(function*() {
      const carrier = yield* Carrier.spawn()
      const named = upTo(5).map((i) => `value[${i - 1}] is a function`).join(", ")
      for (const [count, text] of [[5, named], [6, `${named}, and 1 more`], [12, `${named}, and 7 more`]] as const) {
        const payload = yield* Effect.exit(carrier.echo({ value: upTo(count).map(() => () => undefined) }))
        const answer = yield* Effect.exit(carrier.functions({ count }))
        const refusal = defectOf(payload) as Error
        const error = errorOf(answer) as Error
        assert.isTrue(refusal.message.endsWith(`the payload cannot be sent: ${text}`), refusal.message)
        assert.isTrue(error.message.endsWith(`the answer cannot be sent: ${text}`), error.message)
      }
    }))

  for (const kind of levels) {
    it.effect(`C6: a value is checked to the maximum depth of sendable values (${kind})`, () =>
      Effect.gen(function*() {
        const carrier = yield* Carrier.spawn()
        // the field of the payload is a level
        const value = nested(kind, 999)
        assert.strictEqual(typeof (yield* carrier.echo({ value })), "object")
        assert.strictEqual(typeof (yield* carrier.nest({ kind, depth: 1000 })), "object")
        for (const depth of [1000, 1500, 1900, 3000, 8000]) {
          const payload = yield* Effect.exit(carrier.echo({ value: nested(kind, depth) }))
          assertTypeError(payload, "the payload cannot be sent: it is nested more than 1000 levels deep")
          const error = errorOf(yield* Effect.exit(carrier.nest({ kind, depth: depth + 1 })))
          assert.include(error.message, "the answer cannot be sent: it is nested more than 1000 levels deep")
        }
        assert.strictEqual(yield* carrier.ping(), "pong")
      }))
  }

  it.effect("C9: a view arrives with its own buffer of the same length", () =>
    Effect.gen(function*() {
      const carrier = yield* Carrier.spawn()
      const whole = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8])
      const { buffer } = whole
      const views = [
        Buffer.from("abc"),
        whole,
        whole.subarray(2, 4),
        new Uint16Array(buffer, 2, 1),
        new DataView(buffer, 1, 3)
      ]
      assert.deepStrictEqual(yield* carrier.sizes({ views }), [[3, 3], [8, 8], [2, 2], [2, 2], [3, 3]])
      assert.deepStrictEqual(Array.from(whole), [1, 2, 3, 4, 5, 6, 7, 8])
      // wherever they are, and with everything that is beside them
      const inside = (view: Uint8Array) =>
        new Map<unknown, unknown>([["list", Object.assign(new Array(3), { 1: view, beside: new Set([view]) })], [
          "error",
          new RangeError("x", { cause: { view, at: new Date(5) } })
        ]])
      const back = (yield* carrier.echo({ value: inside(whole.subarray(2, 4)) })) as ReturnType<typeof inside>
      assert.deepStrictEqual(back.get("list"), inside(new Uint8Array([3, 4])).get("list"))
      const error = back.get("error") as RangeError
      assert.instanceOf(error, RangeError)
      assert.deepStrictEqual(error.cause, { view: new Uint8Array([3, 4]), at: new Date(5) })
      // the same view twice is one
      const [one, other] = yield* carrier.echo({ value: [views[0], views[0]] })
      assert.strictEqual(one, other)
      assert.strictEqual(one.buffer.byteLength, 3)
    }))

  it.effect("C9: records with symbols as keys are carried, and unregistered symbols are rejected by name", () =>
    Effect.gen(function*() {
      const carrier = yield* Carrier.spawn()
      const marks = { [Symbol.for("k")]: 1 }
      assert.deepStrictEqual(yield* carrier.marks({ marks }), { ...marks, [Symbol.for("back")]: 2 })
      const local = yield* Effect.exit(carrier.marks({ marks: { [Symbol("local")]: 1 } }))
      assertTypeError(local, "Carrier.marks: the payload does not fit its schema", "Symbol is not registered", "marks")
    }))

  it.effect("C9: files are carried by their schema", () =>
    Effect.gen(function*() {
      const carrier = yield* Carrier.spawn()
      const back = yield* carrier.file({ file: new File(["abc"], "a.txt", { type: "text/plain", lastModified: 5 }) })
      assert.instanceOf(back, File)
      assert.deepStrictEqual([back.name, back.type, back.lastModified, back.size], ["a.txt", "text/plain", 5, 3])
    }))

  it.effect("C9: bytes of a pool that cannot be moved are copied", () =>
    Effect.gen(function*() {
      const carrier = yield* Carrier.spawn()
      const small = Buffer.from("abc")
      const back = yield* carrier.move({ bytes: small })
      assert.deepStrictEqual([Array.from(back), back.buffer.byteLength], [[97, 98, 99], 3])
      assert.strictEqual(String(small), "abc")
    }))
}, { inCluster: "all" })

onEveryPlacement(fixture, (placement) => {
  it.live("C9: sending a moved value again is rejected with the name of the field", () =>
    Effect.gen(function*() {
      const carrier = yield* Carrier.spawn()
      const bytes = new Uint8Array(10)
      assert.strictEqual((yield* carrier.move({ bytes })).length, 10)
      assertTypeError(yield* Effect.exit(carrier.move({ bytes })), "cannot be sent: bytes has been moved before")
      assertTypeError(yield* Effect.exit(carrier.echo({ value: [bytes] })), "value[0] has been moved before")
    }).pipe(Effect.provide(placement.layer())))

  it.live("C9: a port is moved", () =>
    Effect.gen(function*() {
      const carrier = yield* Carrier.spawn()
      const { port1, port2 } = new MessageChannel()
      const message = once(port1, "message")
      yield* carrier.usePort({ port: port2 })
      assert.deepStrictEqual(yield* Effect.promise(() => message), ["hello"])
      port1.close()
    }).pipe(Effect.provide(placement.layer())))
}, { except: ["processes"], reason: "nothing can be moved to another process" })

onEveryPlacement(fixture, (placement) => {
  it.live("C6: a port that cannot be moved is rejected with the name of the field", () =>
    Effect.gen(function*() {
      const carrier = yield* Carrier.spawn()
      const { port1, port2 } = new MessageChannel()
      assertTypeError(yield* Effect.exit(carrier.usePort({ port: port2 })), "cannot be sent: port is a MessagePort")
      assertTypeError(
        yield* Effect.exit(carrier.echo({ value: { memory: new SharedArrayBuffer(4) } })),
        "value.memory is a SharedArrayBuffer; processes share no memory"
      )
      assert.strictEqual(yield* carrier.ping(), "pong")
      port1.close()
    }).pipe(Effect.provide(placement.layer())))
}, { except: ["memory", "threads"], reason: "threads and workers in memory share memory with the caller" })
