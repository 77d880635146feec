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
import type * as NodeObserver from "../NodeObserver.ts"

/** The open observer, and the number of systems for which it is open. */
let opened: { users: number; readonly scope: Scope.Closeable } | undefined

/** The layer that the variables ask for. Throws an error that names the variable or the option. */
const layerOf = (
  { layerHttp, layerSocket }: Pick<typeof NodeObserver, "layerHttp" | "layerSocket">,
  kind: string | undefined
): Layer.Layer<never, { readonly message: string }> => {
  const {
    UACTOR_OBSERVER_ACTIONS: list = "",
    UACTOR_OBSERVER_PORT: port = "0",
    UACTOR_OBSERVER_TOKEN: token
  } = process.env
  // the layers check the actions
  const actions = list.split(",").map((name) => name.trim()).filter(Boolean) as Array<never>
  if (kind === "socket") return layerSocket({ actions })
  if (!/^\d+$/.test(port)) throw new RangeError(`UACTOR_OBSERVER_PORT must be a number, not ${JSON.stringify(port)}`)
  return Layer.effectDiscard(
    Layer.build(layerHttp({ actions, port: Number(port), ...(token === undefined ? {} : { token }) }))
  )
}

const build = (scope: Scope.Closeable, isChild: boolean): Effect.Effect<void> =>
  Effect.gen(function*() {
    const kind = process.env["UACTOR_OBSERVER"]
    if (kind !== "socket" && kind !== "http") {
      yield* Effect.logWarning(`UACTOR_OBSERVER must be socket or http, not ${JSON.stringify(kind)}`)
      return
    }
    // a child process is a part of its program, which has one page; its socket has a pid of its own
    if (kind === "http" && isChild) return
    // only a program with the variable loads it
    const layers = yield* Effect.promise(() => import("../NodeObserver.ts"))
    yield* Effect.suspend(() => Layer.buildWithScope(layerOf(layers, kind), scope))
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
export const open = (isChild: boolean): Effect.Effect<void, never, Scope.Scope> =>
  Effect.suspend(() => {
    // a thread is a part of its program, whose socket has the pid
    if (!isMainThread || (process.env["UACTOR_OBSERVER"] ?? "") === "") return Effect.void
    return Effect.acquireRelease(
      Effect.suspend(() => {
        if (opened !== undefined) {
          opened.users++
          return Effect.void
        }
        opened = { users: 1, scope: Scope.makeUnsafe() }
        return build(opened.scope, isChild)
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
