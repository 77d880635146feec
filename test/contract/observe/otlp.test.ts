/** One `Otlp.layer` in the program, and none in the modules, exports what all workers log, trace and count. */
import { assert, it } from "@effect/vitest"
import { Effect, Exit, Layer, Metric } from "effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Otlp from "effect/observability/Otlp"
import * as ActorMetrics from "../../../src/ActorMetrics.ts"
import behaviours, { Till } from "../fixtures/counted.ts"
import * as Collector from "../support/collector.ts"
import { onEveryPlacement } from "../support/placements.ts"

const fixture = { module: new URL("../fixtures/counted.ts", import.meta.url), behaviours }

const upTo = (n: number): ReadonlyArray<number> => Array.from({ length: n }, (_, i) => i)

onEveryPlacement(fixture, (placement) => {
  it.live(
    "every log, every span and every count of the workers arrives, also those of the second of an exit",
    () =>
      Effect.gen(function*() {
        const collector = yield* Collector.make
        const exporter = Otlp.layerJson({ baseUrl: collector.url, resource: { serviceName: "shop" } }).pipe(
          Layer.provide(FetchHttpClient.layer)
        )
        const call = <A, E>(n: number, effect: Effect.Effect<A, E>) =>
          Effect.annotateLogs(Effect.withSpan(effect, "caller"), { requestId: `r-${n}` })
        yield* Effect.gen(function*() {
          const tills = yield* Effect.all(Array.from({ length: 2 }, () => Till.spawn()), { concurrency: "unbounded" })
          yield* Effect.forEach(upTo(20), (n) => call(n, tills[n % 2]!.weigh({ n })), { concurrency: 4 })
          const exit = yield* Effect.exit(call(20, tills[0]!.weighAndExit({ n: 20 })))
          assert.isTrue(Exit.isFailure(exit))
          yield* call(21, tills[1]!.weigh({ n: 21 }))
        }).pipe(
          Effect.scoped,
          Effect.provide(Layer.merge(placement.layer(), ActorMetrics.layer())),
          Effect.provide(exporter)
        )
        const weighings = upTo(22).map((n) => `weighed ${n} Warn r-${n}`)
        const logs = collector.logs.filter(({ body }) => String(body).startsWith("weighed"))
        assert.deepStrictEqual(
          logs.map(({ attributes, body, severity }) => `${String(body)} ${severity} ${String(attributes["requestId"])}`)
            .toSorted(),
          weighings.toSorted()
        )
        assert.isTrue(logs.every(({ attributes }) => /^(?:thread|process)-/.test(String(attributes["uactor.worker"]))))
        const spans = collector.spans.filter(({ name }) => name === "weigh")
        assert.deepStrictEqual(
          spans.map(({ attributes }) => Number(attributes["n"])).toSorted((a, b) => a - b),
          upTo(22)
        )
        const handlers = collector.spans.filter(({ kind, name }) => kind === 2 && name.startsWith("Till.weigh"))
        assert.lengthOf(handlers, 22)
        assert.strictEqual(spans.every(({ traceId }) => handlers.some((span) => span.traceId === traceId)), true)
        const last = (name: string) => collector.metrics.findLast((metric) => metric.name === name)!
        assert.deepStrictEqual(
          last("weighed").data.sum.dataPoints.map(({ asDouble }: any) => asDouble),
          [22]
        )
        assert.strictEqual(last("weighed").data.sum.isMonotonic, true)
      }).pipe(Effect.scoped, Effect.provideService(Metric.MetricRegistry, new Map())),
    120_000
  )
}, { except: ["memory"], reason: "the worker is this process" })
