/**
 * What a fiber and a semaphore show of themselves beside their declared interfaces. A version of Effect that does not show it gives no facts.
 */
import type * as Fiber from "effect/Fiber"
import type * as Semaphore from "effect/Semaphore"

type AnyFiber = Fiber.Fiber<unknown, unknown>

/** The id of a fiber, and the ids of the fibers whose children it is, innermost first. */
export const lineage = (fiber: AnyFiber | undefined): ReadonlyArray<number> => {
  const ids: Array<number> = []
  for (let at = fiber; at !== undefined; at = (at as { readonly _parent?: AnyFiber })._parent) ids.push(at.id)
  return ids
}

/** The function of `Effect.fn` in which a fiber is; empty if it is in none. */
export const functionOf = (fiber: AnyFiber | undefined): string => fiber?.cache.stackFrame?.name ?? ""

/** The number of free and of taken permits. */
export const permitsOf = (semaphore: Semaphore.Semaphore): { readonly free: number; readonly taken: number } => {
  const { free = Infinity, taken = 0 } = semaphore as { readonly free?: number; readonly taken?: number }
  return { free, taken }
}
