import { assert } from "@effect/vitest"
import { Effect, type Exit, Fiber, Stream } from "effect"
import { ProtocolError } from "../../src/ActorError.ts"
import { assertTypeError, defectOf, errorOf, forked } from "./asserts.ts"
import behaviours, { unsendable, Values } from "./fixtures/values.ts"
import { onOneWorker } from "./oneWorker.ts"

const fixture = { module: new URL("./fixtures/values.ts", import.meta.url), behaviours }

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
    it.effect(`C6: what cannot be sent, nor looked at, concerns its call alone (${kind}, in a payload)`, () =>
      Effect.gen(function*() {
        const values = yield* Values.spawn()
        const field = yield* besideOthers(values, Effect.suspend(() => values.field({ x: unsendable[kind]() })))
        assertTypeError(field, "Values.field", "cannot be sent")
        const whole = yield* besideOthers(values, Effect.suspend(() => values.any(unsendable[kind]())))
        assertTypeError(whole)
      }))

    it.effect(`C6: what cannot be sent, nor looked at, concerns its call alone (${kind}, in an answer)`, () =>
      Effect.gen(function*() {
        const values = yield* Values.spawn()
        assertUnsent(yield* besideOthers(values, values.give({ kind })))
        assertUnsent(yield* besideOthers(values, values.giveLater({ kind })))
        assertUnsent(yield* besideOthers(values, values.fail({ kind })))
        const promised = yield* values.promise({ kind })
        assert.isDefined(defectOf(yield* besideOthers(values, promised.await)))
        const seen: Array<unknown> = []
        const reading = Stream.runForEach(values.items({ kind }), (item) => Effect.sync(() => seen.push(item)))
        assertUnsent(yield* besideOthers(values, reading))
        assert.deepStrictEqual(seen, [1])
      }))
  }
})
