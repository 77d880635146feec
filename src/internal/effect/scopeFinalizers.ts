/**
 * Finalizers that can be removed from their scope. A forked scope for each finalizer would do the same at several times the cost, and
 * Effect has no function that removes a finalizer. The state of a scope is public. Each finalizer has an entry of its own, so that
 * finalizers still run in reverse order.
 */
import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"

type Finalizer = (exit: Exit.Exit<any, any>) => Effect.Effect<void>

/** Adds a finalizer under a key of its own; `false` if the scope has closed. */
export const add = (scope: Scope.Scope, key: object, finalizer: Finalizer): boolean => {
  const { state } = scope
  if (state._tag === "Closed") return false
  if (state._tag === "Empty") {
    scope.state = { _tag: "Open", finalizerKey: key, finalizer, finalizers: undefined }
    return true
  }
  if (state.finalizer !== undefined) {
    state.finalizers = new Map([[state.finalizerKey!, state.finalizer]])
    state.finalizerKey = state.finalizer = undefined
  }
  state.finalizers!.set(key, finalizer)
  return true
}

/** Removes a finalizer. It does not run, unless it runs already. */
export const remove = (scope: Scope.Scope, key: object): void => {
  const { state } = scope
  if (state._tag !== "Open") return
  if (state.finalizerKey === key) scope.state = { _tag: "Empty" }
  else if (state.finalizers !== undefined) {
    state.finalizers.delete(key)
    if (state.finalizers.size === 0) scope.state = { _tag: "Empty" }
  }
}
