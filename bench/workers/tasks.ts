/**
 * The tasks of the pools that run exported functions by name.
 */
import { accept, compute, isRefused, type PurchaseLike } from "./work.ts"

export const add = ({ n }: { readonly n: number }): number => n + 1

export const buy = (purchase: PurchaseLike): PurchaseLike => {
  if (isRefused(purchase.id)) throw new Error("sold out")
  return accept(purchase)
}

export const work = (rounds: number): number => compute(rounds)
