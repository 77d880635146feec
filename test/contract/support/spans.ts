/** A tracer that collects the spans of a program. */
import { Effect, Layer, Logger, Option, Tracer } from "effect"
import { until } from "./journal.ts"

/** The spans that a tracer has made, in the order of their beginnings. */
export interface Spans {
  readonly all: ReadonlyArray<Tracer.Span>
  /** the tracer; nothing is logged */
  readonly layer: Layer.Layer<never>
  /** waits until a span has ended */
  readonly ended: (name: string, kind: Tracer.SpanKind) => Effect.Effect<Tracer.Span>
}

/** A tracer, and the spans that it has made. */
export const collect = (): Spans => {
  const all: Array<Tracer.Span> = []
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      all.push(span)
      return span
    }
  })
  const find = (name: string, kind: Tracer.SpanKind): Tracer.Span | undefined =>
    all.find((span) => span.name === name && span.kind === kind && span.status._tag === "Ended")
  return {
    all,
    layer: Layer.merge(Layer.succeed(Tracer.Tracer, tracer), Logger.layer([])),
    ended: (name, kind) =>
      Effect.map(
        until(`the span ${name} of kind ${kind} ends`, () => find(name, kind) !== undefined),
        () => find(name, kind)!
      )
  }
}

export const parentOf = (span: Tracer.Span): string | undefined => Option.getOrUndefined(span.parent)?.spanId
export const endOf = (span: Tracer.Span): bigint => span.status._tag === "Ended" ? span.status.endTime : 0n
export const exitOf = (span: Tracer.Span): string => span.status._tag === "Ended" ? span.status.exit._tag : "none"
