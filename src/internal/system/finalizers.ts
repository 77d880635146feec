/**
 * Finalizers that leave their scope again. A scope forked for each of them would
 * do the same at several times the cost, and Effect does by itself what is done
 * here, but offers no way to take a finalizer out. The states of a scope are
 * public; each finalizer has an entry of its own, so that they still run in the
 * reverse order of what they release.
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

/** Takes a finalizer out; it does not run any more, unless it runs already. */
export const remove = (scope: Scope.Scope, key: object): void => {
  const { state } = scope
  if (state._tag !== "Open") return
  if (state.finalizerKey === key) scope.state = { _tag: "Empty" }
  else if (state.finalizers !== undefined) {
    state.finalizers.delete(key)
    if (state.finalizers.size === 0) scope.state = { _tag: "Empty" }
  }
}
