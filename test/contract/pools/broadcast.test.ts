import { assert } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import * as ActorRef from "../../../src/ActorRef.ts"
import { assertError, assertInterrupted, defectOf, errorOf, forked, upTo } from "../support/asserts.ts"
import { onOneWorker } from "../support/sharedWorkers.ts"
import behaviours, { Fellow, Tired } from "./actors/pools.ts"
import { fellows } from "./fellows.ts"

const fixture = { module: new URL("./actors/pools.ts", import.meta.url), behaviours }

onOneWorker(fixture, Fellow.layer({ journal: "none" }), (it) => {
  // ---- P3: all members ----

  it.effect("P3: broadcast runs on all members concurrently, and returns results in the order of the members", () =>
    Effect.gen(function*() {
      const { journal, names, pool } = yield* fellows(3)
      const met = yield* pool.broadcast((member) => member.meet({ place: "there", fellows: 3 }))
      assert.deepStrictEqual(met, names)
      // also when they end in another order
      const waiting = yield* forked(pool.broadcast((member) => member.waitForGo()))
      for (const name of names.toReversed()) yield* journal.note(`go ${name}`)
      assert.deepStrictEqual(yield* Fiber.join(waiting), names)
    }))

  it.effect("P3: a broadcast that fails on one member fails with its error, and interrupts the others", () =>
    Effect.gen(function*() {
      const { members, names, pool } = yield* fellows(3)
      const ids = members.map(ActorRef.address)
      const error = yield* Effect.flip(pool.broadcast((member) =>
        ActorRef.address(member) === ids[1]
          ? Effect.andThen(members[0]!.awaitLine({ line: "a began" }), member.tire())
          : member.hold({ job: "a" })
      ))
      assert.instanceOf(error, Tired)
      assert.strictEqual(error.who, names[1])
      assert.deepStrictEqual(yield* members[0]!.log(), ["who", "a began", "a interrupted"])
    }))

  it.effect("P3: interrupting a broadcast interrupts it on every member", () =>
    Effect.gen(function*() {
      const { members, pool } = yield* fellows(3)
      const waiting = yield* forked(pool.broadcast((member) => member.hold({ job: "a" })))
      yield* Effect.forEach(members, (member) => member.awaitLine({ line: "a began" }))
      yield* Fiber.interrupt(waiting)
      for (const member of members) {
        assert.deepStrictEqual(yield* member.log(), ["who", "a began", "a interrupted"])
      }
    }))

  it.effect("P3: broadcastExit gives every member's own exit, in the order of the members", () =>
    Effect.gen(function*() {
      const { members, names, pool } = yield* fellows(4)
      const ids = members.map(ActorRef.address)
      const exits = yield* pool.broadcastExit((member): Effect.Effect<string | void, unknown> => {
        switch (ids.indexOf(ActorRef.address(member))) {
          case 0:
            return member.tire()
          case 1:
            return member.who()
          case 2:
            return member.die()
          default:
            return Effect.interrupt
        }
      })
      assert.lengthOf(exits, 4)
      const error = errorOf(exits[0]!)
      assert.instanceOf(error, Tired)
      assert.strictEqual(error.who, names[0])
      assert.deepStrictEqual(exits[1], Exit.succeed(names[1]!))
      assertError(defectOf(exits[2]!), { name: "RangeError", message: names[2] })
      assertInterrupted(exits[3]!)
    }))

  it.effect("P3: a function that throws for one member affects the exit of that member only", () =>
    Effect.gen(function*() {
      const { members, names, pool } = yield* fellows(3)
      const exits = yield* pool.broadcastExit((member) => {
        if (member === members[1]) throw new RangeError("not this one")
        return member.who()
      })
      assert.lengthOf(exits, 3)
      assert.deepStrictEqual([exits[0], exits[2]], [Exit.succeed(names[0]!), Exit.succeed(names[2]!)])
      assertError(defectOf(exits[1]!), { name: "RangeError", message: "not this one" })
    }))

  it.effect("P3: submit has no key to hash: with this strategy it goes round", () =>
    Effect.gen(function*() {
      const methods: Array<string> = []
      const strategy = {
        hash: (method: string, payload: unknown) => {
          methods.push(method)
          return (payload as { readonly key: string }).key
        }
      }
      const { client, names, pool } = yield* fellows(3, { strategy })
      yield* client.whoHas({ key: "a" })
      const fibers = yield* Effect.forEach(upTo(6), () => pool.submit((member) => member.who()))
      assert.deepStrictEqual(yield* Effect.forEach(fibers, Fiber.join), [...names, ...names])
      assert.deepStrictEqual(methods, ["whoHas"])
    }))

  it.effect("P3: submit starts on the next member without waiting, and returns a fiber", () =>
    Effect.gen(function*() {
      const { members, names, pool } = yield* fellows(2)
      const fibers = yield* Effect.forEach(upTo(2), () => pool.submit((member) => member.hold({ job: "a" })))
      yield* Effect.forEach(members, (member) => member.awaitLine({ line: "a began" }))
      for (const fiber of fibers) assert.isUndefined(fiber.pollUnsafe())
      yield* Effect.forEach(members, (member) => member.release({ job: "a" }))
      assert.deepStrictEqual(yield* Effect.forEach(fibers, Fiber.join), names)
    }))

  it.effect("P3: a submitted fiber fails with the typed error, and is interrupted in the actor", () =>
    Effect.gen(function*() {
      const { members, pool } = yield* fellows(1)
      const failing = yield* pool.submit((member) => member.tire())
      assert.instanceOf(yield* Effect.flip(Fiber.join(failing)), Tired)
      const held = yield* pool.submit((member) => member.hold({ job: "a" }))
      yield* members[0]!.awaitLine({ line: "a began" })
      yield* Fiber.interrupt(held)
      assert.deepStrictEqual(yield* members[0]!.log(), ["who", "a began", "a interrupted"])
    }))

  it.effect("P3: a submitted fiber outlives the fiber that submitted it, and ends with the pool", () =>
    Effect.gen(function*() {
      const [fiber, other] = yield* Effect.scoped(
        Effect.gen(function*() {
          const { members, names, pool } = yield* fellows(2)
          const submitting = yield* forked(
            Effect.all([
              pool.submit((member) => member.hold({ job: "a" })),
              pool.submit((member) => member.hold({ job: "b" }))
            ])
          )
          const [fiber, other] = yield* Fiber.join(submitting)
          yield* members[0]!.awaitLine({ line: "a began" })
          yield* members[0]!.release({ job: "a" })
          assert.strictEqual(yield* Fiber.join(fiber), names[0])
          return [fiber, other] as const
        })
      )
      assert.isTrue(Exit.isSuccess(yield* Fiber.await(fiber)))
      assert.isTrue(Exit.isFailure(yield* Fiber.await(other)))
    }))
})
