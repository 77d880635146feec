/**
 * Worker scripts, for builds with bundlers. The option `worker` of `NodeActorSystem.layerThreads` and `NodeActorSystem.layerProcesses`
 * names the script. The script calls {@link serve} with the layer of its behaviours. A bundler may bundle Effect and this library into the
 * script.
 *
 * @module
 * @since 0.1.0
 */
import "./startup/nodeVersion.ts"
import type * as Layer from "effect/Layer"
import { isMainThread } from "node:worker_threads"
import type { Behaviour } from "../Actor.ts"
import type { Given } from "../WorkerConfig.ts"
import * as Bootstrap from "./startup/bootstrap.ts"
import { serveLayer } from "./worker/serve.ts"

/**
 * Whether this thread or process is a worker that the option `module`, or a path or URL as the option `worker`, has started. A single file
 * that is both the program and the worker checks it first. `false` in a thread that a function as the option `worker` has made.
 *
 * @category guards
 * @since 0.1.0
 */
export const isWorker: boolean = Bootstrap.isStarting()

let isServing = false

/**
 * Serves the actors whose behaviours the layer provides, in a script that the option `worker` names. Call it once, when the script starts;
 * merge several behaviours with `Layer.mergeAll`. The layer requires nothing but values of the option `config` (`WorkerConfig`). Throws an `Error` if it was called before, or in a process that is not a worker of a
 * script.
 *
 * @example
 * ```ts file=counter.worker.ts no-run
 * import { Effect, Schema } from "effect"
 * import { Actor } from "uactor"
 * import { NodeActorWorker } from "uactor/node"
 *
 * class Square extends Actor.Service<Square>()("Square", {
 *   protocol: { of: Actor.method({ payload: { n: Schema.Int }, success: Schema.Int }) }
 * }) {}
 *
 * NodeActorWorker.serve(Square.toLayer({ of: ({ n }) => Effect.succeed(n * n) }))
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const serve = (layer: Layer.Layer<Behaviour<any>, unknown, Given<any>>): void => {
  const module = Bootstrap.loaded()
  if (module !== undefined) {
    throw new Error(
      `NodeActorWorker.serve: this worker loads ${module} by the option \`module\`, for its default export. ` +
        "Name a script that calls `serve` by the option `worker`."
    )
  }
  if (isServing) {
    throw new Error(
      "NodeActorWorker.serve was called before. Serve several behaviours with one call: `Layer.mergeAll`."
    )
  }
  if (isMainThread && !Bootstrap.isStarting()) {
    throw new Error(
      "NodeActorWorker.serve: this process is not a worker. Start the script by the option `worker` of NodeActorSystem."
    )
  }
  isServing = true
  if (isMainThread) Bootstrap.ignoreSignals()
  void serveLayer(layer)
}
