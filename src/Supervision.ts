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
import { dual } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import { millis } from "./internal/actor/durations.ts"
import * as RestartPlan from "./internal/actor/restartPlan.ts"

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
 * @since 0.1.0
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
}): Policy => {
  const { maxRestarts: limit = 5, restart = "on-death" } = options ?? {}
  const maxRestarts = limit === "unbounded" ? Infinity : limit
  if (limit !== "unbounded" && !(Number.isInteger(limit) && limit >= 0)) {
    throw new RangeError(`Supervision.make: maxRestarts must be an integer of at least 0 or "unbounded", not ${limit}`)
  }
  const window = options?.window ?? "1 minute"
  millis("Supervision.make: window", window, true)
  if (!Object.hasOwn(RestartPlan.ends, restart)) {
    const known = Object.keys(RestartPlan.ends).map((name) => `"${name}"`).join(", ")
    throw new RangeError(`Supervision.make: restart must be one of ${known}, not ${restart}`)
  }
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
 * A layer that supervises the actors of the layers to which it is provided.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (policy: Policy): Layer.Layer<never> => Layer.succeed(Current, policy)

/**
 * Supervises the actors that an effect spawns, by a policy.
 *
 * @category combinators
 * @since 0.1.0
 */
export const supervised: {
  (policy: Policy): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  <A, E, R>(self: Effect.Effect<A, E, R>, policy: Policy): Effect.Effect<A, E, R>
} = dual(
  2,
  <A, E, R>(self: Effect.Effect<A, E, R>, policy: Policy): Effect.Effect<A, E, R> =>
    Effect.provideService(self, Current, policy)
)
