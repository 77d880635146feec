/** The queue of a pool while members die, end, start and are added. */
import { assert, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Logger } from "effect"
import * as ActorPool from "../../../src/ActorPool.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as Supervision from "../../../src/Supervision.ts"
import deskBehaviours, { Desk, Wide } from "../fixtures/desk.ts"
import { assertExited, forked, upTo } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"
import mateBehaviours, { Crew, Mate } from "./actors/failures.ts"
import fellowBehaviours, { Fellow } from "./actors/pools.ts"

const fellows = { module: new URL("./actors/pools.ts", import.meta.url), behaviours: fellowBehaviours }
const mates = { module: new URL("./actors/failures.ts", import.meta.url), behaviours: mateBehaviours }
const desks = { module: new URL("../fixtures/desk.ts", import.meta.url), behaviours: deskBehaviours }

// the reports of crashes are not for the screen
const quiet = Effect.provide(Logger.layer([]))

const never = Supervision.make({ maxRestarts: 0 })

const poolOfFellows = (size: ActorPool.Size) =>
  Effect.flatMap(Journal.make, (journal) => ActorPool.make(Fellow, { size, args: { journal: journal.path } }))

onEveryPlacement(fellows, (placement) => {
  it.live("P6: the calls that wait in the queue go to the members that remain when a member ends", () =>
    Effect.gen(function*() {
      const pool = yield* poolOfFellows(2)
      const members = yield* pool.members
      const names = yield* pool.broadcast((member) => member.who())
      const held = yield* Effect.forEach(upTo(2), () => forked(pool.client.hold({ job: "a" })))
      yield* Effect.forEach(members, (member) => member.awaitLine({ line: "a began" }))
      const calls = yield* Effect.forEach(upTo(3), () => forked(pool.client.who()))
      const item = yield* pool.submit((member) => member.who())
      yield* ActorRef.kill(members[0]!)
      assertExited(yield* Fiber.await(held[0]!), "Killed", "Unknown")
      for (const call of [...calls, item]) assert.isUndefined(call.pollUnsafe())
      yield* members[1]!.release({ job: "a" })
      for (const call of [...calls, item]) assert.strictEqual(yield* Fiber.join(call), names[1])
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), quiet))

  it.live("P6: when the last member has ended for good, the waiting calls and items fail with its end", () =>
    Effect.gen(function*() {
      const pool = yield* poolOfFellows(1)
      const [member] = yield* pool.members
      const held = yield* forked(pool.client.hold({ job: "a" }))
      yield* member!.awaitLine({ line: "a began" })
      const calls = yield* Effect.forEach(upTo(3), () => forked(pool.client.who()))
      const item = yield* pool.submit((member) => member.who())
      yield* ActorRef.kill(member!)
      assertExited(yield* Fiber.await(held), "Killed", "Unknown")
      for (const call of [...calls, item]) assertExited(yield* Fiber.await(call), "GivenUp", "NotRun")
      assertExited(yield* Effect.exit(pool.client.who()), "GivenUp", "NotRun")
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), quiet))

  it.live("P7: an elastic pool grows when a call has to wait, and the new member takes the waiting call", () =>
    Effect.gen(function*() {
      const pool = yield* poolOfFellows({ min: 1, max: 2, idleTimeToLive: "1 hour" })
      const [first] = yield* pool.members
      const held = yield* forked(pool.client.hold({ job: "a" }))
      yield* first!.awaitLine({ line: "a began" })
      assert.lengthOf(yield* pool.members, 1)
      const who = yield* pool.client.who()
      const members = yield* pool.members
      assert.lengthOf(members, 2)
      assert.strictEqual(who, yield* members[1]!.who())
      yield* first!.release({ job: "a" })
      assert.notStrictEqual(yield* Fiber.join(held), who)
      // no call waits, so the first member gets them all
      assert.notInclude(yield* Effect.forEach(upTo(3), () => pool.client.who()), who)
    }).pipe(Effect.scoped, Effect.provide(placement.layer())))

  it.live("P7: a member that a resize adds takes a waiting call, and a surplus member takes none", () =>
    Effect.gen(function*() {
      const pool = yield* poolOfFellows(1)
      const [first] = yield* pool.members
      const held = yield* forked(pool.client.hold({ job: "a" }))
      yield* first!.awaitLine({ line: "a began" })
      const waiting = yield* forked(pool.client.who())
      yield* pool.resize(2)
      const second = yield* Fiber.join(waiting)
      assert.strictEqual(second, yield* (yield* pool.members)[1]!.who())
      yield* pool.resize(1)
      const later = yield* forked(pool.client.who())
      assert.isUndefined(later.pollUnsafe())
      yield* first!.release({ job: "a" })
      assert.strictEqual(yield* Fiber.join(later), yield* Fiber.join(held))
    }).pipe(Effect.scoped, Effect.provide(placement.layer())))
})

onEveryPlacement(mates, (placement) => {
  it.live("F3: an idempotent call that ends its worker runs again on the same member, and ends no other member", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const most = Number.MAX_SAFE_INTEGER
      const args = { journal: journal.path, builds: most, held: most }
      const policy = Supervision.make({ maxRestarts: 2 })
      const pool = yield* Supervision.supervised(ActorPool.make(Mate, { size: 2, args }), policy)
      const [first, second] = yield* pool.members
      const before = yield* second!.who()
      assertExited(yield* Effect.exit(pool.client.exitAgain()), "Crashed", "Unknown")
      assert.isTrue(Exit.isFailure(yield* ActorRef.awaitExit(first!)))
      assert.strictEqual(yield* second!.who(), before)
      assert.strictEqual(yield* pool.client.who(), before)
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), quiet))
}, { except: ["memory"], reason: "in memory an actor cannot crash" })

onEveryPlacement(desks, (placement) => {
  it.live("P2: a member gets at most as many calls as its concurrency, and the member with the fewest calls is next", () =>
    Effect.gen(function*() {
      const pool = yield* ActorPool.make(Wide, { size: 2 })
      const members = yield* pool.members
      const calls = yield* Effect.forEach(upTo(10), (n) => forked(pool.client.wait({ name: `${n}` })))
      const begun = (count: number) => (member: typeof members[number]) =>
        Effect.repeat(member.linesNow(), { until: (lines) => lines.length === count })
      const lines = yield* Effect.forEach(members, begun(4))
      assert.deepStrictEqual(lines, [[1, 3, 5, 7].map((n) => `begun ${n}`), [2, 4, 6, 8].map((n) => `begun ${n}`)])
      yield* Fiber.interrupt(calls[1]!)
      assert.include(yield* begun(6)(members[1]!), "begun 9")
      yield* Effect.forEach(members, (member) => member.open())
      yield* Effect.forEach(calls.slice(2, 9), Fiber.join)
      yield* members[0]!.linesNow()
      yield* Effect.forEach(members, (member) => member.open())
      yield* Effect.forEach([calls[0]!, calls[9]!], Fiber.join)
    }).pipe(Effect.scoped, Effect.provide(placement.layer())))

  it.live("P2: a pool serves an actor of concurrency 1 under the name of its own class, too", () =>
    Effect.gen(function*() {
      const pool = yield* ActorPool.make(Desk, { size: 2 })
      assert.deepStrictEqual(
        yield* Effect.forEach(upTo(9), (n) => pool.client.echo({ n }), { concurrency: "unbounded" }),
        upTo(9)
      )
    }).pipe(Effect.scoped, Effect.provide(placement.layer())))
})

onEveryPlacement(mates, (placement) => {
  it.live("P6: calls that a member had not started when it was killed return to the queue, in their order", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const most = Number.MAX_SAFE_INTEGER
      const args = { journal: journal.path, builds: most, held: most }
      const pool = yield* Supervision.supervised(ActorPool.make(Crew, { size: 2, args }), never)
      const [first, second] = yield* pool.members
      const hanging = yield* Effect.forEach(upTo(4), () => forked(second!.hang()))
      yield* Effect.repeat(journal.lines, { until: (lines) => lines.length === 4 })
      const blocking = yield* forked(pool.client.block())
      yield* journal.awaitLine("blocking")
      const calls = yield* Effect.forEach(["a", "b", "c", "d", "e"], (line) => forked(pool.client.note({ line })))
      yield* ActorRef.kill(first!)
      assertExited(yield* Fiber.await(blocking), "Killed", "Unknown")
      for (const call of calls) assert.isUndefined(call.pollUnsafe())
      yield* journal.note("go")
      yield* Fiber.interruptAll(hanging)
      yield* Effect.forEach(calls, Fiber.join)
      const lines = yield* journal.lines
      assert.deepStrictEqual(lines.filter((line) => line.length === 1), ["a", "b", "c", "d", "e"])
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), quiet))
}, { except: ["memory"], reason: "in memory a handler that blocks would block the test" })
