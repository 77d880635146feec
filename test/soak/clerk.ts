/** What the soak of pools runs: a clerk writes down, before it does anything, which call it has begun; then it comes to what it is told to. */
import * as Effect from "effect/Effect"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import * as fs from "node:fs"
import { parentPort } from "node:worker_threads"
import * as Actor from "../../src/Actor.ts"

/** What becomes of a call. */
const Fate = Schema.Literals(["none", "slow", "foreign", "unsendable", "exit"])
export type Fate = typeof Fate.Type

const Task = Schema.Struct({ attempt: Schema.Int, fate: Fate, value: Schema.Unknown })

export class Clerk extends Actor.Service<Clerk>()("Clerk", {
  args: Schema.Struct({ journal: Schema.String }),
  protocol: [Rpc.make("work", { payload: Task, success: Schema.Unknown })]
}) {}

// what programs and their tools send on the public channels of a worker
const messages = [null, "ready", 7, [], [0, 32], { type: "ready" }, { cmd: "NODE_HANDLE" }]

const sendForeign = (attempt: number): void => {
  const message = messages[attempt % messages.length]
  if (parentPort === null) process.send?.(message)
  else parentPort.postMessage(message)
}

export default Clerk.toLayer(({ journal }) =>
  Effect.succeed(Clerk.handlers({
    work: ({ attempt, fate }) =>
      Effect.gen(function*() {
        fs.appendFileSync(journal, `${attempt}\n`)
        if (fate === "slow") yield* Effect.sleep(5)
        if (fate === "foreign") sendForeign(attempt)
        if (fate === "exit") process.exit(7)
        return fate === "unsendable" ? () => attempt : attempt
      })
  }))
)
