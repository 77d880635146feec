import { assert, describe, it } from "@effect/vitest"
import * as Codes from "../../../src/internal/wire/codes.ts"
import * as Frames from "../../../src/internal/wire/frames.ts"
import { samples } from "./samples.ts"

// the constants of the page, except the codes
const opcodes = Object.entries(Frames).flatMap(([name, value]) =>
  typeof value === "number" && !(name in Codes) && name !== "CarriesHandles" ? [[name, value] as const] : []
).toSorted(([, a], [, b]) => a - b)

describe("the table of frames", () => {
  it("has an entry for each opcode, and no opcode twice", () => {
    assert.deepStrictEqual(opcodes.map(([, op]) => op), Object.keys(samples).map(Number))
    assert.strictEqual(new Set(opcodes.map(([, op]) => op)).size, opcodes.length)
  })

  it("lists the opcodes in ascending order, the requests before the answers", () => {
    const sorted = Object.values(samples).map(([op]) => op)
    assert.deepStrictEqual(sorted, sorted.toSorted((a, b) => a - b))
    assert.deepStrictEqual(sorted.map(Frames.isAnswer), sorted.map((op) => op >= Frames.Settled))
    assert(sorted.every((op) => op < Frames.CarriesHandles))
  })

  it("gives each frame the size of its tuple, with and without handles", () => {
    for (const frame of Object.values(samples)) {
      assert.strictEqual(Frames.sizes[frame[0]], frame.length)
      assert.strictEqual(Frames.sizes[frame[0] + Frames.CarriesHandles], frame.length)
    }
  })

  it("finds the value that may export handles", () => {
    const values = opcodes.flatMap(([name, op]) => {
      const at = Frames.valueAt[op]
      return at === undefined ? [] : [[name, at]]
    })
    assert.deepStrictEqual(values, [
      ["Call", 4],
      ["CallWith", 4],
      ["Spawn", 3],
      ["Settled", 2],
      ["DeferredDone", 3],
      ["Failed", 3],
      ["Chunk", 2],
      ["Complete", 3]
    ])
  })
})
