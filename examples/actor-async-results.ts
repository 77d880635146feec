// The second program of uActor's documentation: actors that compute up to four results concurrently and return
// handles to these results, a round-robin pool of four such actors, and five calls whose results are awaited.
import { Console, Effect } from "effect"
import { ActorPool } from "uactor"
import { NodeActorSystem } from "uactor/node"
import { AsyncGetpid } from "./actors/getpid.ts"

const program = Effect.gen(function*() {
  const pool = yield* ActorPool.make(AsyncGetpid, { size: 4, strategy: "round-robin" })
  const handles = yield* Effect.forEach([1, 2, 3, 4, 5], () => pool.client.getpid(), { concurrency: "unbounded" })
  const pids = yield* Effect.forEach(handles, (handle) => handle.await, { concurrency: "unbounded" })
  yield* Console.log(`[${pids.join(", ")}]`)
})

await program.pipe(
  Effect.scoped,
  Effect.provide(NodeActorSystem.layerProcesses({ module: new URL("./actors/getpid.ts", import.meta.url) })),
  Effect.runPromise
)
