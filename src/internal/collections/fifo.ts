/**
 * A first-in first-out queue with removal of any item. Used for mailboxes and for the calls that wait for room in a mailbox.
 */

// most queues stay empty: they share one array
const none: Array<never> = []

/** Adds at the end and takes from the front in constant time. Removal searches for the item. */
export class Fifo<Item extends object> {
  private items: Array<Item | undefined> = none
  private head = 0
  private removed = 0

  /** the number of items */
  get size(): number {
    return this.items.length - this.head - this.removed
  }

  add(item: Item): void {
    if (this.items === none) this.items = [item]
    else this.items.push(item)
  }

  /** Adds an item before the items at the end that are behind it. `isBehind` is a constant function, which costs no allocation. */
  insert(item: Item, isBehind: (other: Item, item: Item) => boolean): void {
    let at = this.items.length
    for (let i = at - 1; i >= this.head; i--) {
      const other = this.items[i]
      if (other === undefined) continue
      if (!isBehind(other, item)) break
      at = i
    }
    if (at === this.items.length) this.add(item)
    else this.items.splice(at, 0, item)
  }

  /** Puts items before all others, in their order. */
  prepend(items: ReadonlyArray<Item>): void {
    if (items.length === 0) return
    this.items = [...items, ...this.peek(Infinity)]
    this.head = this.removed = 0
  }

  /** the first item, without taking it */
  get first(): Item | undefined {
    for (let i = this.head; i < this.items.length; i++) if (this.items[i] !== undefined) return this.items[i]
    return undefined
  }

  /** Takes the first item. */
  take(): Item | undefined {
    while (this.head < this.items.length) {
      const item = this.items[this.head]
      this.items[this.head++] = undefined
      if (this.head === this.items.length) {
        this.items = none
        this.head = 0
      } else if (this.head > 64 && this.head * 2 > this.items.length) {
        this.items = this.items.slice(this.head)
        this.head = 0
      }
      if (item !== undefined) return item
      this.removed--
    }
    return undefined
  }

  /** Removes an item. Returns `false` if the queue does not contain it. */
  remove(item: Item): boolean {
    const at = this.items.indexOf(item, this.head)
    if (at < 0) return false
    this.items[at] = undefined
    this.removed++
    // otherwise a sequence of removals would leave more and more empty slots
    if ((this.head + this.removed) * 2 > this.items.length) {
      const left = this.drain()
      if (left.length > 0) this.items = left
    }
    return true
  }

  /** Takes all items, in order. */
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
