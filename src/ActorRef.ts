/**
 * References to actors. A reference is the typed client of the actor's protocol. The functions of this module observe and end the actor
 * itself.
 *
 * @module
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Rpc from "effect/rpc/Rpc"
import * as Stream from "effect/Stream"
import type { ActorError, ActorExited } from "./ActorError.ts"
import { timeout } from "./internal/actor/durations.ts"
import type * as Protocol from "./internal/codec/protocol.ts"
import * as ClientObject from "./internal/proxy/clientObject.ts"
import type * as ProxyState from "./internal/proxy/proxyState.ts"

/**
 * The key that marks a reference.
 *
 * @category type IDs
 * @since 0.1.0
 */
export const ActorRefTypeId: unique symbol = ClientObject.ActorRefTypeId as never

/**
 * The client of a protocol. `Methods` is the record of the methods, or the union of the `Rpc`s. Each method returns an `Effect` or a `Stream` that fails with the error of the method or an
 * {@link ActorError}. With `{ discard: true }` a call is a *tell*: it completes when the mailbox has accepted it.
 *
 * @category models
 * @since 0.1.0
 */
export type Client<Methods extends Protocol.Any> = Protocol.Client<Methods, ActorError>

/**
 * A typed reference to an actor.
 *
 * @category models
 * @since 0.1.0
 */
export type ActorRef<Methods extends Protocol.Any> = Client<Methods> & {
  /** Marks a reference. */
  readonly [ActorRefTypeId]: {
    /** The methods of the protocol. */
    readonly rpcs: Protocol.Rpcs<Methods>
  }
  /** The id of the actor. */
  toString(): string
}

/**
 * A reference to an actor of any protocol.
 *
 * @category models
 * @since 0.1.0
 */
export interface AnyActorRef {
  /** Marks a reference. */
  readonly [ActorRefTypeId]: {
    /** The methods of the protocol. */
    readonly rpcs: Rpc.Any
  }
  /** The id of the actor. */
  toString(): string
}

/**
 * Whether a value is a reference to an actor.
 *
 * @category guards
 * @since 0.1.0
 */
export const isActorRef = (u: unknown): u is AnyActorRef => typeof u === "object" && u !== null && ActorRefTypeId in u

/**
 * The address of an actor for logs and messages: its name, its number and its worker, such as `Counter#1@thread-2`.
 *
 * @category getters
 * @since 0.1.0
 */
export const address = (ref: AnyActorRef): string => ClientObject.actorOf(ref).address

/**
 * The id of an actor: its name and its number among the actors of this name, such as `Counter-3`. An actor keeps its id when it restarts, and
 * every reference to it, in every worker, shows the same id. No other actor of the program has the id: an actor that a worker has spawned
 * has the name of the worker before its own, such as `thread-2/Counter-1`. An actor of a cluster has its name and its id in the cluster:
 * `Account/42`.
 *
 * `String(ref)` is the id. `JSON.stringify(ref)` and `console.log(ref)` also show the address. The spawner of the actor also sees its
 * state and the number of its incarnation.
 *
 * @example
 * ```ts
 * import { Actor, ActorRef, ActorSystem } from "uactor"
 * import { Effect, Schema } from "effect"
 * import assert from "node:assert"
 *
 * class Counter extends Actor.Service<Counter>()("Counter", { protocol: { next: Actor.method({ success: Schema.Int }) } }) {}
 * const CounterLive = Counter.toLayer({ next: () => Effect.succeed(1) })
 *
 * const program = Effect.gen(function*() {
 *   const counter = yield* Counter.spawn()
 *   assert.strictEqual(ActorRef.id(counter), "Counter-1")
 *   assert.strictEqual(`${counter}`, "Counter-1")
 *   assert.deepStrictEqual(JSON.parse(JSON.stringify(counter)), {
 *     _id: "ActorRef",
 *     id: "Counter-1",
 *     name: "Counter",
 *     address: "Counter#1@memory-1",
 *     state: "Running",
 *     incarnation: 1
 *   })
 * }).pipe(Effect.scoped, Effect.provide(ActorSystem.layer(CounterLive)))
 *
 * await Effect.runPromise(program)
 * ```
 *
 * @category getters
 * @since 0.2.0
 */
export const id = (ref: AnyActorRef): string => ClientObject.actorOf(ref).id

/**
 * Waits until the actor has ended for good, and returns its `Exit`: a success if the actor was stopped or its scope closed, otherwise a
 * failure with the `reason` of the end. A restart of a supervised actor is no end.
 *
 * @category combinators
 * @since 0.1.0
 */
export const awaitExit = (ref: AnyActorRef): Effect.Effect<Exit.Exit<void, ActorExited>> =>
  Effect.suspend(() => ClientObject.actorOf(ref).awaitExit)

/**
 * One incarnation of an actor: its number (1 for the first), its address, and the error with which the previous incarnation ended.
 *
 * @category models
 * @since 0.1.0
 */
export type Incarnation = ProxyState.Incarnation

/**
 * The incarnations of a supervised actor: the current incarnation, then every later one. The stream ends when the actor has ended for
 * good. A reader that falls more than 1024 incarnations behind misses the oldest of them.
 *
 * @category combinators
 * @since 0.1.0
 */
export const incarnations = (ref: AnyActorRef): Stream.Stream<Incarnation> =>
  Stream.suspend(() => ClientObject.actorOf(ref).incarnations)

/**
 * Ends an actor before its scope closes. The actor accepts no more calls. Its running calls are interrupted, and its finalizers run. A
 * dedicated worker of the actor ends. Returns when the actor has ended.
 *
 * With `drain`, the actor first finishes the calls that its mailbox has accepted: for at most the given duration, or, with `true`, without
 * a limit. `false` by default. Dies with a `RangeError` if `drain` is not a duration of at least 0.
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
    return ClientObject.actorOf(ref).stop(time === Infinity || time)
  })

/**
 * Kills the worker of an actor; no finalizer runs. If other actors share the worker, the actor is closed instead, and the others live on.
 * Unfinished calls fail with `ActorExited`.
 *
 * @category combinators
 * @since 0.1.0
 */
export const kill = (ref: AnyActorRef): Effect.Effect<void> => Effect.suspend(() => ClientObject.actorOf(ref).kill)
