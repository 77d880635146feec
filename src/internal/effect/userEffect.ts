/** Runs effects returned by user code. The returned value may be no effect at all. */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"

/** Like `Effect.runForkWith`, but returns a fiber that dies where `runForkWith` throws, for a non-effect without a string form. */
export const runFork = <A, E>(
  context: Context.Context<never>,
  effect: Effect.Effect<A, E>,
  options?: { readonly uninterruptible: boolean }
): Fiber.Fiber<A, E> => {
  try {
    return Effect.runForkWith(context)(effect, options)
  } catch (defect) {
    return Effect.runFork(Effect.die(defect))
  }
}
