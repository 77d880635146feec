/**
 * Encodes batches of small, plain values as 32-bit words, at a tenth of the cost of serialization by V8. Used in the ring between
 * two threads and on the pipe of a child process.
 */
import type { Batch } from "../../internal/wire/frames.ts"

/** The maximum length of a batch in words. */
export const maxWords = 1024

// longer strings are serialized by V8
const maxTextLength = 64

// the first word of a value: its type
const small = 0
const double = 1
const text = 2
const nothing = 3
const nil = 4
const yes = 5
const no = 6

const scratch = new Float64Array(1)
const halves = new Int32Array(scratch.buffer)

// copied instead of created as a literal, like the batches of the outbox
const empty: Batch = []

/** A batch to decode into. */
export const newBatch = (): Batch => empty.slice()

/** Writes a batch at `from`. Returns its end, or a negative number if the batch does not fit before `limit` or is not plain. */
export const encode = (words: Int32Array, batch: Batch, from: number, limit: number): number => {
  let at = from
  for (let i = 0; i < batch.length; i++) {
    // the length of the longest value, except strings
    if (at > limit - 3) return -1
    const value = batch[i]
    switch (typeof value) {
      case "number":
        if (value === (value | 0) && !Object.is(value, -0)) {
          words[at] = small
          words[at + 1] = value
          at += 2
        } else {
          scratch[0] = value
          words[at] = double
          words[at + 1] = halves[0]!
          words[at + 2] = halves[1]!
          at += 3
        }
        break
      case "string": {
        const { length } = value
        if (length > maxTextLength || at + 2 + length > limit) return -1
        words[at] = text
        words[at + 1] = length
        for (let i = 0; i < length; i++) words[at + 2 + i] = value.charCodeAt(i)
        at += 2 + length
        break
      }
      case "undefined":
        words[at++] = nothing
        break
      case "boolean":
        words[at++] = value ? yes : no
        break
      default:
        if (value !== null) return -1
        words[at++] = nil
    }
  }
  return at
}

/** Reads `length` values at `from`. Returns the end of the values. */
export const decode = (words: Int32Array, batch: Batch, length: number, from: number): number => {
  let at = from
  for (let i = 0; i < length; i++) {
    switch (words[at++]) {
      case small:
        batch.push(words[at++])
        break
      case double:
        halves[0] = words[at]!
        halves[1] = words[at + 1]!
        batch.push(scratch[0])
        at += 2
        break
      case text: {
        const end = at + 1 + words[at]!
        batch.push(String.fromCharCode.apply(undefined, words.subarray(at + 1, end) as unknown as Array<number>))
        at = end
        break
      }
      case nothing:
        batch.push(undefined)
        break
      case nil:
        batch.push(null)
        break
      default:
        batch.push(words[at - 1] === yes)
    }
  }
  return at
}
