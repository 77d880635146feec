/**
 * A first-in first-out line from which items may also leave in the middle: what
 * waits for an actor's mailbox, and the mailbox itself.
 */

// most lines never hold anything: they share one array until they do
const none: Array<never> = []

/** Adds at the end and takes from the front, both in constant time; removing looks for the item. */
export class Line<Item extends object> {
  private items: Array<Item | undefined> = none
  private head = 0
  private removed = 0

  /** how many items wait */
  get size(): number {
    return this.items.length - this.head - this.removed
  }

  add(item: Item): void {
    if (this.items === none) this.items = [item]
    else this.items.push(item)
  }

  /** Puts items before all others, in their order. */
  prepend(items: ReadonlyArray<Item>): void {
    if (items.length === 0) return
    this.items = [...items, ...this.peek(Infinity)]
    this.head = this.removed = 0
  }

  /** Takes the first item. */
  take(): Item | undefined {
    while (this.head < this.items.length) {
      const item = this.items[this.head]
      this.items[this.head++] = undefined
      if (this.head === this.items.length) {
        this.items = none
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

  /** Takes an item out of the middle; `false` if it is not there. */
  remove(item: Item): boolean {
    const at = this.items.indexOf(item, this.head)
    if (at < 0) return false
    this.items[at] = undefined
    this.removed++
    // callers that give up one after the other would leave more and more empty slots
    if ((this.head + this.removed) * 2 > this.items.length) {
      const left = this.drain()
      if (left.length > 0) this.items = left
    }
    return true
  }

  /** Takes everything, in order. */
  drain(): Array<Item> {
    const out = this.peek(Infinity)
    this.items = none
    this.head = this.removed = 0
    return out
  }

  /** The first items, without taking them. */
  peek(count: number): Array<Item> {
    const out: Array<Item> = []
    for (let i = this.head; i < this.items.length && out.length < count; i++) {
      const item = this.items[i]
      if (item !== undefined) out.push(item)
    }
    return out
  }
}
