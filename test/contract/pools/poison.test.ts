/** P10: a batch whose items may end their workers. */
import { assert, it } from "@effect/vitest"
import { Cause, Effect, Exit, Logger, Schedule, Stream } from "effect"
import { ActorExited } from "../../../src/ActorError.ts"
import * as ActorPool from "../../../src/ActorPool.ts"
import * as Supervision from "../../../src/Supervision.ts"
import { exitedOf, upTo } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"
import behaviours, { Crew, Mate, NoMore } from "./actors/failures.ts"

const fixture = { module: new URL("./actors/failures.ts", import.meta.url), behaviours }

// the reports of crashes are not for the screen
const quiet = Effect.provide(Logger.layer([]))

const soon = Supervision.make({ schedule: Schedule.spaced(1), maxRestarts: "unbounded" })
const backoff = Schedule.spaced(1)
const most = Number.MAX_SAFE_INTEGER

const poolOf = (actor: typeof Mate | typeof Crew, options?: { readonly strategy?: ActorPool.Strategy }) =>
  Effect.gen(function*() {
    const journal = yield* Journal.make
    const args = { journal: journal.path, builds: most, held: most }
    const pool = yield* Supervision.supervised(
      ActorPool.make(actor as typeof Mate, { size: 2, args, ...options }),
      soon
    )
    const runs = (n: number) => Effect.map(journal.lines, (lines) => lines.filter((line) => line === `run ${n}`).length)
    return { pool, runs }
  })

onEveryPlacement(fixture, (placement) => {
  it.live("P10: mapExit gives the exit of each item in the order of the input, and no failure ends the stream", () =>
    Effect.gen(function*() {
      const { pool } = yield* poolOf(Mate)
      const exits = yield* Stream.runCollect(
        pool.mapExit([1, -2, 3], (mate, n) => mate.divide({ n, poison: 1_000 }))
      )
      assert.deepStrictEqual(exits.map(Exit.isSuccess), [true, false, true])
      assert.deepStrictEqual([exits[0], exits[2]], [Exit.succeed(10), Exit.succeed(30)])
      assert.instanceOf(Exit.isFailure(exits[1]!) && Cause.squash(exits[1].cause), NoMore)
      const failed = yield* Effect.exit(
        Stream.runDrain(pool.mapExit(Stream.concat(Stream.make(1), Stream.fail("input")), (mate) => mate.who()))
      )
      assert.deepStrictEqual(failed, Exit.fail("input"))
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), quiet))

  it.live("P8: attempts and onPoison that are out of range, or have another strategy, are rejected with the name of the option", () =>
    Effect.gen(function*() {
      const { pool } = yield* poolOf(Mate)
      const { pool: random } = yield* poolOf(Mate, { strategy: "random" })
      for (const attempts of [0, 1.5, NaN]) {
        assert.throws(
          () => pool.map([1], (mate) => mate.who(), { attempts }),
          RangeError,
          `Mate.map: attempts must be an integer of at least 1, not ${attempts}`
        )
      }
      assert.throws(
        () => pool.mapExit([1], (mate) => mate.who(), { onPoison: () => Effect.void }),
        RangeError,
        "Mate.mapExit: onPoison requires the option attempts"
      )
      assert.throws(
        () => random.map([1], (mate) => mate.who(), { attempts: 1 }),
        RangeError,
        `Mate.map: attempts requires a pool with the strategy "first-free"`
      )
    }).pipe(Effect.scoped, Effect.provide(placement.layer())))
})

onEveryPlacement(fixture, (placement) => {
  for (const [actor, beside] of [[Mate, "alone"], [Crew, "beside other items"]] as const) {
    it.live(`P10: items that end their workers are tried again, and exactly they go to onPoison, ${beside}`, () =>
      Effect.gen(function*() {
        const { pool, runs } = yield* poolOf(actor)
        const poison: Array<number> = []
        const results = yield* Stream.runCollect(pool.map(upTo(30), (mate, n) => mate.divide({ n, poison: 11 }), {
          attempts: 2,
          backoff,
          onPoison: (n, cause) =>
            Effect.sync(() => {
              const error = Cause.squash(cause)
              assert.instanceOf(error, ActorExited)
              assert.deepStrictEqual([error.reason, error.outcome], ["Crashed", "Unknown"])
              poison.push(n)
            })
        }))
        assert.deepStrictEqual(results, upTo(30).filter((n) => n % 11 !== 0).map((n) => n * 10))
        assert.deepStrictEqual(poison.toSorted((a, b) => a - b), [11, 22])
        // the runs beside other items do not count
        for (const n of poison) assert.isAtLeast(yield* runs(n), 2)
        if (actor === Mate) { for (const n of upTo(30)) assert.strictEqual(yield* runs(n), n % 11 === 0 ? 2 : 1) }
      }).pipe(Effect.scoped, Effect.provide(placement.layer()), quiet))
  }

  for (const [actor, beside] of [[Mate, "alone"], [Crew, "beside other items"]] as const) {
    it.live(`P10: calls of an idempotent method do not run again by themselves in an item with attempts, ${beside}`, () =>
      Effect.gen(function*() {
        const { pool, runs } = yield* poolOf(actor)
        const poison: Array<number> = []
        const results = yield* Stream.runCollect(pool.map(upTo(9), (mate, n) => mate.divideAgain({ n, poison: 5 }), {
          attempts: 2,
          backoff,
          onPoison: (n) => Effect.sync(() => poison.push(n))
        }))
        assert.lengthOf(results, 8)
        assert.deepStrictEqual(poison, [5])
        if (actor === Mate) assert.strictEqual(yield* runs(5), 2)
      }).pipe(Effect.scoped, Effect.provide(placement.layer()), quiet))
  }

  it.live("P10: members that share a worker are not blamed for an item of another member", () =>
    Effect.gen(function*() {
      const { pool } = yield* poolOf(Mate)
      const poison: Array<number> = []
      const results = yield* Stream.runCollect(pool.map(upTo(12), (mate, n) => mate.divide({ n, poison: 7 }), {
        attempts: 1,
        backoff,
        onPoison: (n) => Effect.sync(() => poison.push(n))
      }))
      assert.lengthOf(results, 11)
      assert.deepStrictEqual(poison, [7])
    }).pipe(Effect.scoped, Effect.provide(placement.layer({ workers: 1 })), quiet))

  it.live("P10: without onPoison an item that ends its workers fails the stream, or is its own exit in mapExit", () =>
    Effect.gen(function*() {
      const { pool, runs } = yield* poolOf(Mate)
      const failed = yield* Effect.exit(
        Stream.runDrain(pool.map([2], (mate, n) => mate.divide({ n, poison: 2 }), { attempts: 3, backoff }))
      )
      assert.strictEqual(exitedOf(failed).reason, "Crashed")
      assert.strictEqual(yield* runs(2), 3)
      // the schedule may end first
      const ends = Schedule.upTo(Schedule.spaced(1), { times: 1 })
      const exits = yield* Stream.runCollect(pool.mapExit([1, 4, 3], (mate, n) => mate.divide({ n, poison: 2 }), {
        attempts: 9,
        backoff: ends
      }))
      assert.deepStrictEqual([exits[0], exits[2]], [Exit.succeed(10), Exit.succeed(30)])
      assert.strictEqual(exitedOf(exits[1]!).reason, "Crashed")
      assert.strictEqual(yield* runs(4), 2)
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), quiet))

  it.live("P10: a batch outlives members without restarts left: its items wait until the pool has replaced them", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const args = { journal: journal.path, builds: most, held: most }
      const pool = yield* Supervision.supervised(
        ActorPool.make(Mate, { size: 1, args }),
        Supervision.make({ maxRestarts: 0 })
      )
      const poison: Array<number> = []
      const results = yield* Stream.runCollect(pool.map(upTo(10), (mate, n) => mate.divide({ n, poison: 6 }), {
        attempts: 1,
        onPoison: (n) => Effect.sync(() => poison.push(n))
      }))
      assert.lengthOf(results, 9)
      assert.deepStrictEqual(poison, [6])
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), quiet))
}, { except: ["memory"], reason: "in memory an actor cannot crash" })
