import { assert, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Logger, Schedule, Stream } from "effect"
import * as ActorPool from "../../../src/ActorPool.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as Supervision from "../../../src/Supervision.ts"
import { assertExited, exitedOf, forked, upTo } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"
import behaviours, { Mate } from "./actors/failures.ts"

const fixture = { module: new URL("./actors/failures.ts", import.meta.url), behaviours }

// the reports of crashes are not for the screen
const quiet = Effect.provide(Logger.layer([]))

const soon = Supervision.make({ schedule: Schedule.spaced(1), maxRestarts: 2 })

const mates = (
  size: number,
  { builds = Number.MAX_SAFE_INTEGER, held = Number.MAX_SAFE_INTEGER, strategy }: {
    readonly builds?: number
    readonly held?: number
    readonly strategy?: ActorPool.Strategy
  } = {}
) =>
  Effect.gen(function*() {
    const journal = yield* Journal.make
    const args = { journal: journal.path, builds, held }
    const pool = yield* Supervision.supervised(ActorPool.make(Mate, { size, args, strategy }), soon)
    return { pool, journal, members: yield* pool.members }
  })

onEveryPlacement(fixture, (placement) => {
  for (const strategy of ["first-free", "least-busy"] as const) {
    it.live(`P5: a member is idle when its call has settled in the actor, not when the caller is interrupted, ${strategy}`, () =>
      Effect.gen(function*() {
        const { journal, members, pool } = yield* mates(2, { strategy })
        const busy = yield* members[0]!.who()
        const hanging = yield* forked(members[0]!.hang())
        yield* journal.awaitLine("hanging")
        const leaving = yield* forked(Fiber.interrupt(hanging))
        for (const _ of upTo(10)) assert.notStrictEqual(yield* pool.client.who(), busy)
        yield* journal.note("go")
        yield* Fiber.join(leaving)
        const served = yield* Effect.forEach(upTo(10), () => pool.client.who())
        assert.include(served, busy)
      }).pipe(Effect.provide(placement.layer()), quiet))
  }

  it.live("P6: a dead member is replaced, and gets no calls before its replacement runs", () =>
    Effect.gen(function*() {
      const { journal, members, pool } = yield* mates(2, { held: 2 })
      const first = yield* members[0]!.who()
      const second = yield* members[1]!.who()
      assertExited(yield* Effect.exit(members[0]!.exit()), "Crashed", "Unknown")
      // its next build waits, and calls go on
      assert.deepStrictEqual(yield* Effect.forEach(upTo(6), () => pool.client.who()), upTo(6).map(() => second))
      yield* journal.note("go")
      const back = yield* members[0]!.who()
      assert.notInclude([first, second], back)
      const both = yield* Effect.forEach(upTo(2), () => pool.client.who(), { concurrency: "unbounded" })
      assert.sameMembers(both, [second, back])
      assert.sameMembers(yield* pool.broadcast((member) => member.who()), [second, back])
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("P6: calls of a pool whose only member is dead wait for the replacement", () =>
    Effect.gen(function*() {
      const { journal, members, pool } = yield* mates(1, { held: 1 })
      yield* Effect.exit(members[0]!.exit())
      const calls = yield* Effect.forEach(upTo(20), () => forked(pool.client.who()))
      yield* journal.note("go")
      const builds = yield* Effect.forEach(calls, Fiber.join)
      assert.isTrue(builds.every((build) => build === 2))
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("P6: a pool whose members cannot be restarted fails its calls with the cause", () =>
    Effect.gen(function*() {
      const { journal, members, pool } = yield* mates(2, { builds: 2, held: 2 })
      for (const member of members) yield* Effect.exit(member.exit())
      const calls = yield* Effect.forEach(upTo(10), () => forked(pool.client.who()))
      yield* journal.note("go")
      for (const call of calls) {
        const error = exitedOf(yield* Fiber.await(call))
        assert.deepStrictEqual([error.reason, error.outcome], ["GivenUp", "NotRun"])
        assert.include(error.message, "exited with code 7")
      }
      // and so do later ones, at once
      assertExited(yield* Effect.exit(pool.client.who()), "GivenUp", "NotRun")
      const exits = yield* pool.broadcastExit((member) => member.who())
      for (const exit of exits) assertExited(exit, "GivenUp", "NotRun")
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("P6: when a member cannot be restarted, the other members serve all calls", () =>
    Effect.gen(function*() {
      const { members, pool } = yield* mates(2, { builds: 2 })
      yield* Effect.exit(members[0]!.exit())
      assert.isTrue(Exit.isFailure(yield* ActorRef.awaitExit(members[0]!)))
      const other = yield* members[1]!.who()
      assert.deepStrictEqual(yield* Effect.forEach(upTo(6), () => pool.client.who()), upTo(6).map(() => other))
      const submitted = yield* pool.submit((member) => member.who())
      assert.strictEqual(yield* Fiber.join(submitted), other)
    }).pipe(Effect.provide(placement.layer()), quiet))

  for (const workers of ["dedicated", 2] as const) {
    it.live(`P6: a member that is being killed gets no more calls, its workers ${workers}`, () =>
      Effect.gen(function*() {
        const { members, pool } = yield* mates(2)
        const other = yield* members[1]!.who()
        const killing = yield* forked(ActorRef.kill(members[0]!))
        const calls = yield* Effect.forEach(upTo(6), () => pool.client.who(), { concurrency: "unbounded" })
        assert.deepStrictEqual(calls, upTo(6).map(() => other))
        yield* Fiber.join(killing)
      }).pipe(Effect.provide(placement.layer({ workers })), quiet))

    it.live(`P6: the queued calls of a killed member go to another member, its workers ${workers}`, () =>
      Effect.gen(function*() {
        const { journal, members, pool } = yield* mates(2, { strategy: "round-robin" })
        const other = yield* members[1]!.who()
        const hanging = yield* forked(pool.client.hang())
        yield* journal.awaitLine("hanging")
        const calls = yield* Effect.forEach(upTo(6), () => forked(pool.client.who()))
        const numbers = yield* Effect.forEach(upTo(2), () => forked(Stream.runCollect(pool.client.numbers())))
        const own = yield* forked(members[0]!.who())
        const killing = yield* forked(ActorRef.kill(members[0]!))
        yield* journal.note("go")
        assert.deepStrictEqual(yield* Effect.forEach(calls, Fiber.join), upTo(6).map(() => other))
        assert.deepStrictEqual(yield* Effect.forEach(numbers, Fiber.join), [[other], [other]])
        // what may have run fails, and so does what was meant for this member
        assertExited(yield* Fiber.await(hanging), "Killed", "Unknown")
        assertExited(yield* Fiber.await(own), "Killed", "NotRun")
        yield* Fiber.join(killing)
      }).pipe(Effect.provide(placement.layer({ workers })), quiet))
  }

  it.live("P6: calls that wait for a member that cannot be restarted go to another member", () =>
    Effect.gen(function*() {
      const { journal, members, pool } = yield* mates(2, { builds: 2, held: 2, strategy: "round-robin" })
      const other = yield* members[1]!.who()
      const exiting = yield* forked(members[0]!.exit())
      const calls = yield* Effect.forEach(upTo(6), () => forked(pool.client.who()))
      assertExited(yield* Fiber.await(exiting), "Crashed", "Unknown")
      yield* journal.note("go")
      assert.deepStrictEqual(yield* Effect.forEach(calls, Fiber.join), upTo(6).map(() => other))
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("P6: calls wait for a restarting member when the only other member is being killed", () =>
    Effect.gen(function*() {
      const { journal, members, pool } = yield* mates(2, { held: 2 })
      yield* Effect.exit(members[1]!.exit())
      yield* forked(members[0]!.block())
      yield* journal.awaitLine("blocking")
      const killing = yield* forked(ActorRef.kill(members[0]!))
      const calls = yield* Effect.forEach(upTo(6), () => forked(pool.client.who()))
      yield* journal.note("go")
      assert.deepStrictEqual(yield* Effect.forEach(calls, Fiber.join), upTo(6).map(() => 3))
      yield* Fiber.join(killing)
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("P6: a closing pool reroutes no calls to the members that close last", () =>
    Effect.gen(function*() {
      const calls = yield* Effect.scoped(Effect.gen(function*() {
        const { members, pool } = yield* mates(2, { held: 2, strategy: "round-robin" })
        const exiting = yield* forked(members[0]!.exit())
        const calls = yield* Effect.forEach(
          upTo(6),
          () => Effect.forkDetach(pool.client.who(), { startImmediately: true })
        )
        yield* Fiber.await(exiting)
        return calls
      }))
      const exits = yield* Effect.forEach(calls, Fiber.await)
      for (const exit of exits.filter((_, i) => i % 2 === 0)) assertExited(exit, "Stopped", "NotRun")
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("P6: with shared workers, the death of a worker affects only its own members", () =>
    Effect.gen(function*() {
      const { members, pool } = yield* mates(4)
      const before = yield* pool.broadcast((member) => member.who())
      yield* Effect.exit(members[0]!.exit())
      const after = yield* pool.broadcast((member) => member.who())
      assert.lengthOf(before.filter((build, i) => after[i] === build), 2)
      assert.notStrictEqual(after[0], before[0])
    }).pipe(Effect.provide(placement.layer({ workers: 2 })), quiet))
}, { except: ["memory"], reason: "in memory an actor cannot crash" })
