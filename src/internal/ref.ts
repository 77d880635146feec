/**
 * The client object of an actor: a method for each definition of the protocol,
 * made when it is first used, and, under a symbol, the actor it belongs to.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Call from "./call.ts"
import type * as Codec from "./codec.ts"
import type { HostedActor } from "./system.ts"

/** The key under which a reference keeps the actor it refers to. */
export const ActorRefTypeId: unique symbol = Symbol.for("uactor/ActorRef") as never

/** Which actor a call of a client goes to. */
type Route = (method: string, payload: unknown) => HostedActor

type Ref = { readonly [ActorRefTypeId]: HostedActor }

const routeKey = Symbol()
const prototypes = new WeakMap<ReadonlyArray<Codec.Method>, object>()

// getters on a shared prototype: a reference costs one object until a method is used, and its methods need no `this`
const prototypeOf = (methods: ReadonlyArray<Codec.Method>): object => {
  let proto = prototypes.get(methods)
  if (proto !== undefined) return proto
  proto = Object.create(null) as object
  methods.forEach((method, index) => {
    Object.defineProperty(proto, method.tag, {
      enumerable: true,
      get(this: Ref & { readonly [routeKey]?: Route }) {
        const route = this[routeKey]
        const target = route === undefined ? this[ActorRefTypeId].target : undefined
        const call = target !== undefined
          ? (payload: unknown, options?: Call.CallOptions) => Call.call(target, index, payload, options)
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
    const call = (): object => Call.call(route(method.tag, payload).target, index, payload, options)
    return method.stream && options?.asQueue !== true
      ? Stream.suspend(call as () => Stream.Stream<unknown, unknown>)
      : Effect.suspend(call as () => Effect.Effect<unknown, unknown>)
  }

/** A reference to one actor. */
export const make = (actor: HostedActor): object =>
  Object.create(prototypeOf(actor.target.methods), { [ActorRefTypeId]: { value: actor } }) as object

/** A client that chooses an actor for each call. */
export const makeRouted = (methods: ReadonlyArray<Codec.Method>, route: Route): object =>
  Object.create(prototypeOf(methods), { [routeKey]: { value: route } }) as object

/** The actor of a reference. */
export const actorOf = (ref: object): HostedActor => (ref as Ref)[ActorRefTypeId]
