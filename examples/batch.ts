// A batch of 100,000 rows of a CSV file, five of which end the worker that reads them: exactly these five are skipped, on threads and in processes.
import { Console, Effect, type Layer, Logger, Schedule, Stream } from "effect"
import assert from "node:assert"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import * as readline from "node:readline"
import { ActorPool, type ActorSystem, Supervision } from "uactor"
import { NodeActorSystem } from "uactor/node"
import { Rows } from "./actors/rows.ts"

const count = 100_000
const poison = new Map([[5_000, "exits"], [5_001, "exits"], [40_000, "hoards"], [70_000, "exits"], [99_999, "exits"]])

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "batch-"))
const file = path.join(folder, "rows.csv")
fs.writeFileSync(
  file,
  Array.from({ length: count }, (_, id) => `${id},${id % 10},${poison.get(id) ?? "good"}\n`).join("")
)

const rows = Stream.suspend(() =>
  Stream.fromAsyncIterable(
    readline.createInterface(fs.createReadStream(file)),
    (cause) => new Error(`${file} cannot be read`, { cause })
  )
)

const progress = (done: number): void => {
  const percent = Math.floor(done * 100 / count)
  if (process.stdout.isTTY) process.stdout.write(`\r[${"#".repeat(percent / 4).padEnd(25)}] ${percent} %`)
}

const batch = (place: string, system: Layer.Layer<ActorSystem>) =>
  Effect.gen(function*() {
    const pool = yield* ActorPool.make(Rows, { size: 2 })
    const skipped: Array<number> = []
    let done = 0
    const totals = pool.mapUnordered(rows, (worker, row) => worker.total({ row }), {
      window: 256,
      attempts: 2,
      onPoison: (row) => Effect.sync(() => skipped.push(Number(row.split(",")[0])))
    })
    const sum = yield* Stream.runFold(totals, () => 0, (sum, total) => {
      if (++done % 1_000 === 0) progress(done)
      return sum + total
    })
    skipped.sort((a, b) => a - b)
    assert.deepStrictEqual(skipped, Array.from(poison.keys()))
    if (process.stdout.isTTY) process.stdout.write("\r\x1b[K")
    yield* Console.log(`${place}: ${done} rows, total ${sum}, skipped ${skipped.join(", ")}`)
  }).pipe(
    Supervision.supervised(
      Supervision.make({ schedule: Schedule.spaced("50 millis"), maxRestarts: "unbounded" })
    ),
    Effect.scoped,
    Effect.provide(system),
    // the log reports each death
    Effect.provide(Logger.layer([]))
  )

const module = new URL("./actors/rows.ts", import.meta.url)
const threads = NodeActorSystem.layerThreads({ module, resourceLimits: { maxOldGenerationSizeMb: 64 } })
const processes = NodeActorSystem.layerProcesses({ module, execArgv: ["--max-old-space-size=64"] })

await Effect.runPromise(
  Effect.ensuring(
    Effect.andThen(batch("threads", threads), batch("processes", processes)),
    Effect.sync(() => fs.rmSync(folder, { recursive: true }))
  )
)
