import { assert, it } from "@effect/vitest"
import { Line } from "../src/internal/line.ts"

const upTo = (n: number) => Array.from({ length: n }, (_, i) => ({ n: i + 1 }))

it("C7: a line keeps no more room than it needs while items leave in its middle", () => {
  const line = new Line<{ readonly n: number }>()
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

it("C7: a line keeps its order, wherever items leave it", () => {
  const line = new Line<{ readonly n: number }>()
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
