/**
 * A map from integers to objects whose entries are mostly short-lived, such as suspended calls and pending results.
 *
 * A `Map` whose entries come and go makes a new inner table each time, and leaves the old ones chained. Once one of them has
 * become old, the collector of young objects keeps all later ones, with every entry that they ever had, until the next full
 * collection. This took a third of the time of an actor whose methods return handles. Here the arrays stay, and nothing refers to a
 * removed entry.
 *
 * Open addressing with linear probing and multiplicative hashing. A deletion moves the following entries back (Knuth, The Art of
 * Computer Programming, 6.4, algorithm R).
 */

const smallest = 8
// 2^32 over the golden ratio: without it, consecutive keys would form one long run, which a deletion has to walk along
const spread = 0x9E3779B1
const largestKept = 1024

/** Items by integer keys. */
export class IntMap<Item extends object> {
  /** the number of items */
  size = 0
  private keys: Array<number> = []
  private items: Array<Item | undefined> = []
  private mask = -1
  /** the number of unused bits of a hash */
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

  /** Removes an item and returns it; `undefined` if the key has no item. */
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
      // an entry that would be unreachable after the gap fills it
      if (((i - this.home(keys[i]!)) & mask) < ((i - gap) & mask)) continue
      items[gap] = items[i]
      keys[gap] = keys[i]!
      gap = i
    }
    items[gap] = undefined
    if (this.size === 0 && items.length > largestKept) this.clear()
    return item
  }

  /** A snapshot of the items, in the order of their keys. */
  values(): Array<Item> {
    return this.entries().map(([, item]) => item)
  }

  /** A snapshot of the entries, in the order of their keys. */
  entries(): Array<readonly [key: number, item: Item]> {
    const out: Array<readonly [number, Item]> = []
    this.items.forEach((item, i) => {
      if (item !== undefined) out.push([this.keys[i]!, item])
    })
    return out.toSorted(([a], [b]) => a - b)
  }

  /** Whether any item satisfies `is`. */
  some(is: (item: Item) => boolean): boolean {
    return this.items.some((item) => item !== undefined && is(item))
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
