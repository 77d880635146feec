// The first program of uActor's documentation: a pool of four actors, each in a process of its own, and five calls started
// together. The pool goes round robin, so the fifth call is answered by the first actor.
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect } from "effect"
import { ActorPool } from "../src/index.ts"
import { NodeActorSystem } from "../src/node/index.ts"
import { Getpid } from "./actors/getpid.ts"

const program = Effect.gen(function*() {
  const pool = yield* ActorPool.make(Getpid, { size: 4 })
  const pids = yield* Effect.forEach([1, 2, 3, 4, 5], () => pool.client.getpid(), { concurrency: "unbounded" })
  yield* Console.log(`[${pids.join(", ")}]`)
})

program.pipe(
  Effect.scoped,
  Effect.provide(NodeActorSystem.layerProcesses({ module: new URL("./actors/getpid.ts", import.meta.url) })),
  NodeRuntime.runMain
)
