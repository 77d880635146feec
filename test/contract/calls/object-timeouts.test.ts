/** C12: the timeouts of the methods of objects. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { onTwoWorkersAndOne } from "../support/sharedWorkers.ts"
import behaviours, { Owner, slow, timeoutsOf } from "./actors/object-timeouts.ts"

const fixture = { module: new URL("./actors/object-timeouts.ts", import.meta.url), behaviours }

const expected = ["run Unknown", "call Unknown", "run Unknown", "7"]

onTwoWorkersAndOne(fixture, Owner.spawn(), (it) => {
  it.effect("C12: the methods of an object in an actor have their timeouts, for the program and for another actor", () =>
    Effect.gen(function*() {
      const [owner, other] = yield* Effect.all([Owner.spawn(), Owner.spawn()])
      const object = yield* owner.make()
      assert.deepStrictEqual(yield* timeoutsOf(object), expected)
      assert.deepStrictEqual(yield* other.use({ object }), expected)
    }))

  it.effect("C12: the methods of an object in the program have their timeouts", () =>
    Effect.gen(function*() {
      const owner = yield* Owner.spawn()
      assert.deepStrictEqual(yield* owner.use({ object: yield* slow }), expected)
    }))
})
