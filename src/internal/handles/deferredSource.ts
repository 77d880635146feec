/**
 * An Effect `Deferred` as the source of a result. A fiber awaits the `Deferred` only while listeners are registered. A long-lived
 * `Deferred` may therefore be exported any number of times and retains nothing of a released handle.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"

type Listener = (exit: Exit.Exit<unknown, unknown>) => void

/** A pending result that user code completes. */
export class DeferredSource {
  private readonly deferred: Deferred.Deferred<unknown, unknown>
  /** the fiber that awaits, or has awaited, the `Deferred`; each handle has its own */
  private fiber: Fiber.Fiber<unknown, unknown> | undefined
  private listeners = 0

  constructor(deferred: Deferred.Deferred<any, any>) {
    this.deferred = deferred
  }

  /** The result, if available. */
  pollUnsafe(): Exit.Exit<unknown, unknown> | undefined {
    const { effect } = this.deferred
    if (effect === undefined || Exit.isExit(effect)) return effect
    // the `Deferred` was completed with an effect, which runs once for each handle
    return this.waiting().pollUnsafe()
  }

  /** Reports the result to the listener, synchronously if available. Returns the function that removes the listener. */
  addObserver(listener: Listener): () => void {
    const exit = this.pollUnsafe()
    if (exit !== undefined) {
      listener(exit)
      return () => undefined
    }
    const fiber = this.waiting()
    const remove = fiber.addObserver(listener)
    this.listeners++
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      remove()
      if (--this.listeners > 0 || fiber.pollUnsafe() !== undefined) return
      this.fiber = undefined
      fiber.interruptUnsafe()
    }
  }

  interruptUnsafe(): void {
    Effect.runFork(Deferred.interrupt(this.deferred))
  }

  private waiting(): Fiber.Fiber<unknown, unknown> {
    return this.fiber ??= Effect.runFork(Deferred.await(this.deferred))
  }
}
