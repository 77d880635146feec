/** The exporters that programs use get the spans of the workers: the exporter of Effect in the program, and the OpenTelemetry SDK in the module. */
import * as NodeSdk from "@effect/opentelemetry/NodeSdk"
import { assert, it } from "@effect/vitest"
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http"
import { SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base"
import { Effect, Layer, Logger } from "effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as OtlpSerialization from "effect/observability/OtlpSerialization"
import * as OtlpTracer from "effect/observability/OtlpTracer"
import * as ActorRef from "../../../src/ActorRef.ts"
import behaviours, { Quote } from "../fixtures/exporting.ts"
import * as Collector from "../support/collector.ts"
import { until } from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"

const fixture = { module: new URL("../fixtures/exporting.ts", import.meta.url), behaviours }

const server = 2
const client = 3

const received = (
  { spans }: Collector.Collector,
  name: string,
  kind: number
): Effect.Effect<Collector.Span> => {
  const find = () => spans.find((span) => span.name === name && span.kind === kind)
  return Effect.map(
    until(`the collector has received ${name} of kind ${kind}`, () => find() !== undefined),
    () => find()!
  )
}

/** Each span is the parent of the next one, in one trace. */
const assertNested = (
  [outermost, ...spans]: readonly [Pick<Collector.Span, "traceId" | "spanId">, ...ReadonlyArray<Collector.Span>]
): void => {
  let around = outermost
  for (const span of spans) {
    assert.deepStrictEqual([span.traceId, span.parentSpanId], [around.traceId, around.spanId])
    around = span
  }
}

onEveryPlacement(fixture, (placement) => {
  it.live("the exporter of Effect in the program exports the spans of the workers with their ids and times", () =>
    Effect.gen(function*() {
      const collector = yield* Collector.make
      const exporter = OtlpTracer.layer({
        url: `${collector.url}/v1/traces`,
        resource: { serviceName: "shop" },
        exportInterval: "20 millis"
      }).pipe(Layer.provide([OtlpSerialization.layerJson, FetchHttpClient.layer]))
      yield* Effect.gen(function*() {
        const quote = yield* Quote.spawn()
        const [caller] = yield* Effect.withSpan(
          Effect.zip(Effect.orDie(Effect.currentSpan), quote.of({ item: "bread" })),
          "caller"
        )
        const outer = yield* received(collector, "Quote.of", client)
        const handler = yield* received(collector, "Quote.of", server)
        const inner = yield* received(collector, "lookup", 1)
        assertNested([caller, outer, handler, inner])
        assert.strictEqual(inner.attributes["item"], "bread")
        assert.strictEqual(handler.attributes["uactor.actor.id"], ActorRef.id(quote))
        assert.strictEqual(handler.resource["service.name"], "shop")
        // the clocks of two processes differ by less than this
        const slack = 50_000_000n
        for (const [around, within] of [[outer, handler], [handler, inner]] as const) {
          assert.isTrue(around.start <= within.start + slack && within.end <= around.end + slack)
        }
      }).pipe(Effect.scoped, Effect.provide(placement.layer()), Effect.provide(exporter))
    }).pipe(Effect.scoped, Effect.provide(Logger.layer([]))))
})

onEveryPlacement(fixture, (placement) => {
  it.live("the OpenTelemetry SDK in the module exports the spans of the worker into the trace of the caller", () =>
    Effect.gen(function*() {
      const collector = yield* Collector.make
      const sdk = NodeSdk.layer(() => ({
        resource: { serviceName: "shop" },
        spanProcessor: new SimpleSpanProcessor(new OTLPTraceExporter({ url: `${collector.url}/v1/traces` }))
      }))
      yield* Effect.gen(function*() {
        const quote = yield* Quote.spawn()
        yield* Effect.withSpan(Effect.andThen(quote.of({ item: "bread" }), Effect.exit(quote.refuse())), "caller")
      }).pipe(
        Effect.scoped,
        Effect.provide(placement.layer({ telemetry: "own", env: { COLLECTOR: collector.url } })),
        Effect.provide(sdk)
      )
      const caller = yield* received(collector, "caller", 1)
      const outer = yield* received(collector, "Quote.of", client)
      const handler = yield* received(collector, "Quote.of", server)
      const inner = yield* received(collector, "lookup", 1)
      assertNested([caller, outer, handler, inner])
      assert.deepStrictEqual(
        [outer, handler, inner].map(({ resource }) => resource["service.name"]),
        ["shop", "quotes", "quotes"]
      )
      const refused = yield* received(collector, "Quote.refuse", server)
      assert.strictEqual(refused.status, 2)
    }).pipe(Effect.scoped, Effect.provide(Logger.layer([]))))
}, { except: ["memory"], reason: "the worker is this process, and the module its own" })
