/**
 * The deadlines of the engine for actions of the peer.
 *
 * A deadline measures the time available to the peer. While this event loop is blocked or the machine sleeps, no message leaves and
 * no message is read, so this time does not count. A timeout is therefore divided into slices, and a slice that takes too long
 * counts only with its nominal length. After the last slice, the event loop reads the messages that have arrived; only then is the
 * deadline missed. On an event loop that is never blocked, a deadline expires after its nominal timeout.
 *
 * All deadlines with the same timeout share one timer.
 */
import { clearTimeout, performance, queueMicrotask, setTimeout } from "./globals.ts"
import { clearImmediate, setImmediate } from "./immediates.ts"
import { notify } from "./notify.ts"

// the number of slices in a timeout: a blocked event loop costs the peer at most one slice
const slices = 8

// the minimum slice in milliseconds: timers are not more precise
const minSlice = 5

/** An action that must complete within a timeout. */
export abstract class Deadline {
  /** the counted time at which the deadline is missed; 0 while the deadline is not active */
  at = 0
  before: Deadline | undefined
  after: Deadline | undefined

  /** Called when the action has not completed in time. */
  abstract missed(): void
}

class Callback extends Deadline {
  readonly missed: () => void

  constructor(missed: () => void) {
    super()
    this.missed = missed
  }
}

const expired = (deadline: Deadline): void => deadline.missed()

/** The active deadlines with the same timeout. */
export class Deadlines {
  /** in milliseconds; with `Infinity`, deadlines never expire */
  readonly timeout: number
  private readonly slice: number
  // a linked list, oldest first: all deadlines have the same timeout
  private first: Deadline | undefined
  private last: Deadline | undefined
  private timer: ReturnType<typeof setTimeout> | undefined
  private reading: object | undefined
  /** the start of the current slice, in counted time, and by the clock */
  private counted = 1
  private began = 0
  // the counted time at the first addition in this turn, used for all additions in the turn; 0 before the first addition
  private now = 0
  /** the number of active deadlines */
  size = 0

  constructor(timeout: number) {
    this.timeout = timeout
    this.slice = Math.max(timeout / slices, minSlice)
  }

  add(deadline: Deadline): void {
    if (this.size++ === 0) this.began = performance.now()
    if (this.now === 0) {
      this.now = this.counted + this.elapsed(performance.now())
      queueMicrotask(() => {
        this.now = 0
      })
    }
    deadline.at = this.now + this.timeout
    deadline.before = this.last
    if (this.last === undefined) this.first = deadline
    else this.last.after = deadline
    this.last = deadline
    if (this.timeout !== Infinity) this.timer ??= setTimeout(() => this.tick(), Math.min(this.slice, this.timeout))
  }

  /** Adds a deadline that calls back when it is missed. */
  start(missed: () => void): Deadline {
    const deadline = new Callback(missed)
    this.add(deadline)
    return deadline
  }

  delete(deadline: Deadline | undefined): void {
    if (deadline === undefined || deadline.at === 0) return
    deadline.at = 0
    this.size--
    const { after, before } = deadline
    deadline.after = deadline.before = undefined
    if (before === undefined) this.first = after
    else before.after = after
    if (after === undefined) this.last = before
    else after.before = before
    if (this.size > 0) return
    clearTimeout(this.timer)
    clearImmediate(this.reading)
    this.timer = this.reading = undefined
  }

  // the counted part of the current slice
  private elapsed(now: number): number {
    return Math.min(now - this.began, this.slice)
  }

  // called at the end of a slice
  private tick(): void {
    this.timer = undefined
    const now = performance.now()
    this.counted += this.elapsed(now)
    this.began = now
    if (this.first!.at > this.counted + 1) return this.resume()
    // runs after the next poll phase of the event loop
    this.reading = setImmediate(() => this.expire())
  }

  private resume(): void {
    const { first } = this
    if (first === undefined) return
    this.timer ??= setTimeout(() => this.tick(), Math.min(this.slice, first.at - this.counted))
  }

  private expire(): void {
    this.reading = undefined
    // excludes the deadlines added during this loop
    for (let left = this.size; left > 0 && this.first !== undefined && this.first.at <= this.counted + 1; left--) {
      const next = this.first
      this.delete(next)
      notify(expired, next)
    }
    this.resume()
  }
}
