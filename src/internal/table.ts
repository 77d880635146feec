/**
 * What is kept under a number and mostly for a moment: the calls that have suspended, results in the making.
 *
 * A `Map` whose entries come and go makes a new inner table each time, and leaves the old ones chained. Once one of them has
 * become old, the collector of young objects keeps all that come after it, and all that was ever in them, until the next full
 * collection: measured, that took a third of the time of an actor whose methods hand out results. Here the arrays stay, and
 * nothing refers to what has been taken out.
 *
 * Open addressing with linear probing, and multiplicative hashing; a deletion moves back what stands behind it (Knuth, The Art of
 * Computer Programming, 6.4, algorithm R).
 */

const smallest = 8
// 2^32 over the golden ratio: numbers that follow each other would stand in one long row, which a deletion has to walk along
const spread = 0x9E3779B1
const largestKept = 1024

/** Items by their numbers. */
export class Table<Item extends object> {
  /** how many there are */
  size = 0
  private keys: Array<number> = []
  private items: Array<Item | undefined> = []
  private mask = -1
  /** how many bits of a hash are not used */
  private shift = 32

  get(key: number): Item | undefined {
    const { items, keys, mask } = this
    if (this.size === 0) return undefined
    for (let i = this.home(key); items[i] !== undefined; i = (i + 1) & mask) if (keys[i] === key) return items[i]
    return undefined
  }

  set(key: number, item: Item): void {
    if (2 * this.size >= this.items.length) this.resize(Math.max(smallest, 2 * this.items.length))
    this.put(key, item)
  }

  /** Takes one out; `undefined` if it is not there. */
  delete(key: number): Item | undefined {
    const { items, keys, mask } = this
    if (this.size === 0) return undefined
    let gap = this.home(key)
    while (keys[gap] !== key || items[gap] === undefined) {
      if (items[gap] === undefined) return undefined
      gap = (gap + 1) & mask
    }
    const item = items[gap]
    this.size--
    for (let i = (gap + 1) & mask; items[i] !== undefined; i = (i + 1) & mask) {
      // one that would no longer be found behind the gap fills it
      if (((i - this.home(keys[i]!)) & mask) < ((i - gap) & mask)) continue
      items[gap] = items[i]
      keys[gap] = keys[i]!
      gap = i
    }
    items[gap] = undefined
    if (this.size === 0 && items.length > largestKept) this.clear()
    return item
  }

  /** The items as they are now, in the order of their numbers. */
  values(): Array<Item> {
    return this.entries().map(([, item]) => item)
  }

  /** The same with their numbers. */
  entries(): Array<readonly [key: number, item: Item]> {
    const out: Array<readonly [number, Item]> = []
    this.items.forEach((item, i) => {
      if (item !== undefined) out.push([this.keys[i]!, item])
    })
    return out.toSorted(([a], [b]) => a - b)
  }

  clear(): void {
    this.keys = []
    this.items = []
    this.size = 0
    this.mask = -1
    this.shift = 32
  }

  private home(key: number): number {
    return Math.imul(key, spread) >>> this.shift
  }

  private put(key: number, item: Item): void {
    const { items, keys, mask } = this
    let i = this.home(key)
    while (items[i] !== undefined && keys[i] !== key) i = (i + 1) & mask
    if (items[i] === undefined) this.size++
    items[i] = item
    keys[i] = key
  }

  private resize(capacity: number): void {
    const { items, keys } = this
    this.keys = new Array<number>(capacity).fill(0)
    this.items = new Array<Item | undefined>(capacity).fill(undefined)
    this.mask = capacity - 1
    this.shift = Math.clz32(this.mask)
    this.size = 0
    items.forEach((item, i) => {
      if (item !== undefined) this.put(keys[i]!, item)
    })
  }
}
