// A streaming method. The actor produces items ahead only up to the credit of its reader (`streamBufferSize`, 1,024 items by default). The
// stream ends when the reader has taken enough items.
import { Console, Effect, Stream } from "effect"
import { NodeActorSystem } from "uactor/node"
import { Counter } from "./actors/counter.ts"

const program = Effect.gen(function*() {
  const counter = yield* Counter.spawn({ start: 1_000_000, max: 1_000_000 })
  const firsts = yield* counter.countdown().pipe(Stream.take(3), Stream.runCollect)
  yield* Console.log(firsts)
  const count = yield* counter.countdown().pipe(Stream.take(100_000), Stream.runCount)
  yield* Console.log(`${count} items`)
})

await program.pipe(
  Effect.scoped,
  Effect.provide(NodeActorSystem.layerThreads({ module: new URL("./actors/counter.ts", import.meta.url) })),
  Effect.runPromise
)
