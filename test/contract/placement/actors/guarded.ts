/** A program that uses one actor, for tests that start it with arguments of Node; and the actor. */
import * as Effect from "effect/Effect"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import * as fs from "node:fs"
import * as Actor from "../../../../src/Actor.ts"
import * as NodeActorSystem from "../../../../src/node/NodeActorSystem.ts"

export class Guarded extends Actor.Service<Guarded>()("Guarded", {
  protocol: [Rpc.make("execArgv", { success: Schema.Array(Schema.String) })]
}) {}

export default Guarded.toLayer({ execArgv: () => Effect.sync(() => process.execArgv) })

/** Notes that it runs, and what its actor has answered or how its spawn has failed. */
export const run = async (placement: string, journal: string): Promise<void> => {
  fs.appendFileSync(journal, "runs\n")
  const module = new URL(import.meta.url)
  const answer = await Effect.gen(function*() {
    const guarded = yield* Guarded.spawn()
    return `answered ${JSON.stringify(yield* guarded.execArgv())}`
  }).pipe(
    Effect.catchTag("SpawnError", ({ message, reason }) => Effect.succeed(`${reason}: ${message}`)),
    Effect.scoped,
    Effect.provide(
      placement === "threads"
        ? NodeActorSystem.layerThreads({ module })
        : NodeActorSystem.layerProcesses({ module, execArgv: ["--title=given"] })
    ),
    Effect.runPromise
  )
  fs.appendFileSync(journal, `${answer}\n`)
}

if (import.meta.main && process.argv[3] !== undefined) await run(process.argv[2]!, process.argv[3])
