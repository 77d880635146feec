import { assert, it } from "@effect/vitest"
import { Fifo } from "../../../src/internal/collections/fifo.ts"

const upTo = (n: number) => Array.from({ length: n }, (_, i) => ({ n: i + 1 }))

it("C7: a Fifo uses no more memory than it needs while items are removed from its middle", () => {
  const line = new Fifo<{ readonly n: number }>()
  const waiting = upTo(4)
  for (const item of waiting) line.add(item)
  for (const item of upTo(5_000)) {
    line.add(item)
    assert.isTrue(line.remove(item))
    assert.isFalse(line.remove(item))
    assert.strictEqual(line.size, 4)
    assert.isAtMost(line["items"].length, 16)
  }
  assert.deepStrictEqual(line.peek(9), waiting)
})

it("C7: a Fifo keeps its order, wherever items are removed", () => {
  const line = new Fifo<{ readonly n: number }>()
  let expected: Array<{ readonly n: number }> = []
  for (const item of upTo(3_000)) {
    line.add(item)
    expected.push(item)
    if (item.n % 3 === 0) assert.strictEqual(line.take(), expected.shift())
    if (item.n % 2 === 0) {
      const gone = expected[item.n % expected.length]!
      assert.isTrue(line.remove(gone))
      expected = expected.filter((item) => item !== gone)
    }
    assert.strictEqual(line.size, expected.length)
  }
  for (const item of expected) assert.isTrue(line.remove(item))
  assert.isUndefined(line.take())
  line.add(expected[0]!)
  assert.strictEqual(line.take(), expected[0])
})

it("P2: a Fifo inserts an item before the items at its end that are behind it, wherever items are removed", () => {
  const line = new Fifo<{ readonly n: number; readonly level: number }>()
  let expected: Array<{ readonly n: number; readonly level: number }> = []
  for (let n = 0; n < 2_000; n++) {
    const item = { n, level: n * 7 % 5 }
    line.insert(item, (other, item) => other.level < item.level)
    const at = expected.findLastIndex((other) => other.level >= item.level)
    expected.splice(at + 1, 0, item)
    if (n % 3 === 0) assert.strictEqual(line.take(), expected.shift())
    if (n % 4 === 0) {
      const gone = expected[n % expected.length]
      if (gone !== undefined) assert.isTrue(line.remove(gone))
      expected = expected.filter((other) => other !== gone)
    }
    assert.strictEqual(line.size, expected.length)
  }
  assert.deepStrictEqual(line.drain(), expected)
})
