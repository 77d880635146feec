/**
 * Restart policies. An actor whose worker dies is built again, from the same
 * arguments, as a new incarnation behind the same reference: a schedule says when,
 * and a budget says how often before the actor is given up.
 *
 * What happens to calls (F3): those that never ran move to the new incarnation in
 * their order, those that may have run fail as `Unknown`, unless their method is
 * annotated `Actor.Idempotent`, and new ones wait in the bounded mailbox.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as internal from "./internal/supervision.ts"
import { millis } from "./internal/times.ts"

/**
 * A restart policy: `schedule` gives the delay before each restart, and at most `maxRestarts` are made within `window`, or one
 * after the other without the behaviour being built, however long that takes. An actor whose schedule has ended is not restarted
 * any more. The delays are taken from the schedule ahead of time, so it may depend on the number of restarts but not on why one is
 * needed.
 *
 * @category models
 * @since 0.1.0
 */
export type Policy = internal.Policy

/**
 * Makes a policy. By default it waits 100 milliseconds, then twice as long each time, and gives up after 5 restarts in a minute.
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
  readonly maxRestarts?: number | undefined
  readonly window?: Duration.Input | undefined
}): Policy => {
  const maxRestarts = options?.maxRestarts ?? 5
  if (!Number.isInteger(maxRestarts) || maxRestarts < 0) {
    throw new RangeError(`Supervision.make: maxRestarts must be an integer of at least 0, not ${maxRestarts}`)
  }
  const window = options?.window ?? "1 minute"
  millis("Supervision.make: window", window, true)
  return { schedule: options?.schedule ?? Schedule.exponential("100 millis"), maxRestarts, window }
}

/**
 * The policy of the actors that are spawned under it. It goes before the one that the behaviour declares.
 *
 * @category references
 * @since 0.1.0
 */
export const Current: Context.Reference<Policy | undefined> = internal.Current

/**
 * A layer that supervises the actors of the layers it is provided to.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (policy: Policy): Layer.Layer<never> => Layer.succeed(Current, policy)

/**
 * Supervises the actors that an effect spawns.
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
