/**
 * The order of an actor's calls: which one starts, which wait, and when there
 * is no more room. It knows nothing of what a call is.
 */

/** A bounded first-in first-out queue with a number of places at its exit. */
export class Mailbox<Item extends object> {
  /** how many items may wait; `Infinity` for no bound */
  readonly capacity: number
  /** how many items may have left without being done; `Infinity` for no bound */
  readonly concurrency: number
  /** how many items have left and are not done */
  running = 0
  private items: Array<Item | undefined> = []
  private head = 0
  private removed = 0

  constructor(capacity: number, concurrency: number) {
    this.capacity = capacity
    this.concurrency = concurrency
  }

  /** how many items wait */
  get size(): number {
    return this.items.length - this.head - this.removed
  }

  get isFull(): boolean {
    return this.size >= this.capacity
  }

  get isIdle(): boolean {
    return this.running === 0 && this.size === 0
  }

  /** Whether a new item may start at once without overtaking another. */
  get isOpen(): boolean {
    return this.running < this.concurrency && this.items.length === this.head
  }

  add(item: Item): void {
    this.items.push(item)
  }

  /** The next item that may start; the caller counts it in `running`. */
  take(): Item | undefined {
    while (this.running < this.concurrency && this.head < this.items.length) {
      const item = this.items[this.head]
      this.items[this.head++] = undefined
      if (this.head === this.items.length) {
        this.items = []
        this.head = 0
      } else if (this.head > 1024 && this.head * 2 > this.items.length) {
        this.items = this.items.slice(this.head)
        this.head = 0
      }
      if (item !== undefined) return item
      this.removed--
    }
    return undefined
  }

  /** Takes an item out of the line. */
  remove(item: Item): boolean {
    const at = this.items.indexOf(item, this.head)
    if (at < 0) return false
    this.items[at] = undefined
    this.removed++
    return true
  }

  /** Everything that waits, in order, taken out. */
  drain(): Array<Item> {
    const out = this.items.slice(this.head).filter((item) => item !== undefined)
    this.items = []
    this.head = this.removed = 0
    return out
  }

  /** The first items in line, without taking them. */
  peek(count: number): Array<Item> {
    const out: Array<Item> = []
    for (let i = this.head; i < this.items.length && out.length < count; i++) {
      const item = this.items[i]
      if (item !== undefined) out.push(item)
    }
    return out
  }
}
