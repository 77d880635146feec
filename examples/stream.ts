// A streaming method: the actor makes no more ahead than its reader gives it credit for (`streamBufferSize`, 1,024 items by default),
// and ends when the reader has enough.
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Stream } from "effect"
import { NodeActorSystem } from "../src/node/index.ts"
import { Counter } from "./actors/counter.ts"

const program = Effect.gen(function*() {
  const counter = yield* Counter.spawn({ start: 1_000_000, max: 1_000_000 })
  const firsts = yield* counter.countdown().pipe(Stream.take(3), Stream.runCollect)
  yield* Console.log(firsts)
  const count = yield* counter.countdown().pipe(Stream.take(100_000), Stream.runCount)
  yield* Console.log(`${count} items`)
})

program.pipe(
  Effect.scoped,
  Effect.provide(NodeActorSystem.layerThreads({ module: new URL("./actors/counter.ts", import.meta.url) })),
  NodeRuntime.runMain
)
