// The first program of uActor's documentation: a pool of four actors, each in a process of its own, and five calls started
// together. The original goes round robin, so this pool does, too, and the fifth call is answered by the first actor.
import { Console, Effect } from "effect"
import { ActorPool } from "uactor"
import { NodeActorSystem } from "uactor/node"
import { Getpid } from "./actors/getpid.ts"

const program = Effect.gen(function*() {
  const pool = yield* ActorPool.make(Getpid, { size: 4, strategy: "round-robin" })
  const pids = yield* Effect.forEach([1, 2, 3, 4, 5], () => pool.client.getpid(), { concurrency: "unbounded" })
  yield* Console.log(`[${pids.join(", ")}]`)
})

await program.pipe(
  Effect.scoped,
  Effect.provide(NodeActorSystem.layerProcesses({ module: new URL("./actors/getpid.ts", import.meta.url) })),
  Effect.runPromise
)
