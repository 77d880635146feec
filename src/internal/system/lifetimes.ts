/**
 * How long fibers live, for V8 to know. It watches the first hundreds of the objects that a literal makes, and when nearly all of them
 * survive a collection, it allocates those that follow among the old objects. Two such arrays belong to each fiber of Effect, and a
 * burst of calls is hundreds of fibers that wait together. From then on every fiber that has ended keeps what it referred to
 * until the next full collection: after a burst, collecting the young objects took 20 ms instead of 0.6, and a call twice as long.
 * V8 decides once, so fibers that end at once are shown to it before others are.
 *
 * The algorithm is in V8's `src/heap/pretenuring-handler.cc`.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"

// V8 decides so when 85 in a hundred live, and counts about two thousand at most: those that are made before their code is compiled
const shown = 512

let areShown = false

const shortFiber = Effect.withFiber((fiber) => {
  fiber.addObserver(() => undefined)
  return Exit.void
})

/** To be called before the first calls are made; takes a millisecond or two, once in a process. */
export const show = (): void => {
  if (areShown) return
  areShown = true
  for (let i = 0; i < shown; i++) {
    Effect.runFork(shortFiber)
    Scope.makeUnsafe()
  }
}
