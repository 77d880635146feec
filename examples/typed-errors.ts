// What a call can fail with: its own error, with class and fields, or an `ActorError`, which says whether the work ran.
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Logger } from "effect"
import { NodeActorSystem } from "../src/node/index.ts"
import { Counter, Overflow } from "./actors/counter.ts"

const program = Effect.gen(function*() {
  const counter = yield* Counter.spawn({ start: 0, max: 10 })

  const overflow = yield* Effect.flip(counter.increment({ by: 11 }))
  yield* Console.log(overflow instanceof Overflow, overflow._tag, overflow._tag === "Overflow" ? overflow.max : "")

  // both are started together: the first ends the worker while it runs, the second still waits in the mailbox
  const outcomes = yield* Effect.all(
    [counter.crash(), counter.increment({ by: 1 })].map((call) =>
      Effect.match(call, {
        onSuccess: () => "done",
        onFailure: (error) => error._tag === "ActorExited" ? `${error.reason}: ${error.outcome}` : error._tag
      })
    ),
    { concurrency: "unbounded" }
  )
  yield* Console.log(outcomes.join(", "))

  const late = yield* counter.increment({ by: 1 }).pipe(
    Effect.catchTag("ActorExited", (error) => Effect.succeed(error.message))
  )
  yield* Console.log(late)
})

program.pipe(
  Effect.scoped,
  Effect.provide(NodeActorSystem.layerThreads({ module: new URL("./actors/counter.ts", import.meta.url) })),
  Effect.provide(Logger.layer([])),
  NodeRuntime.runMain
)
