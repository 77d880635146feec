// Background work that fails ends its actor as crashed, and the policy of the actor restarts it. Callers do not notice.
import { Console, Effect, Schedule } from "effect"
import { Supervision } from "uactor"
import { NodeActorSystem } from "uactor/node"
import { Feed } from "./actors/feed.ts"

const policy = Supervision.make({ schedule: Schedule.spaced("10 millis"), maxRestarts: 5, window: "1 minute" })

const program = Effect.gen(function*() {
  const feed = yield* Feed.spawn().pipe(Supervision.supervised(policy))
  const price = feed.price().pipe(Effect.orElseSucceed(() => 0), Effect.delay("10 millis"))
  yield* Console.log(`price ${yield* Effect.repeat(price, { until: (price) => price === 305 })}`)
})

await program.pipe(
  Effect.scoped,
  Effect.provide(NodeActorSystem.layerThreads({ module: new URL("./actors/feed.ts", import.meta.url) })),
  Effect.runPromise
)
