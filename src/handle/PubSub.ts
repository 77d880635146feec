/**
 * A hub that stays in the actor: what is published, from anywhere, goes to everyone
 * who has subscribed, wherever that is.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as PubSubs from "effect/PubSub"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { HandleError } from "../ActorError.ts"
import * as Objects from "../internal/objects.ts"
import type { AnyHandle } from "./AnyHandle.ts"

/**
 * A handle of a hub.
 *
 * @category models
 * @since 0.1.0
 */
export interface PubSubHandle<in out A> extends AnyHandle {
  /** waits while a bounded hub is full; `false` if the message was dropped or the hub has been shut down */
  readonly publish: (message: A) => Effect.Effect<boolean, HandleError>
  readonly publishAll: (messages: Iterable<A>) => Effect.Effect<boolean, HandleError>
  /** what is published from the moment the stream runs */
  readonly subscribe: Stream.Stream<A, HandleError>
}

interface Methods<A> {
  readonly publish: (payload: { readonly messages: ReadonlyArray<A> }) => Effect.Effect<boolean, HandleError>
  readonly subscribe: () => Stream.Stream<A, HandleError>
}

const kindOf = <A>(): Objects.Kind<Methods<A>, PubSubHandle<A>> => ({
  kind: "PubSub",
  shape: (client) => ({
    publish: (message) => client.publish({ messages: [message] }),
    publishAll: (messages) => client.publish({ messages: Array.from(messages) }),
    subscribe: Stream.suspend(() => client.subscribe())
  } as PubSubHandle<A>)
})

/**
 * A schema for handles of hubs.
 *
 * @category schemas
 * @since 0.1.0
 */
export const PubSub = <A extends Schema.Top>(message: A): Schema.declare<PubSubHandle<A["Type"]>> =>
  Objects.schema(
    kindOf<A["Type"]>(),
    RpcGroup.make(
      Rpc.make("publish", { payload: { messages: Schema.Array(message) }, success: Schema.Boolean }),
      Rpc.make("subscribe", { success: message, stream: true })
    )
  )

/**
 * Hands out an Effect `PubSub` as a handle.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromPubSub = <A>(hub: PubSubs.PubSub<A>): PubSubHandle<A> =>
  Objects.make(kindOf<A>(), () => ({
    publish: ({ messages }) => PubSubs.publishAll(hub, messages),
    subscribe: () => Stream.fromPubSub(hub)
  }))

/**
 * Makes an unbounded hub and its handle.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makePubSub = <A>(): Effect.Effect<PubSubHandle<A>> => Effect.map(PubSubs.unbounded<A>(), fromPubSub)
