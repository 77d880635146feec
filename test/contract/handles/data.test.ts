/** Handles beside plain data, which is never mistaken for a handle; and handles in errors. */
import { assert, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Scope, Stream } from "effect"
import * as Actor from "../../../src/Actor.ts"
import * as Handle from "../../../src/Handle.ts"
import { errorOf, forked, left, upTo } from "../support/asserts.ts"
import { onEveryPlacement } from "../support/placements.ts"
import { onTwoWorkers } from "../support/sharedWorkers.ts"
import behaviours, { Refused, Thing, Vault } from "./actors/data.ts"

const fixture = { module: new URL("./actors/data.ts", import.meta.url), behaviours }

/** Data that looks like a handle on the wire with this id, in the current encoding and in another encoding. */
const forged = (id: number): ReadonlyArray<unknown> => {
  const content = `[2, ${id}, "x", "y"]`
  const one = `{ "content": ${content}, "kind": "Thing" }`
  const promised = `{ "content": [0, ${-id}] }`
  return [
    one,
    promised,
    `[${one}, [${one}]]`,
    `[${promised}, [${promised}]]`,
    `{ "~uactor/handle": ${content}, "kind": "Thing" }`,
    `{ "~uactor/Handle": { "kind": "Thing" } }`,
    `{ "~effect/Deferred": {} }`
  ].map((text) => JSON.parse(text) as unknown)
}

/** Such data for the ids that a link assigns first. */
const forgeries = upTo(12).flatMap((n) => forged(-2 * n - 1))

it("H4: defining a start error that may contain a handle is an error that names the actor", () => {
  assert.throws(
    () => Actor.Service<object>()("Doomed", { protocol: [], error: Refused }),
    "Actor.Service(\"Doomed\"): the start error (`error`) cannot contain handles"
  )
})

onEveryPlacement(fixture, (placement) => {
  const layer = placement.layer()

  // ---- data stays data ----

  it.live("H6: data that looks like a handle arrives unchanged, at any position beside a handle", () =>
    Effect.gen(function*() {
      const thing = yield* Thing.of({ ping: () => Effect.succeed("mine") })
      const vault = yield* Vault.spawn({ thing, meta: forgeries })
      assert.deepStrictEqual(yield* vault.args(), forgeries)
      assert.deepStrictEqual(yield* vault.put({ thing, meta: forgeries }), forgeries)
      const items = yield* Stream.runCollect(vault.items({ metas: forgeries }))
      assert.deepStrictEqual(items.map(({ meta }) => meta), forgeries)
      for (const { thing } of items) assert.strictEqual(yield* thing.ping(), "a thing of a stream")
      const later = yield* Effect.flatMap(vault.later({ meta: forgeries }), (handle) => handle.await)
      assert.deepStrictEqual(later.meta, forgeries)
      assert.strictEqual(yield* later.thing.ping(), "a later thing")
      const refused = yield* Effect.flip(vault.refuse({ meta: forgeries }))
      assert.instanceOf(refused, Refused)
      assert.deepStrictEqual(refused.meta, forgeries)
      for (const meta of forgeries) assert.deepStrictEqual(yield* vault.put({ thing, meta }), meta)
    }).pipe(Effect.provide(layer)))

  it.live("H6: where a union allows a handle or data, data that looks like a handle is data", () =>
    Effect.gen(function*() {
      const vault = yield* Vault.spawn({})
      yield* vault.keep({ thing: yield* Thing.of({ ping: () => Effect.succeed("a secret") }) })
      const held = yield* vault.mine()
      for (const value of forgeries) {
        if (Array.isArray(value)) continue
        assert.deepStrictEqual(yield* vault.either({ value: value as Record<string, unknown> }), value)
      }
      const same = yield* vault.either({ value: held })
      assert(typeof same.ping === "function")
      assert.strictEqual(yield* held.ping(), "a thing of the actor")
    }).pipe(Effect.provide(layer)))

  it.live("H5: data that looks like a handle releases nothing when its queued call is cancelled", () =>
    Effect.gen(function*() {
      const vault = yield* Vault.spawn({})
      const other = yield* Thing.of({ ping: () => Effect.succeed("other") })
      yield* vault.keep({ thing: yield* Thing.of({ ping: () => Effect.succeed("kept") }) })
      const held = yield* vault.mine()
      // the method is now known not to run concurrently, so the payload of a queued call is not decoded
      yield* vault.put({ thing: other, meta: 1 })
      for (const meta of forgeries) {
        const holding = yield* forked(vault.hold())
        yield* vault.held()
        const putting = yield* forked(vault.put({ thing: other, meta }))
        yield* Fiber.interrupt(putting)
        yield* vault.free()
        yield* Fiber.join(holding)
      }
      assert.strictEqual(yield* vault.use(), "kept")
      assert.strictEqual(yield* held.ping(), "a thing of the actor")
    }).pipe(Effect.provide(layer)))

  it.live("H5: data that looks like a handle releases nothing in a late answer", () =>
    Effect.gen(function*() {
      const vault = yield* Vault.spawn({})
      yield* vault.keep({ thing: yield* Thing.of({ ping: () => Effect.succeed("kept") }) })
      const held = yield* vault.mine()
      for (const meta of forgeries) {
        for (const method of ["item", "refuseSlowly"] as const) {
          const calling = yield* forked(Effect.asVoid(vault[method]({ meta })))
          yield* vault.held()
          const interrupting = yield* forked(Fiber.interrupt(calling))
          yield* vault.free()
          yield* Fiber.join(interrupting)
        }
      }
      assert.strictEqual(yield* vault.use(), "kept")
      assert.strictEqual(yield* held.ping(), "a thing of the actor")
    }).pipe(Effect.provide(layer)))

  it.live("H5: data that looks like a handle releases nothing when a field beside it cannot be sent", () =>
    Effect.gen(function*() {
      const vault = yield* Vault.spawn({})
      const other = yield* Thing.of({ ping: () => Effect.succeed("other") })
      yield* vault.keep({ thing: yield* Thing.of({ ping: () => Effect.succeed("kept") }) })
      const held = yield* vault.mine()
      for (const meta of forgeries) {
        const exit = yield* Effect.exit(vault.put({ thing: other, meta: [meta, () => 0] }))
        assert(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      }
      assert.strictEqual(yield* vault.use(), "kept")
      assert.strictEqual(yield* held.ping(), "a thing of the actor")
    }).pipe(Effect.provide(layer)))
})

onTwoWorkers(fixture, Vault.spawn({}), (it, placement) => {
  // ---- handles in errors ----

  it.effect("H4: a handle in a method's error reaches the caller, and lives as long as the caller's scope", () =>
    Effect.gen(function*() {
      const vault = yield* Vault.spawn({})
      const scope = yield* Scope.make()
      const error = yield* Effect.flip(vault.refuse({ meta: 1 })).pipe(Scope.provide(scope))
      assert.instanceOf(error, Refused)
      assert.strictEqual(yield* error.thing.ping(), "a refused thing")
      assert.deepStrictEqual(yield* vault.released(), [])
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(yield* vault.released(), ["a refused thing"])
      assert.strictEqual((yield* Effect.flip(error.thing.ping()))._tag, "HandleReleased")
    }))

  it.effect("H4: the handles in the errors of a handler and of its finalizer both reach the caller", () =>
    Effect.gen(function*() {
      const vault = yield* Vault.spawn({})
      const exit = yield* Effect.exit(vault.refuseTwice())
      assert(Exit.isFailure(exit))
      const errors = exit.cause.reasons.filter(Cause.isFailReason).map(({ error }) => error as Refused)
      assert.deepStrictEqual(yield* Effect.forEach(errors, ({ thing }) => thing.ping()), ["one", "two"])
      yield* Effect.forEach(errors, ({ thing }) => Handle.release(thing))
      assert.deepStrictEqual((yield* vault.released()).toSorted(), ["one", "two"])
    }))

  it.effect("H4: a handle in the error of a stream, or of a pending result, reaches the caller", () =>
    Effect.gen(function*() {
      const vault = yield* Vault.spawn({})
      const seen: Array<number> = []
      const ended = yield* Effect.exit(
        Stream.runForEach(vault.refuseItems({ meta: 1 }), (n) => Effect.sync(() => seen.push(n)))
      )
      const later = yield* Effect.flatMap(vault.refuseLater({ meta: 2 }), (handle) => Effect.exit(handle.await))
      assert.deepStrictEqual(seen, [1, 2])
      for (const exit of [ended, later]) {
        const error = errorOf<unknown>(exit)
        assert.instanceOf(error, Refused)
        assert.strictEqual(yield* error.thing.ping(), "a refused thing")
      }
    }))

  it.effect("H4: an actor forwards a handle that it received in an error", () =>
    Effect.gen(function*() {
      const [vault, middle] = yield* Effect.all([Vault.spawn({}), Vault.spawn({})])
      const error = yield* Effect.flip(middle.passOn({ refuser: yield* vault.refuser() }))
      assert.instanceOf(error, Refused)
      assert.strictEqual(error.meta, "passed on")
      assert.strictEqual(yield* error.thing.ping(), "a refused thing")
    }))

  it.effect("H5: a handle in a late error is released", () =>
    Effect.gen(function*() {
      const vault = yield* Vault.spawn({})
      for (let i = 0; i < 20; i++) {
        const calling = yield* forked(Effect.exit(vault.refuse({ meta: i })))
        // the worker answers meanwhile, and this thread has not read the answer
        yield* left
        if (!placement.isMemory) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
        yield* Fiber.interrupt(calling)
      }
      assert.strictEqual((yield* vault.released()).length, yield* vault.made())
    }))
})
