/**
 * The span of a caller around a call of an actor. There is one where the program has a tracer and the caller is in a span.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import type * as Tracer from "effect/Tracer"
import { ActorError } from "../../ActorError.ts"
import type { Method, Tracing } from "../codec/methods.ts"
import * as Counts from "../metrics/counts.ts"
import { attempt } from "../runtime/describe.ts"

/** Which spans a system makes, for the code of its workers. */
export const SystemTracing: Context.Reference<Tracing> = Context.Reference("uactor/SystemTracing", {
  defaultValue: (): Tracing => "full"
})

/** The actor that is called. */
interface Callee {
  readonly name: string
  /** an actor, or a pool of actors, and not the object behind another handle */
  readonly isActor: boolean
  readonly actorId: string | undefined
  readonly incarnation: { readonly number: number }
  readonly connection: CalleeConnection
}

/** The connection to an actor. Its fields are known if this end has started the worker. */
interface CalleeConnection {
  readonly worker?: string | undefined
  readonly placement?: string | undefined
  /** which spans the system makes */
  readonly tracing?: Tracing | undefined
}

/** Follows one call. */
export interface CallFollower {
  /** The call has been sent to the mailbox of an actor. */
  readonly queued: (callee: Callee, connection: CalleeConnection) => void
  /** The handler has begun. `time`: in milliseconds since 1970. */
  readonly begun: (time: number) => void
}

/** The follower of a call, in the context of the call. */
const Follower = Context.Reference<CallFollower | undefined>("uactor/CallFollower", { defaultValue: () => undefined })

/** The context of a call with its follower. */
export const withFollower = (context: Context.Context<never>, follower: CallFollower): Context.Context<never> =>
  Context.add(context, Follower, follower)

/** The follower of the call with this context. */
export const followerOf = (context: Context.Context<never>): CallFollower | undefined => Context.get(context, Follower)

/** Whether a call of this fiber has a span. */
export const isDue = (
  { cache, context }: Fiber.Fiber<unknown, unknown>,
  callee: Callee,
  method: Method
): boolean =>
  cache.tracer !== undefined && cache.span?.sampled === true && cache.tracerEnabled && callee.isActor &&
  !method.tag.startsWith("~") &&
  (method.tracing ?? callee.connection.tracing ?? Context.get(context, SystemTracing)) === "full"

/** The attributes of the spans of a call, for the caller and for the actor. */
export const attributesOf = (actor: string, method: string, id: string | undefined): Record<string, unknown> => ({
  "rpc.system.name": "uactor",
  "rpc.method": `${actor}/${method}`,
  ...(id === undefined ? {} : { "uactor.actor.id": id })
})

/** How a call has failed, for its caller. */
export const outcomeOf = (cause: Cause.Cause<unknown>): string => Counts.outcomes[codeOf(cause)]

const codeOf = (cause: Cause.Cause<unknown>): Counts.Outcome => {
  const fail = cause.reasons.find(Cause.isFailReason)
  if (fail === undefined) return Cause.hasInterruptsOnly(cause) ? Counts.interrupted : Counts.defect
  const { error } = fail
  if (!isActorError(error)) return Counts.error
  if (error._tag === "MailboxFull") return Counts.rejected
  return error.outcome === "NotRun" ? Counts.notRun : Counts.unknown
}

// an error may be any value, even a proxy that throws when it is inspected
const isActorError = (error: unknown): error is ActorError => attempt(() => ActorError.is(error), false)

const tagOf = (error: unknown): string =>
  attempt(() => {
    if (typeof error !== "object" || error === null) return undefined
    const { _tag, name } = error as { readonly _tag?: unknown; readonly name?: unknown }
    return typeof _tag === "string" ? _tag : error instanceof Error && typeof name === "string" ? name : undefined
  }, undefined) ?? "_OTHER"

/** The attribute `error.type` of a cause; none if it is an interruption. */
export const describe = (span: Tracer.Span, exit: Exit.Exit<unknown, unknown>): void => {
  if (Exit.isSuccess(exit)) return
  const reason = exit.cause.reasons.find(Cause.isFailReason) ?? exit.cause.reasons.find(Cause.isDieReason)
  if (reason === undefined) return
  span.attribute("error.type", tagOf(reason._tag === "Fail" ? reason.error : reason.defect))
}

const ended = (span: Tracer.Span, exit: Exit.Exit<unknown, unknown>): void => {
  describe(span, exit)
  if (Exit.isFailure(exit)) span.attribute("uactor.call.outcome", outcomeOf(exit.cause))
}

const optionsOf = (
  { actorId, name }: Callee,
  { tag }: Method,
  kind: Tracer.SpanKind
): Tracer.SpanOptionsNoTrace => ({ kind, attributes: attributesOf(name, tag, actorId) })

/** Writes the events of a call into its span. */
class SpanFollower implements CallFollower {
  private readonly span: Tracer.Span
  private readonly clock: Clock.Clock
  private queuedAt = 0n

  constructor(span: Tracer.Span) {
    this.span = span
    this.clock = Fiber.getCurrent()!.getRef(Clock.Clock)
  }

  queued({ actorId, incarnation }: Callee, { placement, worker }: CalleeConnection): void {
    const { span } = this
    if (span.status._tag === "Ended") return
    this.queuedAt = this.clock.currentTimeNanosUnsafe()
    if (actorId !== undefined) span.attribute("uactor.actor.id", actorId)
    // the actor of a reference lives elsewhere
    if (worker !== undefined) {
      span.attribute("uactor.actor.incarnation", incarnation.number)
      span.attribute("uactor.worker.id", worker)
      span.attribute("uactor.placement", placement)
    }
    span.event("uactor.queued", this.queuedAt)
  }

  begun(time: number): void {
    const { queuedAt, span } = this
    if (span.status._tag === "Ended") return
    const begunAt = BigInt(Math.round(time * 1_000)) * 1_000n
    // the clocks of two workers differ a little
    span.event("uactor.begun", begunAt > queuedAt ? begunAt : queuedAt)
  }
}

/** Runs a call in a span. */
export const around = <A, E>(
  callee: Callee,
  method: Method,
  isTell: boolean,
  call: (follower: CallFollower) => Effect.Effect<A, E>
): Effect.Effect<A, E> =>
  Effect.useSpan(
    `${callee.name}.${method.tag}`,
    optionsOf(callee, method, isTell ? "producer" : "client"),
    (span) =>
      Effect.onExit(
        Effect.withParentSpan(call(new SpanFollower(span)), span, { captureStackTrace: false }),
        (exit) => Effect.sync(() => ended(span, exit))
      )
  )

/** Begins the span of a stream, which ends with the scope. */
export const begin = (
  callee: Callee,
  method: Method,
  scope: Scope.Scope
): Effect.Effect<{ readonly span: Tracer.Span; readonly follower: CallFollower }> =>
  Effect.flatMap(
    Scope.provide(Effect.makeSpanScoped(`${callee.name}.${method.tag}`, optionsOf(callee, method, "client")), scope),
    (span) =>
      Effect.as(
        Scope.addFinalizerExit(scope, (exit) => Effect.sync(() => ended(span, exit))),
        { span, follower: new SpanFollower(span) }
      )
  )
