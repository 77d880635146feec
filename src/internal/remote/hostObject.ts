/**
 * The host of a worker as an object, which the actors of the worker call: an actor learns its own reference from it, stops itself, and
 * finds named actors.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import type { ActorHost, Self } from "../actor/currentActor.ts"
import * as Methods from "../codec/methods.ts"
import type * as Handles from "../handles/handle.ts"
import type { ActorProxy } from "../proxy/actorProxy.ts"
import * as Call from "../proxy/call.ts"
import * as ClientObject from "../proxy/clientObject.ts"
import type { ActorOwner } from "../proxy/proxyState.ts"
import * as ActorReference from "./actorReference.ts"

const kind = "host"

/** The methods of the host. `actor`: the id of the calling actor on the link. */
export const methods: ReadonlyArray<Methods.Method> = Methods.methods(RpcGroup.make(
  Rpc.make("self", {
    payload: { actor: Schema.Int },
    success: Schema.Struct({ ref: ActorReference.Own, address: Schema.String, incarnation: Schema.Int })
  }),
  Rpc.make("stop", { payload: { actor: Schema.Int } }),
  Rpc.make("named", {
    payload: { actor: Schema.Int, definition: Schema.String, name: Schema.String },
    success: ActorReference.Named
  })
))
const [self, stop, named] = methods.keys()

/** The host, for the actors of a worker; `find` returns an actor by its id on the link. */
export const source = (find: (id: number) => ActorProxy | undefined): Handles.ObjectSource => {
  const ownerOf = (payload: unknown): ActorOwner => {
    const { actor } = payload as { readonly actor: number }
    const owner = find(actor)?.owner
    if (owner === undefined) throw new TypeError("the actor has ended")
    return owner
  }
  const object: Handles.ObjectSource = {
    reclaim: () => {
      throw new TypeError("the host is no handle")
    },
    again: () => object,
    kind,
    methods,
    context: Context.empty(),
    isRelay: false,
    open: () => ({
      self: (payload) =>
        Effect.sync((): Self => {
          const { handle } = ownerOf(payload)
          const { address, incarnation: { number }, methods, paused } = handle.proxy
          const ref = ClientObject.make(methods, handle)
          // the actor is being built again
          return { ref, address, incarnation: paused === "restarting" ? number + 1 : number }
        }),
      stop: (payload) => Effect.sync(() => ownerOf(payload).stopByItself()),
      named: (payload) =>
        Effect.suspend(() => {
          const { definition, name } = payload as { readonly definition: string; readonly name: string }
          return Effect.map(
            ownerOf(payload).named(definition, name),
            (handle) => ClientObject.make(handle.proxy.methods, handle)
          )
        })
    })
  }
  return object
}

/** The host as the actors of a worker call it; `open` makes the proxy of the host. */
export const remote = (open: () => ActorProxy): ActorHost => {
  let proxy: ActorProxy | undefined
  const ask = <A>(index: number, { id }: { readonly id: number }, more?: object): Effect.Effect<A> =>
    Effect.orDie(
      Effect.suspend(() => Call.call(proxy ??= open(), index, { actor: id, ...more }) as Effect.Effect<A, unknown>)
    )
  return {
    self: (actor) => ask(self!, actor),
    stop: (actor) => ask(stop!, actor),
    named: (actor, definition, name) =>
      Effect.map(
        ask<ActorReference.Unbound>(named!, actor, { definition: definition.name, name }),
        ({ bind }) => bind(definition)
      )
  }
}
