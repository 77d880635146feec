/**
 * The times of failovers with the default configuration: `node --conditions=@uactor/source bench/cluster/failover.ts [--rounds N]`.
 *
 * Two runner processes and a client, on SQLite and on PostgreSQL. A round ends one runner, by SIGKILL, SIGSTOP or SIGTERM, and measures until
 * a call that is running there has failed, and until the actors of that runner answer again: the first one and the last one.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { PgClient } from "@effect/sql-pg"
import { Effect, Fiber, Layer, Redacted, References, Schema } from "effect"
import type { SqlClient } from "effect/sql/SqlClient"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import * as fs from "node:fs"
import { createServer } from "node:net"
import * as os from "node:os"
import * as path from "node:path"
import { parseArgs } from "node:util"
import { Actor, ActorSystem } from "uactor"
import * as ActorCluster from "uactor/ActorCluster"
import * as NodeActorCluster from "uactor/node/NodeActorCluster"
import * as Postgres from "../../tools/postgres.ts"

class Probe extends Actor.Service<Probe>()("Probe", {
  args: Schema.Struct({ port: Schema.String }),
  protocol: {
    port: Actor.method({ success: Schema.String }).annotate(Actor.Idempotent, true),
    hang: Actor.method()
  }
}) {}

const ProbeLive = Probe.toLayer(
  ({ port }) => Effect.succeed(Probe.handlers({ port: () => Effect.succeed(port), hang: () => Effect.never })),
  {
    concurrency: "unbounded"
  }
)

const databaseOf = (name: string): Layer.Layer<SqlClient> =>
  name.startsWith("postgres://")
    ? Layer.orDie(PgClient.layer({ url: Redacted.make(name) }))
    : NodeActorCluster.layerSqlite({ filename: name })

const quiet = Layer.succeed(References.MinimumLogLevel, "Error")

const runRunner = (port: string, database: string): void =>
  NodeRuntime.runMain(Layer.launch(
    ActorCluster.layer(Probe, { args: () => ({ port }) }).pipe(
      Layer.provide(ActorSystem.layer(ProbeLive)),
      Layer.provide(NodeActorCluster.layer({ address: { host: "127.0.0.1", port: Number(port) } })),
      Layer.provide(databaseOf(database)),
      Layer.provide(quiet)
    )
  ))

const freePort = async (): Promise<string> => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as { readonly port: number }
  server.close()
  await once(server, "close")
  return String(port)
}

const ids = Array.from({ length: 40 }, (_, n) => `probe-${n}`)

const round = (database: string, signal: NodeJS.Signals) =>
  Effect.gen(function*() {
    const runner = Effect.acquireRelease(
      Effect.promise(async (): Promise<{ readonly port: string; readonly child: ChildProcess }> => {
        const port = await freePort()
        const args = [...process.execArgv, import.meta.filename, "runner", port, database]
        return { port, child: spawn(process.execPath, args, { stdio: "inherit" }) }
      }),
      ({ child }) => Effect.sync(() => void child.kill("SIGKILL"))
    )
    const one = yield* runner
    yield* runner
    const probe = yield* ActorCluster.client(Probe, { deliveryTimeout: "2 minutes" })
    const ports = Effect.forEach(ids, (id) => probe(id).port(), { concurrency: 8 })
    // until no actor moves: three refreshes of the assignments
    let before = yield* ports
    for (let same = 0; same < 3;) {
      yield* Effect.sleep("1 second")
      const after = yield* ports
      same = new Set(after).size === 2 && after.every((port, i) => port === before[i]) ? same + 1 : 0
      before = after
    }
    const moving = ids.filter((_, i) => before[i] === one.port)
    // a runner that stops waits for its running calls
    const hanging = signal === "SIGTERM"
      ? undefined
      : yield* Effect.forkChild(Effect.exit(probe(moving[0]!).hang()))
    // at a random time within the intervals
    yield* Effect.sleep(500 + Math.random() * 3_000)
    const start = performance.now()
    const since = (): number => (performance.now() - start) / 1_000
    one.child.kill(signal)
    const failed = yield* Effect.forkChild(
      hanging === undefined ? Effect.succeed(undefined) : Effect.map(Fiber.join(hanging), since)
    )
    const answered = yield* Effect.forEach(moving, (id) =>
      Effect.map(
        Effect.repeat(probe(id).port(), { until: (port) => port !== one.port }),
        since
      ), { concurrency: "unbounded" })
    return [yield* Fiber.join(failed), Math.min(...answered), Math.max(...answered)]
  }).pipe(
    Effect.scoped,
    Effect.provide(Layer.provide(NodeActorCluster.layerClient(), databaseOf(database))),
    Effect.provide(quiet),
    Effect.runPromise
  )

const range = (values: ReadonlyArray<number | undefined>): string => {
  if (!values.every((value) => value !== undefined)) return "none fails"
  const [min, max] = [Math.min(...values), Math.max(...values)].map((value) => value.toFixed(1))
  return `${min} to ${max} s`
}

const measure = async (rounds: number): Promise<void> => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "uactor-failover-"))
  const postgres = await Postgres.start()
  try {
    console.log("| database | signal | running calls fail | first actor answers | last actor answers |")
    console.log("| --- | --- | --- | --- | --- |")
    for (const name of ["SQLite", "PostgreSQL"]) {
      for (const signal of ["SIGKILL", "SIGSTOP", "SIGTERM"] as const) {
        const results: Array<ReadonlyArray<number | undefined>> = []
        for (let n = 0; n < rounds; n++) {
          const database = name === "SQLite" ? path.join(folder, `${signal}-${n}.db`) : postgres.url
          results.push(await round(database, signal))
        }
        const cells = [0, 1, 2].map((i) => range(results.map((result) => result[i]!)))
        console.log(`| ${[name, signal, ...cells].join(" | ")} |`)
      }
    }
  } finally {
    await postgres.stop()
    fs.rmSync(folder, { recursive: true })
  }
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: "string", default: "5" } }
})
if (positionals[0] === "runner") runRunner(positionals[1]!, positionals[2]!)
else await measure(Number(values.rounds))
