/** P11: workers that wear out; P7: a size by the machine; P2: the pool of a layer as a service. */
import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Logger } from "effect"
import { TestClock } from "effect/testing"
import { availableParallelism } from "node:os"
import { SpawnError } from "../../../src/ActorError.ts"
import * as ActorPool from "../../../src/ActorPool.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import { forked, upTo } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"
import behaviours, { Fellow, Limited } from "./actors/pools.ts"

const fixture = { module: new URL("./actors/pools.ts", import.meta.url), behaviours }

type Options = Parameters<typeof Fellow.layerPool>[0]

const fellows = (options: Omit<Options, "args">) =>
  Effect.flatMap(Journal.make, (journal) => ActorPool.make(Fellow, { args: { journal: journal.path }, ...options }))

onEveryPlacement(fixture, (placement) => {
  for (const strategy of ["first-free", "round-robin"] as const) {
    it.live(`P11: a member is replaced after so many calls, and ends when its calls have ended, ${strategy}`, () =>
      Effect.gen(function*() {
        const pool = yield* fellows({ size: 1, strategy, recycle: { afterCalls: 3 } })
        const [first] = yield* pool.members
        const names = yield* Effect.forEach(upTo(2), () => pool.client.who())
        const last = yield* forked(pool.client.hold({ job: "a" }))
        yield* first!.awaitLine({ line: "a began" })
        const [second] = yield* Effect.repeat(pool.members, { until: ([member]) => member !== first })
        // the pool never lacks a member
        const successor = yield* pool.client.who()
        assert.notInclude(names, successor)
        assert.strictEqual(yield* second!.who(), successor)
        yield* first!.release({ job: "a" })
        assert.strictEqual(yield* Fiber.join(last), names[0])
        assert.isTrue(Exit.isSuccess(yield* ActorRef.awaitExit(first!)))
        assert.lengthOf(yield* pool.members, 1)
      }).pipe(Effect.scoped, Effect.provide(placement.layer())))
  }

  it.effect("P11: a member is replaced after a time, whether it has calls or not, and no call fails", () =>
    Effect.gen(function*() {
      const pool = yield* fellows({ size: 2, recycle: { afterTime: "1 minute" } })
      for (const _ of upTo(2)) {
        const before = yield* pool.members
        yield* TestClock.adjust("59 seconds")
        assert.deepStrictEqual(yield* pool.members, before)
        yield* TestClock.adjust("1 second")
        yield* Effect.repeat(Effect.zip(pool.members, pool.client.who()), {
          until: ([members]) => members.every((member) => !before.includes(member))
        })
        yield* Effect.forEach(before, ActorRef.awaitExit)
      }
      assert.lengthOf(yield* pool.members, 2)
    }).pipe(Effect.scoped, Effect.provide(placement.layer())))

  it.live("P11: a member whose successor cannot be started goes on, and the log reports it", () =>
    Effect.gen(function*() {
      const warned = yield* Deferred.make<void>()
      const logger = Logger.make(({ message }) => {
        if (String(message).includes("a pool of Limited could not recycle a member")) {
          Deferred.doneUnsafe(warned, Effect.void)
        }
      })
      const journal = yield* Journal.make
      yield* journal.note("go")
      const args = { journal: journal.path, limit: 1, how: "well" } as const
      const pool = yield* Effect.provide(
        ActorPool.make(Limited, { size: 1, args, recycle: { afterCalls: 1 } }),
        Logger.layer([logger])
      )
      const before = yield* pool.members
      yield* pool.client.waitForGo()
      yield* Deferred.await(warned)
      assert.deepStrictEqual(yield* pool.members, before)
      assert.isAtLeast(yield* pool.client.waitForGo(), 2)
    }).pipe(Effect.scoped, Effect.provide(placement.layer())))

  it.live("P7: a pool of the size \"cores\" has a member for each core that the program may use", () =>
    Effect.gen(function*() {
      const pool = yield* fellows({ size: "cores" })
      const { length } = yield* pool.members
      assert.isAtLeast(length, 1)
      // a quota may allow fewer
      assert.isAtMost(length, availableParallelism())
      yield* pool.resize(length + 1)
      yield* pool.resize("cores")
      assert.lengthOf(yield* pool.members, length)
    }).pipe(Effect.scoped, Effect.provide(placement.layer())))

  it.live("P2: layerPool provides the client as the service, and the pool under the tag Pool", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const layer = Fellow.layerPool({ size: 2, args: { journal: journal.path } })
      yield* Effect.gen(function*() {
        const fellow = yield* Fellow
        const pool = yield* Fellow.Pool
        const names = yield* pool.broadcast((member) => member.who())
        assert.lengthOf(new Set(names), 2)
        assert.include(names, yield* fellow.who())
        yield* pool.resize(1)
        assert.lengthOf(yield* pool.members, 1)
      }).pipe(Effect.provide(layer))
    }).pipe(Effect.scoped, Effect.provide(placement.layer())))

  it.live("P8: limits of recycle that are out of range are rejected with the name of the limit", () =>
    Effect.gen(function*() {
      for (
        const [recycle, message] of [
          [{ afterCalls: 0 }, "recycle.afterCalls of a pool of Fellow must be an integer of at least 1, not 0"],
          [{ afterTime: 0 }, "recycle.afterTime of a pool of Fellow must be longer than 0, not 0"]
        ] as const
      ) {
        const error = yield* Effect.flip(fellows({ size: 1, recycle }))
        assert.instanceOf(error, SpawnError)
        assert.deepStrictEqual([error.reason, error.message], ["OptionsInvalid", `the ${message}`])
      }
    }).pipe(Effect.scoped, Effect.provide(placement.layer())))
})
