/**
 * A set with fast changes: each item stores its index in an array. Nothing is looked up, and nothing refers to a removed item
 * (see intMap.ts on `Map`).
 */

/** An item of at most one set at a time. */
export interface Slotted {
  /** the index in the set; -1 outside of a set */
  slot: number
}

/** A set of items, in no order. */
export class IntrusiveSet<Item extends Slotted> {
  private items: Array<Item> = []

  get size(): number {
    return this.items.length
  }

  add(item: Item): void {
    item.slot = this.items.length
    this.items.push(item)
  }

  /** Removes an item, if the set contains it. */
  delete(item: Item): void {
    const { slot } = item
    if (slot === -1) return
    item.slot = -1
    const last = this.items.pop()!
    if (last === item) return
    this.items[slot] = last
    last.slot = slot
  }

  /** A snapshot of the items. */
  values(): Array<Item> {
    return this.items.slice()
  }

  /** Removes all items and returns them. */
  drain(): Array<Item> {
    const { items } = this
    this.items = []
    for (const item of items) item.slot = -1
    return items
  }
}
