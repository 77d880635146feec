/**
 * Takes permits of an Effect semaphore inside an uninterruptible region. An interruption may arrive just after `Semaphore.take` has taken
 * the permits, and the exit does not tell. `takeScoped` adds a finalizer in the same step as it takes the permits.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type * as Semaphore from "effect/Semaphore"

/** The `restore` function of `Effect.uninterruptibleMask`. */
export type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** Takes permits. Only the wait for them is interruptible; an interrupted wait leaves no permit taken. */
export const takePermits = (semaphore: Semaphore.Semaphore, permits: number, restore: Restore): Effect.Effect<void> =>
  Effect.suspend(() => {
    const scope = Scope.makeUnsafe()
    return Effect.onError(
      restore(Scope.provide(semaphore.takeScoped(permits), scope)),
      () => Scope.close(scope, Exit.void)
    )
  })
