// State that survives the end of its actor. What was answered since the last save is lost only if the worker dies.
import { Console, Duration, Effect, Schedule } from "effect"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { ActorRef, Supervision } from "uactor"
import { NodeActorSystem } from "uactor/node"
import { Tally } from "./actors/tally.ts"

const directory = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "tally-"))),
  (directory) => Effect.sync(() => fs.rmSync(directory, { recursive: true }))
)

const policy = Supervision.make({ schedule: Schedule.spaced("10 millis"), maxRestarts: "unbounded" })

const program = Effect.gen(function*() {
  const file = path.join(yield* directory, "tally.db")
  const spawn = Tally.spawn({ file, saveEvery: Duration.millis(100) }).pipe(Supervision.supervised(policy))
  let answered = 0
  const tally = yield* spawn
  const addFor = Effect.fn(function*(millis: number) {
    const until = performance.now() + millis
    while (performance.now() < until) answered = yield* tally.add({ by: 1 })
  })

  yield* addFor(250)
  yield* Effect.exit(tally.crash())
  yield* Console.log(`the actor has crashed: lost ${answered - (yield* tally.total())}`)

  yield* addFor(250)
  yield* Effect.exit(tally.exit())
  const kept = yield* tally.total()
  yield* Console.log(`its worker has died: lost ${answered - kept} of ${answered}`)

  yield* ActorRef.stop(tally)
  const next = yield* spawn
  yield* Console.log(`it was stopped: lost ${kept - (yield* next.total())}`)
})

await program.pipe(
  Effect.scoped,
  Effect.provide(NodeActorSystem.layerThreads({ module: new URL("./actors/tally.ts", import.meta.url) })),
  Effect.runPromise
)
