/**
 * Items: the runs of `map`, `submit` and `broadcast`, each of which may make any number of calls to one member.
 */
import * as Effect from "effect/Effect"
import type { ChildActor } from "../system/childActor.ts"

/** An item, which runs on one member. */
export type Item<A, E, R> = (member: ChildActor) => Effect.Effect<A, E, R>

/**
 * Takes the member of an item, and may wait for it. The wait is interruptible. Calls `taken` with the member, and with a function that is
 * to be called when the item has ended.
 */
export type Take<E> = (taken: (member: ChildActor, onReleased: () => void) => void) => Effect.Effect<void, E>

/** Runs an item. Its member is in use from `taken` to the end of the item. */
export const run = <A, E, R, E2>(take: Take<E2>, item: Item<A, E, R>): Effect.Effect<A, E | E2, R> =>
  Effect.uninterruptibleMask((restore) => {
    let member: ChildActor | undefined
    let onReleased: () => void
    const taking = take((taken, released) => {
      member = taken
      onReleased = released
      taken.items++
    })
    return Effect.onExit(
      Effect.andThen(restore(taking), restore(Effect.suspend(() => item(member!)))),
      () => {
        // an interruption may arrive just after the member was taken
        if (member !== undefined) {
          member.items--
          onReleased()
        }
        return Effect.void
      }
    )
  })

/** Takes a member that is known when the item starts. */
export const known = (choose: () => ChildActor, onReleased: () => void): Take<never> => (taken) =>
  Effect.sync(() => taken(choose(), onReleased))
