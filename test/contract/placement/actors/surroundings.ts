/** An actor that shows the environment, the arguments and the name of its worker; and a program that uses it. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import process from "node:process"
import * as workerThreads from "node:worker_threads"
import * as Actor from "../../../../src/Actor.ts"
import * as NodeActorSystem from "../../../../src/node/NodeActorSystem.ts"

/** set by a module that Node imports before the worker's script */
export const preload = "data:text/javascript,globalThis.isPreloaded=true"

export class Surroundings extends Actor.Service<Surroundings>()("Surroundings", {
  protocol: {
    variables: Actor.method({ success: Schema.ReadonlyMap(Schema.String, Schema.String) }),
    argv: Actor.method({ success: Schema.Array(Schema.String) }),
    execArgv: Actor.method({ success: Schema.Array(Schema.String) }),
    /** the name of the thread, or the title of the process */
    name: Actor.method({ success: Schema.String }),
    isPreloaded: Actor.method({ success: Schema.Boolean }),
    /** the file that `import "uactor"` loads, which depends on the conditions of the worker */
    resolved: Actor.method({ success: Schema.String })
  }
}) {}

export default Surroundings.toLayer({
  variables: () => Effect.sync(() => new Map(Object.entries(process.env) as Array<[string, string]>)),
  argv: () => Effect.sync(() => process.argv.slice(2)),
  execArgv: () => Effect.sync(() => process.execArgv),
  name: () => Effect.sync(() => workerThreads.isMainThread ? process.title : workerThreads.threadName ?? "unnamed"),
  isPreloaded: () => Effect.sync(() => "isPreloaded" in globalThis),
  resolved: () => Effect.sync(() => import.meta.resolve("uactor"))
})

// prints what a worker with the options of the last argument has of the Node arguments of this process
if (import.meta.main) {
  const [, , placement, text] = process.argv
  const options = { module: new URL(import.meta.url), ...JSON.parse(text!) as object }
  await Effect.gen(function*() {
    const { execArgv, resolved, variables } = yield* Surroundings.spawn()
    const shown = { execArgv: yield* execArgv(), resolved: yield* resolved(), size: (yield* variables()).size }
    process.stdout.write(JSON.stringify(shown))
  }).pipe(
    Effect.scoped,
    Effect.provide(
      placement === "threads" ? NodeActorSystem.layerThreads(options) : NodeActorSystem.layerProcesses(options)
    ),
    Effect.runPromise
  )
}
