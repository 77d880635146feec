/**
 * The behaviour of the benchmark's actor.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Handle from "../../src/Handle.ts"
import { heapUsed } from "./heap.ts"
import { Bench, Refused } from "./protocol.ts"
import { accept, compute, endsOf, isRefused, touch } from "./work.ts"

export default Bench.toLayer({
  add: ({ n }) => Effect.succeed(n + 1),
  later: ({ n }) => Handle.fork(Effect.as(Effect.yieldNow, n + 1)),
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
