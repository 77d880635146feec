/**
 * A hub that stays in the actor. Every holder of its handle can publish and subscribe. A message goes to all subscribers.
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
import * as HandleSchema from "../internal/remote/handleSchema.ts"
import type { AnyHandle } from "./AnyHandle.ts"

/**
 * A handle of a hub.
 *
 * @category models
 * @since 0.1.0
 */
export interface PubSubHandle<in out A> extends AnyHandle {
  /**
   * Publishes a message. Waits while the hub is full, unless the hub drops messages. Returns `false` if the message was dropped or the hub
   * has been shut down.
   */
  readonly publish: (message: A) => Effect.Effect<boolean, HandleError>
  /** Publishes messages with one call. Returns `false` if a message was dropped or the hub has been shut down. */
  readonly publishAll: (messages: Iterable<A>) => Effect.Effect<boolean, HandleError>
  /** The messages that are published after the start of the stream. */
  readonly subscribe: Stream.Stream<A, HandleError>
}

interface Methods<A> {
  readonly publish: (payload: { readonly messages: ReadonlyArray<A> }) => Effect.Effect<boolean, HandleError>
  readonly subscribe: () => Stream.Stream<A, HandleError>
}

const kindOf = <A>(): HandleSchema.HandleKind<Methods<A>, PubSubHandle<A>> => ({
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
  HandleSchema.schema(
    kindOf<A["Type"]>(),
    RpcGroup.make(
      Rpc.make("publish", { payload: { messages: Schema.Array(message) }, success: Schema.Boolean }),
      Rpc.make("subscribe", { success: message, stream: true })
    )
  )

/**
 * Exports an Effect `PubSub` as a handle. The strategy of the hub applies to slow subscribers: a hub made by `PubSub.unbounded` keeps every
 * message until the slowest subscriber has read it.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromPubSub = <A>(hub: PubSubs.PubSub<A>): PubSubHandle<A> =>
  HandleSchema.make(kindOf<A>(), () => ({
    publish: ({ messages }) => PubSubs.publishAll(hub, messages),
    subscribe: () => Stream.fromPubSub(hub)
  }))

/**
 * Makes a hub and its handle. The hub keeps at most `capacity` messages, 4096 by default, for the slowest subscriber. When the hub is
 * full, `publish` waits (`"suspend"`, the default), the new message is dropped (`"dropping"`), or the oldest message is dropped
 * (`"sliding"`). A subscriber that has ended does not delay publishers. Dies with a `RangeError` if `capacity` is not an integer of at
 * least 1.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makePubSub = <A>(options?: {
  readonly capacity?: number | undefined
  readonly strategy?: "suspend" | "dropping" | "sliding" | undefined
}): Effect.Effect<PubSubHandle<A>> =>
  Effect.suspend(() => {
    const { capacity = 4096, strategy = "suspend" } = options ?? {}
    if (!Number.isInteger(capacity) || capacity < 1) {
      throw new RangeError(`Handle.makePubSub: capacity must be an integer of at least 1, not ${capacity}`)
    }
    const make = { suspend: PubSubs.bounded, dropping: PubSubs.dropping, sliding: PubSubs.sliding }[strategy]
    return Effect.map(make<A>(capacity), fromPubSub)
  })
