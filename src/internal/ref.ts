/**
 * The client object of an actor, or of an object behind a handle: a method for
 * each definition of the protocol, made when it is first used; and what can be
 * asked of the actor behind a reference, wherever it lives.
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import type { ActorExited } from "../ActorError.ts"
import * as Call from "./call.ts"
import type * as Codec from "./codec.ts"
import type { Incarnation, Target } from "./target.ts"

/** The key under which a reference keeps the actor it refers to. */
export const ActorRefTypeId: unique symbol = Symbol.for("uactor/ActorRef") as never

/** Knows where the calls of a method go. */
export interface Holder {
  /** the actor or the object, or who stands for it */
  readonly target: Target
  readonly targetFor: (index: number) => Target
}

/** An actor, for what can be asked of it beside the calls of its methods. */
export interface Referent extends Holder {
  readonly address: string
  readonly awaitExit: Effect.Effect<Exit.Exit<void, ActorExited>>
  readonly incarnations: Stream.Stream<Incarnation>
  /** `drain`: whether, or for how many milliseconds, what was accepted is finished first */
  readonly stop: (drain: boolean | number) => Effect.Effect<void>
  readonly kill: Effect.Effect<void>
}

/** Where each call of a client goes. */
type Route = (method: string, payload: unknown) => Holder

const holderKey = Symbol()
const routeKey = Symbol()
const prototypes = new WeakMap<ReadonlyArray<Codec.Method>, object>()

/** What a client has of its own: one of them. */
interface Own {
  [ActorRefTypeId]?: Referent
  [holderKey]?: Holder
  [routeKey]?: Route
}

const inspect = Symbol.for("nodejs.util.inspect.custom")

// getters on a shared prototype: a reference costs one object until a method is used, and its methods need no `this`
const prototypeOf = (methods: ReadonlyArray<Codec.Method>): object => {
  let proto = prototypes.get(methods)
  if (proto !== undefined) return proto
  // it prints as what it refers to is called, not as all that leads to it
  proto = Object.create(null, {
    [inspect]: {
      value(this: Own) {
        return (this[ActorRefTypeId] ?? this[holderKey])?.target.address ?? "a pool"
      }
    }
  }) as object
  methods.forEach((method, index) => {
    Object.defineProperty(proto, method.tag, {
      enumerable: true,
      get(this: Own) {
        const holder = this[ActorRefTypeId] ?? this[holderKey]
        const route = this[routeKey]
        const call = holder !== undefined
          ? (payload: unknown, options?: Call.CallOptions) =>
            Call.call(holder.targetFor(index), index, payload, options)
          : routed(method, index, route!)
        Object.defineProperty(this, method.tag, { value: call, enumerable: true })
        return call
      }
    })
  })
  prototypes.set(methods, proto)
  return proto
}

// the member is chosen when the call is made, not when it is described: a retry may go to another
const routed =
  (method: Codec.Method, index: number, route: Route) => (payload: unknown, options?: Call.CallOptions) => {
    const call = (): any => Call.call(route(method.tag, payload).targetFor(index), index, payload, options, call)
    return method.stream && options?.asQueue !== true ? Stream.suspend(call) : Effect.suspend(call)
  }

// assigned, because to define a property costs more than all else here
const clientOf = (methods: ReadonlyArray<Codec.Method>): Own => Object.create(prototypeOf(methods)) as Own

/** A reference to one actor. */
export const make = (methods: ReadonlyArray<Codec.Method>, actor: Referent): object => {
  const client = clientOf(methods)
  client[ActorRefTypeId] = actor
  return client
}

/** A client of what a holder holds. */
export const makeHeld = (methods: ReadonlyArray<Codec.Method>, holder: Holder): object => {
  const client = clientOf(methods)
  client[holderKey] = holder
  return client
}

/** A client that chooses an actor for each call. */
export const makeRouted = (methods: ReadonlyArray<Codec.Method>, route: Route): object => {
  const client = clientOf(methods)
  client[routeKey] = route
  return client
}

/** The actor of a reference. */
export const actorOf = (ref: object): Referent => (ref as { readonly [ActorRefTypeId]: Referent })[ActorRefTypeId]
