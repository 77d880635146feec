/**
 * The interface of a pool, which the class of an actor names in the type of its tag for pools.
 */
import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as Stream from "effect/Stream"
import type { ActorExited, MailboxFull, SpawnError } from "../ActorError.ts"
import type { ActorRef, Client } from "../ActorRef.ts"
import type * as Protocol from "../internal/codec/protocol.ts"
import type * as Mapping from "../internal/pool/mapping.ts"
import type * as Members from "../internal/pool/members.ts"

/**
 * The size of a pool: a number of members, or bounds between which the number of members follows the calls.
 *
 * @category models
 * @since 0.1.0
 */
export type Size = Members.Size

/**
 * A pool of actors with one protocol. `StartError` is the start error of the actors.
 *
 * @category models
 * @since 0.1.0
 */
export interface ActorPool<Methods extends Protocol.Any, StartError = never> {
  /** The client of the pool, with the type of a single actor's client. The strategy selects the member of each call. */
  readonly client: Client<Methods>
  /** The current members, in order. */
  readonly members: Effect.Effect<ReadonlyArray<ActorRef<Methods>>>
  /**
   * Runs `f` with every member at the same time and returns the results in the order of the members. The first failure interrupts the
   * other runs. The runs do not wait in the queue of the pool: each follows the calls that its member has already.
   */
  readonly broadcast: <A, E, R>(
    f: (actor: ActorRef<Methods>) => Effect.Effect<A, E, R>
  ) => Effect.Effect<Array<A>, E, R>
  /** Runs `f` with every member at the same time and returns the `Exit` of each, in the order of the members. */
  readonly broadcastExit: <A, E, R>(
    f: (actor: ActorRef<Methods>) => Effect.Effect<A, E, R>
  ) => Effect.Effect<Array<Exit.Exit<A, E>>, never, R>
  /**
   * Runs `f` with a member in a new fiber, and returns the fiber without waiting. The strategy selects the member. With `first-free`, the
   * fiber waits in the queue like a call, and `f` counts as one call of the member until it ends; `priority` is its place in the queue (0 by
   * default), and a full queue fails it with `MailboxFull` if the pool has `onFull: "fail"`. With `hash` the members take turns, because
   * there is no payload to hash.
   *
   * The fiber is interrupted when the pool closes. On a pool that has closed, the fiber fails with `ActorExited`.
   */
  readonly submit: <A, E, R>(
    f: (actor: ActorRef<Methods>) => Effect.Effect<A, E, R>,
    options?: { readonly priority?: number | undefined }
  ) => Effect.Effect<Fiber.Fiber<A, E | ActorExited | MailboxFull>, never, R>
  /**
   * Runs `f` for each item of the input with a member, which the strategy selects. With `first-free`, an item waits in the queue like a
   * call, and counts as one call of its member until it ends. The results have the order of the input. A failure ends the stream, unless
   * `f` turns it into a result with `Effect.exit`.
   */
  readonly map: MapItems<Methods>
  /** Like `map`, but emits each result as soon as it is available. */
  readonly mapUnordered: MapItems<Methods>
  /** Like `map`, but the result of an item is the `Exit` of its run. No failure of an item ends the stream. */
  readonly mapExit: MapItemsExit<Methods>
  /**
   * Changes the size of the pool. `size` is the option `size` of the pool; a value out of range fails with the reason `OptionsInvalid`.
   *
   * - Missing members start in parallel. If one fails to start, `resize` fails and adds no member.
   * - Surplus members get no more calls. Each ends when its calls have been answered and the items of `map`, `submit` and `broadcast` that
   *   run on it have ended. `resize` returns when all surplus members have ended. The next `resize` does not wait for them.
   * - A member that has ended for good, because it was killed or has no restarts left, does not count. A `resize` replaces it at once, and
   *   the pool replaces it after a delay without a `resize`, unless it has `onGivenUp: "fail"`.
   *
   * An item that waits for a `resize` that removes the member of the item waits forever.
   */
  readonly resize: (size: Size) => Effect.Effect<void, SpawnError | StartError>
  /**
   * Waits until the pool has ended, and returns its `Exit`: a success if its scope has closed; with `onGivenUp: "fail"`, a failure with the
   * reason `GivenUp` if the last member has ended for good.
   */
  readonly awaitExit: Effect.Effect<Exit.Exit<void, ActorExited>>
}

/**
 * The options of `map`, `mapUnordered` and `mapExit`, for items of type `I` whose runs fail with `E`.
 *
 * @category models
 * @since 0.1.0
 */
export type MapOptions<I = any, E = any, E2 = never, R2 = never> = Mapping.MapOptions<I, E, E2, R2>

/**
 * Maps the items of an iterable or a stream with the members of a pool. Throws a `RangeError` if an option is out of range.
 *
 * @category models
 * @since 0.1.0
 */
export interface MapItems<Methods extends Protocol.Any> {
  <I, A, E, R, E2 = never, R2 = never, E3 = never, R3 = never>(
    input: Iterable<I> | Stream.Stream<I, E2, R2>,
    f: (actor: ActorRef<Methods>, item: I) => Effect.Effect<A, E, R>,
    options?: MapOptions<I, E, E3, R3>
  ): Stream.Stream<A, E | E2 | E3, R | R2 | R3>
}

/**
 * Maps the items of an iterable or a stream to the `Exit`s of their runs. Throws a `RangeError` if an option is out of range.
 *
 * @category models
 * @since 0.1.0
 */
export interface MapItemsExit<Methods extends Protocol.Any> {
  <I, A, E, R, E2 = never, R2 = never, E3 = never, R3 = never>(
    input: Iterable<I> | Stream.Stream<I, E2, R2>,
    f: (actor: ActorRef<Methods>, item: I) => Effect.Effect<A, E, R>,
    options?: MapOptions<I, E, E3, R3>
  ): Stream.Stream<Exit.Exit<A, E>, E2 | E3, R | R2 | R3>
}
