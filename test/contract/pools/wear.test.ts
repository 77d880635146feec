/** P11: members whose heap grows. */
import { assert, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Option, Schedule, Stream } from "effect"
import { TestClock } from "effect/testing"
import { SpawnError } from "../../../src/ActorError.ts"
import * as ActorPool from "../../../src/ActorPool.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import { forked, logOf, upTo } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"
import behaviours, { Fellow } from "./actors/pools.ts"

const fixture = { module: new URL("./actors/pools.ts", import.meta.url), behaviours }

type Options = Omit<Parameters<typeof Fellow.layerPool>[0], "args">

const fellows = (options: Options) =>
  Effect.flatMap(Journal.make, (journal) => ActorPool.make(Fellow, { args: { journal: journal.path }, ...options }))

const rejected = Effect.fnUntraced(function*(aboveHeapMb: number, message: string) {
  const error = yield* Effect.flip(fellows({ size: 1, recycle: { aboveHeapMb } }))
  assert.instanceOf(error, SpawnError)
  assert.deepStrictEqual(
    [error.reason, error.message],
    ["OptionsInvalid", `the recycle.aboveHeapMb of a pool of Fellow ${message}`]
  )
})

const noHeap = "requires a worker for each member: threads or processes with workers: \"dedicated\""

onEveryPlacement(fixture, (placement) => {
  it.live("P8: a limit of the heap is rejected if members share a heap, or if it is out of range", () =>
    Effect.gen(function*() {
      if (placement.isMemory) return yield* Effect.provide(rejected(100, noHeap), placement.layer())
      yield* Effect.provide(rejected(100, noHeap), placement.layer({ workers: 1 }))
      for (const limit of [0, -1, NaN]) {
        yield* Effect.provide(rejected(limit, `must be a number above 0, not ${limit}`), placement.layer())
      }
    }).pipe(Effect.scoped))
})

onEveryPlacement(fixture, (placement) => {
  it.live("P11: a member whose heap has grown above the limit is replaced, no call fails, and no restart is counted", () =>
    Effect.gen(function*() {
      const pool = yield* fellows({ size: 1, recycle: { aboveHeapMb: 150 } })
      const [first] = yield* pool.members
      const name = yield* pool.client.who()
      yield* first!.retain({ megabytes: 150 })
      const last = yield* forked(pool.client.hold({ job: "a" }))
      yield* first!.awaitLine({ line: "a began" })
      const [second] = yield* Effect.repeat(pool.members, {
        until: ([member]) => member !== first,
        schedule: Schedule.spaced(5)
      })
      assert.notStrictEqual(yield* pool.client.who(), name)
      yield* first!.release({ job: "a" })
      assert.strictEqual(yield* Fiber.join(last), name)
      assert.isTrue(Exit.isSuccess(yield* ActorRef.awaitExit(first!)))
      assert.deepStrictEqual(yield* pool.members, [second!])
      const incarnation = yield* Stream.runHead(ActorRef.incarnations(second!))
      assert.strictEqual(Option.getOrThrow(incarnation).number, 1)
    }).pipe(Effect.scoped, Effect.provide(placement.layer())))

  it.effect("P11: members are measured once a second, and are not replaced while their heap is below the limit", () =>
    Effect.gen(function*() {
      const pool = yield* fellows({ size: 2, recycle: { aboveHeapMb: 2_000 } })
      const before = yield* pool.members
      yield* before[0]!.retain({ megabytes: 30 })
      for (const _ of upTo(3)) {
        yield* TestClock.adjust("1 second")
        // the answers to the measurements are ahead of those to the calls
        yield* pool.broadcast((member) => member.who())
      }
      assert.deepStrictEqual(yield* pool.members, before)
    }).pipe(Effect.scoped, Effect.provide(placement.layer())))

  it.effect("P11: a limit below the heap of a fresh member replaces none, and the log reports it once", () =>
    Effect.gen(function*() {
      const { layer, lines } = logOf("Warn")
      const pool = yield* Effect.provide(fellows({ size: 2, recycle: { aboveHeapMb: 1 } }), layer)
      const before = yield* pool.members
      for (const _ of upTo(3)) {
        yield* TestClock.adjust("1 second")
        yield* pool.broadcast((member) => member.who())
      }
      assert.deepStrictEqual(yield* pool.members, before)
      assert.lengthOf(lines, 1)
      assert.match(
        lines[0]!.message,
        /^the heap of a fresh member of a pool of Fellow is \d+ MB, above .*aboveHeapMb of 1:/
      )
    }).pipe(Effect.scoped, Effect.provide(placement.layer())))
}, { except: ["memory"], reason: "in memory the members share the heap of the program" })
