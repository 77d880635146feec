/**
 * The relay of a worker: collects what the code of the worker logs, its spans and its metrics, and sends them to the host with the messages
 * of the same turn.
 */
import * as Context from "effect/Context"
import * as References from "effect/References"
import * as Tracer from "effect/Tracer"
import * as ActorId from "../actor/actorId.ts"
import { CurrentActor } from "../actor/currentActor.ts"
import * as Causes from "../codec/causes.ts"
import { encodeDefect } from "../codec/defects.ts"
import { queueMicrotask } from "../runtime/globals.ts"
import * as Frames from "../wire/frames.ts"
import type { Outbox } from "../wire/outbox.ts"
import * as LogValues from "./logValues.ts"
import { RelayedMetrics } from "./relayedMetrics.ts"
import { RelayedSpans } from "./relayedSpans.ts"

type Loggers = Context.Service.Shape<typeof References.CurrentLoggers>
type AnyLogger = Loggers extends ReadonlySet<infer Item> ? Item : never
type LogOptions = Parameters<AnyLogger["log"]>[0]

/** What has been collected since the last flush. */
export interface Collected {
  readonly logs: ReadonlyArray<Frames.LogRecord>
  /** the number of entries that were dropped */
  readonly dropped: number
  readonly metrics: ReadonlyArray<Frames.MetricRecord>
}

// An entry is sent at once, so that it has left when the worker runs out of memory in the same turn. A worker that logs much sends its
// entries at the end of the turn: at once it sends at most so many, and one more for each millisecond.
const maxUrgent = 16

const [, tracerLogger] = Context.get(Context.empty(), References.CurrentLoggers)

/** The services of a worker that logs nowhere. */
export const withoutLog: Context.Context<never> = Context.add(Context.empty(), References.CurrentLoggers, new Set())

/** Collects the log entries of a worker. */
export class Relay {
  private records: Array<Frames.LogRecord> = []
  private dropped = 0
  /** the number of entries in this turn */
  private count = 0
  /** the number of entries that may be sent at once, at the time of the last entry */
  private urgent = maxUrgent
  private last = 0
  private exit: Outbox | undefined
  /** the next flush calls {@link push} */
  private isDue = false
  private readonly worker: string
  /** the spans of the worker */
  readonly spans: RelayedSpans
  /** the metrics of the worker */
  private readonly metrics = new RelayedMetrics(() => this.collected(), () => this.exit?.schedule())

  /** `worker`: the id of this worker */
  constructor(worker: string) {
    this.worker = worker
    this.spans = new RelayedSpans(worker, () => this.admit(), () => {
      this.collected()
      this.exit?.schedule()
    })
    this.metrics.follow()
  }

  // what has been collected leaves with the next messages
  private collected(): void {
    if (this.isDue || this.exit === undefined) return
    this.isDue = true
    this.exit.beforeFlush(this.push)
  }

  // counts the entries and spans of this turn
  private admit(): boolean {
    if (this.count++ === 0) queueMicrotask(this.endTurn)
    if (this.count <= LogValues.maxEntries) return true
    this.dropped++
    this.collected()
    this.exit?.schedule()
    return false
  }

  /** Sends the entries through this outbox. */
  open(exit: Outbox): void {
    this.exit = exit
    this.collected()
    if (!this.isEmpty) exit.schedule()
  }

  get isEmpty(): boolean {
    return this.records.length === 0 && this.dropped === 0 && this.spans.isEmpty && this.metrics.isEmpty
  }

  // appends what has been collected to the frames that are sent next
  private readonly push = (): void => {
    const outbox = this.exit!
    this.isDue = false
    if (this.records.length > 0 || this.dropped > 0) {
      const { dropped, records } = this
      this.records = []
      this.dropped = 0
      outbox.push(Frames.Logs, records, dropped)
    }
    if (!this.spans.isEmpty) outbox.push(Frames.Spans, this.spans.take())
    if (!this.metrics.isEmpty) {
      const metrics = this.metrics.take()
      if (metrics.length > 0) outbox.push(Frames.Metrics, metrics)
    }
  }

  /** The worker ends: the spans that have begun end as interrupted, and all metrics are sent with the next messages. */
  abort(): void {
    this.spans.abort()
    this.metrics.end()
  }

  /** The layer of the worker has been released: all metrics are sent with the next messages. */
  close(): void {
    this.metrics.end()
  }

  /** What has been collected in a worker that serves no actor. */
  take(): Collected {
    return { logs: this.records, dropped: this.dropped, metrics: this.metrics.take() }
  }

  /** The services of the code of the worker: its log goes to this relay, and its spans do if the program has a tracer (`traces`). */
  services(traces: boolean): Context.Context<never> {
    const logger = { ...tracerLogger, log: (options: LogOptions) => this.log(options) } as AnyLogger
    const services = Context.add(Context.empty(), References.CurrentLoggers, new Set([logger, tracerLogger!]))
    return traces ? Context.add(services, Tracer.Tracer, this.spans.tracer) : services
  }

  private log(options: LogOptions): void {
    const { exit } = this
    if (!this.admit()) return
    const record = recordOf(options, this.worker)
    this.records.push(record)
    this.collected()
    if (exit === undefined) return
    const [, time] = record
    this.urgent = Math.min(maxUrgent, this.urgent + Math.max(0, time - this.last))
    this.last = time
    if (this.urgent < 1) return exit.schedule()
    this.urgent--
    exit.flush()
  }

  private readonly endTurn = (): void => {
    this.count = 0
    if (!this.isEmpty) this.exit?.schedule()
  }
}

const recordOf = ({ cause, date, fiber, logLevel, message }: LogOptions, worker: string): Frames.LogRecord => {
  const { cache: { span }, context } = fiber
  const parts = Array.isArray(message) ? message as ReadonlyArray<unknown> : [message]
  const annotations: Record<string, unknown> = {
    ...LogValues.encodeAll(Context.get(context, References.CurrentLogAnnotations))
  }
  // an entry that this worker passes on, from a worker that it has spawned, names its worker already
  if (annotations[workerKey] === undefined) {
    const actor = Context.get(context, CurrentActor)
    if (actor !== undefined) annotations[actorKey] = ActorId.ofServed(actor)
    annotations[workerKey] = worker
  }
  return [
    logLevel as Frames.LogRecord[0],
    date.getTime(),
    parts.map(LogValues.encode),
    annotations,
    Context.get(context, References.CurrentLogSpans).map(([label, time]) => [label, time]),
    cause.reasons.length === 0 ? undefined : Causes.encodeCause(cause, encodeDefect, encodeDefect),
    span === undefined ? undefined : [span.traceId, span.spanId, span.sampled]
  ]
}

const actorKey = "uactor.actor"
const workerKey = "uactor.worker"
