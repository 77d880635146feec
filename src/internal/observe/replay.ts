/**
 * What a worker has relayed appears in the program as if the program had made it: the entries of its log go through the loggers of the
 * program, its spans through the tracer, and its metrics are added to the registry of the program.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as References from "effect/References"
import * as Tracer from "effect/Tracer"
import * as Causes from "../codec/causes.ts"
import { decodeDefect } from "../codec/defects.ts"
import { notify } from "../runtime/notify.ts"
import type * as Frames from "../wire/frames.ts"
import * as LogValues from "./logValues.ts"
import { MergedMetrics, WorkerMetrics } from "./mergedMetrics.ts"

const clockAt = (clock: Clock.Clock, millis: number): Clock.Clock =>
  Object.assign(Object.create(clock) as Clock.Clock, { currentTimeMillisUnsafe: () => millis })

const spanOf = ([traceId, spanId, sampled]: NonNullable<Frames.Extras["trace"]>): Tracer.ExternalSpan =>
  Tracer.externalSpan({ traceId, spanId, sampled })

/** Writes what workers relay. */
export class Replay {
  private readonly context: Context.Context<never>
  private readonly tracer: Tracer.Tracer | undefined
  /** the metrics of the workers that have any */
  private readonly counted = new Map<string, WorkerMetrics>()

  /** `context`: the context of the system */
  constructor(context: Context.Context<never>) {
    this.tracer = context.mapUnsafe.get(Tracer.TracerKey)
    // the worker has filtered its entries; the span in which the system was made is not theirs
    this.context = Context.add(
      Context.omit(Tracer.ParentSpan)(context),
      References.MinimumLogLevel,
      "All"
    )
  }

  /** whether the program has a tracer */
  get traces(): boolean {
    return this.tracer !== undefined
  }

  /** Passes the spans of a worker to the tracer of the program. */
  spans(records: ReadonlyArray<Frames.SpanRecord>): void {
    for (const record of records) notify(this.trace, record)
  }

  /** Applies the changes of the metrics of a worker. */
  metrics(worker: string, records: ReadonlyArray<Frames.MetricRecord>): void {
    let metrics = this.counted.get(worker)
    if (metrics === undefined) {
      this.counted.set(worker, metrics = new WorkerMetrics(MergedMetrics.of(this.context), worker))
    }
    metrics.change(records)
  }

  /** A worker has ended: its gauges end, and its counts stay. */
  ended(worker: string): void {
    this.counted.get(worker)?.end()
    this.counted.delete(worker)
  }

  private readonly trace = (record: Frames.SpanRecord): void => {
    const [name, traceId, spanId, parent, kind, [startTime, endTime], attributes, events, links, cause] = record
    const span = this.tracer?.span({
      name,
      parent: parent === undefined ? Option.none() : Option.some(spanOf(parent)),
      annotations: Context.empty(),
      links: links.map(([link, attributes]) => ({ span: spanOf(link), attributes: LogValues.decodeAll(attributes) })),
      startTime,
      kind,
      root: parent === undefined,
      sampled: true
    })
    if (span === undefined) return
    // a tracer makes the ids of its spans; these have theirs
    Object.defineProperty(span, "spanId", { value: spanId })
    if (parent === undefined) Object.defineProperty(span, "traceId", { value: traceId })
    for (const [key, value] of Object.entries(LogValues.decodeAll(attributes))) span.attribute(key, value)
    for (const [event, time, attributes] of events) span.event(event, time, LogValues.decodeAll(attributes))
    span.end(
      endTime,
      cause === undefined ? Exit.void : Exit.failCause(Causes.decodeCause(cause, decodeDefect, decodeDefect))
    )
  }

  /** Writes the entries of a worker. `worker`: its id; `dropped`: the number of entries that are missing. */
  logs(worker: string, records: ReadonlyArray<Frames.LogRecord>, dropped: number): void {
    for (const record of records) notify(this.write, record)
    if (dropped === 0) return
    const warning = Effect.logWarning(
      `${dropped} log entries of ${worker} are missing: a worker relays at most ${LogValues.maxEntries} entries of one turn of its event loop`
    )
    notify(
      (line) => void Effect.runForkWith(this.context)(line),
      Effect.annotateLogs(warning, { "uactor.worker": worker })
    )
  }

  private readonly write = (record: Frames.LogRecord): void => {
    const [level, time, message, annotations, spans, cause, trace] = record
    const { context } = this
    const parts = message.map(LogValues.decode)
    if (cause !== undefined) parts.push(Causes.decodeCause(cause, decodeDefect, decodeDefect))
    let within = context.pipe(
      Context.add(Clock.Clock, clockAt(Context.get(context, Clock.Clock), time)),
      Context.add(References.CurrentLogAnnotations, {
        ...Context.get(context, References.CurrentLogAnnotations),
        ...LogValues.decodeAll(annotations)
      }),
      Context.add(References.CurrentLogSpans, spans.map(([label, start]) => [label, start]))
    )
    if (trace !== undefined) within = Context.add(within, Tracer.ParentSpan, spanOf(trace))
    Effect.runForkWith(within)(Effect.logWithLevel(level)(...parts))
  }
}
