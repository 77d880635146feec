/**
 * The tracer of a worker. It collects the ended spans of the worker for the tracer of the program.
 */
import type * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import * as Causes from "../codec/causes.ts"
import { encodeDefect } from "../codec/defects.ts"
import type * as Frames from "../wire/frames.ts"
import * as LogValues from "./logValues.ts"

const traceOf = ({ sampled, spanId, traceId }: Tracer.AnySpan): NonNullable<Frames.Extras["trace"]> => [
  traceId,
  spanId,
  sampled
]

/** A span of a worker. */
class RelayedSpan extends Tracer.NativeSpan {
  private readonly relay: RelayedSpans

  constructor(options: ConstructorParameters<typeof Tracer.NativeSpan>[0], relay: RelayedSpans) {
    super(options)
    this.relay = relay
    if (options.sampled) relay.open.add(this)
  }

  override end(endTime: bigint, exit: Exit.Exit<unknown, unknown>): void {
    if (this.status._tag === "Ended") return
    super.end(endTime, exit)
    if (this.relay.open.delete(this)) this.relay.ended(this, endTime, exit._tag === "Failure" ? exit.cause : undefined)
  }
}

/** Collects the spans of a worker. */
export class RelayedSpans {
  /** the spans that have begun */
  readonly open = new Set<RelayedSpan>()
  private records: Array<Frames.SpanRecord> = []
  private readonly worker: string
  private readonly admit: () => boolean
  private readonly onReady: () => void

  /**
   * `worker`: the id of the worker; `admit`: called with each span that has ended, `false` drops it; `onReady`: spans leave with the next
   * messages
   */
  constructor(worker: string, admit: () => boolean, onReady: () => void) {
    this.worker = worker
    this.admit = admit
    this.onReady = onReady
  }

  readonly tracer: Tracer.Tracer = Tracer.make({ span: (options) => new RelayedSpan(options, this) })

  get isEmpty(): boolean {
    return this.records.length === 0
  }

  take(): ReadonlyArray<Frames.SpanRecord> {
    const { records } = this
    this.records = []
    return records
  }

  ended(span: RelayedSpan, end: bigint, cause: Parameters<typeof Causes.encodeCause>[0] | undefined): void {
    if (!this.admit()) return
    this.records.push(this.recordOf(
      span,
      end,
      {},
      cause === undefined ? undefined : Causes.encodeCause(cause, encodeDefect, encodeDefect)
    ))
    this.onReady()
  }

  /** The worker ends: the spans that have begun end as interrupted. */
  abort(): void {
    const now = BigInt(Date.now()) * 1_000_000n
    for (const span of this.open) {
      const end = now > span.startTime ? now : span.startTime
      this.records.push(this.recordOf(span, end, { "uactor.aborted": true }, [["Interrupt", undefined]]))
    }
    this.open.clear()
    if (!this.isEmpty) this.onReady()
  }

  private recordOf(
    span: RelayedSpan,
    end: bigint,
    added: Readonly<Record<string, unknown>>,
    cause: Frames.EncodedCause | undefined
  ): Frames.SpanRecord {
    const parent = Option.getOrUndefined(span.parent)
    return [
      span.name,
      span.traceId,
      span.spanId,
      parent && traceOf(parent),
      span.kind,
      [span.startTime, end],
      { "uactor.worker.id": this.worker, ...LogValues.encodeAll(Object.fromEntries(span.attributes)), ...added },
      span.events.map(([name, time, attributes]) => [name, time, LogValues.encodeAll(attributes)]),
      span.links.map(({ attributes, span }) => [traceOf(span), LogValues.encodeAll(attributes)]),
      cause
    ]
  }
}
