/**
 * A queue that stays in the actor: items are offered and taken from anywhere, and
 * its bound holds back whoever offers, wherever that is.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as MutableList from "effect/MutableList"
import * as Option from "effect/Option"
import * as Pull from "effect/Pull"
import * as Queues from "effect/Queue"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { HandleError } from "../ActorError.ts"
import { Undo } from "../internal/codec.ts"
import * as Kept from "../internal/kept.ts"
import * as Objects from "../internal/objects.ts"
import type { AnyHandle } from "./AnyHandle.ts"

/**
 * A handle of a queue (uActor: the proxy of `Queue`). Taking fails with `Cause.Done` once the queue has ended. A taker that is
 * interrupted, by a timeout for instance, loses nothing: what was already on its way to it goes back to the front of the queue.
 *
 * @category models
 * @since 0.1.0
 */
export interface QueueHandle<in out A> extends AnyHandle {
  /** waits while the queue is full; `false` if it has ended */
  readonly offer: (item: A) => Effect.Effect<boolean, HandleError>
  /** waits while the queue is full; what was not taken because it has ended */
  readonly offerAll: (items: Iterable<A>) => Effect.Effect<Array<A>, HandleError>
  readonly take: Effect.Effect<A, Cause.Done | HandleError>
  /** all there are; at least one */
  readonly takeAll: Effect.Effect<Array<A>, Cause.Done | HandleError>
  readonly takeN: (n: number) => Effect.Effect<Array<A>, Cause.Done | HandleError>
  readonly takeBetween: (min: number, max: number) => Effect.Effect<Array<A>, Cause.Done | HandleError>
  /** the next item, if there is one now */
  readonly poll: Effect.Effect<Option.Option<A>, HandleError>
  readonly size: Effect.Effect<number, HandleError>
  readonly isFull: Effect.Effect<boolean, HandleError>
  /** no more items; those that are in it can still be taken. Has no effect on a queue that was made without `Cause.Done`. */
  readonly end: Effect.Effect<boolean, HandleError>
  /** ends it at once, and interrupts whoever waits */
  readonly shutdown: Effect.Effect<boolean, HandleError>
  /** takes items until the queue has ended */
  readonly stream: Stream.Stream<A, HandleError>
}

const Ended = Schema.TaggedStruct("QueueEnded", {})
type Ended = typeof Ended.Type

interface Methods<A> {
  readonly offer: (payload: { readonly items: ReadonlyArray<A> }) => Effect.Effect<ReadonlyArray<A>, HandleError>
  readonly take: (
    payload: { readonly min: number; readonly max: number }
  ) => Effect.Effect<ReadonlyArray<A>, Ended | HandleError>
  readonly poll: () => Effect.Effect<ReadonlyArray<A>, HandleError>
  readonly untake: (payload: { readonly value: ReadonlyArray<A> }) => Effect.Effect<void, HandleError>
  readonly state: () => Effect.Effect<{ readonly size: number; readonly isFull: boolean }, HandleError>
  readonly end: () => Effect.Effect<boolean, HandleError>
  readonly shutdown: () => Effect.Effect<boolean, HandleError>
}

const kindOf = <A>(): Objects.Kind<Methods<A>, QueueHandle<A>> => ({
  kind: "Queue",
  shape: (client) => {
    const takeBetween = (min: number, max: number): Effect.Effect<Array<A>, Cause.Done | HandleError> =>
      Effect.mapBoth(client.take({ min, max }), {
        onSuccess: (items) => Array.from(items),
        onFailure: (error) => error._tag === "QueueEnded" ? Cause.Done() : error
      })
    const takeAll = takeBetween(1, Number.MAX_SAFE_INTEGER)
    return {
      offer: (item) => Effect.map(client.offer({ items: [item] }), (rest) => rest.length === 0),
      offerAll: (items) => Effect.map(client.offer({ items: Array.from(items) }), (rest) => Array.from(rest)),
      take: Effect.map(takeBetween(1, 1), ([item]) => item!),
      takeAll,
      takeN: (n) => takeBetween(n, n),
      takeBetween,
      // an item may be undefined, so whether there is one is told by the length
      poll: Effect.map(
        Effect.suspend(() => client.poll()),
        (items) => items.length === 0 ? Option.none() : Option.some(items[0]!)
      ),
      size: Effect.map(Effect.suspend(() => client.state()), ({ size }) => size),
      isFull: Effect.map(Effect.suspend(() => client.state()), ({ isFull }) => isFull),
      end: Effect.suspend(() => client.end()),
      shutdown: Effect.suspend(() => client.shutdown()),
      stream: Stream.fromPull(Effect.succeed(takeAll as Effect.Effect<[A, ...Array<A>], Cause.Done | HandleError>))
    } as QueueHandle<A>
  }
})

/**
 * A schema for handles of queues.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Queue = <A extends Schema.Top>(item: A): Schema.declare<QueueHandle<A["Type"]>> => {
  const items = Schema.Array(item)
  return Objects.schema(
    kindOf<A["Type"]>(),
    RpcGroup.make(
      Rpc.make("offer", { payload: { items }, success: items }),
      Rpc.make("take", { payload: { min: Schema.Int, max: Schema.Int }, success: items, error: Ended })
        .annotate(Undo, "untake"),
      Rpc.make("poll", { success: items }).annotate(Undo, "untake"),
      Rpc.make("untake", { payload: { value: items } }),
      Rpc.make("state", { success: Schema.Struct({ size: Schema.Int, isFull: Schema.Boolean }) }),
      Rpc.make("end", { success: Schema.Boolean }),
      Rpc.make("shutdown", { success: Schema.Boolean })
    )
  )
}

/**
 * Hands out an Effect `Queue` as a handle. The queue may be used directly as well.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromQueue = <A>(queue: Queues.Queue<A> | Queues.Queue<A, Cause.Done>): QueueHandle<A> => {
  const own = queue as Queues.Queue<A, Cause.Done>
  const { kind, shape } = kindOf<A>()
  const takeAll = Queues.takeAll(own)
  // here an item is taken in one step, so that an interruption comes before or after it
  const ownShape: typeof shape = (client) => ({
    ...shape(client),
    take: Queues.take(own),
    takeAll,
    takeN: (n) => Queues.takeN(own, n),
    takeBetween: (min, max) => Queues.takeBetween(own, min, max),
    poll: Queues.poll(own),
    stream: Stream.fromPull(Effect.succeed(takeAll))
  })
  const methods = Kept.serve<Methods<A>>(queue, (drop) => ({
    offer: ({ items }) => {
      const offering = Effect.tap(Queues.offerAll(own, items), (rest) => Effect.sync(() => drop(rest)))
      // how far more than one have got is not known
      return items.length > 1 ? offering : Effect.onInterrupt(offering, () => Effect.sync(() => drop(items)))
    },
    take: ({ max, min }) =>
      Effect.mapBoth(Queues.takeBetween(own, min, max), {
        onSuccess: (items) => {
          drop(items)
          return items
        },
        onFailure: (): Ended => ({ _tag: "QueueEnded" })
      }),
    poll: () =>
      Effect.map(Queues.poll(own), (item) => {
        const items = Option.toArray(item)
        drop(items)
        return items
      }),
    untake: ({ value }) =>
      Effect.sync(() => {
        const { state } = own
        if (state._tag === "Done" && value.length > 0) {
          // what was shut down keeps nothing
          if (!Pull.isDoneCause(state.exit.cause)) return drop(value)
          // the last of it was taken, so it had ended: it does so again when this is taken
          own.state = { _tag: "Closing", takers: new Set(), offers: new Set(), awaiters: new Set(), exit: state.exit }
        }
        for (const item of value.toReversed()) MutableList.prepend(own.messages, item)
        Queues.flushUnsafe(own)
      }),
    state: () => Effect.sync(() => ({ size: Queues.sizeUnsafe(own), isFull: Queues.isFullUnsafe(own) })),
    end: () => Queues.end(own),
    shutdown: () =>
      Effect.suspend(() => {
        drop(MutableList.toArray(own.messages))
        return Queues.shutdown(own)
      })
  }))
  return Objects.make({ kind, shape: ownShape }, () => methods)
}

/**
 * Makes a queue and its handle: bounded if it is given a `capacity`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeQueue = <A>(options?: { readonly capacity?: number | undefined }): Effect.Effect<QueueHandle<A>> =>
  Effect.map(
    options?.capacity === undefined
      ? Queues.unbounded<A, Cause.Done>()
      : Queues.bounded<A, Cause.Done>(options.capacity),
    (queue) => fromQueue<A>(queue)
  )
