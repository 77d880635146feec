/**
 * The client object of an actor, or of an object behind a handle: one method for each definition of the protocol, made at its first
 * use. Also the operations on the actor behind a reference, on every placement.
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import type { ActorExited } from "../../ActorError.ts"
import type * as Methods from "../codec/methods.ts"
import * as Handles from "../handles/handle.ts"
import { printing } from "../runtime/printing.ts"
import type { ActorProxy } from "./actorProxy.ts"
import * as Call from "./call.ts"
import type { OutgoingCall } from "./outgoingCall.ts"
import type { ActorState, End, Incarnation } from "./proxyState.ts"

/** The key of the actor in a reference. */
export const ActorRefTypeId: unique symbol = Symbol.for("uactor/ActorRef") as never

/** Chooses the proxy for the calls of each method. */
export interface CallRoute {
  /** the proxy of the actor or the object */
  readonly proxy: ActorProxy
  readonly proxyFor: (index: number) => ActorProxy
}

/** What a reference shows of its actor in logs. */
export interface ActorFacts {
  readonly name: string
  /** `undefined`: only the spawner of the actor knows it */
  readonly state: ActorState | undefined
  /** the number of the incarnation; `undefined`: only the spawner of the actor knows it */
  readonly incarnation: number | undefined
}

/** The operations on an actor beside the calls of its methods. */
export interface ActorControl {
  /** the id of the actor, in all its incarnations */
  readonly id: string
  readonly address: string
  readonly facts: ActorFacts
  readonly awaitExit: Effect.Effect<Exit.Exit<void, ActorExited>>
  readonly incarnations: Stream.Stream<Incarnation>
  /** the ends of the incarnations, from now on */
  readonly ends: Stream.Stream<End>
  /**
   * `drain`: whether accepted calls are finished first; a number bounds that, in milliseconds. `because`: the death of another actor, for which
   * the actor ends with a failure
   */
  readonly stop: (drain: boolean | number, because?: string) => Effect.Effect<void>
  readonly kill: Effect.Effect<void>
}

/** An actor that is reached through a proxy. */
export interface ActorHandle extends CallRoute, ActorControl {}

/** Chooses the route of each call of a client. */
type Route = (method: string, payload: unknown) => CallRoute

/** Returns the priority of a call in the queue of a pool. */
type PriorityOf = (method: string, payload: unknown) => number

const callRouteKey = Symbol()
const routeKey = Symbol()
const priorityKey = Symbol()
const poolKey = Symbol()
const prototypes = new WeakMap<ReadonlyArray<Methods.Method>, object>()

/** The own properties of a client: one, and the name of a pool. */
interface ClientFields {
  [ActorRefTypeId]?: ActorHandle
  [callRouteKey]?: CallRoute
  [routeKey]?: Route
  [priorityKey]?: readonly [queue: ActorProxy, priorityOf: PriorityOf]
  /** the name of the actors of a pool, in addition */
  [poolKey]?: string
}

/** The properties that print a client. */
export const printed = printing<ClientFields>(
  (client) => {
    const { [ActorRefTypeId]: actor, [poolKey]: pool } = client
    if (actor !== undefined) {
      const { address, facts: { incarnation, name, state }, id } = actor
      return { _id: "ActorRef", id, name, address, state, incarnation }
    }
    return pool === undefined ? Handles.describe(client) : { _id: "ActorPool.client", name: pool }
  },
  (client) => {
    const { [ActorRefTypeId]: actor, [poolKey]: pool } = client
    return actor?.id ?? (pool === undefined ? Handles.text(client) : `ActorPool(${pool}).client`)
  }
)

// getters on a shared prototype: a reference costs one object until a method is used, and its methods need no `this`
const prototypeOf = (methods: ReadonlyArray<Methods.Method>): object => {
  let proto = prototypes.get(methods)
  if (proto !== undefined) return proto
  proto = Object.create(null, printed) as object
  methods.forEach((method, index) => {
    Object.defineProperty(proto, method.tag, {
      enumerable: true,
      get(this: ClientFields) {
        const callRoute = this[ActorRefTypeId] ?? this[callRouteKey]
        const route = this[routeKey]
        const call = callRoute !== undefined
          ? (payload: unknown, options?: Call.CallOptions) =>
            Call.call(callRoute.proxyFor(index), index, payload, options)
          : route !== undefined
          ? routed(method, index, route)
          : ordered(method, index, ...this[priorityKey]!)
        Object.defineProperty(this, method.tag, { value: call, enumerable: true })
        return call
      }
    })
  })
  prototypes.set(methods, proto)
  return proto
}

// chooses the member when the call runs, not when its effect is made: a retry may choose another member
const routed =
  (method: Methods.Method, index: number, route: Route) => (payload: unknown, options?: Call.CallOptions) => {
    const call = (tell?: OutgoingCall): any => {
      const proxy = route(method.tag, payload).proxyFor(index)
      return tell === undefined
        ? Call.call(proxy, index, payload, options, call)
        : Call.resend(proxy, tell)
    }
    return method.stream && options?.asQueue !== true ? Stream.suspend(call) : Effect.suspend(call)
  }

// computes the priority when the call runs
const ordered =
  (method: Methods.Method, index: number, queue: ActorProxy, priorityOf: PriorityOf) =>
  (payload: unknown, options?: Call.CallOptions) => {
    const call = (): any => Call.call(queue, index, payload, options, undefined, priorityOf(method.tag, payload))
    return method.stream && options?.asQueue !== true ? Stream.suspend(call) : Effect.suspend(call)
  }

// the callers assign the own property, because defining a property costs more than all other steps together
const clientOf = (methods: ReadonlyArray<Methods.Method>): ClientFields =>
  Object.create(prototypeOf(methods)) as ClientFields

/** A reference to one actor. */
export const make = (methods: ReadonlyArray<Methods.Method>, actor: ActorHandle): object => {
  const client = clientOf(methods)
  client[ActorRefTypeId] = actor
  return client
}

/** A client of the object behind a handle. */
export const makeHeld = (methods: ReadonlyArray<Methods.Method>, callRoute: CallRoute): object => {
  const client = clientOf(methods)
  client[callRouteKey] = callRoute
  return client
}

/** A client that chooses an actor for each call. `name`: the name of the actors. */
export const makeRouted = (methods: ReadonlyArray<Methods.Method>, name: string, route: Route): object => {
  const client = clientOf(methods)
  client[routeKey] = route
  client[poolKey] = name
  return client
}

/** A client whose calls wait in the queue of a pool, in the order of their priorities, and otherwise in the order in which they are made. */
export const makeQueued = (
  methods: ReadonlyArray<Methods.Method>,
  queue: ActorProxy,
  priorityOf: PriorityOf | undefined
): object => {
  const client = clientOf(methods)
  if (priorityOf === undefined) client[callRouteKey] = { proxy: queue, proxyFor: () => queue }
  else client[priorityKey] = [queue, priorityOf]
  client[poolKey] = queue.name
  return client
}

/** The actor of a reference. */
export const actorOf = (ref: object): ActorControl =>
  (ref as { readonly [ActorRefTypeId]: ActorControl })[ActorRefTypeId]

/** The actor of a reference, if it is reached through a proxy. The actor of a cluster is not. */
export const handleOf = (ref: object): ActorHandle | undefined => {
  const actor = actorOf(ref)
  return "proxy" in actor ? actor as ActorHandle : undefined
}
