/**
 * The order of an actor's calls: which one starts, which wait, and when there
 * is no more room. It knows nothing of what a call is.
 */
import { Line } from "./line.ts"

/** A bounded first-in first-out queue with a number of places at its exit. */
export class Mailbox<Item extends object> {
  /** how many items may wait for one that has left to be done; `Infinity` for no bound */
  readonly capacity: number
  /** how many items may have left without being done; `Infinity` for no bound */
  readonly concurrency: number
  /** how many items have left and are not done */
  running = 0
  /** what waits */
  readonly line = new Line<Item>()

  constructor(capacity: number, concurrency: number) {
    this.capacity = capacity
    this.concurrency = concurrency
  }

  /** Whether another item would have to wait for one that has left, and there is no place for that. */
  get isFull(): boolean {
    return this.line.size - (this.concurrency - this.running) >= this.capacity
  }

  get isIdle(): boolean {
    return this.running === 0 && this.line.size === 0
  }

  /** Whether a new item may start at once without overtaking another. */
  get isOpen(): boolean {
    return this.running < this.concurrency && this.line.size === 0
  }

  /** Whether an item waits and may start. */
  get hasNext(): boolean {
    return this.running < this.concurrency && this.line.size > 0
  }

  /** The next item, if one may start; the caller counts it in `running`. */
  take(): Item | undefined {
    return this.running < this.concurrency ? this.line.take() : undefined
  }
}
