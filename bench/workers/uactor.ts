/**
 * The behaviour of the benchmark's actor.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import * as Handle from "../../src/Handle.ts"
import { heapUsed } from "./heap.ts"
import { lateness, watchTimers } from "./lateness.ts"
import { Adder, Adding, Bench, Refused, RelayedAdder, RelayedAdding, Wide } from "./protocol.ts"
import { accept, compute, endsOf, isRefused, touch } from "./work.ts"

// each actor has its own thread
const four = Semaphore.makeUnsafe(4)

const BenchLive = Bench.toLayer({
  add: ({ n }) => Effect.succeed(n + 1),
  watchTimers: () => Effect.sync(watchTimers),
  lateness: () => Effect.sync(lateness),
  later: ({ n }) => Handle.fork(Effect.as(Effect.yieldNow, n + 1)),
  limited: ({ n }) => Handle.fork(four.withPermit(Effect.sync(() => n + 1))),
  adder: () => Adder.of({ add: ({ n }) => Effect.succeed(n + 1) }),
  relayedAdder: () => RelayedAdder.of({ add: ({ n }) => Effect.succeed(n + 1) }),
  use: ({ adder, n }) =>
    Effect.suspend(() => {
      let i = 0
      const calls = Effect.whileLoop({
        while: () => i < n,
        body: () => adder.add({ n: i }),
        step: (next: number) => {
          i = next
        }
      })
      return Effect.orDie(Effect.map(calls, () => i))
    }),
  useAtOnce: ({ adder, n, width }) =>
    Effect.suspend(() => {
      let sum = 0
      const once = (i: number) =>
        Effect.map(adder.add({ n: i }), (next) => {
          sum += next
        })
      const calls = Effect.forEach(Array.from({ length: n }, (_, i) => i), once, { concurrency: width, discard: true })
      return Effect.orDie(Effect.map(calls, () => sum))
    }),
  buy: (purchase) =>
    isRefused(purchase.id)
      ? Effect.fail(new Refused({ id: purchase.id, why: "sold out" }))
      : Effect.succeed(accept(purchase)),
  bounce: ({ bytes }) => Effect.succeed(touch(bytes)),
  ends: ({ bytes }) => Effect.succeed(endsOf(bytes)),
  endsShared: ({ data }) => Effect.map(data.bytes, endsOf),
  ints: ({ count }) => Stream.range(1, count),
  work: ({ rounds }) => Effect.sync(() => compute(rounds)),
  heap: () => Effect.sync(heapUsed)
})

export default Layer.mergeAll(
  BenchLive,
  Wide.toLayer({ add: ({ n }) => Effect.succeed(n + 1) }, { concurrency: 32 }),
  Adding.toLayer({ add: ({ n }) => Effect.succeed(n + 1) }),
  RelayedAdding.toLayer({ add: ({ n }) => Effect.succeed(n + 1) })
)
