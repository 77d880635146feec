// The second program of uActor's documentation: actors that make up to four results at a time inside themselves and hand out
// handles to them, a pool of four such actors, and five calls whose results are awaited.
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect } from "effect"
import { ActorPool } from "../src/index.ts"
import { NodeActorSystem } from "../src/node/index.ts"
import { AsyncGetpid } from "./actors/getpid.ts"

const program = Effect.gen(function*() {
  const pool = yield* ActorPool.make(AsyncGetpid, { size: 4 })
  const handles = yield* Effect.forEach([1, 2, 3, 4, 5], () => pool.client.getpid(), { concurrency: "unbounded" })
  const pids = yield* Effect.forEach(handles, (handle) => handle.await, { concurrency: "unbounded" })
  yield* Console.log(`[${pids.join(", ")}]`)
})

program.pipe(
  Effect.scoped,
  Effect.provide(NodeActorSystem.layerProcesses({ module: new URL("./actors/getpid.ts", import.meta.url) })),
  NodeRuntime.runMain
)
