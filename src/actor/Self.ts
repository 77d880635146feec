/**
 * What an actor knows of itself, and does to itself.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as Schema from "effect/Schema"
import type { ActorRef } from "../ActorRef.ts"
import * as CurrentActor from "../internal/actor/currentActor.ts"
import * as Definitions from "../internal/actor/definition.ts"
import type * as Protocol from "../internal/codec/protocol.ts"
import type { ActorService } from "./Service.ts"

/**
 * An actor as it sees itself: see {@link self}.
 *
 * @category models
 * @since 0.1.0
 */
export interface Self<Methods extends Protocol.Any> {
  /** The reference to the actor, as `spawn` returns it. It stays valid when the actor restarts, also for the actors that receive it. */
  readonly ref: ActorRef<Methods>
  /** The address of this incarnation, such as `Counter#1@thread-2`. */
  readonly address: string
  /** The number of this incarnation: 1, and one more after each restart. */
  readonly incarnation: number
}

/**
 * The actor's own reference, address and incarnation, in its handlers, its behaviour and their fibers. The actor may send the reference to
 * other actors, which call it back. The first use asks the program that has spawned the actor; later uses of the same incarnation do not.
 *
 * A handler that waits for a call of its own actor waits for itself, unless the behaviour has a `concurrency` above 1. Send a tell
 * (`{ discard: true }`) instead.
 *
 * Dies with a `TypeError` in a fiber that does not run in an actor of this class.
 *
 * @example
 * ```ts
 * import { Actor, ActorSystem } from "uactor"
 * import { Effect, Ref, Schema } from "effect"
 * import assert from "node:assert"
 *
 * class Countdown extends Actor.Service<Countdown>()("Countdown", {
 *   protocol: {
 *     start: Actor.method({ payload: { from: Schema.Int } }),
 *     left: Actor.method({ success: Schema.Int })
 *   }
 * }) {}
 *
 * const CountdownLive = Countdown.toLayer(() =>
 *   Effect.map(Ref.make(0), (left) => Countdown.handlers({
 *     start: Effect.fnUntraced(function*({ from }) {
 *       yield* Ref.set(left, from)
 *       const { ref } = yield* Actor.self(Countdown)
 *       if (from > 0) yield* Effect.orDie(ref.start({ from: from - 1 }, { discard: true }))
 *     }),
 *     left: () => Ref.get(left)
 *   }))
 * )
 *
 * const program = Effect.gen(function*() {
 *   const countdown = yield* Countdown.spawn()
 *   yield* countdown.start({ from: 3 })
 *   while ((yield* countdown.left()) > 0) yield* Effect.yieldNow
 *   assert.strictEqual(yield* countdown.left(), 0)
 * }).pipe(Effect.scoped, Effect.provide(ActorSystem.layer(CountdownLive)))
 *
 * await Effect.runPromise(program)
 * ```
 *
 * @category accessors
 * @since 0.1.0
 */
export const self = <S, Id extends string, Args extends Schema.Top, E extends Schema.Top, Methods extends Protocol.Any>(
  actor: ActorService<S, Id, Args, E, Methods>
): Effect.Effect<Self<Methods>> =>
  CurrentActor.inActor(`Actor.self(${actor.id})`, ({ name, self }) =>
    name === actor.id
      ? self as Effect.Effect<Self<Methods>>
      : Effect.die(new TypeError(`Actor.self(${actor.id}): this fiber runs in an actor of ${name}`)))

/**
 * Runs an effect in a fiber of the actor, beside its calls. The close of the actor interrupts the fiber. A failure of the effect ends the
 * actor as {@link crash} does, so that the policy of the actor restarts it; an interruption alone does not. Use it for background work
 * without which the actor is of no use, such as a subscription. A fiber of `Effect.forkScoped` fails in silence.
 *
 * Dies with a `TypeError` in a fiber that does not run in an actor.
 *
 * @example
 * ```ts
 * import { Actor, ActorRef, ActorSystem, Supervision } from "uactor"
 * import { Effect, Logger, Ref, Schedule, Schema, Stream } from "effect"
 * import assert from "node:assert"
 *
 * class Feed extends Actor.Service<Feed>()("Feed", { protocol: { last: Actor.method({ success: Schema.Int }) } }) {}
 *
 * // fails after three items, and starts again with the next incarnation
 * const items = Stream.concat(Stream.range(1, 3), Stream.fail("disconnected"))
 *
 * const FeedLive = Feed.toLayer(() =>
 *   Effect.gen(function*() {
 *     const last = yield* Ref.make(0)
 *     yield* Actor.forkSupervised(Stream.runForEach(items, (item) => Ref.set(last, item)))
 *     return { last: () => Ref.get(last) }
 *   })
 * )
 *
 * const program = Effect.gen(function*() {
 *   const policy = Supervision.make({ schedule: Schedule.spaced("1 milli"), maxRestarts: 2 })
 *   const feed = yield* Feed.spawn().pipe(Supervision.supervised(policy))
 *   const exit = yield* ActorRef.awaitExit(feed) // after two restarts
 *   assert.strictEqual(exit._tag, "Failure")
 * }).pipe(Effect.scoped, Effect.provide(ActorSystem.layer(FeedLive)), Effect.provide(Logger.layer([])))
 *
 * await Effect.runPromise(program)
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const forkSupervised = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<Fiber.Fiber<A, E>, never, R> =>
  CurrentActor.inActor("Actor.forkSupervised", (actor) =>
    Effect.map(Effect.forkIn(effect, actor.scope), (fiber) => {
      fiber.addObserver((exit) => {
        if (Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause)) actor.crash(exit.cause)
      })
      return fiber
    }))

/**
 * Ends this actor as crashed. The actor takes no more calls. Its running calls are interrupted, this one included, and fail with
 * `ActorExited` (`Crashed`). Its finalizers run with the cause. Other actors of a shared worker are not affected. A supervised actor
 * restarts by its policy, like after the death of its worker: calls that have not run move to the next incarnation. A dedicated worker is
 * replaced. Without restarts left, the actor has ended for good.
 *
 * In the behaviour, while it is being built, a crash is a defect of `spawn`. Dies with a `TypeError` in a fiber that does not run in an
 * actor.
 *
 * @category combinators
 * @since 0.1.0
 */
export const crash = (cause: Cause.Cause<unknown>): Effect.Effect<never> =>
  CurrentActor.inActor(
    "Actor.crash",
    (actor) => Effect.andThen(Effect.sync(() => actor.crash(cause)), Effect.interrupt)
  )

/**
 * Stops this actor, as `ActorRef.stop` with `drain` does: the actor takes no more calls, finishes the accepted calls, this one included, and
 * ends for good. Completes when the stop has begun, so a handler may still return its result. The actor does not restart, unless its policy
 * has `restart: "always"`; then calls made meanwhile wait for the next incarnation.
 *
 * In the behaviour, while it is being built, a stop fails `spawn` with `SpawnError` (`WorkerFailed`): the build is interrupted, and its
 * finalizers run. In the build of a later incarnation, the actor ends for good, and the calls that wait fail as `Stopped`. No policy restarts it.
 *
 * Dies with a `TypeError` in a fiber that does not run in an actor.
 *
 * @category combinators
 * @since 0.1.0
 */
export const stopSelf: Effect.Effect<void> = CurrentActor.inActor("Actor.stopSelf", ({ stop }) => stop)

/**
 * The actor of a class that was spawned with the option `name`, in a handler, a behaviour or a fiber of an actor. Finds it among the actors of
 * the `ActorSystem` that has spawned this actor, and waits until it has been built. Bound the wait with `Effect.timeout`. The lifetime of the
 * reference is that of a reference in the payload of a call. A program uses `named` of the class instead, such as `Counter.named("main")`.
 *
 * Dies with a `TypeError` in a fiber that does not run in an actor.
 *
 * @example
 * ```ts
 * import { Actor, ActorSystem } from "uactor"
 * import { Effect, Layer, Ref, Schema } from "effect"
 * import assert from "node:assert"
 *
 * class Counter extends Actor.Service<Counter>()("Counter", { protocol: { next: Actor.method({ success: Schema.Int }) } }) {}
 * const CounterLive = Counter.toLayer(() =>
 *   Effect.map(Ref.make(0), (n) => ({ next: () => Ref.updateAndGet(n, (x) => x + 1) }))
 * )
 *
 * class Clerk extends Actor.Service<Clerk>()("Clerk", { protocol: { serve: Actor.method({ success: Schema.String }) } }) {}
 * const ClerkLive = Clerk.toLayer(() =>
 *   Effect.map(Actor.named(Counter, "tickets"), (tickets) => ({
 *     serve: () => Effect.map(Effect.orDie(tickets.next()), (n) => `ticket ${n}`)
 *   }))
 * )
 *
 * const program = Effect.gen(function*() {
 *   yield* Counter.spawn({ name: "tickets" })
 *   const clerk = yield* Clerk.spawn()
 *   assert.strictEqual(yield* clerk.serve(), "ticket 1")
 *   const tickets = yield* Counter.named("tickets")
 *   assert.strictEqual(yield* tickets.next(), 2)
 *   const error = yield* Effect.flip(Counter.spawn({ name: "tickets" }))
 *   assert.strictEqual(error.reason, "NameTaken")
 * }).pipe(Effect.scoped, Effect.provide(ActorSystem.layer(Layer.merge(CounterLive, ClerkLive))))
 *
 * await Effect.runPromise(program)
 * ```
 *
 * @category accessors
 * @since 0.2.0
 */
export const named = <
  S,
  Id extends string,
  Args extends Schema.Top,
  E extends Schema.Top,
  Methods extends Protocol.Any
>(
  actor: ActorService<S, Id, Args, E, Methods>,
  name: string
): Effect.Effect<ActorRef<Methods>> =>
  CurrentActor.inActor(
    `Actor.named(${actor.id})`,
    (current) => current.named(Definitions.definitionOf(actor), name) as Effect.Effect<ActorRef<Methods>>
  )
