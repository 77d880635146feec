import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Option, Stream } from "effect"
import * as ActorPool from "../../../src/ActorPool.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import { assertActors } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"
import behaviours, { Fellow, Tired } from "./actors/pools.ts"

const fixture = { module: new URL("./actors/pools.ts", import.meta.url), behaviours }

const makePool = Effect.gen(function*() {
  const journal = yield* Journal.make
  return yield* ActorPool.make(Fellow, { size: 2, strategy: "round-robin", args: { journal: journal.path } })
})

describe("pools", () => {
  onEveryPlacement(fixture, (placement) => {
    it.live("P4: map gives results in the order of the input, mapUnordered in the order of completion", () =>
      Effect.gen(function*() {
        const pool = yield* makePool
        const members = yield* pool.members
        const [first, second] = yield* pool.broadcast((member) => member.who())
        for (const method of ["map", "mapUnordered"] as const) {
          const results = yield* pool[method](["held", "free"], (member, item) =>
            Effect.as(
              item === "held"
                ? member.hold({ job: method })
                // the held one goes on when this one is done
                : Effect.andThen(
                  member.who(),
                  Effect.andThen(
                    members[0]!.awaitLine({ line: `${method} began` }),
                    members[0]!.release({ job: method })
                  )
                ),
              [item, member] as const
            )).pipe(Stream.runCollect)
          assert.deepStrictEqual(results.map(([item]) => item).toSorted(), ["free", "held"])
          if (method === "map") assert.strictEqual(results[0]![0], "held")
          assert.deepStrictEqual(
            yield* Effect.forEach(["held", "free"], (item) => results.find(([each]) => each === item)![1].who()),
            [first, second]
          )
        }
        const early = yield* pool.mapUnordered(
          ["held", "free"],
          (member, item) => item === "held" ? member.hold({ job: "never released" }) : Effect.as(member.who(), item)
        ).pipe(Stream.runHead)
        assert.deepStrictEqual(early, Option.some("free"))
        // the other one has been interrupted, so its actor is free
        assert.strictEqual(yield* members[0]!.who(), first)
      }).pipe(Effect.scoped, Effect.provide(placement.layer())))

    it.live("P4: map reads at most one window of the input ahead of the output", () =>
      Effect.gen(function*() {
        const pool = yield* makePool
        for (const method of ["map", "mapUnordered"] as const) {
          for (const window of [1, 2, 5]) {
            let taken = 0
            const endless = function*() {
              for (;;) yield taken++
            }
            let read = 0
            yield* pool[method](endless(), (member, n) => Effect.as(member.who(), n), { window }).pipe(
              Stream.take(6),
              Stream.runForEach(() => {
                read++
                assert.isAtMost(taken, read + window)
                // a reader lets the members run ahead
                return Effect.andThen(
                  pool.broadcast((member) => member.who()),
                  pool.broadcast((member) => member.who())
                )
              })
            )
            assert.strictEqual(read, 6)
            assert.isAtMost(taken, 6 + window)
          }
        }
      }).pipe(Effect.scoped, Effect.provide(placement.layer())))

    it.live("P4: a failure ends the stream and the calls in progress, or is a result of its own by option", () =>
      Effect.gen(function*() {
        const pool = yield* makePool
        const [first, second] = yield* pool.members
        const error = yield* pool.map(
          ["held", "tired"],
          (member, item): Effect.Effect<unknown, unknown> =>
            item === "held"
              ? member.hold({ job: "failed beside" })
              : Effect.andThen(first!.awaitLine({ line: "failed beside began" }), member.tire())
        ).pipe(
          Stream.runDrain,
          Effect.flip
        )
        assert.instanceOf(error, Tired)
        yield* first!.awaitLine({ line: "failed beside interrupted" })
        const exits = yield* pool.map(
          [true, false, true],
          (member, fine) => Effect.exit(fine ? member.who() : member.tire())
        ).pipe(Stream.runCollect)
        assert.deepStrictEqual(exits.map(Exit.isSuccess), [true, false, true])
        const input = yield* Effect.flip(
          pool.map(Stream.concat(Stream.make(1), Stream.fail("no more" as const)), (member) => member.who()).pipe(
            Stream.runDrain
          )
        )
        assert.strictEqual(input, "no more")
        assert.isString(yield* second!.who())
      }).pipe(Effect.scoped, Effect.provide(placement.layer())))

    it.live("P4: the chunk size changes only the member that an item goes to", () =>
      Effect.gen(function*() {
        const pool = yield* makePool
        const [first, second] = yield* pool.broadcast((member) => member.who())
        const items = [0, 1, 2, 3, 4, 5]
        const whoHas = (chunkSize: number, input: Iterable<number> | Stream.Stream<number>) =>
          Stream.runCollect(
            pool.map(input, (member, n) => Effect.map(member.who(), (who) => ({ n, who })), { chunkSize })
          )
        for (const [chunkSize, expected] of [[1, [0, 1, 0, 1, 0, 1]], [2, [0, 0, 1, 1, 0, 0]]] as const) {
          for (const input of [items, Stream.fromIterable(items)]) {
            const results = yield* whoHas(chunkSize, input)
            assert.deepStrictEqual(results.map(({ n }) => n), items)
            const firstIs = results[0]!.who === first ? [first, second] : [second, first]
            assert.deepStrictEqual(results.map(({ who }) => who), expected.map((which) => firstIs[which]))
          }
        }
      }).pipe(Effect.scoped, Effect.provide(placement.layer())))

    it.live("P6: the rest of a chunk goes to another member when its member has died", () =>
      Effect.gen(function*() {
        const pool = yield* makePool
        const members = yield* pool.members
        const [first, second] = yield* pool.broadcast((member) => member.who())
        const input = Stream.tap(Stream.make(0, 1), (n) => n === 1 ? ActorRef.kill(members[0]!) : Effect.void)
        const results = yield* Stream.runCollect(
          pool.map(input, (member) => member.who(), { window: 1, chunkSize: 10 })
        )
        assert.deepStrictEqual(results, [first, second])
      }).pipe(Effect.scoped, Effect.provide(placement.layer())))

    it.live("P7: the rest of a chunk goes to another member when its member is surplus, and the surplus member finishes its calls", () =>
      Effect.gen(function*() {
        const pool = yield* makePool
        const [kept, left] = yield* pool.members
        const [first, second] = yield* pool.broadcast((member) => member.who())
        // the next one is the second
        yield* pool.client.who()
        const shrink = Effect.gen(function*() {
          const held = yield* Effect.forkChild(left!.hold({ job: "last" }), { startImmediately: true })
          yield* left!.awaitLine({ line: "last began" })
          const resized = yield* Effect.forkChild(pool.resize(1), { startImmediately: true })
          yield* Effect.repeat(pool.members, { until: ({ length }) => length === 1 })
          return Effect.asVoid(
            Effect.andThen(left!.release({ job: "last" }), Effect.all([Fiber.join(held), Fiber.join(resized)]))
          )
        })
        const nothing = Effect.succeed(Effect.void)
        const input = Stream.mapEffect(
          Stream.make(0, 1),
          (n): Effect.Effect<Effect.Effect<void, unknown>, unknown> => n === 1 ? shrink : nothing
        )
        const results = yield* Stream.runCollect(
          pool.map(input, (member, finish) => Effect.tap(member.who(), () => finish), { window: 1, chunkSize: 10 })
        )
        assert.deepStrictEqual(results, [second, first])
        assertActors(yield* pool.members, [kept!])
      }).pipe(Effect.scoped, Effect.provide(placement.layer())))

    it.live("P8: a window or a chunk size below 1 is rejected with the name of the option", () =>
      Effect.gen(function*() {
        const pool = yield* makePool
        for (const option of ["window", "chunkSize"] as const) {
          for (const value of [0, -1, 1.5, NaN]) {
            assert.throws(
              () => pool.map([1], (member) => member.who(), { [option]: value }),
              RangeError,
              `Fellow.map: ${option} must be an integer of at least 1, not ${value}`
            )
          }
        }
      }).pipe(Effect.scoped, Effect.provide(placement.layer())))
  })
})
