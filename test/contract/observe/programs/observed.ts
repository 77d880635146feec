/**
 * A program with actors on a thread and in a child process, each with a call that does not end, and, on demand, with a deadlock. It runs until its input ends. It prints the
 * ids of the actors when they are there.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as ActorPool from "../../../../src/ActorPool.ts"
import * as ActorRef from "../../../../src/ActorRef.ts"
import * as NodeActorSystem from "../../../../src/node/NodeActorSystem.ts"
import * as Supervision from "../../../../src/Supervision.ts"
import { Busy } from "../actors/busy.ts"
import { Walker } from "../actors/walker.ts"

const module = new URL("../actors/busy.ts", import.meta.url)

/** Two actors that wait for each other. */
const deadlocked = Effect.gen(function*() {
  const walkers = [yield* Walker.spawn(), yield* Walker.spawn()] as const
  for (const walker of walkers) yield* walker.meet({ peers: walkers })
  yield* Effect.forkScoped(Effect.ignore(walkers[0].walk({ path: [1, 0] })))
  return walkers.map((walker) => ActorRef.id(walker))
})

const spawn = (blocks: boolean) =>
  Effect.gen(function*() {
    const busy = yield* Busy.spawn().pipe(Supervision.supervised(Supervision.make({ maxRestarts: 3 })))
    yield* busy.echo({ value: 1 })
    yield* Effect.forkScoped(Effect.ignore(blocks ? busy.spin({ millis: 600_000 }) : busy.hang()))
    yield* Effect.forkScoped(Effect.ignore(busy.hang()))
    return ActorRef.id(busy)
  })

await Effect.gen(function*() {
  const onThreads = yield* Layer.build(NodeActorSystem.layerThreads({ module, shutdownTimeout: "200 millis" }))
  const inProcesses = yield* Layer.build(NodeActorSystem.layerProcesses({ module, shutdownTimeout: "200 millis" }))
  const blocks = process.argv.includes("--blocked")
  const ids = [
    yield* Effect.provideContext(spawn(blocks), onThreads),
    yield* Effect.provideContext(spawn(false), inProcesses)
  ]
  if (process.argv.includes("--deadlocked")) {
    const walking = NodeActorSystem.layerThreads({ module: new URL("../actors/walker.ts", import.meta.url) })
    ids.push(...yield* Effect.provideContext(deadlocked, yield* Layer.build(walking)))
  }
  if (process.argv.includes("--pooled")) {
    const pool = yield* Effect.provideContext(ActorPool.make(Busy, { size: 1 }), onThreads)
    for (let i = 0; i < 2; i++) yield* Effect.forkScoped(Effect.ignore(pool.client.hang()))
  }
  console.log(`ready ${ids.join(" ")}`)
  yield* Effect.callback<void>((resume) => {
    process.stdin.once("end", () => resume(Effect.void)).resume()
  })
}).pipe(
  Effect.scoped,
  Effect.provide(process.argv.includes("--quiet") ? Logger.layer([]) : Layer.empty),
  Effect.runPromise
)
