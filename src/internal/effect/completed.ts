/**
 * Effects that have completed already. Such an effect is an `Exit`; its value is read without a fiber.
 */
import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"

/** Whether an effect has succeeded already. */
export const isSuccess = <A, E>(effect: Effect.Effect<A, E>): effect is Exit.Success<A, E> =>
  (effect as { readonly _tag?: string })._tag === "Success"

/** Whether an effect has failed already. */
export const isFailure = <A, E>(effect: Effect.Effect<A, E>): effect is Exit.Failure<A, E> =>
  (effect as { readonly _tag?: string })._tag === "Failure"
