/**
 * Restart policies. When the worker of a supervised actor dies, or the actor crashes, the actor is built again from the same arguments, as a new incarnation
 * behind the same reference. A schedule gives the delay before each restart. A budget limits the restarts; without restarts left, the
 * actor has ended for good.
 *
 * A restart affects calls as follows:
 *
 * - Calls that did not run move to the new incarnation, in order.
 * - Calls that may have run fail with the outcome `Unknown`. Calls of a method that is annotated `Actor.Idempotent` run again instead.
 * - New calls wait in the bounded mailbox.
 *
 * @module
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import { dual } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { ActorExited } from "./ActorError.ts"
import { millis } from "./internal/actor/durations.ts"
import * as RestartPlan from "./internal/actor/restartPlan.ts"
import * as Groups from "./internal/system/group.ts"

/**
 * A restart policy. `schedule` gives the delay before each restart; when the schedule ends, so do the restarts. At most `maxRestarts`
 * restarts happen within `window`. A restart counts for the time of `window`, and at least until the behaviour has been built again.
 *
 * The delays are taken from the schedule in advance. A delay may depend on the number of restarts, but not on the cause of a restart.
 *
 * @category models
 * @since 0.1.0
 */
export type Policy = RestartPlan.Policy

/**
 * Which ends of an actor restart it. An actor ends by itself in three ways: by the death of its worker (also a kill by a timeout or a
 * signal), by a crash of the actor alone (`Actor.crash`, or a failed fiber of `Actor.forkSupervised`), or by `Actor.stopSelf`.
 *
 * - `"on-death"`: the death of the worker, and a crash. In OTP: transient.
 * - `"on-defect"`: a crash only. The death of the worker ends the actor.
 * - `"always"`: also `Actor.stopSelf`. In OTP: permanent. The next incarnation is built when the accepted calls have ended and the finalizers
 *   have run; other calls wait for it.
 * - `"never"`: none, also if another policy would apply. In OTP: temporary.
 *
 * `ActorRef.stop`, `ActorRef.kill` and the close of the scope end an actor for good under each of them. A restart that fails, because the
 * behaviour cannot be built, is repeated within the budget under each of them.
 *
 * @category models
 * @since 0.2.0
 */
export type Restart = RestartPlan.Restart

/**
 * Makes a policy.
 *
 * - `schedule`: the delays before restarts. By default 100 milliseconds, then twice the previous delay each time, up to one minute if the
 *   restarts are unbounded.
 * - `maxRestarts`: the maximum number of restarts within `window`, an integer of at least 0, or `"unbounded"`; 5 by default.
 * - `window`: a duration longer than 0; 1 minute by default.
 * - `restart`: which ends of the actor restart it; see {@link Restart}. `"on-death"` by default.
 *
 * Throws a `RangeError` if `maxRestarts`, `window` or `restart` is out of range.
 *
 * @example
 * ```ts
 * import { Supervision } from "uactor"
 * import { Schedule } from "effect"
 *
 * const patient = Supervision.make({ schedule: Schedule.spaced("1 second"), maxRestarts: 60, window: "1 minute" })
 * console.log(patient.maxRestarts)
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options?: {
  readonly schedule?: Schedule.Schedule<unknown> | undefined
  readonly maxRestarts?: number | "unbounded" | undefined
  readonly window?: Duration.Input | undefined
  readonly restart?: Restart | undefined
}): Policy => policyOf("Supervision.make", options)

const checkLiteral = (option: string, value: string, known: ReadonlyArray<string>): void => {
  if (known.includes(value)) return
  throw new RangeError(`${option} must be one of ${known.map((name) => `"${name}"`).join(", ")}, not ${value}`)
}

const policyOf = (name: string, options: Parameters<typeof make>[0]): Policy => {
  const { maxRestarts: limit = 5, restart = "on-death" } = options ?? {}
  const maxRestarts = limit === "unbounded" ? Infinity : limit
  if (limit !== "unbounded" && !(Number.isInteger(limit) && limit >= 0)) {
    throw new RangeError(`${name}: maxRestarts must be an integer of at least 0 or "unbounded", not ${limit}`)
  }
  const window = options?.window ?? "1 minute"
  millis(`${name}: window`, window, true)
  checkLiteral(`${name}: restart`, restart, Object.keys(RestartPlan.ends))
  const growing = Schedule.exponential("100 millis")
  const schedule = maxRestarts === Infinity ? Schedule.min([growing, Schedule.spaced("1 minute")]) : growing
  return { schedule: options?.schedule ?? schedule, maxRestarts, window, restart }
}

/**
 * The policy of the actors that are spawned in a context. It takes precedence over the policy that the behaviour declares.
 *
 * @category references
 * @since 0.1.0
 */
export const Current: Context.Reference<Policy | undefined> = RestartPlan.Current

/**
 * Several actors that are supervised together; see {@link group}.
 *
 * @category models
 * @since 0.2.0
 */
export interface Group {
  /** Marks a group. */
  readonly "~uactor/Supervision/Group": Groups.Group
  /**
   * Waits until the group has ended and all of its members have stopped. The exit is a success if the scope of the group has closed. It is a
   * failure with the end of the last member if the restarts of the group are used up.
   */
  readonly awaitExit: Effect.Effect<Exit.Exit<void, ActorExited>>
}

/**
 * Which members of a group restart when one of them does:
 *
 * - `"one-for-one"`: no other member.
 * - `"one-for-all"`: all members.
 * - `"rest-for-one"`: the members that were started after it, which may depend on it.
 *
 * @category models
 * @since 0.2.0
 */
export type Strategy = Groups.Strategy

/**
 * Makes a group of actors that are supervised together. The actors that {@link supervised} or {@link layer} spawn with the group are its
 * members, in the order in which their spawns complete.
 *
 * - `strategy`: which members restart with a member that has ended; see {@link Strategy}. `"one-for-one"` by default.
 * - `schedule`, `maxRestarts`, `window`: as of {@link make}, for the group as a whole. The end of a member counts once, with all the restarts
 *   that it causes. A restart that fails counts again.
 *
 * A restart closes the other members that the strategy names in reverse order, waits for the delay, and builds all of them again in order.
 * Their references stay valid. Their running calls fail with the reason `Restarted`, or run again if their method is `Actor.Idempotent`; calls
 * that have not run move to the next incarnation, in order. Their finalizers receive an interruption.
 *
 * A policy of a member itself says only, by `restart`, which of its ends restart it. A member with `"never"` is stopped when the strategy would restart it.
 * A member that is stopped or killed, or whose end does not restart it, leaves the group, and no other member is affected.
 *
 * When the restarts are used up, the group ends: its members are stopped in reverse order and end with a failure (`Stopped`), and `awaitExit`
 * completes. A later spawn in the
 * group fails with `SpawnError` (`WorkerFailed`). The close of the scope ends the group, too. Throws a `RangeError` if an option is out of
 * range.
 *
 * @example
 * ```ts
 * import { Actor, ActorSystem, Supervision } from "uactor"
 * import { Cause, Effect, Layer, Logger, Schedule, Schema } from "effect"
 * import assert from "node:assert"
 *
 * class Store extends Actor.Service<Store>()("Store", {
 *   protocol: { incarnation: Actor.method({ success: Schema.Int }), fail: Actor.method() }
 * }) {}
 * const StoreLive = Store.toLayer({
 *   incarnation: () => Effect.map(Actor.self(Store), ({ incarnation }) => incarnation),
 *   fail: () => Actor.crash(Cause.fail("disconnected"))
 * })
 *
 * class Cache extends Actor.Service<Cache>()("Cache", {
 *   args: Schema.Struct({ store: Store.ref }),
 *   protocol: { store: Actor.method({ success: Schema.Int }) }
 * }) {}
 * // reads the store once, and must start again with it
 * const CacheLive = Cache.toLayer(({ store }) =>
 *   Effect.map(Effect.orDie(store.incarnation()), (read) => ({ store: () => Effect.succeed(read) }))
 * )
 *
 * const program = Effect.gen(function*() {
 *   const group = yield* Supervision.group({ strategy: "rest-for-one", schedule: Schedule.spaced("1 milli") })
 *   const { cache, store } = yield* Effect.gen(function*() {
 *     const store = yield* Store.spawn()
 *     const cache = yield* Cache.spawn({ store })
 *     return { cache, store }
 *   }).pipe(Supervision.supervised(group))
 *   yield* Effect.exit(store.fail())
 *   while ((yield* Effect.orElseSucceed(cache.store(), () => 1)) === 1) yield* Effect.yieldNow
 *   assert.strictEqual(yield* cache.store(), 2)
 * }).pipe(
 *   Effect.scoped,
 *   Effect.provide(ActorSystem.layer(Layer.merge(StoreLive, CacheLive))),
 *   Effect.provide(Logger.layer([]))
 * )
 *
 * await Effect.runPromise(program)
 * ```
 *
 * @category constructors
 * @since 0.2.0
 */
export const group = (options?: {
  readonly strategy?: Strategy | undefined
  readonly schedule?: Schedule.Schedule<unknown> | undefined
  readonly maxRestarts?: number | "unbounded" | undefined
  readonly window?: Duration.Input | undefined
}): Effect.Effect<Group, never, Scope.Scope> => {
  const { strategy = "one-for-one", ...budget } = options ?? {}
  checkLiteral("Supervision.group: strategy", strategy, ["one-for-one", "one-for-all", "rest-for-one"])
  const policy = policyOf("Supervision.group", budget)
  return Effect.acquireRelease(
    Effect.contextWith((context: Context.Context<never>) =>
      Effect.map(RestartPlan.plan(policy), (plan): Group => {
        const group = new Groups.Group(strategy, plan, context)
        return { "~uactor/Supervision/Group": group, awaitExit: group.awaitExit }
      })
    ),
    (group) => group["~uactor/Supervision/Group"].close
  )
}

/**
 * A layer that supervises the actors of the layers to which it is provided, by a policy or in a group.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (by: Policy | Group): Layer.Layer<never> =>
  isGroup(by) ? Layer.succeed(Groups.Current, by["~uactor/Supervision/Group"]) : Layer.succeed(Current, by)

const isGroup = (by: Policy | Group): by is Group => "~uactor/Supervision/Group" in by

/**
 * Supervises the actors that an effect spawns, by a policy or in a group.
 *
 * @category combinators
 * @since 0.1.0
 */
export const supervised: {
  (by: Policy | Group): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  <A, E, R>(self: Effect.Effect<A, E, R>, by: Policy | Group): Effect.Effect<A, E, R>
} = dual(
  2,
  <A, E, R>(self: Effect.Effect<A, E, R>, by: Policy | Group): Effect.Effect<A, E, R> =>
    isGroup(by)
      ? Effect.provideService(self, Groups.Current, by["~uactor/Supervision/Group"])
      : Effect.provideService(self, Current, by)
)
