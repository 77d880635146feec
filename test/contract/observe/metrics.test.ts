/** What the code of workers counts arrives in the metric registry of the program. */
import { assert, it } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Logger, Metric, Option, Schedule } from "effect"
import { PrometheusMetrics } from "effect/observability"
import * as ActorMetrics from "../../../src/ActorMetrics.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as Supervision from "../../../src/Supervision.ts"
import behaviours, { amounts, items, layers, sell, sold, Till } from "../fixtures/counted.ts"
import { until } from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"

const fixture = { module: new URL("../fixtures/counted.ts", import.meta.url), behaviours }

/** A registry of metrics, as the program reads it. */
const registry = () => {
  const context = Context.make(Metric.MetricRegistry, new Map())
  const lines = (): ReadonlyArray<string> => PrometheusMetrics.formatUnsafe(context).split("\n")
  const find = (name: string): string | undefined =>
    lines().find((line) => line.startsWith(`${name} `))?.slice(name.length + 1)
  return {
    context,
    lines,
    find,
    provide: Effect.provideContext(context),
    /** Waits until a line of the Prometheus text has this value. */
    reads: (name: string, value: number) => until(`${name} is ${value}`, () => find(name) === String(value))
  }
}

const bread = `sold{item="bread"}`

onEveryPlacement(fixture, (placement) => {
  it.live("the counts of four workers and of the program are one sum", () => {
    const metrics = registry()
    return Effect.gen(function*() {
      const tills = yield* Effect.all(Array.from({ length: 4 }, () => Till.spawn()), { concurrency: "unbounded" })
      yield* sell("bread", 1000)
      yield* Effect.forEach(
        [...tills, ...tills],
        (till, i) => till.sell({ item: i % 2 === 0 ? "bread" : "milk", amount: i }),
        { concurrency: "unbounded" }
      )
      yield* metrics.reads(bread, 1000 + 0 + 2 + 4 + 6)
      yield* metrics.reads(`sold{item="milk"}`, 1 + 3 + 5 + 7)
      yield* metrics.reads("sold_big", 1028)
      yield* metrics.reads("amount_count", 9)
      assert.deepStrictEqual(
        ["1", "10", "100", "+Inf"].map((le) => metrics.find(`amount_bucket{le="${le}"}`)),
        ["2", "8", "8", "9"]
      )
      assert.strictEqual(metrics.find("amount_sum"), "1028")
      assert.strictEqual(metrics.find(`items{key="bread"}`), "5")
      yield* sell("bread", 1)
      assert.strictEqual(metrics.find(bread), "1013")
      const { count, max, min } = amounts.valueUnsafe(metrics.context)
      assert.deepStrictEqual([count, min, max], [10, 0, 1000])
      assert.strictEqual(items.valueUnsafe(metrics.context).occurrences.get("milk"), 4)
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), metrics.provide)
  })
})

onEveryPlacement(fixture, (placement) => {
  it.live("what is counted in the turn of an exit or an uncaught exception arrives, and no sum falls", () => {
    const metrics = registry()
    return Effect.gen(function*() {
      const till = yield* Till.spawn().pipe(
        Supervision.supervised(Supervision.make({ schedule: Schedule.recurs(10) }))
      )
      let last = 0
      let isFalling = false
      const watch = yield* Effect.forkChild(Effect.forever(Effect.andThen(
        Effect.sleep(1),
        Effect.sync(() => {
          const now = Number(metrics.find(bread) ?? 0)
          isFalling ||= now < last
          last = now
        })
      )))
      yield* till.sell({ item: "bread", amount: 1 })
      assert.isTrue(Exit.isFailure(yield* Effect.exit(till.sellAndExit({ item: "bread", amount: 10 }))))
      yield* metrics.reads(bread, 11)
      yield* till.sell({ item: "bread", amount: 100 })
      assert.isTrue(Exit.isFailure(yield* Effect.exit(till.sellAndThrow({ item: "bread", amount: 1000 }))))
      yield* metrics.reads(bread, 1111)
      yield* till.sell({ item: "bread", amount: 10_000 })
      yield* metrics.reads(bread, 11_111)
      yield* metrics.reads("amount_count", 5)
      assert.isFalse(isFalling)
      watch.interruptUnsafe()
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), metrics.provide)
  })

  it.live("what a worker has counted before an answer arrives, although the worker is killed at once", () => {
    const metrics = registry()
    return Effect.gen(function*() {
      let sum = 0
      for (let round = 1; round <= 5; round++) {
        const till = yield* Till.spawn()
        // the metrics of the first call have just been sent when the next calls count
        for (let i = 0; i < 3; i++) sum += yield* till.sell({ item: "bread", amount: 10 * round + i })
        yield* ActorRef.kill(till)
        yield* metrics.reads(bread, sum)
      }
      yield* metrics.reads("sold_big", sum)
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), metrics.provide)
  })

  for (const end of ["out of memory", "SIGKILL"] as const) {
    // a signal ends the process of all threads; a child process ignores the signals that ask a program to end
    if (end !== "out of memory" && placement.name === "threads") continue
    it.live(`no count of a worker, and no count of its calls, falls when the worker ends by ${end}`, () => {
      const metrics = registry()
      const callsOf = (method: string, outcome: string): number =>
        Number(metrics.find(`uactor_calls{rpc_method="Till/${method}",uactor_call_outcome="${outcome}"}`) ?? 0)
      return Effect.gen(function*() {
        const till = yield* Till.spawn().pipe(
          Supervision.supervised(Supervision.make({ schedule: Schedule.recurs(10) }))
        )
        const [ok, unknown] = [callsOf("sell", "ok"), callsOf("hoard", "unknown")]
        let last = [0, 0]
        let isFalling = false
        const watch = yield* Effect.forkChild(Effect.forever(Effect.andThen(
          Effect.sleep(1),
          Effect.sync(() => {
            const now = [Number(metrics.find(bread) ?? 0), callsOf("sell", "ok")]
            isFalling ||= now.some((count, i) => count < last[i]!)
            last = now
          })
        )))
        let sum = 0
        for (let round = 1; round <= 2; round++) {
          for (let i = 0; i < 3; i++) sum += yield* till.sell({ item: "bread", amount: 10 * round + i })
          if (end === "out of memory") assert.isTrue(Exit.isFailure(yield* Effect.exit(till.hoard())))
          else {
            const pid = yield* till.pid()
            process.kill(pid, end)
            // the next incarnation is another process
            yield* Effect.repeat(Effect.option(till.pid()), {
              until: Option.exists((next) => next !== pid),
              schedule: Schedule.spaced(10)
            })
          }
          yield* metrics.reads(bread, sum)
        }
        assert.strictEqual(callsOf("sell", "ok") - ok, 6)
        assert.strictEqual(callsOf("hoard", "unknown") - unknown, end === "out of memory" ? 2 : 0)
        yield* till.sell({ item: "bread", amount: 1 })
        yield* metrics.reads(bread, sum + 1)
        assert.isFalse(isFalling)
        watch.interruptUnsafe()
      }).pipe(
        Effect.scoped,
        Effect.provide(Layer.merge(placement.layer({ heapMb: 64 }), ActorMetrics.layer())),
        metrics.provide,
        Effect.provide(Logger.layer([]))
      )
    }, 120_000)
  }

  it.live("a gauge and a summary name their worker, and end with it; the counts of layers and finalizers arrive", () => {
    const metrics = registry()
    const named = (name: string) =>
      metrics.lines().filter((line) => line.startsWith(`${name}{`)).map((line) =>
        line.replace(/uactor_worker_id="[a-z]+-(\d)(?:~\d+)?"/, "worker $1")
      )
    return Effect.gen(function*() {
      yield* Effect.gen(function*() {
        const tills = [yield* Till.spawn(), yield* Till.spawn()]
        for (const [i, till] of tills.entries()) yield* till.sell({ item: "bread", amount: i })
        yield* until("the gauges arrive", () => named("last").length === 2)
        assert.deepStrictEqual(named("last").toSorted(), ["last{worker 1} 0", "last{worker 2} 1"])
        yield* until("the summaries arrive", () => named("amounts_count").length === 2)
        yield* until("the registered gauges arrive", () => named("till_queue").length === 2)
        assert.deepStrictEqual(named("till_queue").toSorted(), ["till_queue{worker 1} 7", "till_queue{worker 2} 7"])
        assert.strictEqual(layers.valueUnsafe(metrics.context).count, 2)
      }).pipe(Effect.scoped, Effect.provide(placement.layer()))
      assert.deepStrictEqual(metrics.lines().filter((line) => line.includes("worker")), [])
      assert.strictEqual(layers.valueUnsafe(metrics.context).count, 4)
      assert.strictEqual(metrics.find(bread), "1")
    }).pipe(metrics.provide)
  })

  it.live("a series that a worker removes keeps its count, and counts on when it is used again", () => {
    const metrics = registry()
    return Effect.gen(function*() {
      const till = yield* Till.spawn()
      yield* till.sell({ item: "bread", amount: 3 })
      yield* till.forget({ item: "bread" })
      yield* till.sell({ item: "bread", amount: 4 })
      yield* metrics.reads(bread, 7)
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), metrics.provide)
  })

  it.live("the counts of the workers of a worker arrive, and the program may remove a series", () => {
    const metrics = registry()
    return Effect.gen(function*() {
      const till = yield* Till.spawn()
      yield* till.sell({ item: "bread", amount: 1 })
      yield* till.delegate({ item: "bread", amount: 2 })
      yield* metrics.reads(bread, 3)
      yield* Metric.remove(Metric.withAttributes(sold, { item: "bread" }))
      assert.isUndefined(metrics.find(bread))
      yield* till.sell({ item: "bread", amount: 4 })
      yield* metrics.reads(bread, 7)
    }).pipe(Effect.scoped, Effect.provide(placement.layer()), metrics.provide)
  }, 120_000)

  it.live("with telemetry none, and own, no metric of a worker arrives", () => {
    const metrics = registry()
    return Effect.gen(function*() {
      for (const telemetry of ["none", "own"] as const) {
        yield* Effect.gen(function*() {
          const till = yield* Till.spawn()
          yield* till.sell({ item: "bread", amount: 1 })
          yield* Effect.exit(till.sellAndExit({ item: "bread", amount: 10 }))
        }).pipe(Effect.scoped, Effect.provide(placement.layer({ telemetry })))
      }
      assert.deepStrictEqual(metrics.lines(), [""])
    }).pipe(metrics.provide)
  })
}, { except: ["memory"], reason: "the worker is this process" })
