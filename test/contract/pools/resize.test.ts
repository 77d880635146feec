import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Scheduler, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as ActorPool from "../../../src/ActorPool.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import { assertActors, assertExited, forked, upTo } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"
import behaviours, { Fellow, Limited } from "./actors/pools.ts"

const fixture = { module: new URL("./actors/pools.ts", import.meta.url), behaviours }

const fellows = (size: ActorPool.Size, strategy?: ActorPool.Strategy) =>
  Effect.flatMap(
    Journal.make,
    (journal) => ActorPool.make(Fellow, { size, strategy, args: { journal: journal.path } })
  )

const limited = (size: ActorPool.Size) =>
  Effect.gen(function*() {
    const journal = yield* Journal.make
    const args = { journal: journal.path, limit: 1_000_000, how: "well" } as const
    const noted = (line: string) => Effect.map(journal.lines, (lines) => lines.filter((each) => each === line).length)
    return { journal, noted, pool: yield* ActorPool.make(Limited, { size, args }), one: Limited.spawn(args) }
  })

type Pool = Effect.Success<ReturnType<typeof fellows>>
type Member = Effect.Success<Pool["members"]>[number]

/** Waits until the pool has so many members. */
const sized = <A>({ members }: { readonly members: Effect.Effect<ReadonlyArray<A>> }, n: number) =>
  Effect.repeat(members, { until: ({ length }) => length === n })

/** Time in which a member that is closed is gone. */
const meanwhile = Effect.scoped(fellows(1))

/** An item that makes a call, waits, and makes another one; `begun` tells how many have made the first. */
const twoCalls = () => {
  const gate = Deferred.makeUnsafe<void>()
  let begun = 0
  return {
    begun: (n: number) => Journal.until(`${n} items have begun`, () => begun === n),
    go: Deferred.succeed(gate, undefined),
    item: (member: Member) =>
      Effect.gen(function*() {
        const first = yield* member.who()
        begun++
        yield* Deferred.await(gate)
        assert.strictEqual(yield* member.who(), first)
        return first
      })
  }
}

const ways: Record<string, (pool: Pool, item: ReturnType<typeof twoCalls>["item"]) => Effect.Effect<unknown, unknown>> =
  {
    map: (pool, item) => Stream.runCollect(pool.map([1, 2], item)),
    mapUnordered: (pool, item) => Stream.runCollect(pool.mapUnordered([1, 2], item)),
    submit: (pool, item) =>
      Effect.forEach([1, 2], () => Effect.flatMap(pool.submit(item), Fiber.join), { concurrency: "unbounded" }),
    broadcast: (pool, item) => pool.broadcast(item),
    broadcastExit: (pool, item) => Effect.flatMap(pool.broadcastExit(item), Effect.forEach((exit) => exit))
  }

describe("pools", () => {
  onEveryPlacement(fixture, (placement) => {
    it.live("P6: a shrunk pool without members fails its calls with the exit of its last member", () =>
      Effect.gen(function*() {
        for (const strategy of ["round-robin", "least-busy", "random", { hash: () => "any" }] as const) {
          const pool = yield* fellows(4, strategy)
          // so that it is the turn of the last one
          for (const _ of upTo(3)) yield* pool.client.who()
          yield* pool.resize(1)
          yield* ActorRef.kill((yield* pool.members)[0]!)
          for (const _ of upTo(3)) assertExited(yield* Effect.exit(pool.client.who()), "GivenUp", "NotRun")
          assertExited(yield* Fiber.await(yield* pool.submit((member) => member.who())), "GivenUp", "NotRun")
          assertExited(
            yield* Effect.exit(Stream.runDrain(pool.map([1], (member) => member.who()))),
            "GivenUp",
            "NotRun"
          )
        }
      }).pipe(Effect.scoped, Effect.provide(placement.layer({ workers: 2 }))))

    it.live("P7: a surplus member finishes the items assigned to it", () =>
      Effect.gen(function*() {
        for (const [name, run] of Object.entries(ways)) {
          const pool = yield* fellows(2)
          const { begun, go, item } = twoCalls()
          const members = yield* pool.members
          const running = yield* forked(run(pool, item))
          yield* begun(2)
          const resized = yield* forked(pool.resize(1))
          yield* sized(pool, 1)
          yield* meanwhile
          assert.isUndefined(resized.pollUnsafe(), name)
          yield* go
          assert.strictEqual(new Set((yield* Fiber.join(running)) as Array<string>).size, 2, name)
          yield* Fiber.join(resized)
          assert.isTrue(Exit.isSuccess(yield* ActorRef.awaitExit(members[1]!)))
        }
      }).pipe(Effect.scoped, Effect.provide(placement.layer({ workers: 2 }))))

    it.live("P7: a member whose item is interrupted, fails or dies is no longer in use", () =>
      Effect.gen(function*() {
        const pool = yield* fellows(2)
        const { begun, item } = twoCalls()
        const items = [
          yield* pool.submit(item),
          yield* pool.submit(item),
          yield* pool.submit((member) => Effect.andThen(member.who(), Effect.fail("no"))),
          yield* pool.submit((): Effect.Effect<never> => {
            throw new RangeError("no")
          })
        ]
        yield* begun(2)
        const resized = yield* forked(pool.resize(1))
        yield* sized(pool, 1)
        yield* Effect.forEach(items, Fiber.interrupt)
        yield* Fiber.join(resized)
      }).pipe(Effect.scoped, Effect.provide(placement.layer({ workers: 2 }))))

    it.effect("P7: a member assigned to an item is not idle, however long the item makes no call", () =>
      Effect.gen(function*() {
        const pool = yield* fellows(2)
        const { begun, go, item } = twoCalls()
        yield* pool.resize({ min: 1, max: 2, idleTimeToLive: "40 millis" })
        const items = yield* Effect.forEach([1, 2], () => pool.submit(item))
        yield* begun(2)
        for (const _ of upTo(10)) yield* TestClock.adjust("100 millis")
        assert.strictEqual((yield* pool.members).length, 2)
        yield* go
        yield* Effect.forEach(items, Fiber.join)
        for (const _ of upTo(10)) yield* TestClock.adjust("100 millis")
        assert.strictEqual((yield* pool.members).length, 1)
      }).pipe(Effect.scoped, Effect.provide(placement.layer({ workers: 2 }))))

    it.live("P7: a resize does not wait for the finishing members of the previous resize", () =>
      Effect.gen(function*() {
        const pool = yield* fellows(2)
        const [first, last] = yield* pool.members
        const call = yield* forked(last!.hold({ job: "last" }))
        yield* last!.awaitLine({ line: "last began" })
        const smaller = yield* forked(pool.resize(1))
        yield* sized(pool, 1)
        yield* pool.resize(3)
        const members = yield* pool.members
        assert.lengthOf(members, 3)
        assertActors(members.slice(0, 1), [first!])
        assert.strictEqual(new Set(yield* pool.broadcast((member) => member.who())).size, 3)
        yield* pool.resize(2)
        yield* pool.resize({ min: 1, max: 2, idleTimeToLive: "1 hour" })
        assertActors(yield* pool.members, members.slice(0, 2))
        assert.isUndefined(smaller.pollUnsafe())
        yield* last!.release({ job: "last" })
        assert.isString(yield* Fiber.join(call))
        yield* Fiber.join(smaller)
      }).pipe(Effect.scoped, Effect.provide(placement.layer({ workers: 2 }))))

    it.live("L6: a resize that waits for a finishing member completes when the pool ends", () =>
      Effect.gen(function*() {
        const [resized, starting] = yield* Effect.scoped(Effect.gen(function*() {
          const pool = yield* fellows(2)
          const last = (yield* pool.members)[1]!
          yield* Effect.forkDetach(Effect.exit(last.hold({ job: "never" })), { startImmediately: true })
          yield* last.awaitLine({ line: "never began" })
          const resized = yield* Effect.forkDetach(pool.resize(1), { startImmediately: true })
          yield* sized(pool, 1)
          return [resized, yield* Effect.forkDetach(pool.resize(2), { startImmediately: true })] as const
        }))
        assert.isTrue(Exit.isSuccess(yield* Fiber.await(resized)))
        const exit = yield* Fiber.await(starting)
        assert.isTrue(Exit.isSuccess(exit) || Exit.hasFails(exit), String(exit))
      }).pipe(Effect.scoped, Effect.provide(placement.layer({ workers: 2 }))))

    for (const workers of ["dedicated", 1] as const) {
      it.live(`P7: handles of other actors do not keep an idle member alive, its workers ${workers}`, () =>
        Effect.gen(function*() {
          const { journal, one, pool } = yield* limited(4)
          const stranger = yield* one
          const members = yield* pool.members
          const handles = [yield* stranger.later(), yield* members[0]!.later()]
          const refs = [yield* stranger.ref(), yield* members[2]!.ref()]
          yield* pool.resize({ min: 1, max: 4, idleTimeToLive: "40 millis" })
          yield* Effect.forEach([members[1]!, members[3]!], ActorRef.awaitExit)
          yield* meanwhile
          assertActors(yield* pool.members, [members[0]!, members[2]!])
          yield* journal.note("ready")
          assert.deepStrictEqual(yield* Effect.forEach(handles, (handle) => handle.await), ["ready", "ready"])
          assert.deepStrictEqual(yield* Effect.forEach(refs, (ref) => ref.get), ["kept", "kept"])
          // the one whose result is there is idle from now on, and the stranger's handle is still held
          yield* sized(pool, 1)
          assertActors(yield* pool.members, [members[2]!])
        }).pipe(Effect.scoped, Effect.provide(placement.layer({ workers }))))
    }

    it.live("P7: concurrent and interrupted resizes lose no member", () =>
      Effect.gen(function*() {
        const { noted, pool } = yield* limited(1)
        for (const round of upTo(placement.isMemory ? 60 : 12)) {
          const sizes = yield* Effect.forEach(upTo(3), (n) =>
            forked(
              pool.resize(
                (round * n) % 4 === 0
                  ? { min: 1, max: 1 + n, idleTimeToLive: "1 millis" }
                  : 1 + ((round * 7 + n * 3) % 3)
              )
            ))
          for (const _ of upTo(round % 12)) yield* Effect.yieldNow
          if (round % 5 === 0) yield* forked(ActorRef.kill((yield* pool.members)[0]!))
          yield* Fiber.interruptAll(sizes.slice(0, round % 4))
          yield* Effect.forEach(sizes, Fiber.await)
        }
        yield* pool.resize(1)
        // between any two of its steps, from when the member that is missing has started
        for (const steps of upTo(placement.isMemory ? 40 : 4)) {
          const before = yield* noted("started")
          const resized = yield* forked(
            pool.resize(2).pipe(Effect.provideService(Scheduler.MaxOpsBeforeYield, 3 + (steps % 5)))
          )
          yield* Effect.repeat(noted("started"), { until: (started) => started > before })
          for (const _ of upTo(steps)) yield* Effect.yieldNow
          yield* Fiber.interrupt(resized)
          yield* pool.resize(1)
        }
        yield* pool.resize(2)
        const exits = yield* pool.broadcastExit((member) => member.ref())
        assert.strictEqual(exits.filter(Exit.isSuccess).length, 2)
        yield* Effect.all([noted("started"), noted("released")]).pipe(
          Effect.repeat({ until: ([started, released]) => started - released === 2 }),
          Effect.timeout("100 seconds")
        )
      }).pipe(Effect.scoped, Effect.provide(placement.layer({ workers: 2 }))))
  })
})
