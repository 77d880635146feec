/**
 * The span of a caller around a call of an actor. There is one where the program has a tracer and the caller is in a span.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Tracer from "effect/Tracer"

/** The actor that is called. */
interface Callee {
  readonly name: string
  /** an actor, or a pool of actors, and not the object behind another handle */
  readonly isActor: boolean
  readonly actorId: string | undefined
  readonly connection: { readonly worker?: string | undefined }
}

/** Whether a call of this fiber has a span. */
export const isDue = ({ cache }: Fiber.Fiber<unknown, unknown>, { isActor }: Callee, method: string): boolean =>
  cache.tracer !== undefined && cache.span?.sampled === true && cache.tracerEnabled && isActor &&
  !method.startsWith("~")

/** The attributes of the spans of a call, for the caller and for the actor. */
export const attributesOf = (
  actor: string,
  method: string,
  id: string | undefined,
  worker: string | undefined
): Record<string, unknown> => ({
  "rpc.system.name": "uactor",
  "rpc.method": `${actor}/${method}`,
  ...(id === undefined ? {} : { "uactor.actor.id": id }),
  ...(worker === undefined ? {} : { "uactor.worker": worker })
})

const optionsOf = (
  { actorId, connection: { worker }, name }: Callee,
  method: string,
  kind: Tracer.SpanKind
): Tracer.SpanOptions => ({
  captureStackTrace: false,
  kind,
  attributes: attributesOf(name, method, actorId, actorId === undefined ? undefined : worker)
})

/** Runs a call in a span. */
export const around = <A, E>(callee: Callee, method: string, isTell: boolean, call: Effect.Effect<A, E>) =>
  Effect.withSpan(call, `${callee.name}.${method}`, optionsOf(callee, method, isTell ? "producer" : "client"))

/** Begins the span of a stream, which ends with the scope. */
export const begin = (callee: Callee, method: string) =>
  Effect.makeSpanScoped(`${callee.name}.${method}`, optionsOf(callee, method, "client"))
