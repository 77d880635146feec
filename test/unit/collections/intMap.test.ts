import { assert, it } from "@effect/vitest"
import { Schema } from "effect"
import { IntMap } from "../../../src/internal/collections/intMap.ts"

interface Item {
  readonly name: string
}

// few numbers, whose places collide; some lie far apart, or below zero
const Key = Schema.Literals([
  0,
  1,
  2,
  3,
  5,
  8,
  9,
  15,
  16,
  17,
  24,
  31,
  32,
  33,
  40,
  -1,
  -2,
  -8,
  -16,
  2 ** 40 + 8,
  2 ** 52
])
const Command = Schema.Struct({ op: Schema.Literals(["set", "set again", "delete", "get", "clear"]), key: Key })

it.prop(
  "an IntMap has the same entries as a Map",
  [Schema.Array(Command).check(Schema.isMinLength(50))],
  ([commands]) => {
    const table = new IntMap<Item>()
    const map = new Map<number, Item>()
    commands.forEach(({ key, op }, at) => {
      switch (op) {
        case "delete":
          assert.strictEqual(table.delete(key), map.get(key))
          map.delete(key)
          break
        case "get":
          assert.strictEqual(table.get(key), map.get(key))
          break
        case "clear":
          if (at % 7 !== 0) break
          table.clear()
          map.clear()
          break
        default: {
          const item = { name: `${at}` }
          table.set(key, item)
          map.set(key, item)
        }
      }
      assert.strictEqual(table.size, map.size)
    })
    const inOrder = Array.from(map).toSorted(([a], [b]) => a - b)
    assert.deepStrictEqual(table.entries(), inOrder)
    assert.deepStrictEqual(table.values(), inOrder.map(([, item]) => item))
  }
)

it("an emptied IntMap that was large accepts new entries", () => {
  const table = new IntMap<Item>()
  for (let round = 0; round < 3; round++) {
    for (let key = 0; key < 10_000; key++) table.set(key * 7, { name: `${key}` })
    for (let key = 0; key < 10_000; key++) assert.strictEqual(table.delete(key * 7)?.name, `${key}`)
    assert.strictEqual(table.size, 0)
    assert.isUndefined(table.get(7))
  }
})

it("consecutive keys do not form one probe sequence, which a deletion would scan", () => {
  const table = new IntMap<Item>()
  const many = 10_000
  for (let key = 0; key < many; key++) table.set(key, { name: `${key}` })
  let looks = 0
  const inside = table as unknown as { items: Array<Item | undefined> }
  inside.items = new Proxy(inside.items, {
    get: (items, key) => {
      looks++
      return Reflect.get(items, key) as unknown
    }
  })
  for (let key = 0; key < many; key++) table.delete(key)
  assert.strictEqual(table.size, 0)
  assert.isBelow(looks / many, 20)
})
