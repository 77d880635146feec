/**
 * The metrics of workers in the registry of the program. Counters, histograms and frequencies of all workers are added to the metric of
 * the program with the same name and attributes, and stay when a worker ends. Gauges and summaries cannot be added: each worker has its own.
 */
import * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import type * as Frames from "../wire/frames.ts"

type Metadata = Metric.Metric.Metadata<any, any>
type States = Extract<Frames.MetricState, ReadonlyArray<unknown>>

/** What the metrics of workers add to a metric of the program. */
interface Sum {
  readonly add: (state: Frames.MetricState, before: Frames.MetricState | undefined) => void
  /** adds the sum to the state of the program's own metric */
  readonly with: (own: any) => unknown
}

/** A metric of a worker. */
interface Source {
  readonly change: (state: Frames.MetricState) => void
  readonly end: () => void
}

const plus = (a: number | bigint, b: number | bigint): number | bigint =>
  typeof a === "bigint" && typeof b === "bigint" ? a + b : Number(a) + Number(b)

const counterSum = (isBig: boolean): Sum => {
  let sum: number | bigint = isBig ? 0n : 0
  return {
    add: (state, before = isBig ? 0n : 0) => {
      sum = plus(sum, plus(state as number, -(before as number)))
    },
    with: (own: Metric.CounterState<any>) => ({ ...own, count: plus(own.count, sum) })
  }
}

const frequencySum = (): Sum => {
  const sums = new Map<string, number>()
  const addTo = (to: Map<string, number>, word: string, n: number): void => void to.set(word, (to.get(word) ?? 0) + n)
  return {
    add: (state, before) => {
      for (const [word, n] of (before as States | undefined)?.[0] ?? []) addTo(sums, word as string, -n!)
      for (const [word, n] of (state as States)[0]) addTo(sums, word as string, n!)
    },
    with: (own: Metric.FrequencyState) => {
      const occurrences = new Map(own.occurrences)
      for (const [word, n] of sums) addTo(occurrences, word, n)
      return { occurrences }
    }
  }
}

// the number of values up to a bound; the bounds of two metrics with the same name may differ
const upTo = (buckets: States[0], bound: number): number => {
  let n = 0
  for (const [at, count] of buckets) if (at as number <= bound) n = count!
  return n
}

const histogramSum = (bounds: ReadonlyArray<number>): Sum => {
  const buckets = bounds.map((bound): [bound: number, n: number] => [bound, 0])
  let [count, min, max, sum] = [0, Number.MAX_VALUE, -Number.MAX_VALUE, 0]
  return {
    add: (state, before) => {
      const [pairs, ...now] = state as States
      const [pairsBefore, countBefore, , , sumBefore] = before as States | undefined ?? none
      for (const bucket of buckets) bucket[1] += upTo(pairs, bucket[0]) - upTo(pairsBefore, bucket[0])
      count += now[0] - countBefore
      min = Math.min(min, now[1])
      max = Math.max(max, now[2])
      sum += now[3] - sumBefore
    },
    with: (own: Metric.HistogramState) => ({
      buckets: own.buckets.map(([bound, n]) => [bound, n + upTo(buckets, bound)]),
      count: own.count + count,
      min: Math.min(own.min, min),
      max: Math.max(own.max, max),
      sum: own.sum + sum
    })
  }
}

const none: States = [[], 0, 0, 0, 0]

const boundsOf = (state: States): ReadonlyArray<number> => state[0].map(([bound]) => bound as number)

// the metric of the program, with its key in the registry
const own = (definition: Frames.MetricDefinition, state: Frames.MetricState): readonly [key: string, Metadata] => {
  const [type, id, description, attributes, incremental] = definition
  const options = { description, attributes }
  const registry: Metric.MetricRegistry = new Map()
  const metric: Metric.Metric<any, any> = type === "Counter"
    ? typeof state === "bigint"
      ? Metric.counter(id, { ...options, incremental, bigint: true })
      : Metric.counter(id, { ...options, incremental })
    : type === "Frequency"
    ? Metric.frequency(id, options)
    : Metric.histogram(id, { ...options, boundaries: boundsOf(state as States) })
  metric.valueUnsafe(Context.make(Metric.MetricRegistry, registry))
  return registry.entries().next().value!
}

/** Adds the metrics of workers to a registry. */
export class MergedMetrics {
  private readonly registry: Metric.MetricRegistry
  private readonly merged = new Map<string, { metadata: Metadata | undefined; readonly sum: Sum }>()

  private constructor(registry: Metric.MetricRegistry) {
    this.registry = registry
  }

  private static readonly all = new WeakMap<Metric.MetricRegistry, MergedMetrics>()

  /** The metrics of all workers of all systems in the registry of this context. */
  static of(context: Context.Context<never>): MergedMetrics {
    const registry = Context.get(context, Metric.MetricRegistry)
    let merged = MergedMetrics.all.get(registry)
    if (merged === undefined) MergedMetrics.all.set(registry, merged = new MergedMetrics(registry))
    return merged
  }

  /** Adds a metric of a worker. */
  source(worker: string, definition: Frames.MetricDefinition, state: Frames.MetricState): Source {
    const [type] = definition
    return type === "Gauge" || type === "Summary" ? this.apart(worker, definition) : this.added(definition, state)
  }

  // a metric of one worker, which ends with the worker
  private apart(
    worker: string,
    [type, id, description, attributes]: Frames.MetricDefinition
  ): Source {
    const options = { description, attributes: { [workerKey]: worker, ...attributes } }
    let state: Frames.MetricState = 0
    const hooks = { update: () => undefined, modify: () => undefined }
    const context = Context.make(Metric.MetricRegistry, this.registry)
    const { remove } = type === "Gauge"
      ? Metric.registerUnsafe(Metric.gauge(id, options), context, { ...hooks, get: () => ({ value: state as number }) })
      : Metric.registerUnsafe(
        Metric.summary(id, { ...options, maxAge: 0, maxSize: 0, quantiles: [] }),
        context,
        {
          ...hooks,
          get: () => {
            const [quantiles, count, min, max, sum] = state as States
            return { quantiles: quantiles as ReadonlyArray<[number, number | undefined]>, count, min, max, sum }
          }
        }
      )
    return {
      change: (now) => {
        state = now
      },
      end: remove
    }
  }

  // a metric that the metrics of several workers add up to, with the program's own
  private added(definition: Frames.MetricDefinition, first: Frames.MetricState): Source {
    const [type] = definition
    const [key, fresh] = own(definition, first)
    let target = this.merged.get(key)
    if (target === undefined) {
      const sum = type === "Counter"
        ? counterSum(typeof first === "bigint")
        : type === "Frequency"
        ? frequencySum()
        : histogramSum(boundsOf(first as States))
      this.merged.set(key, target = { metadata: undefined, sum })
    }
    const { sum } = target
    let before: Frames.MetricState | undefined
    return {
      change: (state) => {
        sum.add(state, before)
        before = state
        const existing = this.registry.get(key) ?? target.metadata
        if (existing === undefined || existing !== target.metadata) {
          const metadata = target.metadata = existing ?? fresh
          const { get, modify, update } = metadata.hooks
          const hooks = { get: (context: Context.Context<never>) => sum.with(get(context)), modify, update }
          Object.assign(metadata, { hooks })
        }
        // also tells the relay of this worker, if this is one, of the change
        this.registry.set(key, target.metadata)
      },
      end: () => undefined
    }
  }
}

/** The metrics of one worker in the program. */
export class WorkerMetrics {
  private readonly merged: MergedMetrics
  private readonly worker: string
  private readonly sources = new Map<number, Source>()

  constructor(merged: MergedMetrics, worker: string) {
    this.merged = merged
    this.worker = worker
  }

  /** Applies the changes of the metrics of the worker. */
  change(records: ReadonlyArray<Frames.MetricRecord>): void {
    for (const [series, definition, state] of records) {
      let source = this.sources.get(series)
      if (state === undefined) {
        source?.end()
        this.sources.delete(series)
        continue
      }
      if (source === undefined && definition !== undefined) {
        this.sources.set(series, source = this.merged.source(this.worker, definition, state))
      }
      source?.change(state)
    }
  }

  /** The worker has ended. */
  end(): void {
    for (const source of this.sources.values()) source.end()
  }
}

const workerKey = "uactor.worker.id"
