/**
 * Selects the items with the largest keys without sorting all items.
 */

/** The items with the largest keys, at most `limit`, the largest first, with their keys. Items with equal keys keep their order. */
export const firsts = <A>(
  items: ReadonlyArray<A>,
  keyOf: (item: A) => number,
  limit: number
): ReadonlyArray<readonly [item: A, key: number]> => {
  const size = Math.min(limit, items.length)
  if (size === 0) return []
  const keys = new Float64Array(items.length)
  for (let i = 0; i < keys.length; i++) keys[i] = keyOf(items[i]!)
  // whether the item at `a` comes behind the item at `b`
  const isBehind = (a: number, b: number): boolean => keys[a]! < keys[b]! || keys[a] === keys[b] && a > b
  // a heap of indices: the last of the selected items is its root
  const heap = new Int32Array(size)
  const sink = (index: number): void => {
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= size) break
      if (child + 1 < size && isBehind(heap[child + 1]!, heap[child]!)) child++
      if (!isBehind(heap[child]!, index)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = index
  }
  const fill = Array.from({ length: size }, (_, i) => i).toSorted((a, b) => isBehind(a, b) ? -1 : 1)
  heap.set(fill)
  for (let i = size; i < items.length; i++) if (isBehind(heap[0]!, i)) sink(i)
  return Array.from(heap).toSorted((a, b) => isBehind(a, b) ? 1 : -1).map((i) => [items[i]!, keys[i]!])
}
