/**
 * A queue that stays in the actor. Every holder of its handle can offer and take items. The capacity of the queue applies to all of them.
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
import { Undo } from "../internal/codec/methods.ts"
import * as ItemHandles from "../internal/handles/itemHandles.ts"
import * as Awaiting from "../internal/remote/awaiting.ts"
import * as HandleSchema from "../internal/remote/handleSchema.ts"
import type { AnyHandle } from "./AnyHandle.ts"

/**
 * A handle of a queue. In uActor: the proxy of `Queue`. When the queue has ended and is empty, taking fails with `Cause.Done`. A taker that
 * is interrupted, for example by a timeout, loses no item: items on the way to it return to the front of the queue.
 *
 * @category models
 * @since 0.1.0
 */
export interface QueueHandle<in out A> extends AnyHandle {
  /** Offers an item. Waits while the queue is full. Returns `false` if the queue has ended. */
  readonly offer: (item: A) => Effect.Effect<boolean, HandleError>
  /** Offers items. Waits while the queue is full. Returns the items that the queue has not accepted because it has ended. */
  readonly offerAll: (items: Iterable<A>) => Effect.Effect<Array<A>, HandleError>
  /** Takes the next item. Waits while the queue is empty. */
  readonly take: Effect.Effect<A, Cause.Done | HandleError>
  /** Takes all items. Waits for at least one. */
  readonly takeAll: Effect.Effect<Array<A>, Cause.Done | HandleError>
  /** Takes `n` items. Waits until the queue has `n` items; takes fewer if the queue ends. */
  readonly takeN: (n: number) => Effect.Effect<Array<A>, Cause.Done | HandleError>
  /** Takes at least `min` and at most `max` items. Waits until the queue has `min` items; takes fewer if the queue ends. */
  readonly takeBetween: (min: number, max: number) => Effect.Effect<Array<A>, Cause.Done | HandleError>
  /** Takes the next item without waiting; `Option.none` if the queue is empty. */
  readonly poll: Effect.Effect<Option.Option<A>, HandleError>
  /** The number of items. */
  readonly size: Effect.Effect<number, HandleError>
  /** Whether the queue has reached its capacity. */
  readonly isFull: Effect.Effect<boolean, HandleError>
  /**
   * Ends the queue. It accepts no more items; the items in the queue can still be taken. Returns `false` if the queue has ended already. Has
   * no effect on a queue that was made without the error type `Cause.Done`.
   */
  readonly end: Effect.Effect<boolean, HandleError>
  /** Ends the queue at once: drops its items and interrupts the waiting takers. Returns `false` if it was shut down before. */
  readonly shutdown: Effect.Effect<boolean, HandleError>
  /** Takes items until the queue has ended. */
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

const kindOf = <A>(): HandleSchema.HandleKind<Methods<A>, QueueHandle<A>> => ({
  kind: "Queue",
  waits: (method) => method === "take" ? "an item" : method === "offer" ? "room" : undefined,
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
      // an array, because an item may be `undefined`
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
  return HandleSchema.schema(
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
 * Exports an Effect `Queue` as a handle. The owner may also use the queue directly.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromQueue = <A>(queue: Queues.Queue<A> | Queues.Queue<A, Cause.Done>): QueueHandle<A> => {
  const own = queue as Queues.Queue<A, Cause.Done>
  const kind = kindOf<A>()
  // the owner takes an item in one step, so that an interruption comes before or after it
  const ownShape: typeof kind.shape = (client, object) => {
    const taking = <B, E>(least: number, take: Effect.Effect<B, E>): Effect.Effect<B, E> =>
      Effect.suspend(() => Queues.sizeUnsafe(own) >= least ? take : Awaiting.during(object, "take", take))
    const takeAll = taking(1, Queues.takeAll(own))
    return {
      ...kind.shape(client, object),
      take: taking(1, Queues.take(own)),
      takeAll,
      takeN: (n) => taking(n, Queues.takeN(own, n)),
      takeBetween: (min, max) => taking(min, Queues.takeBetween(own, min, max)),
      poll: Queues.poll(own),
      stream: Stream.fromPull(Effect.succeed(takeAll))
    }
  }
  const methods = ItemHandles.serve<Methods<A>>(queue, (drop) => ({
    offer: ({ items }) => {
      const offering = Effect.tap(Queues.offerAll(own, items), (rest) => Effect.sync(() => drop(rest)))
      // with several items, it is unknown which of them the queue has accepted
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
          // a queue that was shut down drops its items
          if (!Pull.isDoneCause(state.exit.cause)) return drop(value)
          // the queue had ended, and ends again when these items have been taken
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
  return HandleSchema.make({ ...kind, shape: ownShape }, () => methods)
}

/**
 * Makes a queue and its handle. `capacity` is the maximum number of items; by default the queue is unbounded.
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
