/**
 * The spans of a system: of spawns, restarts and closes of actors, and of the growth of pools.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import type { Tracing } from "../codec/methods.ts"
import * as ClientSpan from "./clientSpan.ts"

type Attributes = Readonly<Record<string, unknown>>

/** Makes the spans of a system that has a tracer. */
export class SystemSpans {
  private readonly tracer: Tracer.Tracer
  private readonly clock: Clock.Clock

  private constructor(tracer: Tracer.Tracer, clock: Clock.Clock) {
    this.tracer = tracer
    this.clock = clock
  }

  /** `context`: the context of the system. `undefined`: the system has no spans. */
  static make(context: Context.Context<never>, tracing: Tracing): SystemSpans | undefined {
    const tracer = context.mapUnsafe.get(Tracer.TracerKey) as Tracer.Tracer | undefined
    return tracer === undefined || tracing !== "full"
      ? undefined
      : new SystemSpans(tracer, Context.get(context, Clock.Clock))
  }

  /** Begins a span that is the root of a trace. */
  beginRoot(name: string, attributes: Attributes): Tracer.Span {
    return this.make(name, attributes, undefined)
  }

  /** Begins a span in the span of the current fiber, if the fiber has one. */
  begin(name: string, attributes: Attributes): Tracer.Span {
    return this.make(name, attributes, Fiber.getCurrent()?.cache.span)
  }

  private make(name: string, attributes: Attributes, parent: Tracer.AnySpan | undefined): Tracer.Span {
    const span = this.tracer.span({
      name,
      parent: Option.fromUndefinedOr(parent),
      annotations: Context.empty(),
      links: [],
      startTime: this.now,
      kind: "internal",
      root: parent === undefined,
      sampled: parent?.sampled ?? true
    })
    for (const [key, value] of Object.entries(attributes)) span.attribute(key, value)
    return span
  }

  private get now(): bigint {
    return this.clock.currentTimeNanosUnsafe()
  }

  /** Writes an event into a span. */
  event(span: Tracer.Span | undefined, name: string, attributes: Record<string, unknown>): void {
    span?.event(name, this.now, attributes)
  }

  /** Ends a span. */
  end(span: Tracer.Span | undefined, exit: Exit.Exit<unknown, unknown>): void {
    if (span === undefined || span.status._tag === "Ended") return
    ClientSpan.describe(span, exit)
    span.end(this.now, exit)
  }

  /** Runs an effect in a span that is the root of a trace. */
  within<A, E, R>(name: string, attributes: Attributes, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.suspend(() => {
      const span = this.beginRoot(name, attributes)
      const inner = Effect.withParentSpan(effect, span, { captureStackTrace: false }) as Effect.Effect<A, E, R>
      return Effect.onExit(inner, (exit) => Effect.sync(() => this.end(span, exit)))
    })
  }
}
