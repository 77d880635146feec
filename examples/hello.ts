// One actor on a thread: started with arguments, called, and gone when its scope closes.
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect } from "effect"
import { ActorRef } from "../src/index.ts"
import { NodeActorSystem } from "../src/node/index.ts"
import { Counter } from "./actors/counter.ts"

const program = Effect.gen(function*() {
  const counter = yield* Counter.spawn({ start: 40, max: 100 })
  yield* Console.log(`${ActorRef.address(counter)} says ${yield* counter.increment({ by: 2 })}`)
})

program.pipe(
  Effect.scoped,
  Effect.provide(NodeActorSystem.layerThreads({ module: new URL("./actors/counter.ts", import.meta.url) })),
  NodeRuntime.runMain
)
