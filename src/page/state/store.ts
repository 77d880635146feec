/** A value that changes, with those that are notified of it. */
export interface Store<A> {
  readonly get: () => A
  /** Replaces the named fields. */
  readonly set: (change: Partial<A>) => void
  /** Returns the function that ends the subscription. */
  readonly subscribe: (listener: () => void) => () => void
}

export const makeStore = <A extends object>(initial: A): Store<A> => {
  let value = initial
  const listeners = new Set<() => void>()
  return {
    get: () => value,
    set: (change) => {
      value = { ...value, ...change }
      for (const listener of listeners) listener()
    },
    subscribe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    }
  }
}
