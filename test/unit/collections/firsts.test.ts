import { assert, it } from "@effect/vitest"
import { firsts } from "../../../src/internal/collections/firsts.ts"

it("the first items are those of a stable sort", () => {
  for (const size of [0, 1, 2, 7, 100, 1_000]) {
    // few different keys, so that many are equal
    const items = Array.from({ length: size }, (_, i) => ({ i, key: (i * 7_919) % 13 }))
    const sorted = items.toSorted((a, b) => b.key - a.key).map((item) => [item, item.key] as const)
    for (const limit of [0, 1, 3, 64, size, size + 1]) {
      assert.deepStrictEqual(firsts(items, ({ key }) => key, limit), sorted.slice(0, limit))
    }
  }
})
