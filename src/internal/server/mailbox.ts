/**
 * The order of an actor's calls: which call starts, which calls wait, and when there is no more room. A mailbox knows nothing of what a
 * call is.
 */
import { Fifo } from "../collections/fifo.ts"

/** A bounded first-in first-out queue with a bounded number of running items. */
export class Mailbox<Item extends object> {
  /** the maximum number of waiting items; `Infinity` for no bound */
  readonly capacity: number
  /** the maximum number of running items; `Infinity` for no bound */
  readonly concurrency: number
  /** the number of running items */
  running = 0
  /** `concurrency`; 0 during a {@link hold} */
  private limit: number
  private readonly queue = new Fifo<Item>()
  /** the items that have arrived at a full queue: each connection counts its own calls only, so several connections can fill it */
  private overflow: Fifo<Item> | undefined

  constructor(capacity: number, concurrency: number) {
    this.capacity = capacity
    this.concurrency = this.limit = concurrency
  }

  /** The number of waiting items. */
  get size(): number {
    return this.queue.size + (this.overflow?.size ?? 0)
  }

  /** Whether a further item could neither run nor wait. */
  get isFull(): boolean {
    return this.queue.size - (this.concurrency - this.running) >= this.capacity
  }

  /** The waiting items, in order. */
  get items(): ReadonlyArray<Item> {
    return [...this.queue.peek(Infinity), ...this.overflow?.peek(Infinity) ?? []]
  }

  get isIdle(): boolean {
    return this.running === 0 && this.size === 0
  }

  /** Whether a new item may start at once without overtaking another item. */
  get isOpen(): boolean {
    return this.running < this.limit && this.size === 0
  }

  /** Whether an item waits and may start. */
  get hasNext(): boolean {
    return this.running < this.limit && this.queue.size > 0
  }

  /** whether no item may start, after {@link hold} */
  get isHeld(): boolean {
    return this.limit < this.concurrency
  }

  /** Lets no item start until {@link release}. */
  hold(): void {
    this.limit = 0
  }

  /** Ends a {@link hold}. */
  release(): void {
    this.limit = this.concurrency
  }

  /** Adds an item to the queue; `false` if there is no room, or if an earlier item still waits for room. */
  add(item: Item): boolean {
    if (this.isFull || this.size > this.queue.size) {
      this.overflow ??= new Fifo()
      this.overflow.add(item)
      return false
    }
    this.queue.add(item)
    return true
  }

  /** The next item, if one may start; the caller counts it in `running`. */
  take(): Item | undefined {
    return this.running < this.limit ? this.queue.take() : undefined
  }

  /** Removes a waiting item. */
  remove(item: Item): void {
    if (!this.queue.remove(item)) this.overflow?.remove(item)
  }

  /** Moves an item that waited for room into the queue, and returns it, if there is room now. */
  admit(): Item | undefined {
    if (this.overflow === undefined || this.isFull) return undefined
    const item = this.overflow.take()
    if (item !== undefined) this.queue.add(item)
    return item
  }

  /** Takes all waiting items, in order. */
  drain(): Array<Item> {
    return [...this.queue.drain(), ...this.overflow?.drain() ?? []]
  }
}
