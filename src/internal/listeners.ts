/**
 * Who waits for something that happens once. Mostly that is one, which costs
 * nothing; a set is only made for more.
 */

/** Callbacks, called once each. */
export class Listeners<A> {
  private first: ((value: A) => void) | undefined
  private rest: Set<(value: A) => void> | undefined

  add(listener: (value: A) => void): void {
    if (this.first === undefined) this.first = listener
    else (this.rest ??= new Set()).add(listener)
  }

  /** Whether it was there. */
  delete(listener: (value: A) => void): boolean {
    if (this.first !== listener) return this.rest?.delete(listener) ?? false
    this.first = undefined
    return true
  }

  /** Tells all who wait now, and forgets them. */
  wake(value: A): void {
    const { first, rest } = this
    this.first = this.rest = undefined
    first?.(value)
    if (rest !== undefined) { for (const listener of rest) listener(value) }
  }
}
