/** P9: a pool replaces the members that have ended for good, and says what its callers can expect meanwhile. */
import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Logger, Schedule, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as ActorPool from "../../../src/ActorPool.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as Supervision from "../../../src/Supervision.ts"
import { assertExited, exitedOf, forked, upTo } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"
import mateBehaviours, { Mate } from "./actors/failures.ts"
import fellowBehaviours, { Fellow } from "./actors/pools.ts"

const fellows = { module: new URL("./actors/pools.ts", import.meta.url), behaviours: fellowBehaviours }
const mates = { module: new URL("./actors/failures.ts", import.meta.url), behaviours: mateBehaviours }

// the reports of crashes are not for the screen
const quiet = Effect.provide(Logger.layer([]))

type Options = Partial<Pick<Parameters<typeof Fellow.layerPool>[0], "onGivenUp" | "strategy">>

const poolOfFellows = (size: ActorPool.Size, options?: Options) =>
  Effect.flatMap(
    Journal.make,
    (journal) => ActorPool.make(Fellow, { size, args: { journal: journal.path }, ...options })
  )

/** A pool whose members are not restarted, and of whose builds only the first `builds` succeed. */
const poolOfMates = (size: number, builds = Number.MAX_SAFE_INTEGER) =>
  Effect.gen(function*() {
    const journal = yield* Journal.make
    const args = { journal: journal.path, builds, held: Number.MAX_SAFE_INTEGER }
    return yield* Supervision.supervised(ActorPool.make(Mate, { size, args }), Supervision.make({ maxRestarts: 0 }))
  })

/** Waits until none of these members is in the pool, which has so many. */
const renewed = <A>(
  { members }: { readonly members: Effect.Effect<ReadonlyArray<A>> },
  n: number,
  former: ReadonlyArray<A>
) =>
  Effect.repeat(members, {
    until: (members) => members.length === n && members.every((member) => !former.includes(member))
  })

/** A log of warnings and errors, and what completes with the first line that contains a text. */
const logged = (text: string) =>
  Effect.map(Deferred.make<string>(), (line) => {
    const logger = Logger.make(({ message }) => {
      if (String(message).includes(text)) Deferred.doneUnsafe(line, Effect.succeed(String(message)))
    })
    return { line: Deferred.await(line), layer: Logger.layer([logger]) }
  })

onEveryPlacement(fellows, (placement) => {
  for (const strategy of ["first-free", "round-robin"] as const) {
    it.effect(`P9: a pool replaces members that were killed or stopped, and serves its callers by the others, ${strategy}`, () =>
      Effect.gen(function*() {
        const pool = yield* poolOfFellows({ min: 3, max: 3, idleTimeToLive: "1 hour" }, { strategy })
        const [first, second, third] = yield* pool.members
        const other = yield* third!.who()
        yield* ActorRef.kill(first!)
        yield* ActorRef.stop(second!)
        yield* Effect.forEach([first!, second!], ActorRef.awaitExit)
        assert.deepStrictEqual(yield* Effect.forEach(upTo(4), () => pool.client.who()), upTo(4).map(() => other))
        yield* TestClock.adjust("1 second")
        const members = yield* Effect.repeat(pool.members, {
          until: (members) => members.length === 3 && !members.includes(first!) && !members.includes(second!)
        })
        assert.include(members, third)
        assert.lengthOf(new Set(yield* pool.broadcast((member) => member.who())), 3)
      }).pipe(Effect.scoped, Effect.provide(placement.layer()), quiet))

    it.effect(`P9: a pool without members fails its calls and items as GivenUp, until it has another member, ${strategy}`, () =>
      Effect.gen(function*() {
        const pool = yield* poolOfFellows(1, { strategy })
        const before = yield* pool.members
        yield* ActorRef.kill(before[0]!)
        yield* ActorRef.awaitExit(before[0]!)
        const fails = [
          pool.client.who(),
          Stream.runDrain(pool.client.numbers({ n: 1 })),
          Effect.flatMap(pool.submit((member) => member.who()), Fiber.join),
          Stream.runDrain(pool.map([1], (member) => member.who())),
          pool.broadcast((member) => member.who())
        ]
        for (const fail of fails) {
          const error = exitedOf(yield* Effect.exit<unknown, unknown, never>(fail))
          assert.deepStrictEqual([error.reason, error.outcome], ["GivenUp", "NotRun"])
          assert.match(
            error.message,
            /has not run: the pool of Fellow replaces its members after a delay: .* was killed/
          )
        }
        yield* TestClock.adjust("1 second")
        yield* renewed(pool, 1, before)
        assert.isString(yield* pool.client.who())
      }).pipe(Effect.scoped, Effect.provide(placement.layer()), quiet))
  }

  for (const strategy of ["first-free", "round-robin"] as const) {
    it.effect(`P9: an elastic pool without members does not grow, but waits for its replacement, ${strategy}`, () =>
      Effect.gen(function*() {
        const pool = yield* poolOfFellows({ min: 1, max: 3, idleTimeToLive: "1 hour" }, { strategy })
        const before = yield* pool.members
        yield* ActorRef.kill(before[0]!)
        yield* ActorRef.awaitExit(before[0]!)
        const items = strategy === "first-free"
          ? pool.map([1], (member) => member.who(), { attempts: 2 })
          : Stream.empty
        const waiting = yield* forked(Stream.runCollect(items))
        assertExited(yield* Effect.exit(pool.client.who()), "GivenUp", "NotRun")
        yield* TestClock.adjust("999 millis")
        assertExited(yield* Effect.exit(pool.client.who()), "GivenUp", "NotRun")
        assert.deepStrictEqual(yield* pool.members, before)
        yield* TestClock.adjust("1 millis")
        yield* renewed(pool, 1, before)
        assert.lengthOf(yield* Fiber.join(waiting), strategy === "first-free" ? 1 : 0)
        // the workers of a system are numbered: the pool has started one for the member, and one for its replacement
        const { journal } = yield* Effect.map(Journal.make, ({ path }) => ({ journal: path }))
        assert.match(ActorRef.address(yield* Fellow.spawn({ journal })), /-3$/)
        // from now on the pool grows again
        const held = yield* Effect.forEach(upTo(2), () => forked(pool.client.hold({ job: "a" })))
        const members = yield* Effect.repeat(pool.members, { until: ({ length }) => length === 2 })
        yield* Effect.forEach(members, (member) => member.release({ job: "a" }))
        yield* Effect.forEach(held, Fiber.join)
      }).pipe(Effect.scoped, Effect.provide(placement.layer()), quiet))
  }

  it.effect("P9: the delay of a replacement grows while replacements end, and returns to a second after five minutes", () =>
    Effect.gen(function*() {
      const pool = yield* poolOfFellows(1)
      const killed = Effect.gen(function*() {
        const members = yield* pool.members
        yield* ActorRef.kill(members[0]!)
        yield* ActorRef.awaitExit(members[0]!)
        return members
      })
      for (const seconds of [1, 2, 4, 8, 16, 32, 60, 60]) {
        const before = yield* killed
        yield* TestClock.adjust(seconds * 1_000 - 1)
        assert.deepStrictEqual(yield* pool.members, before)
        yield* TestClock.adjust(1)
        yield* renewed(pool, 1, before)
      }
      yield* TestClock.adjust("6 minutes")
      const before = yield* killed
      yield* TestClock.adjust("1 second")
      yield* renewed(pool, 1, before)
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), quiet))

  it.effect("P9: with onGivenUp: \"fail\" a pool goes on with its other members, and fails with the last of them", () =>
    Effect.gen(function*() {
      const { layer, line } = yield* logged("has failed")
      const pool = yield* Effect.provide(poolOfFellows(2, { onGivenUp: "fail" }), layer)
      const ended = yield* forked(pool.awaitExit)
      const [first, second] = yield* pool.members
      const other = yield* second!.who()
      yield* ActorRef.kill(first!)
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(yield* pool.client.who(), other)
      assert.isUndefined(ended.pollUnsafe())
      yield* ActorRef.kill(second!)
      const error = exitedOf(yield* Fiber.join(ended))
      assert.strictEqual(error.reason, "GivenUp")
      assert.match(error.message, /^the pool of Fellow has failed: .* was killed/)
      assert.strictEqual(yield* line, error.message)
      yield* TestClock.adjust("10 minutes")
      assertExited(yield* Effect.exit(pool.client.who()), "GivenUp", "NotRun")
      assertExited(yield* pool.awaitExit, "GivenUp", "NotRun")
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), quiet))

  it.effect("P9: awaitExit succeeds when the pool closes, also after members were replaced or removed", () =>
    Effect.gen(function*() {
      const ended = yield* Effect.scoped(Effect.gen(function*() {
        const pool = yield* poolOfFellows(2)
        yield* pool.resize(1)
        const before = yield* pool.members
        yield* ActorRef.kill(before[0]!)
        yield* ActorRef.awaitExit(before[0]!)
        yield* TestClock.adjust("1 second")
        yield* renewed(pool, 1, before)
        const ended = yield* Effect.forkDetach(pool.awaitExit, { startImmediately: true })
        assert.isUndefined(ended.pollUnsafe())
        return ended
      }))
      assert.deepStrictEqual(yield* Fiber.join(ended), Exit.void)
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), quiet))

  it.effect("P8: an invalid onGivenUp is rejected with the name of the option", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(poolOfFellows(1, { onGivenUp: "ignore" as never }))
      assert.strictEqual(error.reason, "OptionsInvalid")
      assert.strictEqual(error.message, `the onGivenUp of a pool of Fellow must be "heal" or "fail", not "ignore"`)
    }).pipe(Effect.scoped, Effect.provide(placement.layer())))
})

onEveryPlacement(mates, (placement) => {
  it.effect("P9: members without restarts left are replaced, and the error of a call contains the reason of their end", () =>
    Effect.gen(function*() {
      const pool = yield* poolOfMates(2)
      const before = yield* pool.members
      yield* Effect.forEach(before, (member) => Effect.exit(member.exit()))
      yield* Effect.forEach(before, ActorRef.awaitExit)
      const error = exitedOf(yield* Effect.exit(pool.client.who()))
      assert.strictEqual(error.reason, "GivenUp")
      assert.include(error.message, "exited with code 7")
      yield* TestClock.adjust("1 second")
      yield* renewed(pool, 2, before)
      assert.sameMembers(yield* pool.broadcast((member) => member.who()), [3, 4])
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), quiet))

  it.effect("P9: a replacement that cannot be built is logged, and tried again later", () =>
    Effect.gen(function*() {
      const { layer, line } = yield* logged("could not replace")
      const pool = yield* Effect.provide(poolOfMates(1, 1), layer)
      const before = yield* pool.members
      yield* Effect.exit(before[0]!.exit())
      yield* ActorRef.awaitExit(before[0]!)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* line, "a pool of Mate could not replace a member")
      assertExited(yield* Effect.exit(pool.client.who()), "GivenUp", "NotRun")
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), quiet))

  it.live("F3: an actor with unbounded restarts is restarted after each crash", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const most = Number.MAX_SAFE_INTEGER
      const policy = Supervision.make({ maxRestarts: "unbounded", schedule: Schedule.spaced(1) })
      const mate = yield* Supervision.supervised(
        Mate.spawn({ journal: journal.path, builds: most, held: most }),
        policy
      )
      for (const n of upTo(8)) {
        assert.strictEqual(yield* mate.who(), n)
        assertExited(yield* Effect.exit(mate.exit()), "Crashed", "Unknown")
      }
      assert.strictEqual(yield* mate.who(), 9)
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), quiet))
}, { except: ["memory"], reason: "in memory an actor cannot crash" })
