/**
 * One timer for all that has the same time to be done.
 */

/** Something that has to be done in time. */
export abstract class Deadline {
  /** when it will have been missed; 0 while nothing is waited for */
  at = 0
  before: Deadline | undefined
  after: Deadline | undefined

  /** It has not been done in time. */
  abstract missed(): void
}

/** Tells of each deadline that is not deleted in time. */
export class Deadlines {
  private readonly timeout: number
  // in a row, the oldest first, as all have the same time
  private first: Deadline | undefined
  private last: Deadline | undefined
  private timer: ReturnType<typeof setTimeout> | undefined
  // when the turn has begun, for all that are added in it; 0 in none
  private now = 0
  /** how many are waited for */
  size = 0

  /** `timeout` in milliseconds; `Infinity`: there is no deadline */
  constructor(timeout: number) {
    this.timeout = timeout
  }

  add(deadline: Deadline): void {
    if (this.now === 0) {
      this.now = performance.now()
      queueMicrotask(() => {
        this.now = 0
      })
    }
    this.size++
    deadline.at = this.now + this.timeout
    deadline.before = this.last
    if (this.last === undefined) this.first = deadline
    else this.last.after = deadline
    this.last = deadline
    if (this.timeout !== Infinity) this.timer ??= setTimeout(() => this.check(), this.timeout)
  }

  delete(deadline: Deadline): void {
    if (deadline.at === 0) return
    deadline.at = 0
    this.size--
    const { after, before } = deadline
    deadline.after = deadline.before = undefined
    if (before === undefined) this.first = after
    else before.after = after
    if (after === undefined) this.last = before
    else after.before = before
    if (this.first !== undefined) return
    clearTimeout(this.timer)
    this.timer = undefined
  }

  private check(): void {
    this.timer = undefined
    const now = performance.now()
    for (let next = this.first; next !== undefined; next = this.first) {
      // a timer may be a moment early
      if (next.at > now + 1) {
        this.timer ??= setTimeout(() => this.check(), next.at - now)
        return
      }
      this.delete(next)
      next.missed()
    }
  }
}
