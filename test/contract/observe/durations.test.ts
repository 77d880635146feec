/** `ActorMetrics.layer({ durations: true })`: how long calls take, in histograms. */
import { assert, it } from "@effect/vitest"
import * as Semconv from "@opentelemetry/semantic-conventions/incubating"
import { Context, Effect, Layer, Metric } from "effect"
import * as ActorMetrics from "../../../src/ActorMetrics.ts"
import behaviours, { Sleeper } from "../fixtures/clerk.ts"
import { until } from "../support/journal.ts"
import { onEveryPlacement, type Placement } from "../support/placements.ts"

const fixture = { module: new URL("../fixtures/clerk.ts", import.meta.url), behaviours }

const registry = (placement?: Placement) => {
  const kind = placement && { memory: "memory", threads: "thread", processes: "process" }[placement.name]
  const context = Context.make(Metric.MetricRegistry, new Map())
  return {
    context,
    provide: Effect.provideContext(context),
    /** The durations of a method that ended in one way. */
    find: (metric: Metric.Histogram<number>, method: string, error?: string): Metric.HistogramState | undefined =>
      Metric.snapshotUnsafe(context).flatMap(({ attributes, id, state }) =>
        id === metric.id && attributes?.["rpc.method"] === `Sleeper/${method}` && attributes["error.type"] === error &&
          attributes["uactor.placement"] === kind
          ? [state as Metric.HistogramState]
          : []
      )[0]
  }
}

const none: Metric.HistogramState = { buckets: [], count: 0, min: 0, max: 0, sum: 0 }

onEveryPlacement(fixture, (placement) => {
  it.live("the durations of calls, of their handlers and of their wait in the mailbox are those of the calls", () => {
    const { context, find, provide } = registry(placement)
    const { clientCallDuration: client, mailboxWaitDuration: wait, serverCallDuration: server } = ActorMetrics
    return Effect.gen(function*() {
      // in memory, another test of this process may have counted before
      const before = {
        block: find(server, "block") ?? none,
        sleep: find(wait, "sleep") ?? none,
        handled: find(server, "sleep") ?? none
      }
      const clients = find(client, "sleep") ?? none
      const sleeper = yield* Sleeper.spawn()
      yield* Effect.all([sleeper.sleep({ millis: 60 }), sleeper.sleep({ millis: 60 })], { concurrency: 2 })
      yield* sleeper.block({ millis: 40 })
      yield* Effect.exit(sleeper.refuse())
      const called = find(client, "sleep")!
      assert.strictEqual(called.count - clients.count, 2)
      assert.isAtLeast(called.sum - clients.sum, 0.170)
      assert.strictEqual(called.buckets.at(-1)![1], called.count)
      assert.isTrue(called.buckets.every(([, n], i) => i === 0 || n >= called.buckets[i - 1]![1]))
      assert.isUndefined(find(client, "refuse"))
      assert.isAtLeast(find(client, "refuse", "error")!.count, 1)
      yield* until("the durations of the handlers arrive", () => find(server, "refuse", "error") !== undefined)
      yield* until(
        "the durations of the blocking handler arrive",
        () => (find(server, "block")?.count ?? 0) > before.block.count
      )
      assert.isAtLeast(find(server, "block")!.sum - before.block.sum, 0.040)
      yield* until("the wait arrives", () => (find(wait, "sleep")?.count ?? 0) - before.sleep.count === 2)
      // the second call waits for the first
      assert.isAtLeast(find(wait, "sleep")!.sum - before.sleep.sum, 0.050)
      assert.isAtLeast(find(server, "sleep")!.sum - before.handled.sum, 0.100)
    }).pipe(
      Effect.scoped,
      // the layer is built before the first worker
      Effect.provide(Layer.provideMerge(placement.layer(), ActorMetrics.layer({ durations: true }))),
      Effect.andThen(Effect.sync(() => {
        // what the workers have counted stays
        const left = Metric.snapshotUnsafe(context).map(({ id }) => id)
        if (placement.isMemory) assert.deepStrictEqual(left, [])
      })),
      provide
    )
  })

  it.live("without durations no clock is read for a call, and there is no histogram of calls", () => {
    const { context, provide } = registry()
    return Effect.gen(function*() {
      const sleeper = yield* Sleeper.spawn()
      yield* sleeper.sleep({ millis: 1 })
      const histograms = Metric.snapshotUnsafe(context)
        .filter(({ id, type }) => type === "Histogram" && id !== ActorMetrics.spawnDuration.id)
      assert.deepStrictEqual(histograms, [])
    }).pipe(Effect.scoped, Effect.provide(Layer.merge(placement.layer(), ActorMetrics.layer())), provide)
  })
})

it("the histograms have the names of the conventions", () => {
  assert.strictEqual(ActorMetrics.clientCallDuration.id, Semconv.METRIC_RPC_CLIENT_CALL_DURATION)
  assert.strictEqual(ActorMetrics.serverCallDuration.id, Semconv.METRIC_RPC_SERVER_CALL_DURATION)
  assert.deepStrictEqual(["rpc.system.name", "error.type"], [Semconv.ATTR_RPC_SYSTEM_NAME, Semconv.ATTR_ERROR_TYPE])
})
