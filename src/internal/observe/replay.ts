/**
 * What a worker has relayed appears in the program as if the program had made it: the entries of its log go through the loggers of the
 * program.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as References from "effect/References"
import * as Tracer from "effect/Tracer"
import * as Causes from "../codec/causes.ts"
import { decodeDefect } from "../codec/defects.ts"
import { notify } from "../runtime/notify.ts"
import type * as Frames from "../wire/frames.ts"
import * as LogValues from "./logValues.ts"
import { maxEntries } from "./relay.ts"

const clockAt = (clock: Clock.Clock, millis: number): Clock.Clock =>
  Object.assign(Object.create(clock) as Clock.Clock, { currentTimeMillisUnsafe: () => millis })

/** Writes what workers relay. */
export class Replay {
  private readonly context: Context.Context<never>

  /** `context`: the context of the system */
  constructor(context: Context.Context<never>) {
    // the worker has filtered its entries; the span in which the system was made is not theirs
    this.context = Context.add(
      Context.omit(Tracer.ParentSpan)(context),
      References.MinimumLogLevel,
      "All"
    )
  }

  /** Writes the entries of a worker. `worker`: its id; `dropped`: the number of entries that are missing. */
  logs(worker: string, records: ReadonlyArray<Frames.LogRecord>, dropped: number): void {
    for (const record of records) notify(this.write, record)
    if (dropped === 0) return
    const warning = Effect.logWarning(
      `${dropped} log entries of ${worker} are missing: a worker relays at most ${maxEntries} entries of one turn of its event loop`
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
    if (trace !== undefined) {
      const [traceId, spanId, sampled] = trace
      within = Context.add(within, Tracer.ParentSpan, Tracer.externalSpan({ traceId, spanId, sampled }))
    }
    Effect.runForkWith(within)(Effect.logWithLevel(level)(...parts))
  }
}
