/**
 * References to actors. A reference is the typed client of the actor's protocol. The functions of this module observe and end the actor
 * itself.
 *
 * @module
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Rpc from "effect/rpc/Rpc"
import type * as Scope from "effect/Scope"
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
 * failure with the `reason` of the end. An actor that is stopped because another one has died, by a link or with its group, ends with a failure. A restart of a supervised actor is no end.
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
 * The end of an incarnation of an actor; see {@link watch}.
 *
 * @category models
 * @since 0.2.0
 */
export type End = ProxyState.End

/**
 * The ends of an actor, from now on: one for each incarnation, at the moment when it ends. `restarts` says whether another incarnation
 * follows. The last end is that for good, with the exit of {@link awaitExit}; the stream ends after it. If the restarts of an actor fail, its
 * last incarnation has a second end, for good. Of an actor that has ended already, the stream emits that end. A reader that falls more than
 * 1024 ends behind misses the oldest of them.
 *
 * {@link incarnations} emits each incarnation when it has been built.
 *
 * @example
 * ```ts
 * import { Actor, ActorRef, ActorSystem, Supervision } from "uactor"
 * import { Cause, Effect, Fiber, Logger, Schedule, Stream } from "effect"
 * import assert from "node:assert"
 *
 * class Frail extends Actor.Service<Frail>()("Frail", { protocol: { fail: Actor.method() } }) {}
 * const FrailLive = Frail.toLayer({ fail: () => Actor.crash(Cause.fail("frail")) })
 *
 * const program = Effect.gen(function*() {
 *   const policy = Supervision.make({ schedule: Schedule.spaced("1 milli"), maxRestarts: 1 })
 *   const frail = yield* Frail.spawn().pipe(Supervision.supervised(policy))
 *   const watcher = yield* Effect.forkChild(Stream.runCollect(ActorRef.watch(frail)), { startImmediately: true })
 *   yield* Effect.exit(frail.fail())
 *   yield* Effect.exit(frail.fail())
 *   const ends = yield* Fiber.join(watcher)
 *   assert.deepStrictEqual(ends.map(({ incarnation, restarts }) => [incarnation, restarts]), [[1, true], [2, false]])
 * }).pipe(Effect.scoped, Effect.provide(ActorSystem.layer(FrailLive)), Effect.provide(Logger.layer([])))
 *
 * await Effect.runPromise(program)
 * ```
 *
 * @category combinators
 * @since 0.2.0
 */
export const watch = (ref: AnyActorRef): Stream.Stream<End> => Stream.suspend(() => ClientObject.actorOf(ref).ends)

/**
 * The death of an actor, for the `trap` of a {@link link}.
 *
 * @category models
 * @since 0.2.0
 */
export interface Death<A, B> {
  /** The actor that has ended: one of the linked actors. */
  readonly ended: A | B
  /** The other linked actor. */
  readonly other: A | B
  /** How it has ended. */
  readonly error: ActorExited
}

/**
 * Links two actors, until the scope closes: when one ends for good with a failure, the other is stopped, like by {@link stop}: its running
 * calls are interrupted, and its finalizers run. If one has ended in this way already, the other is stopped at once. An actor that is
 * stopped, or whose scope closes, does not stop the other. A restart of a supervised actor is no end; `Supervision.group` restarts actors
 * together. An actor that a link has stopped ends with a failure, too (`Stopped`), whose message contains that of the death. So an actor that is
 * linked to it is stopped in turn.
 *
 * With `trap`, the other actor lives on, and the effect that `trap` returns runs instead: for example, a call that tells it. A failure of the
 * effect is logged.
 *
 * The link is the work of the program or of the actor that makes it. Let the spawner of both make it: then it lasts as long as they do. An actor may
 * link two others in its behaviour. Its end, or the death of its worker, ends this link, and has no effect on the two. If it is supervised and
 * has their references in its arguments, its next incarnation links them again: an actor that has died meanwhile stops the other then. In a
 * handler, the scope is that of the call, which ends with the call.
 *
 * @example
 * ```ts
 * import { Actor, ActorRef, ActorSystem } from "uactor"
 * import { Cause, Effect, Exit, Logger } from "effect"
 * import assert from "node:assert"
 *
 * class Half extends Actor.Service<Half>()("Half", { protocol: { fail: Actor.method() } }) {}
 * const HalfLive = Half.toLayer({ fail: () => Actor.crash(Cause.fail("broken")) })
 *
 * const program = Effect.gen(function*() {
 *   const [left, right] = yield* Effect.all([Half.spawn(), Half.spawn()])
 *   yield* ActorRef.link(left, right)
 *   yield* Effect.exit(left.fail())
 *   const exit = yield* ActorRef.awaitExit(right)
 *   assert(Exit.isFailure(exit))
 *   assert.match(String(Cause.squash(exit.cause)), /Half#1@memory-2 was stopped: .* Half#1@memory-1 crashed: broken/)
 * }).pipe(Effect.scoped, Effect.provide(ActorSystem.layer(HalfLive)), Effect.provide(Logger.layer([])))
 *
 * await Effect.runPromise(program)
 * ```
 *
 * @category combinators
 * @since 0.2.0
 */
export const link = <A extends AnyActorRef, B extends AnyActorRef, E = never, R = never>(
  a: A,
  b: B,
  options?: { readonly trap?: ((death: Death<A, B>) => Effect.Effect<unknown, E, R>) | undefined }
): Effect.Effect<void, never, R | Scope.Scope> => {
  const trap = options?.trap
  const follow = (ended: A | B, other: A | B): Effect.Effect<unknown, never, R | Scope.Scope> =>
    Effect.flatMap(awaitExit(ended), (exit) => {
      if (Exit.isSuccess(exit)) return Effect.void
      return Effect.flatMap(Effect.flip(exit), (error) =>
        trap === undefined
          ? ClientObject.actorOf(other).stop(false, `an actor to which it is linked has died: ${error.message}`)
          : trap({ ended, other, error }))
    }).pipe(
      Effect.catchCause((cause) =>
        Effect.logWarning(`the link of ${address(ended)} to ${address(other)} failed`, cause)
      ),
      Effect.forkScoped({ startImmediately: true })
    )
  return Effect.andThen(follow(a, b), Effect.asVoid(follow(b, a)))
}

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
