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
  private readonly line = new Line<Item>()
  /** where callers of several links meet, each of whom knows only of its own: what has come when there was no room */
  private outside: Line<Item> | undefined

  constructor(capacity: number, concurrency: number) {
    this.capacity = capacity
    this.concurrency = concurrency
  }

  /** how many items wait */
  get size(): number {
    return this.line.size + (this.outside?.size ?? 0)
  }

  /** Whether another item would have to wait for one that has left, and there is no place for that. */
  get isFull(): boolean {
    return this.line.size - (this.concurrency - this.running) >= this.capacity
  }

  get isIdle(): boolean {
    return this.running === 0 && this.size === 0
  }

  /** Whether a new item may start at once without overtaking another. */
  get isOpen(): boolean {
    return this.running < this.concurrency && this.size === 0
  }

  /** Whether an item waits and may start. */
  get hasNext(): boolean {
    return this.running < this.concurrency && this.line.size > 0
  }

  /** Lets an item wait; `false` if there is no room for it yet, or another came before it for which there was none. */
  add(item: Item): boolean {
    if (this.isFull || this.size > this.line.size) {
      this.outside ??= new Line()
      this.outside.add(item)
      return false
    }
    this.line.add(item)
    return true
  }

  /** The next item, if one may start; the caller counts it in `running`. */
  take(): Item | undefined {
    return this.running < this.concurrency ? this.line.take() : undefined
  }

  /** An item does not wait any more. */
  remove(item: Item): void {
    if (!this.line.remove(item)) this.outside?.remove(item)
  }

  /** An item for which there was no room, and is now. */
  admit(): Item | undefined {
    if (this.outside === undefined || this.isFull) return undefined
    const item = this.outside.take()
    if (item !== undefined) this.line.add(item)
    return item
  }

  /** Takes everything that waits, in order. */
  drain(): Array<Item> {
    return [...this.line.drain(), ...this.outside?.drain() ?? []]
  }
}
