import { assert, it } from "@effect/vitest"
import { encode, Reader } from "../../../src/node/transport/pipe.ts"

const messages: ReadonlyArray<unknown> = [
  [0, 3, 1, 5, 0, 42],
  [1, -0, 1.5, NaN, 2 ** 40, "text", "\ud800", undefined, null, true, false],
  [2, { an: "object" }],
  [3, "x".repeat(1_000)],
  Array.from({ length: 2_000 }, (_, i) => i),
  [],
  { module: "file:///m.ts" },
  7
]

const read = (chunks: ReadonlyArray<Buffer>): { readonly read: Array<unknown>; readonly errors: Array<unknown> } => {
  const out: { readonly read: Array<unknown>; readonly errors: Array<unknown> } = { read: [], errors: [] }
  const reader = new Reader((message) => out.read.push(message), (error) => out.errors.push(error))
  for (const chunk of chunks) reader.read(chunk)
  return out
}

it("C1: messages arrive unchanged, however the pipe splits them", () => {
  const bytes = Buffer.concat(messages.map(encode))
  for (const size of [1, 3, 7, 64, 1_000, bytes.length]) {
    const chunks: Array<Buffer> = []
    for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size))
    const out = read(chunks)
    assert.deepStrictEqual(out.read, messages)
    assert.deepStrictEqual(out.errors, [])
  }
})

it("F1: invalid bytes are reported once, and no later bytes are read", () => {
  const good = encode([1, 2, 3])
  const endless = Buffer.from(good)
  // how many values there are
  endless.writeInt32LE(2 ** 31 - 1, 8)
  const negative = Buffer.from(good)
  negative.writeInt32LE(-1, 8)
  for (const bad of [Buffer.from("no message at all"), endless, negative]) {
    const out = read([good, bad, good])
    assert.deepStrictEqual(out.read, [[1, 2, 3]])
    assert.strictEqual(out.errors.length, 1)
  }
})
