/**
 * A program with an actor in a process, which ends in order when it gets a signal: it drains the actor, and closes it. Its argument
 * is the journal.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import * as Actor from "../../../../src/Actor.ts"
import * as ActorRef from "../../../../src/ActorRef.ts"
import * as NodeActorSystem from "../../../../src/node/NodeActorSystem.ts"
import * as Journal from "../../support/journal.ts"

class Work extends Actor.Service<Work>()("Work", {
  args: Schema.Struct({ journal: Schema.String }),
  protocol: [Rpc.make("work")]
}) {}

export default Work.toLayer(({ journal }) => {
  const { note } = Journal.at(journal)
  return Effect.as(
    Effect.addFinalizer(() => note("closed")),
    Work.handlers({
      work: () => Effect.andThen(note("working"), Effect.andThen(Effect.sleep("300 millis"), note("done")))
    })
  )
})

if (import.meta.main) {
  const journal = process.argv[2]!
  const program = Effect.gen(function*() {
    const work = yield* Work.spawn({ journal })
    const stopped = yield* Effect.forkChild(
      Effect.callback<void>((resume) => {
        for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.once(signal, () => resume(Effect.void))
      }),
      { startImmediately: true }
    )
    const working = yield* Effect.forkChild(work.work(), { startImmediately: true })
    yield* Fiber.join(stopped)
    yield* Effect.all([
      ActorRef.stop(work, { drain: "1 minute" }),
      Effect.andThen(Fiber.join(working), Journal.at(journal).note("answered"))
    ], { concurrency: 2 })
  })
  const system = NodeActorSystem.layerProcesses({ module: import.meta.url })
  await program.pipe(Effect.scoped, Effect.provide(system), Effect.runPromise)
}
