/**
 * Opens the observer for the environment variable `UACTOR_OBSERVER`, while the process has a system of threads or child processes.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import process from "node:process"
import { isMainThread } from "node:worker_threads"
import { messageOf } from "../../internal/runtime/describe.ts"

/** The open observer, and the number of systems for which it is open. */
let opened: { users: number; readonly scope: Scope.Closeable } | undefined

const build = (scope: Scope.Closeable): Effect.Effect<void> =>
  Effect.gen(function*() {
    const kind = process.env["UACTOR_OBSERVER"]
    if (kind !== "socket") {
      yield* Effect.logWarning(`UACTOR_OBSERVER must be socket, not ${JSON.stringify(kind)}`)
      return
    }
    const actions = (process.env["UACTOR_OBSERVER_ACTIONS"] ?? "").split(",").map((name) => name.trim()).filter(Boolean)
    // only a program with the variable loads it
    const { layerSocket } = yield* Effect.promise(() => import("../NodeObserver.ts"))
    // `layerSocket` checks the actions
    yield* Effect.suspend(() => Layer.buildWithScope(layerSocket({ actions: actions as Array<never> }), scope))
  }).pipe(
    Effect.catchCause((cause) =>
      Effect.logWarning(`UACTOR_OBSERVER: no observer is open: ${messageOf(cause.reasons.map(textOf)[0])}`)
    )
  )

const textOf = (reason: object): unknown =>
  "error" in reason ? reason.error : "defect" in reason ? reason.defect : "interrupted"

/**
 * Opens the observer if the variable is set, until the scope and those of all other systems close. A failure is a warning in the log: a
 * program runs without being observed.
 */
export const open: Effect.Effect<void, never, Scope.Scope> = Effect.suspend(() => {
  // a thread is a part of its program, whose socket has the pid
  if (!isMainThread || (process.env["UACTOR_OBSERVER"] ?? "") === "") return Effect.void
  return Effect.acquireRelease(
    Effect.suspend(() => {
      if (opened !== undefined) {
        opened.users++
        return Effect.void
      }
      opened = { users: 1, scope: Scope.makeUnsafe() }
      return build(opened.scope)
    }),
    () =>
      Effect.suspend(() => {
        if (opened === undefined || --opened.users > 0) return Effect.void
        const { scope } = opened
        opened = undefined
        return Scope.close(scope, Exit.void)
      })
  )
})
