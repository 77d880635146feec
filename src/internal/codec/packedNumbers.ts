/**
 * Sends a list of numbers as one typed array: structured clone reads and writes an array item by item, and a typed array as one block
 * of memory.
 */
import type { Packed } from "../wire/frames.ts"

// a shorter array costs no more than a typed array
const minPackedLength = 32

/** Packs a list of numbers that is long enough. Returns `undefined` for any other list. */
export const pack = (values: ReadonlyArray<unknown>): Packed | undefined => {
  const { length } = values
  if (length < minPackedLength || typeof values[0] !== "number") return undefined
  const ints = new Int32Array(length)
  for (let i = 0; i < length; i++) {
    const value = values[i]
    if (typeof value !== "number") return undefined
    const int = value | 0
    // `-0` is no integer
    if (int !== value || (int === 0 && 1 / value < 0)) return packDoubles(values)
    ints[i] = int
  }
  return ints
}

const packDoubles = (values: ReadonlyArray<unknown>): Float64Array | undefined => {
  const doubles = new Float64Array(values.length)
  for (let i = 0; i < values.length; i++) {
    const value = values[i]
    if (typeof value !== "number") return undefined
    doubles[i] = value
  }
  return doubles
}

/** The list of the packed values. */
export const unpack = (values: ReadonlyArray<unknown> | Packed): ReadonlyArray<unknown> => {
  if (!ArrayBuffer.isView(values)) return values
  const { length } = values
  const out: Array<unknown> = new Array(length)
  for (let i = 0; i < length; i++) out[i] = values[i]
  return out
}
