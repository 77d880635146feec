/**
 * The metrics of a worker, on their way to the program. The registry of the worker reports which metrics change, so nothing is read and
 * nothing is sent while no metric changes.
 */
import * as Context from "effect/Context"
import { constVoid } from "effect/Function"
import * as Metric from "effect/Metric"
import { attempt } from "../runtime/describe.ts"
import { performance, setTimeout } from "../runtime/globals.ts"
import type * as Frames from "../wire/frames.ts"

type Metadata = Metric.Metric.Metadata<any, any>

/** The shortest time between two messages with all metrics, in milliseconds. Counters leave with every message of the worker. */
const interval = 100

/** The shortest time between two messages that are sent for counters alone, in milliseconds. */
const countInterval = 1

/** The interval at which metrics are read whose changes are not reported, in milliseconds. */
const pollInterval = 1_000

/** A metric in the registry of the worker. */
interface Series {
  readonly number: number
  readonly metadata: Metadata
  readonly isPulled: boolean
  isChanged: boolean
  /** the state that was sent last; `undefined`: the program does not know the metric */
  sent: Frames.MetricState | undefined
}

const empty: Context.Context<never> = Context.empty()

/** The registry that the code of a worker uses unless it provides another. */
const registryOf = (): Metric.MetricRegistry => Context.get(empty, Metric.MetricRegistry)

const mutable = (metadata: Metadata): { hooks: Metadata["hooks"] } => metadata

const isSame = (a: unknown, b: unknown): boolean =>
  Array.isArray(a) && Array.isArray(b)
    ? a.length === b.length && a.every((item, i) => isSame(item, b[i]))
    : Object.is(a, b)

const unref = (timer: { readonly unref?: () => unknown } | number): void => {
  if (typeof timer === "object") timer.unref?.()
}

/** The state of a metric as plain data. A metric that the program registers itself may have any state. */
const stateOf = ({ hooks, type }: Metadata): Frames.MetricState | undefined =>
  attempt(() => {
    const state: Readonly<Record<string, any>> = hooks.get(empty)
    switch (type) {
      case "Counter":
        return numberOf(state["count"])
      case "Gauge":
        return numberOf(state["value"])
      case "Frequency":
        return [
          Array.from(state["occurrences"], ([word, n]: [unknown, unknown]) => [String(word), Number(n)]),
          0,
          0,
          0,
          0
        ]
      default: {
        const pairs: ReadonlyArray<readonly [unknown, unknown]> = state["buckets"] ?? state["quantiles"]
        return [
          pairs.map(([key, n]) => [Number(key), n === undefined ? undefined : Number(n)]),
          Number(state["count"]),
          Number(state["min"]),
          Number(state["max"]),
          Number(state["sum"])
        ]
      }
    }
  }, undefined)

const numberOf = (value: unknown): number | bigint => typeof value === "bigint" ? value : Number(value)

// only types keep an attribute from being another value
const attributesOf = (attributes: Readonly<Record<string, unknown>> = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, String(value)]))

const definitionOf = ({ attributes, description, hooks, id, type }: Metadata): Frames.MetricDefinition => [
  type,
  id,
  description,
  attributesOf(attributes),
  type === "Counter" && hooks.get(empty).incremental === true
]

/** Collects the changes of the metrics of a worker. */
export class RelayedMetrics {
  private readonly series = new Map<string, Series>()
  private readonly pulled = new Set<Series>()
  private isPolling = false
  private changed: Array<Series> = []
  private counts: Array<Series> = []
  private removed: Array<Series> = []
  private count = 0
  private last = -Infinity
  private lastCount = -Infinity
  private isTimed = false
  private isCountTimed = false
  /** whether all changes are to be sent with the next messages, and not those of counters alone */
  private isDue = false
  private readonly onReady: () => void
  private readonly schedule: () => void

  /** `onReady`: metrics leave with the next messages; `schedule`: makes sure that messages are sent at the end of this turn */
  constructor(onReady: () => void, schedule: () => void) {
    this.onReady = onReady
    this.schedule = schedule
  }

  /** Follows the registry of this worker. */
  follow(): void {
    const registry = registryOf()
    for (const [key, metadata] of registry) this.set(key, metadata)
    registry.set = (key, metadata) => {
      this.set(key, metadata)
      return Map.prototype.set.call(registry, key, metadata) as Metric.MetricRegistry
    }
    registry.delete = (key) => {
      this.delete(key)
      return Map.prototype.delete.call(registry, key)
    }
    registry.clear = () => {
      for (const key of this.series.keys()) this.delete(key)
      Map.prototype.clear.call(registry)
    }
  }

  // a metric that is set again has changed
  private set(key: string, metadata: Metadata): void {
    const known = this.series.get(key)
    if (known?.metadata === metadata) return this.mark(known)
    this.delete(key)
    const { hooks } = metadata
    const isPulled = hooks.update === constVoid
    const series: Series = { number: this.count++, metadata, isPulled, isChanged: false, sent: undefined }
    this.series.set(key, series)
    if (isPulled) this.poll(series)
    else {
      mutable(metadata).hooks = {
        get: hooks.get,
        update: (input, context) => {
          hooks.update(input, context)
          this.mark(series)
        },
        modify: (input, context) => {
          hooks.modify(input, context)
          this.mark(series)
        }
      }
    }
    this.mark(series)
  }

  private delete(key: string): void {
    const series = this.series.get(key)
    if (series === undefined) return
    this.series.delete(key)
    this.pulled.delete(series)
    // the last changes of the metric still count
    this.mark(series)
    this.removed.push(series)
    this.request()
  }

  private mark(series: Series): void {
    if (series.isChanged) return
    series.isChanged = true
    if (series.metadata.type === "Counter" && !series.isPulled) return this.markCount(series)
    this.changed.push(series)
    this.request()
  }

  // a worker may be killed as soon as the program has an answer: what was counted before is in the same message
  private markCount(series: Series): void {
    if (this.counts.push(series) > 1) return
    this.onReady()
    if (this.isCountTimed) return
    const wait = this.lastCount + countInterval - performance.now()
    if (wait <= 0) return this.schedule()
    this.isCountTimed = true
    unref(setTimeout(() => {
      this.isCountTimed = false
      if (this.counts.length > 0) this.schedule()
    }, wait))
  }

  private request(): void {
    if (this.isTimed || this.isDue) return
    const wait = this.last + interval - performance.now()
    if (wait <= 0) return this.due()
    this.isTimed = true
    unref(setTimeout(() => {
      this.isTimed = false
      this.due()
    }, wait))
  }

  private due(): void {
    this.isDue = true
    this.onReady()
    this.schedule()
  }

  /** whether no metrics leave with the next messages */
  get isEmpty(): boolean {
    return this.counts.length === 0 && !this.isDue
  }

  private poll(series: Series): void {
    this.pulled.add(series)
    if (this.isPolling) return
    this.isPolling = true
    const next = (): void => {
      unref(setTimeout(() => {
        if (this.pulled.size === 0) {
          this.isPolling = false
          return
        }
        for (const one of this.pulled) this.mark(one)
        next()
      }, pollInterval))
    }
    next()
  }

  /** The worker ends: the next messages carry all changes. */
  end(): void {
    for (const one of this.pulled) this.mark(one)
    this.isDue = true
    this.onReady()
  }

  /** Takes the changes of counters, and all others if they are due. */
  take(): ReadonlyArray<Frames.MetricRecord> {
    const { counts, isDue } = this
    const records: Array<Frames.MetricRecord> = []
    if (counts.length > 0) {
      this.counts = []
      this.lastCount = performance.now()
      for (const series of counts) this.record(series, records)
    }
    if (!isDue) return records
    const { changed, removed } = this
    this.changed = []
    this.removed = []
    this.isDue = false
    this.last = performance.now()
    for (const series of changed) this.record(series, records)
    for (const { number, sent } of removed) if (sent !== undefined) records.push([number, undefined, undefined])
    return records
  }

  private record(series: Series, records: Array<Frames.MetricRecord>): void {
    series.isChanged = false
    const state = stateOf(series.metadata)
    if (state === undefined || series.isPulled && isSame(state, series.sent)) return
    records.push([series.number, series.sent === undefined ? definitionOf(series.metadata) : undefined, state])
    series.sent = state
  }
}
