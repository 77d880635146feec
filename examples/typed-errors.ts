// The errors of a call: its own error, with class and fields, or an `ActorError`, which states whether the work ran.
import { Console, Effect, Logger } from "effect"
import { NodeActorSystem } from "uactor/node"
import { Counter, Overflow } from "./actors/counter.ts"

const program = Effect.gen(function*() {
  const counter = yield* Counter.spawn({ start: 0, max: 10 })

  const overflow = yield* Effect.flip(counter.increment({ by: 11 }))
  yield* Console.log(overflow instanceof Overflow, overflow._tag, overflow._tag === "Overflow" ? overflow.max : "")

  // both calls start together: the first call ends the worker while it runs, and the second call is still queued
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

await program.pipe(
  Effect.scoped,
  Effect.provide(NodeActorSystem.layerThreads({ module: new URL("./actors/counter.ts", import.meta.url) })),
  Effect.provide(Logger.layer([])),
  Effect.runPromise
)
