import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Logger, Schedule } from "effect"
import { TestClock } from "effect/testing"
import { SpawnError } from "../../../src/ActorError.ts"
import * as ActorPool from "../../../src/ActorPool.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as Supervision from "../../../src/Supervision.ts"
import { assertActors, assertExited, defectOf, exitedOf } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"
import behaviours, { Fellow, Limited, NoStart } from "./actors/pools.ts"

const fixture = { module: new URL("./actors/pools.ts", import.meta.url), behaviours }

const fellows = (size: ActorPool.Size) =>
  Effect.flatMap(
    Journal.make,
    (journal) => ActorPool.make(Fellow, { size, strategy: "least-busy", args: { journal: journal.path } })
  )

const limited = (size: ActorPool.Size, limit: number, how: "well" | "hangs" | "dies at its end" = "well") =>
  Effect.gen(function*() {
    const journal = yield* Journal.make
    const pool = yield* ActorPool.make(Limited, {
      size,
      strategy: "least-busy",
      args: { journal: journal.path, limit, how }
    })
    const noted = (line: string) => Effect.map(journal.lines, (lines) => lines.filter((each) => each === line).length)
    return { journal, noted, pool }
  })

/** Waits until the pool has so many members. */
const grown = <A>({ members }: { readonly members: Effect.Effect<ReadonlyArray<A>> }, n: number) =>
  Effect.repeat(members, { until: ({ length }) => length === n })

/** A log, and what completes when this is warned of in it. */
const warning = (text: string) =>
  Effect.map(Deferred.make<void>(), (warned) => {
    const logger = Logger.make(({ message }) => {
      if (String(message).includes(text)) Deferred.doneUnsafe(warned, Effect.void)
    })
    return { warned, log: Logger.layer([logger]) }
  })

const forked = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.forkChild(effect, { startImmediately: true })

describe("pools", () => {
  onEveryPlacement(fixture, (placement) => {
    it.live("P7: a resize adds members, or removes surplus members after they have finished", () =>
      Effect.gen(function*() {
        const pool = yield* fellows(1)
        yield* pool.resize(3)
        const members = yield* pool.members
        assert.strictEqual(new Set(yield* pool.broadcast((member) => member.who())).size, 3)
        const last = members[2]!
        const call = yield* forked(last.hold({ job: "last" }))
        yield* last.awaitLine({ line: "last began" })
        const behind = yield* forked(last.who())
        const resized = yield* forked(pool.resize(1))
        yield* ActorRef.awaitExit(members[1]!)
        assertActors(yield* pool.members, [members[0]!])
        assert.strictEqual(yield* pool.client.who(), yield* members[0]!.who())
        assert.isUndefined(resized.pollUnsafe())
        yield* last.release({ job: "last" })
        assert.strictEqual(yield* Fiber.join(call), yield* Fiber.join(behind))
        yield* Fiber.join(resized)
        assert.isTrue(Exit.isSuccess(yield* ActorRef.awaitExit(last)))
      }).pipe(Effect.scoped, Effect.provide(placement.layer())))

    it.live("P7: the shrink of an interrupted resize continues", () =>
      Effect.gen(function*() {
        const pool = yield* fellows(2)
        const last = (yield* pool.members)[1]!
        const call = yield* forked(last.hold({ job: "last" }))
        yield* last.awaitLine({ line: "last began" })
        const resized = yield* forked(pool.resize(1))
        yield* grown(pool, 1)
        yield* Fiber.interrupt(resized)
        yield* last.release({ job: "last" })
        assert.isString(yield* Fiber.join(call))
        assert.isTrue(Exit.isSuccess(yield* ActorRef.awaitExit(last)))
      }).pipe(Effect.scoped, Effect.provide(placement.layer())))

    it.live("P7: an elastic pool grows up to its maximum when all members are busy, and calls do not wait for the growth", () =>
      Effect.gen(function*() {
        const pool = yield* fellows({ min: 1, max: 2, idleTimeToLive: "1 hour" })
        const first = (yield* pool.members)[0]!
        // one after the other needs one
        const who = yield* pool.client.who()
        assert.strictEqual(yield* pool.client.who(), who)
        const busy = yield* forked(pool.client.hold({ job: "a" }))
        yield* first.awaitLine({ line: "a began" })
        assert.strictEqual((yield* pool.members).length, 1)
        const behind = yield* forked(pool.client.who())
        const second = (yield* grown(pool, 2))[1]!
        assert.notStrictEqual(yield* pool.client.who(), who)
        const alsoBusy = yield* forked(pool.client.hold({ job: "b" }))
        yield* second.awaitLine({ line: "b began" })
        const waiting = yield* Effect.forEach([1, 2, 3], () => forked(pool.client.who()))
        yield* first.release({ job: "a" })
        yield* second.release({ job: "b" })
        assert.strictEqual(yield* Fiber.join(busy), who)
        assert.strictEqual(yield* Fiber.join(behind), who)
        yield* Effect.forEach([alsoBusy, ...waiting], Fiber.join)
        assert.strictEqual((yield* pool.members).length, 2)
      }).pipe(Effect.scoped, Effect.provide(placement.layer())))

    it.live("P7: an elastic pool does not grow while a member is idle", () =>
      Effect.gen(function*() {
        const pool = yield* fellows({ min: 2, max: 3, idleTimeToLive: "1 hour" })
        const members = yield* pool.members
        const busy = yield* forked(members[0]!.hold({ job: "a" }))
        yield* members[0]!.awaitLine({ line: "a began" })
        for (let i = 0; i < 5; i++) yield* pool.client.who()
        // one that had been started would be there no later than another one
        yield* Effect.scoped(fellows(1))
        assertActors(yield* pool.members, members)
        yield* members[0]!.release({ job: "a" })
        yield* Fiber.join(busy)
      }).pipe(Effect.scoped, Effect.provide(placement.layer())))

    it.live("P7: idle members end after idleTimeToLive, except for the minimum and for members with held handles", () =>
      Effect.gen(function*() {
        const { journal, pool } = yield* limited(3, 3)
        const members = yield* pool.members
        const handle = yield* members[1]!.later()
        yield* pool.resize({ min: 1, max: 3, idleTimeToLive: "40 millis" })
        yield* Effect.forEach([members[0]!, members[2]!], ActorRef.awaitExit)
        assertActors(yield* pool.members, [members[1]!])
        yield* journal.note("ready")
        assert.strictEqual(yield* handle.await, "ready")
        yield* journal.note("go")
        assert.strictEqual(yield* pool.client.waitForGo(), 3)
      }).pipe(Effect.scoped, Effect.provide(placement.layer())))

    it.effect("P7: a member with occasional calls is kept, however short the calls are", () =>
      Effect.gen(function*() {
        const pool = yield* fellows({ min: 1, max: 2, idleTimeToLive: "40 millis" })
        const first = (yield* pool.members)[0]!
        const busy = yield* forked(pool.client.hold({ job: "a" }))
        yield* first.awaitLine({ line: "a began" })
        const behind = yield* forked(pool.client.who())
        const second = (yield* grown(pool, 2))[1]!
        for (let i = 0; i < 10; i++) {
          yield* pool.client.who()
          yield* TestClock.adjust("10 millis")
        }
        assert.strictEqual((yield* pool.members).length, 2)
        yield* TestClock.adjust("100 millis")
        yield* ActorRef.awaitExit(second)
        yield* first.release({ job: "a" })
        assert.strictEqual(yield* Fiber.join(busy), yield* Fiber.join(behind))
        // not even the last one, however long it has nothing to do
        yield* TestClock.adjust("1 second")
        assertActors(yield* pool.members, [first])
      }).pipe(Effect.scoped, Effect.provide(placement.layer())))

    it.live("P7: a member started for a superseded size ends again", () =>
      Effect.gen(function*() {
        const { journal, noted, pool } = yield* limited({ min: 1, max: 2, idleTimeToLive: "1 hour" }, 2)
        const calls = yield* Effect.forEach([1, 2], () => forked(pool.client.waitForGo()))
        yield* pool.resize(1)
        yield* journal.awaitLine("released")
        assert.strictEqual(yield* noted("started"), 2)
        assert.strictEqual((yield* pool.members).length, 1)
        yield* journal.note("go")
        yield* Effect.forEach(calls, Fiber.join)
      }).pipe(Effect.scoped, Effect.provide(placement.layer())))

    it.live("P7: permanently ended members make room for new members", () =>
      Effect.gen(function*() {
        const pool = yield* fellows(2)
        const [first, second] = yield* pool.members
        // it need not be gone yet
        const killed = yield* forked(ActorRef.kill(first!))
        yield* pool.resize(2)
        yield* Fiber.join(killed)
        const members = yield* pool.members
        assert.strictEqual(members[0], second)
        assert.strictEqual(new Set(yield* pool.broadcast((member) => member.who())).size, 2)
      }).pipe(Effect.scoped, Effect.provide(placement.layer())))

    it.live("P7: permanently ended members of an elastic pool make room automatically, and no other member ends for that", () =>
      Effect.gen(function*() {
        const pool = yield* fellows(2)
        const [first, second] = yield* pool.members
        yield* pool.resize({ min: 1, max: 2, idleTimeToLive: "40 millis" })
        yield* ActorRef.kill(second!)
        yield* grown(pool, 1)
        assertActors(yield* pool.members, [first!])
        yield* pool.client.who()
      }).pipe(Effect.scoped, Effect.provide(placement.layer())))

    it.live("P7: an elastic pool whose members have all ended permanently fails one call, and starts a new member for the next call", () =>
      Effect.gen(function*() {
        const pool = yield* fellows({ min: 1, max: 2, idleTimeToLive: "1 hour" })
        const first = (yield* pool.members)[0]!
        yield* ActorRef.kill(first)
        assertExited(yield* Effect.exit(pool.client.who()), "GivenUp", "NotRun")
        const members = yield* Effect.repeat(pool.members, { until: ([member]) => member !== first })
        assert.lengthOf(members, 1)
        assert.strictEqual(yield* pool.client.who(), yield* members[0]!.who())
      }).pipe(Effect.scoped, Effect.provide(placement.layer())))

    it.live("P1: either all members of a growth start, or none remains", () =>
      Effect.gen(function*() {
        const { journal, noted, pool } = yield* limited(1, 2)
        assert.instanceOf(yield* Effect.flip(pool.resize(4)), NoStart)
        assert.strictEqual((yield* noted("started")) - (yield* noted("released")), 1)
        assert.strictEqual((yield* pool.members).length, 1)
        yield* journal.note("go")
        assert.strictEqual(yield* pool.client.waitForGo(), 4)
      }).pipe(Effect.scoped, Effect.provide(placement.layer())))

    it.live("P1: an interrupted growth leaves no members", () =>
      Effect.gen(function*() {
        const { journal, pool } = yield* limited(1, 4, "hangs")
        const resized = yield* forked(pool.resize(2))
        yield* journal.awaitLine("start 2")
        yield* Fiber.interrupt(resized)
        assert.strictEqual((yield* pool.members).length, 1)
        yield* journal.note("go")
        assert.strictEqual(yield* pool.client.waitForGo(), 2)
      }).pipe(Effect.scoped, Effect.provide(placement.layer())))

    it.live("P7: an elastic pool that cannot grow logs the failure, does not retry immediately, and serves its calls", () =>
      Effect.gen(function*() {
        const { log, warned } = yield* warning("a pool of Limited could not grow")
        const { journal, noted, pool } = yield* Effect.provide(
          limited({ min: 1, max: 2, idleTimeToLive: "1 hour" }, 1),
          log
        )
        const calls = yield* Effect.forEach([1, 2], () => forked(pool.client.waitForGo()))
        yield* Deferred.await(warned)
        const more = yield* Effect.forEach([1, 2, 3], () => forked(pool.client.waitForGo()))
        yield* journal.note("go")
        yield* Effect.forEach([...calls, ...more], Fiber.join)
        yield* Effect.scoped(fellows(1))
        assert.strictEqual(yield* noted("starting"), 2)
      }).pipe(Effect.scoped, Effect.provide(placement.layer())))

    it.live("P7: the log reports a member that fails to close without a waiting caller", () =>
      Effect.gen(function*() {
        const { log, warned } = yield* warning("a surplus member of a pool of Limited failed to close")
        const exit = yield* limited(2, 2, "dies at its end").pipe(
          Effect.provide(log),
          Effect.flatMap(({ pool }) => pool.resize({ min: 1, max: 2, idleTimeToLive: "40 millis" })),
          Effect.andThen(Deferred.await(warned)),
          Effect.scoped,
          Effect.exit
        )
        // the last one is closed by the scope, which is told
        assert.strictEqual((defectOf(exit) as Error).message, "no end")
      }).pipe(Effect.scoped, Effect.provide(placement.layer())))

    it.live("P8: invalid bounds are rejected with the name of the option", () =>
      Effect.gen(function*() {
        const pool = yield* fellows(1)
        const refused = (size: ActorPool.Size) => Effect.flip(pool.resize(size))
        const idleTimeToLive = "1 second"
        for (
          const [size, message] of [
            [0, "the size of a pool of Fellow must be an integer of at least 1, not 0"],
            [
              { min: 0, max: 1, idleTimeToLive },
              "the size.min of a pool of Fellow must be an integer of at least 1, not 0"
            ],
            [
              { min: 2, max: 1, idleTimeToLive },
              "the size.max of a pool of Fellow must be an integer of at least 2, not 1"
            ],
            [
              { min: 1, max: 2, idleTimeToLive: 0 },
              "the size.idleTimeToLive of a pool of Fellow must be longer than 0, not 0"
            ]
          ] as const
        ) {
          const error = yield* refused(size)
          assert.instanceOf(error, SpawnError)
          assert.deepStrictEqual([error.reason, error.message], ["OptionsInvalid", message])
        }
        assert.strictEqual((yield* pool.members).length, 1)
      }).pipe(Effect.scoped, Effect.provide(placement.layer())))

    it.live("P8: an invalid strategy is rejected with the name of the option", () =>
      Effect.gen(function*() {
        for (const strategy of ["first", null, { hash: "n" }]) {
          const args = { journal: "" }
          const error = yield* Effect.flip(ActorPool.make(Fellow, { size: 1, args, strategy: strategy as never }))
          assert.instanceOf(error, SpawnError)
          assert.strictEqual(error.reason, "OptionsInvalid")
          assert.match(
            error.message,
            /^the strategy of a pool of Fellow must be one of "first-free", .*\{ hash \}, not /
          )
        }
      }).pipe(Effect.scoped, Effect.provide(placement.layer())))

    it.live("L6: a closed pool cannot be resized", () =>
      Effect.gen(function*() {
        const pool = yield* Effect.scoped(fellows(1))
        for (const size of [1, 2]) {
          const error = yield* Effect.flip(pool.resize(size))
          assert.deepStrictEqual([error.reason, error.message], ["WorkerFailed", "the pool of Fellow has been closed"])
        }
      }).pipe(Effect.scoped, Effect.provide(placement.layer())))
  })

  onEveryPlacement(fixture, (placement) => {
    it.live("P7: added members are supervised like the first members", () =>
      Effect.gen(function*() {
        const policy = Supervision.make({ schedule: Schedule.forever, maxRestarts: 0, window: "1 minute" })
        const pool = yield* Supervision.supervised(fellows(1), policy)
        yield* pool.resize(2)
        const added = (yield* pool.members)[1]!
        assert.strictEqual(exitedOf(yield* Effect.exit(added.exit())).reason, "Crashed")
        assert.isTrue(Exit.isFailure(yield* ActorRef.awaitExit(added)))
      }).pipe(Effect.scoped, Effect.provide(placement.layer())))
  }, { except: ["memory"], reason: "in memory an actor cannot crash" })
})
