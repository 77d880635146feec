// One actor on a thread. The program starts it with arguments and calls it; the actor ends when its scope closes.
import { Console, Effect } from "effect"
import { ActorRef } from "uactor"
import { NodeActorSystem } from "uactor/node"
import { Counter } from "./actors/counter.ts"

const program = Effect.gen(function*() {
  const counter = yield* Counter.spawn({ start: 40, max: 100 })
  yield* Console.log(`${ActorRef.address(counter)} says ${yield* counter.increment({ by: 2 })}`)
})

await program.pipe(
  Effect.scoped,
  Effect.provide(NodeActorSystem.layerThreads({ module: new URL("./actors/counter.ts", import.meta.url) })),
  Effect.runPromise
)
