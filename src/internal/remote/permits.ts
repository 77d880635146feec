/**
 * Who holds the permits of semaphores and locks, for observers: the fibers inside `withPermits` or `withLock`, at the end of each holder, and
 * the permits of each holder, at the owner. A lock has a permit for each time that its holders have entered it.
 */
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"

/** A fiber that holds permits until it leaves `withPermits` or `withLock`. */
export interface Section {
  readonly fiber: Fiber.Fiber<unknown, unknown>
  readonly permits: number
}

const sections = new WeakMap<object, Set<Section>>()

/** The current fiber has taken permits through a handle. Returns how to end that. */
export const enter = (handle: object, permits: number): () => void => {
  const fiber = Fiber.getCurrent()
  if (fiber === undefined) return () => undefined
  let all = sections.get(handle)
  if (all === undefined) sections.set(handle, all = new Set())
  const section: Section = { fiber, permits }
  all.add(section)
  return () => all.delete(section)
}

/** The fibers that hold permits taken through a handle. */
export const sectionsOf = (handle: object): ReadonlyArray<Section> => Array.from(sections.get(handle) ?? [])

/** The permits of a semaphore, at its owner. */
export interface Permits {
  /** the least number of permits for which a call waits */
  readonly needed: number
  /** the permits that are free, or whose holder is unknown */
  readonly free: number
  /** the permits of each holder */
  readonly holders: ReadonlyArray<readonly [holder: Scope.Scope, permits: number]>
}

const served = new WeakMap<Scope.Scope, () => Permits | undefined>()

/** Serves a semaphore to a holder. `permits`: reads its permits; `undefined`: others than their holders release them, too. */
export const serve = (holder: Scope.Scope, permits: () => Permits | undefined): void => void served.set(holder, permits)

/** The permits of the semaphore that is served to a holder, if it is one. */
export const servedTo = (holder: Scope.Scope): Permits | undefined => served.get(holder)?.()
