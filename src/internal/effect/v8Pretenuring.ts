/**
 * Runs short-lived fibers before a program makes others, so that V8 treats fibers as short-lived objects.
 *
 * V8 watches the first hundreds of objects that a literal creates. If nearly all of them survive a collection, V8 allocates the later ones
 * among the old objects. Each fiber of Effect has two such arrays, and a burst of calls is hundreds of fibers that wait together. From
 * then on, each ended fiber retains what it referred to until the next full collection: collecting the young objects took 20 ms instead
 * of 0.6 after a burst, and a call twice as long. V8 decides once, so fibers that end immediately come first. Without them, the rows
 * shared/hop and call/memory-64 of the benchmark take 1.5 and 1.2 times as long.
 *
 * The algorithm is in V8's `src/heap/pretenuring-handler.cc`.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"

// V8 decides when 85 of 100 objects survive. It counts at most about two thousand: those created before their code is compiled.
const shortFibers = 512

let hasRun = false

const shortFiber = Effect.withFiber((fiber) => {
  fiber.addObserver(() => undefined)
  return Exit.void
})

/** Runs short-lived fibers, once in a process. Called before the first call; takes a millisecond or two. */
export const warmUp = (): void => {
  if (hasRun) return
  hasRun = true
  for (let i = 0; i < shortFibers; i++) {
    Effect.runFork(shortFiber)
    Scope.makeUnsafe()
  }
}
