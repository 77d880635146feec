/**
 * `npm run soak:walks -- [--steps 10000] [--placement threads|processes|memory] [--workers 2] [--seed 1] [--width 4] [--deaths]
 * [--walk 63]`
 *
 * Random walks of handles: so many steps, `--width` walks at a time; with `--deaths`, one at a time, and actors are killed on the way;
 * with `--walk`, that one alone. Ends with status 1 and the script of the walk if a handle does not reach what it stands for, or if
 * something is left of the handles.
 */
import { Cause, Effect, Exit, Logger } from "effect"
import { parseArgs } from "node:util"
import { ActorSystem } from "../../src/ActorSystem.ts"
import * as NodeActorSystem from "../../src/node/NodeActorSystem.ts"
import { stroll } from "./walk.ts"
import behaviours from "./walker.ts"

const { values: flags } = parseArgs({
  options: {
    steps: { type: "string", default: "10000" },
    placement: { type: "string", default: "threads" },
    workers: { type: "string" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 1e6)) },
    width: { type: "string", default: "4" },
    patience: { type: "string", default: "60000" },
    deaths: { type: "boolean", default: false },
    walk: { type: "string" }
  }
})
const module = new URL("./walker.ts", import.meta.url)
const workers = flags.workers === undefined ? "dedicated" as const : Number(flags.workers)
const system = flags.placement === "memory"
  ? ActorSystem.layer(behaviours)
  : flags.placement === "processes"
  ? NodeActorSystem.layerProcesses({ module, workers })
  : NodeActorSystem.layerThreads({ module, workers })
const options = {
  seed: Number(flags.seed),
  steps: Number(flags.steps),
  width: flags.deaths ? 1 : Number(flags.width),
  patience: Number(flags.patience),
  deaths: flags.deaths
}
const start = performance.now()
const exit = await Effect.runPromiseExit(
  stroll(options, flags.walk === undefined ? undefined : Number(flags.walk)).pipe(
    Effect.provide(system),
    Effect.provide(Logger.layer([]))
  )
)
const seconds = ((performance.now() - start) / 1000).toFixed(1)
console.log(`${flags.placement}, ${workers}, seed ${options.seed}: ${options.steps} steps in ${seconds} s`)
if (Exit.isFailure(exit)) {
  console.error(`${String(Cause.squash(exit.cause))}\nwalks: failed`)
  process.exitCode = 1
}
