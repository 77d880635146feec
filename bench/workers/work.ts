/**
 * The work of the operations, as plain functions for all subjects.
 */

/** Five fields without a schema. */
export interface PurchaseLike {
  readonly id: number
  readonly customer: string
  readonly at: Date
  readonly amount: number
  readonly express: boolean
}

/** Whether a purchase is refused: one in eight is. */
export const isRefused = (id: number): boolean => id % 8 === 7

/** Returns the accepted purchase: a new value, one day later. */
export const accept = (purchase: PurchaseLike): PurchaseLike => ({
  id: purchase.id,
  customer: purchase.customer,
  at: new Date(purchase.at.getTime() + 86_400_000),
  amount: purchase.amount * 2,
  express: !purchase.express
})

/** Writes to moved bytes. */
export const touch = (bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> => {
  bytes[0] = bytes[0]! + 1
  return bytes
}

/** Combines the first and the last byte into one number. */
export const endsOf = (bytes: Uint8Array): number => bytes[0]! | bytes[bytes.length - 1]! << 8

/** Computes for a while: `rounds` steps of a random number generator (xorshift). */
export const compute = (rounds: number): number => {
  let x = 2_463_534_242
  for (let i = 0; i < rounds; i++) {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
  }
  return x >>> 0
}
