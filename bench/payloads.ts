/**
 * The payloads of the benchmark, and the checks of the answers.
 */
import type { Work } from "./subject.ts"
import { isRefused, type PurchaseLike } from "./workers/work.ts"

/** Makes the purchase with the given number. */
export const purchase = (i: number): PurchaseLike => ({
  id: i,
  customer: `customer ${i & 255}`,
  at: new Date(1_700_000_000_000 + i * 1000),
  amount: i / 4,
  express: (i & 1) === 0
})

/** The result for a refused purchase. */
export const refused = -1

/** The sum of an accepted purchase; NaN if a field has a wrong type. */
export const sumOf = ({ amount, at, customer, express, id }: PurchaseLike): number =>
  at instanceof Date && at.getTime() === 1_700_000_000_000 + id * 1000 + 86_400_000 &&
    customer === `customer ${id & 255}` && express === ((id & 1) === 1)
    ? amount
    : NaN

/** The expected answer of the purchase `i`. */
export const expectedSum = (i: number): number => isRefused(i) ? refused : i / 2

const megabyte = 1024 * 1024

/** Moves a megabyte to the worker and back, changed. */
export const bouncing = (
  bounce: (bytes: Uint8Array<ArrayBuffer>) => Promise<unknown>,
  close: () => Promise<unknown>
): Work => {
  let bytes = new Uint8Array(megabyte)
  return {
    close,
    run: async (n) => {
      for (let i = 0; i < n; i++) bytes = checkBounced(bytes, bytes[0]!, await bounce(bytes))
    }
  }
}

/** Returns the received bytes. Throws unless the bytes were moved and changed. */
export const checkBounced = (sent: Uint8Array, first: number, back: unknown): Uint8Array<ArrayBuffer> => {
  const bytes = back as Uint8Array<ArrayBuffer>
  if (sent.byteLength !== 0) throw new Error("the bytes were copied")
  if (bytes.byteLength !== megabyte || bytes[0] !== ((first + 1) & 255)) throw new Error("the wrong bytes came back")
  return bytes
}

/** A megabyte that stays with its sender: marks the bytes before sending, and checks the answer. */
export const kept = () => {
  const bytes = new Uint8Array(megabyte)
  return {
    bytes,
    mark: (i: number): void => {
      bytes[0] = i
      bytes[megabyte - 1] = i >> 8
    },
    check: (i: number, ends: number): void => {
      if (ends !== (i & 0xffff)) throw new Error(`the ends of the bytes of call ${i} are ${ends}`)
      if (bytes.byteLength !== megabyte) throw new Error("the bytes are gone")
    }
  }
}

/** Checks the sum of a stream from 1 to `n`. */
export const checkSum = (n: number, sum: number): void => {
  if (sum !== n * (n + 1) / 2) throw new Error(`the items of the stream add up to ${sum}`)
}
