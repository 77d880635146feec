/**
 * The fibers that wait at an object of their own thread, which is no call, for observers.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { Restore } from "../effect/takePermits.ts"

/** A fiber that waits at an object. */
export interface Awaiting {
  readonly fiber: Fiber.Fiber<unknown, unknown>
  /** the object, as its creator has made it */
  readonly object: object
  readonly method: string
}

const waiting = new Set<Awaiting>()

/** Runs an effect that waits at an object, as the method of a handle does. */
export const during = <A, E, R>(
  object: object,
  method: string,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    const fiber = Fiber.getCurrent()
    if (fiber === undefined) return effect
    const awaiting: Awaiting = { fiber, object, method }
    waiting.add(awaiting)
    return Effect.onExit(effect, () => Effect.sync(() => waiting.delete(awaiting)))
  })

/** Runs the wait of an acquisition as {@link during} does. */
export const restoring = (object: object, method: string, restore: Restore): Restore => (effect) =>
  restore(during(object, method, effect))

/** The fibers that wait now. */
export const all = (): ReadonlyArray<Awaiting> => Array.from(waiting)
