/** The spans of callers and of workers come out of the tracer of the program. */
import { assert, it } from "@effect/vitest"
import { Effect, Exit, Stream } from "effect"
import * as ActorPool from "../../../src/ActorPool.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import behaviours, { Shop, Stock } from "../fixtures/traced.ts"
import { onEveryPlacement } from "../support/placements.ts"
import * as Spans from "../support/spans.ts"

const fixture = { module: new URL("../fixtures/traced.ts", import.meta.url), behaviours }

onEveryPlacement(fixture, (placement) => {
  it.live("a call is a span of the caller, below it the span of the handler, and below that those of its effects", () => {
    const traces = Spans.collect()
    return Effect.gen(function*() {
      const stock = yield* Stock.spawn()
      const caller = yield* Effect.withSpan(
        Effect.andThen(stock.level({ item: "bread" }), Effect.orDie(Effect.currentSpan)),
        "caller"
      )
      const client = yield* traces.ended("Stock.level", "client")
      const server = yield* traces.ended("Stock.level", "server")
      const inner = yield* traces.ended("lookup", "internal")
      assert.deepStrictEqual([client, server, inner].map(({ traceId }) => traceId), Array(3).fill(caller.traceId))
      assert.deepStrictEqual(
        [client, server, inner].map(Spans.parentOf),
        [caller.spanId, client.spanId, server.spanId]
      )
      assert.deepInclude(Object.fromEntries(client.attributes), {
        "rpc.system.name": "uactor",
        "rpc.method": "Stock/level",
        "uactor.actor.id": ActorRef.id(stock)
      })
      assert.match(String(client.attributes.get("uactor.worker.id")), /^(?:memory|thread|process)-1(?:~\d+)?$/)
      assert.deepInclude(Object.fromEntries(server.attributes), {
        "rpc.system.name": "uactor",
        "rpc.method": "Stock/level",
        "uactor.actor.id": ActorRef.id(stock)
      })
      assert.strictEqual(inner.attributes.get("item"), "bread")
      for (const [outer, within] of [[client, server], [server, inner]] as const) {
        // the clocks of two processes differ by less than this
        const slack = 50_000_000n
        assert.isTrue(
          outer.status.startTime <= within.status.startTime + slack && Spans.endOf(within) <= Spans.endOf(outer) + slack
        )
      }
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), Effect.provide(traces.layer))
  })

  it.live("the spans of a failed call have failed", () => {
    const traces = Spans.collect()
    return Effect.gen(function*() {
      const stock = yield* Stock.spawn()
      yield* Effect.exit(Effect.withSpan(stock.refuse(), "caller"))
      assert.strictEqual(Spans.exitOf(yield* traces.ended("Stock.refuse", "client")), "Failure")
      assert.strictEqual(Spans.exitOf(yield* traces.ended("Stock.refuse", "server")), "Failure")
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), Effect.provide(traces.layer))
  })

  it.live("a call outside of any span has a span of its handler, and none of its caller", () => {
    const traces = Spans.collect()
    return Effect.gen(function*() {
      const stock = yield* Stock.spawn()
      yield* stock.level({ item: "bread" })
      const server = yield* traces.ended("Stock.level", "server")
      assert.isUndefined(Spans.parentOf(server))
      const inner = yield* traces.ended("lookup", "internal")
      assert.deepStrictEqual([Spans.parentOf(inner), inner.traceId], [server.spanId, server.traceId])
      assert.isFalse(traces.all.some(({ kind }) => kind === "client"))
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), Effect.provide(traces.layer))
  })

  it.live("a stream, a call from actor to actor, and the call of a pool have spans", () => {
    const traces = Spans.collect()
    return Effect.gen(function*() {
      const stock = yield* Stock.spawn()
      const shop = yield* Shop.spawn()
      yield* Effect.withSpan(Stream.runDrain(stock.items()), "reader")
      assert.strictEqual(
        Spans.parentOf(yield* traces.ended("Stock.items", "server")),
        (yield* traces.ended("Stock.items", "client")).spanId
      )
      yield* Effect.withSpan(shop.buy({ stock }), "buyer")
      const server = yield* traces.ended("Stock.level", "server")
      const client = yield* traces.ended("Stock.level", "client")
      assert.strictEqual(Spans.parentOf(server), client.spanId)
      assert.strictEqual(Spans.parentOf(client), (yield* traces.ended("Shop.buy", "server")).spanId)
      assert.strictEqual(client.attributes.get("uactor.actor.id"), ActorRef.id(stock))
      const pool = yield* ActorPool.make(Stock, { size: 1 })
      yield* Effect.exit(Effect.withSpan(pool.client.refuse(), "caller"))
      assert.strictEqual(
        Spans.parentOf(yield* traces.ended("Stock.refuse", "server")),
        (yield* traces.ended("Stock.refuse", "client")).spanId
      )
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), Effect.provide(traces.layer))
  })
})

onEveryPlacement(fixture, (placement) => {
  it.live("the spans of a worker that exits arrive: the ended ones, and the others as aborted", () => {
    const traces = Spans.collect()
    return Effect.gen(function*() {
      const stock = yield* Stock.spawn()
      assert.isTrue(Exit.isFailure(yield* Effect.exit(Effect.withSpan(stock.exit(), "caller"))))
      assert.strictEqual(Spans.exitOf(yield* traces.ended("lookup", "internal")), "Success")
      const server = yield* traces.ended("Stock.exit", "server")
      assert.strictEqual(server.attributes.get("uactor.aborted"), true)
      assert.strictEqual(Spans.exitOf(server), "Failure")
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), Effect.provide(traces.layer))
  })

  it.live("the spans of the workers of a worker arrive, too", () => {
    const traces = Spans.collect()
    return Effect.gen(function*() {
      const stock = yield* Stock.spawn()
      yield* Effect.withSpan(stock.delegate(), "caller")
      const inner = yield* traces.ended("lookup", "internal")
      assert.match(String(inner.attributes.get("uactor.worker.id")), /^(?:thread|process)-1(?:~\d+)?\/thread-1$/)
      assert.strictEqual(inner.traceId, (yield* traces.ended("Stock.delegate", "client")).traceId)
      assert.strictEqual(Spans.parentOf(inner), (yield* traces.ended("Stock.level", "server")).spanId)
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), Effect.provide(traces.layer))
  }, 120_000)

  it.live("with telemetry none, and own, no span of a worker is relayed", () => {
    const traces = Spans.collect()
    return Effect.gen(function*() {
      for (const telemetry of ["none", "own"] as const) {
        yield* Effect.gen(function*() {
          const stock = yield* Stock.spawn()
          yield* Effect.exit(Effect.withSpan(stock.refuse(), "caller"))
        }).pipe(Effect.scoped, Effect.provide(placement.layer({ telemetry })))
      }
      assert.deepStrictEqual(
        traces.all.filter(({ name }) => !name.startsWith("uactor.")).map(({ kind, name }) => [name, kind]),
        [["caller", "internal"], ["Stock.refuse", "client"], ["caller", "internal"], ["Stock.refuse", "client"]]
      )
    }).pipe(Effect.provide(traces.layer))
  })
}, { except: ["memory"], reason: "the worker is this process" })
