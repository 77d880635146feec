/**
 * One timer for all that has the same time to be done.
 */

interface Deadline {
  readonly at: number
  readonly onMissed: () => void
}

/** Calls back for each key that is not deleted in time. */
export class Deadlines<Key extends object> {
  private readonly timeout: number
  /** the oldest first, as all have the same time */
  private readonly deadlines = new Map<Key, Deadline>()
  private timer: ReturnType<typeof setTimeout> | undefined

  /** `timeout` in milliseconds; `Infinity`: there is no deadline */
  constructor(timeout: number) {
    this.timeout = timeout
  }

  add(key: Key, onMissed: () => void): void {
    if (this.timeout === Infinity) return
    this.deadlines.set(key, { at: performance.now() + this.timeout, onMissed })
    this.timer ??= setTimeout(() => this.check(), this.timeout)
  }

  delete(key: Key): void {
    if (!this.deadlines.delete(key) || this.deadlines.size > 0) return
    clearTimeout(this.timer)
    this.timer = undefined
  }

  private check(): void {
    this.timer = undefined
    const now = performance.now()
    for (const [key, { at, onMissed }] of this.deadlines) {
      // a timer may be a moment early
      if (at > now + 1) {
        this.timer ??= setTimeout(() => this.check(), at - now)
        return
      }
      this.deadlines.delete(key)
      onMissed()
    }
  }
}
