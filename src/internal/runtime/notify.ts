/**
 * Calls foreign code from the engine: watchers, listeners, and the fibers that the engine resumes or interrupts, with their
 * observers.
 *
 * Foreign code runs inside the loops of the engine. An exception that it throws becomes an uncaught exception in a turn of its own,
 * and the loop continues. Foreign code may also call the engine again immediately. Where several states change together,
 * `atomically` therefore defers the calls until all of the states have changed.
 */
import { queueMicrotask } from "./globals.ts"

/** The calls deferred to the end of `atomically`; `undefined` while `atomically` is not running. */
let waiting: Array<() => void> | undefined

/** Rethrows an error asynchronously as an uncaught exception, so that it does not interrupt the engine. */
export const uncaught = (error: unknown): void =>
  queueMicrotask(() => {
    throw error
  })

/** Calls a listener. */
export const notify = <A>(listener: (value: A) => void, value: A): void => {
  if (waiting !== undefined) return void waiting.push(() => notify(listener, value))
  try {
    listener(value)
  } catch (error) {
    uncaught(error)
  }
}

/** Runs `work` while deferring calls of listeners, then calls the listeners in order. */
export const atomically = (work: () => void): void => {
  if (waiting !== undefined) return work()
  const mine: Array<() => void> = waiting = []
  try {
    work()
  } finally {
    waiting = undefined
    for (const call of mine) call()
  }
}

/** Interrupts a fiber. The fiber runs its finalizers immediately. */
export const interrupt = (fiber: { readonly interruptUnsafe: () => void }): void => {
  try {
    fiber.interruptUnsafe()
  } catch (error) {
    uncaught(error)
  }
}
