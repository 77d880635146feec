/**
 * A reference to one actor: the typed client of its protocol, and what can be
 * asked of the actor itself.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Rpc from "effect/rpc/Rpc"
import type * as RpcClient from "effect/rpc/RpcClient"
import * as Stream from "effect/Stream"
import type { ActorError, ActorExited } from "./ActorError.ts"
import * as internal from "./internal/ref.ts"
import type * as Target from "./internal/target.ts"
import { timeout } from "./internal/times.ts"

/**
 * The key that marks a reference.
 *
 * @category type IDs
 * @since 0.1.0
 */
export const ActorRefTypeId: unique symbol = internal.ActorRefTypeId as never

/**
 * The methods of a protocol, as a caller uses them: each returns an `Effect` (or a `Stream`) that fails with the method's own
 * error or an {@link ActorError}. With `{ discard: true }` a call is a *tell*: it completes once the mailbox has accepted it.
 *
 * @category models
 * @since 0.1.0
 */
export type Client<Rpcs extends Rpc.Any> = RpcClient.RpcClient<Rpcs, ActorError>

/**
 * A typed reference to an actor.
 *
 * @category models
 * @since 0.1.0
 */
export type ActorRef<Rpcs extends Rpc.Any> = Client<Rpcs> & { readonly [ActorRefTypeId]: { readonly rpcs: Rpcs } }

/**
 * Any reference, whatever its protocol.
 *
 * @category models
 * @since 0.1.0
 */
export interface AnyActorRef {
  readonly [ActorRefTypeId]: { readonly rpcs: Rpc.Any }
}

/**
 * Whether a value is a reference to an actor.
 *
 * @category guards
 * @since 0.1.0
 */
export const isActorRef = (u: unknown): u is AnyActorRef => typeof u === "object" && u !== null && ActorRefTypeId in u

/**
 * Where an actor lives, for logs and messages: its name, its number and its worker, such as `Counter#1@thread-2`.
 *
 * @category getters
 * @since 0.1.0
 */
export const address = (ref: AnyActorRef): string => internal.actorOf(ref).address

/**
 * Completes once the actor has ended, with how it ended: success if it was stopped or its scope was closed, else the failure
 * whose `reason` says what happened.
 *
 * @category combinators
 * @since 0.1.0
 */
export const awaitExit = (ref: AnyActorRef): Effect.Effect<Exit.Exit<void, ActorExited>> =>
  Effect.suspend(() => internal.actorOf(ref).awaitExit)

/**
 * One life of an actor: its number (1 for the first), where it lives, and how the one before ended.
 *
 * @category models
 * @since 0.1.0
 */
export type Incarnation = Target.Incarnation

/**
 * The lives of a supervised actor: the present one, then each that follows. Ends when the actor has ended for good.
 *
 * @category combinators
 * @since 0.1.0
 */
export const incarnations = (ref: AnyActorRef): Stream.Stream<Incarnation> =>
  Stream.suspend(() => internal.actorOf(ref).incarnations)

/**
 * Ends an actor before its scope does: it takes no more calls, what runs is interrupted, its finalizers run, and its worker
 * ends if it is the actor's own. Returns when nothing is left. With `drain`, what the mailbox has accepted is finished first,
 * for as long as the duration says (`true`: for as long as it takes).
 *
 * @category combinators
 * @since 0.1.0
 */
export const stop = (
  ref: AnyActorRef,
  options?: { readonly drain?: Duration.Input | boolean | undefined }
): Effect.Effect<void> =>
  Effect.suspend(() => {
    const drain = options?.drain ?? false
    const time = typeof drain === "boolean" ? drain : timeout("ActorRef.stop: drain", drain)
    return internal.actorOf(ref).stop(time === Infinity || time)
  })

/**
 * Ends an actor without asking it: its worker is killed, and no finalizer runs. An actor that shares its worker with others is
 * closed instead, so that they live on. Calls under way fail as `ActorExited`.
 *
 * @category combinators
 * @since 0.1.0
 */
export const kill = (ref: AnyActorRef): Effect.Effect<void> => Effect.suspend(() => internal.actorOf(ref).kill)
