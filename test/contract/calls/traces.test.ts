import { assert, it } from "@effect/vitest"
import { Effect, Layer, Tracer } from "effect"
import * as Handle from "../../../src/Handle.ts"
import { onEveryPlacement } from "../support/placements.ts"
import behaviours, { Carrier, Depot } from "./actors/traces.ts"

const fixture = { module: new URL("./actors/traces.ts", import.meta.url), behaviours }

onEveryPlacement(fixture, (placement) => {
  it.live("C8: the use of a handle is a span in its owner, a child of the caller's", () =>
    Effect.gen(function*() {
      const depot = yield* Depot.spawn()
      const queue = yield* depot.queue()
      yield* depot.spans()
      const caller = yield* queue.offer(1).pipe(
        Effect.andThen(queue.size),
        Effect.andThen(Effect.orDie(Effect.currentSpan)),
        Effect.withSpan("caller")
      )
      const spans = yield* depot.spans()
      assert.deepStrictEqual(
        spans.map(({ name, parent, trace }) => ({ name, parent, trace })),
        ["Queue.offer", "Queue.state"].map((name) => ({ name, parent: caller.spanId, trace: caller.traceId }))
      )
    }).pipe(Effect.provide(placement.layer())))

  it.live("C8: an actor that forwards a handle or a reference is not part of the trace", () =>
    Effect.gen(function*() {
      const depot = yield* Depot.spawn()
      const carrier = yield* Carrier.spawn()
      const queue = yield* depot.queue()
      const list = yield* depot.list()
      yield* queue.offer(1)
      yield* Effect.all([carrier.spans(), depot.spans()])
      for (
        const [name, use] of [
          ["Queue.take", carrier.take({ queue })],
          ["List.values", carrier.sum({ list })],
          ["Depot.echo", carrier.echo({ depot, n: 1 })]
        ] as const
      ) {
        const caller = yield* Effect.withSpan(Effect.andThen(use, Effect.orDie(Effect.currentSpan)), "caller")
        // each worker has seen its own
        const spans = (yield* Effect.all([carrier.spans(), depot.spans()])).flat()
        // the call of an actor, and not the use of another handle, is a span of its caller, too
        assert.lengthOf(spans, name === "Depot.echo" ? 3 : 2)
        assert.deepStrictEqual(
          spans.map(({ parent }) => parent),
          [caller.spanId, ...spans.slice(0, -1).map(({ id }) => id)]
        )
        const inner = spans.at(-1)!
        assert.deepStrictEqual([inner.name, inner.trace], [name, caller.traceId])
      }
    }).pipe(Effect.provide(placement.layer())))

  it.live("C8: the use of a handle of the program is a span in the program", () =>
    Effect.suspend(() => {
      const names: Array<string> = []
      const tracer = Tracer.make({
        span: (options) => {
          names.push(options.name)
          return new Tracer.NativeSpan(options)
        }
      })
      return Effect.gen(function*() {
        const carrier = yield* Carrier.spawn()
        const queue = yield* Handle.makeQueue<number>()
        yield* queue.offer(7)
        assert.strictEqual(yield* Effect.withSpan(carrier.take({ queue }), "caller"), 7)
        const ofCalls = names.filter((name) => !name.startsWith("uactor."))
        assert.deepStrictEqual(ofCalls, ["caller", "Carrier.take", "Queue.take"])
      }).pipe(Effect.provide(Layer.provideMerge(placement.layer(), Layer.succeed(Tracer.Tracer, tracer))))
    }))
})
