/**
 * A set for what comes and goes: each item knows its place in an array, so nothing
 * is looked up, and nothing is left behind that V8 would keep (as table.ts says of `Map`).
 */

/** Something that can be in one set at a time. */
export interface Placed {
  /** where it stands; -1 where it does not */
  place: number
}

/** Items, in no order. */
export class Places<Item extends Placed> {
  private items: Array<Item> = []

  get size(): number {
    return this.items.length
  }

  add(item: Item): void {
    item.place = this.items.length
    this.items.push(item)
  }

  /** Takes one out, if it is there. */
  delete(item: Item): void {
    const { place } = item
    if (place === -1) return
    item.place = -1
    const last = this.items.pop()!
    if (last === item) return
    this.items[place] = last
    last.place = place
  }

  /** All of them as they are now. */
  values(): Array<Item> {
    return this.items.slice()
  }

  /** Takes all of them out. */
  drain(): Array<Item> {
    const { items } = this
    this.items = []
    for (const item of items) item.place = -1
    return items
  }
}
