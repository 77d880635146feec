/**
 * The listeners of an event that occurs once. One listener, the common case, needs no set.
 */

import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import { notify } from "./notify.ts"

/** Listeners, each called once. */
export class Waiters<A> {
  private first: ((value: A) => void) | undefined
  private rest: Set<(value: A) => void> | undefined

  add(listener: (value: A) => void): void {
    if (this.first === undefined) this.first = listener
    else (this.rest ??= new Set()).add(listener)
  }

  /** Removes a listener. Returns whether it was registered. */
  delete(listener: (value: A) => void): boolean {
    if (this.first !== listener) return this.rest?.delete(listener) ?? false
    this.first = undefined
    return true
  }

  get isEmpty(): boolean {
    return this.first === undefined && (this.rest === undefined || this.rest.size === 0)
  }

  /** Calls and removes all listeners. */
  wake(value: A): void {
    const { first, rest } = this
    this.first = this.rest = undefined
    if (first !== undefined) notify(first, value)
    if (rest !== undefined) { for (const listener of rest) notify(listener, value) }
  }
}

/** An event that occurs once, and for which any number of fibers may wait. */
export class ExitLatch<A, E> {
  private exit: Exit.Exit<A, E> | undefined
  private readonly waiters = new Waiters<Exit.Exit<A, E>>()

  /** Resumes the waiting fibers. Only the first exit counts. */
  complete(exit: Exit.Exit<A, E>): void {
    if (this.exit !== undefined) return
    this.exit = exit
    this.waiters.wake(exit)
  }

  get await(): Effect.Effect<A, E> {
    return Effect.callback((resume) => {
      if (this.exit !== undefined) return resume(this.exit)
      this.waiters.add(resume)
      return Effect.sync(() => {
        this.waiters.delete(resume)
      })
    })
  }
}
