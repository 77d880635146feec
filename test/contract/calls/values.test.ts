import { assert, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Stream } from "effect"
import { ProtocolError } from "../../../src/ActorError.ts"
import * as ActorPool from "../../../src/ActorPool.ts"
import * as Handle from "../../../src/Handle.ts"
import { assertExited, assertTypeError, defectOf, errorOf, forked } from "../support/asserts.ts"
import { onEveryPlacement } from "../support/placements.ts"
import { onOneWorker } from "../support/sharedWorkers.ts"
import behaviours, {
  Early,
  Factor,
  grow,
  Keeps,
  Promises,
  Scales,
  sendable,
  unsendable,
  Values
} from "./actors/values.ts"

const fixture = { module: new URL("./actors/values.ts", import.meta.url), behaviours }

/** Nobody else must notice: calls in the same message, and one that is under way. */
const besideOthers = <A, E>(values: Effect.Success<ReturnType<typeof Values.spawn>>, call: Effect.Effect<A, E>) =>
  Effect.gen(function*() {
    const held = yield* forked(values.hold())
    const before = yield* forked(values.echo({ n: 1 }))
    const odd = yield* forked(Effect.exit(call))
    const after = yield* forked(values.echo({ n: 2 }))
    const exit = yield* Fiber.join(odd)
    assert.deepStrictEqual([yield* Fiber.join(before), yield* Fiber.join(after)], [1, 2])
    yield* values.open()
    assert.strictEqual(yield* Fiber.join(held), "held")
    return exit
  })

const assertUnsent = (exit: Exit.Exit<unknown, unknown>): void => {
  const error = errorOf(exit)
  assert.instanceOf(error, ProtocolError)
  assert.strictEqual(error.outcome, "Unknown")
  assert.include(error.message, "cannot be sent")
}

onOneWorker(fixture, Values.layer(), (it) => {
  for (const kind of Object.keys(unsendable) as Array<keyof typeof unsendable>) {
    it.effect(`C6: a value that can neither be sent nor read affects its call only (${kind}, in a payload)`, () =>
      Effect.gen(function*() {
        const values = yield* Values.spawn()
        const field = yield* besideOthers(values, Effect.suspend(() => values.field({ x: unsendable[kind]() })))
        assertTypeError(field, "Values.field", "cannot be sent")
        const whole = yield* besideOthers(values, Effect.suspend(() => values.any(unsendable[kind]())))
        assertTypeError(whole)
      }))

    it.effect(`C6: a value that can neither be sent nor read affects its call only (${kind}, in an answer)`, () =>
      Effect.gen(function*() {
        const values = yield* Values.spawn()
        assertUnsent(yield* besideOthers(values, values.give({ kind })))
        assertUnsent(yield* besideOthers(values, values.giveLater({ kind })))
        assertUnsent(yield* besideOthers(values, values.fail({ kind })))
        const seen: Array<unknown> = []
        const reading = Stream.runForEach(values.items({ kind }), (item) => Effect.sync(() => seen.push(item)))
        assertUnsent(yield* besideOthers(values, reading))
        assert.deepStrictEqual(seen, [1])
      }))

    it.effect(`H1: a result that can neither be sent nor read is a defect of its own (${kind})`, () =>
      Effect.gen(function*() {
        const values = yield* Values.spawn()
        const promised = yield* (yield* Promises.spawn()).promise({ kind })
        assert.isDefined(defectOf(yield* besideOthers(values, promised.await)))
      }))
  }

  for (const kind of Object.keys(sendable) as Array<keyof typeof sendable>) {
    it.effect(`C9: a value with shared or circular references arrives (${kind})`, () =>
      Effect.gen(function*() {
        const values = yield* Values.spawn()
        const exit = yield* besideOthers(values, values.swallow({ x: sendable[kind]() }))
        assert.isTrue(Exit.isSuccess(exit))
      }))
  }

  it.effect("C9: a value of an open schema arrives as structured clone carries it", () =>
    Effect.gen(function*() {
      const values = yield* Values.spawn()
      const own = { n: 1 }
      const match = "abc".match(/(?<found>b)/)!
      const owned = JSON.parse("{\"__proto__\":{\"isAdmin\":true},\"n\":1}") as object
      const holes = [Object.assign(new Array(3), { 0: 1, 2: 3 }), Object.assign(new Array(2), { 1: undefined })]
      for (const value of [...holes, match, [own, own], { a: own, b: [own] }, owned, [owned]]) {
        const [there, back] = [structuredClone(value), yield* values.any(value)]
        assert.deepStrictEqual(back, there)
        assert.deepStrictEqual(Object.entries(back), Object.entries(there))
      }
      const [one, other] = yield* values.any([own, own])
      assert.strictEqual(one, other)
      const back = yield* values.any(owned)
      assert.deepStrictEqual([Object.keys(back), Object.getPrototypeOf(back), back.isAdmin], [
        ["__proto__", "n"],
        Object.prototype,
        undefined
      ])
    }))

  it.effect("C9: a default made by an effect is encoded like any other value", () =>
    Effect.gen(function*() {
      const values = yield* Values.spawn()
      assert.strictEqual(yield* values.alone({}), 7)
      assert.deepStrictEqual(yield* values.withDefaults({}), [7, new Date(7)])
      assert.deepStrictEqual(yield* values.withDefaults({ n: 1, at: new Date(1) }), [1, new Date(1)])
    }))

  it.effect("C9: two views of one buffer are moved together, in both directions", () =>
    Effect.gen(function*() {
      const values = yield* Values.spawn()
      const whole = new Uint8Array([1, 2, 3])
      const [one, other] = [whole.subarray(0, 1), whole.subarray(1)]
      assert.deepStrictEqual(yield* values.moveBoth({ one, other }), [new Uint8Array([1]), new Uint8Array([2, 3])])
      const twice = new Uint8Array([1])
      assert.deepStrictEqual(
        yield* values.moveBoth({ one: twice, other: twice }),
        [twice, twice].map(() => new Uint8Array([1]))
      )
    }))

  it.effect("C9: a schema that requires a service gets the service beside a handle and inside a handle", () =>
    Effect.gen(function*() {
      const scales = yield* Scales.spawn()
      const ref = yield* Handle.makeRef(5)
      assert.strictEqual(yield* scales.beside({ n: 3, ref }), 3)
      const behind = yield* scales.behind({ ref })
      assert.strictEqual(yield* behind.await, 5)
    }).pipe(Effect.provideService(Factor, 2)))

  it.effect("C9: actors that are spawned together each get their own arguments", () =>
    Effect.gen(function*() {
      const args = { bytes: new Uint8Array(1), any: { n: 0 } }
      const pool = yield* ActorPool.make(Keeps, { size: 2, args })
      yield* pool.client.change()
      const kept = (n: number) => ({ bytes: new Uint8Array([n]), any: { n } })
      assert.deepStrictEqual(yield* pool.broadcast((actor) => actor.kept()), [kept(7), kept(0)])
      assert.deepStrictEqual(args, kept(0))
    }))

  it.effect("C9: actors that fail to start together each have their own error", () =>
    Effect.gen(function*() {
      const spawning = Effect.flip(Keeps.spawn({ bytes: new Uint8Array(), any: "fail" }))
      const [one, other] = yield* Effect.all([spawning, spawning], { concurrency: "unbounded" })
      assert.deepStrictEqual([one, other], [{ of: "all" }, { of: "all" }])
      assert.notStrictEqual(one, other)
    }))

  it.effect("H4: a protocol may refer to an actor, and to schemas, that are defined below it in the module", () =>
    Effect.gen(function*() {
      const early = yield* Early.spawn({ n: { value: 1 } })
      assert.strictEqual(yield* early.add({ n: { value: 2 } }), 3)
      assert.strictEqual(yield* early.ask({ values: yield* Values.spawn() }), 1)
    }))

  it.effect("C6: a value of a recursive schema that is nested too deeply affects its call only", () =>
    Effect.gen(function*() {
      const values = yield* Values.spawn()
      assert.strictEqual(yield* values.measure({ tree: grow(400) }), 400)
      const payload = yield* besideOthers(values, values.measure({ tree: grow(600) }))
      assertTypeError(payload, "Values.measure", "it is nested more than 1000 levels deep")
      assert.deepStrictEqual(yield* values.grow({ levels: 400 }), grow(400))
      assertUnsent(yield* besideOthers(values, values.grow({ levels: 600 })))
    }))
}, { inCluster: "all" })

onEveryPlacement(fixture, (placement) => {
  it.live("C1: the outcome of a call with an unreadable answer is Unknown", () =>
    Effect.gen(function*() {
      const values = yield* Values.spawn()
      assertExited(yield* Effect.exit(values.giveUnreadable()), "Disconnected", "Unknown")
    }).pipe(Effect.provide(placement.layer())))
}, { except: ["memory", "processes"], reason: "only threads read a message after its receipt" })
