import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Layer, References, type Scope } from "effect"
import * as SqlClient from "effect/sql/SqlClient"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import * as path from "node:path"
import * as ActorCluster from "../../../src/ActorCluster.ts"
import { freePort } from "../../../src/node/cluster/testNetwork.ts"
import * as NodeActorCluster from "../../../src/node/NodeActorCluster.ts"
import { createTable, Ledger } from "../fixtures/cluster-ledger.ts"
import { Tally } from "../fixtures/cluster.ts"
import { Account } from "../fixtures/clusterDurable.ts"
import { upTo } from "../support/asserts.ts"
import { processConfig, underLoad } from "../support/cluster.ts"
import * as Journal from "../support/journal.ts"

const timeout = 300_000

/** A runner process. */
interface Runner {
  readonly port: string
  readonly child: ChildProcess
  /** sends a signal, and waits for the end of the process */
  readonly end: (signal: NodeJS.Signals) => Effect.Effect<void>
}

const start = (database: string, journal: string): Effect.Effect<Runner, never, Scope.Scope> =>
  Effect.gen(function*() {
    const port = String(yield* freePort)
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(process.execPath, [
          ...process.execArgv,
          path.join(import.meta.dirname, "../fixtures/cluster-runner.ts"),
          port,
          database,
          journal
        ], { stdio: ["ignore", "inherit", "inherit"] })
      ),
      (child) =>
        Effect.promise(async () => {
          if (child.exitCode !== null || child.signalCode !== null) return
          child.kill("SIGKILL")
          await once(child, "exit")
        })
    )
    const end = (signal: NodeJS.Signals) =>
      Effect.promise(async () => {
        child.kill(signal)
        if (child.exitCode === null && child.signalCode === null) await once(child, "exit")
      })
    return { port, child, end }
  })

/** Two runner processes and a client on a database file. */
const make = Effect.gen(function*() {
  const journal = yield* Journal.make
  const database = path.join(path.dirname(journal.path), "cluster.db")
  const cluster = NodeActorCluster.layerClient({ config: processConfig }).pipe(
    Layer.provideMerge(NodeActorCluster.layerSqlite({ filename: database }))
  )
  const context = yield* Layer.build(cluster)
  yield* Effect.provideContext(createTable, context)
  const run = start(database, journal.path)
  const runners = [yield* run, yield* run]
  const client = yield* Effect.provideContext(
    Effect.all({
      tally: ActorCluster.client(Tally, { deliveryTimeout: "2 minutes" }),
      account: ActorCluster.client(Account),
      ledger: ActorCluster.client(Ledger)
    }),
    context
  )
  /** the port of the runner of an id */
  const runnerOf = (id: string) => Effect.map(client.tally(id).who(), (who) => who.id.split("@")[1]!)
  /** ids of both runners */
  const idsOf = (runner: Runner): Effect.Effect<ReadonlyArray<string>, unknown> =>
    Effect.gen(function*() {
      while (true) {
        const ids = upTo(24).map(String)
        const ports = yield* Effect.forEach(ids, runnerOf)
        const found = ids.filter((_, i) => ports[i] === runner.port)
        if (new Set(ports).size === 2) return found
        yield* Effect.sleep("200 millis")
      }
    })
  return {
    ...client,
    journal,
    run,
    runners,
    runnerOf,
    idsOf,
    sql: yield* Effect.provideContext(SqlClient.SqlClient, context)
  }
})

const quiet = Effect.provideService(References.MinimumLogLevel, "Error")

const count = (journal: Journal.Journal, line: string) =>
  Effect.map(journal.lines, (lines) => lines.filter((each) => each === line).length)

it.live(
  "K2: after kill -9 of its runner a volatile call is Unknown and ran once, and a persisted call is answered",
  () =>
    Effect.gen(function*() {
      const { account, idsOf, journal, runnerOf, runners: [one, two], tally } = yield* make
      const [id] = yield* idsOf(one!)
      const volatile = yield* Effect.forkChild(tally(id!).wait({ n: 1 }))
      yield* journal.awaitLine("1 runs")
      // the account with the same id may live on the other runner: shards are those of type and id
      const persisted = yield* Effect.forkChild(
        Effect.forEach(upTo(8), (n) => account(String(n)).pay({ tx: `t${n}`, waits: true }), {
          concurrency: "unbounded"
        })
      )
      for (const n of upTo(8)) yield* journal.awaitLine(`t${n} runs`)
      yield* one!.end("SIGKILL")
      const lost = yield* Effect.flip(Fiber.join(volatile))
      assert(lost._tag === "ActorExited" && lost.reason === "Disconnected" && lost.outcome === "Unknown")
      yield* journal.note("go")
      const paid = yield* Fiber.join(persisted)
      assert.deepStrictEqual(paid.map((text) => text.split("@")[0]), upTo(8).map((n) => `t${n}`))
      assert.strictEqual(yield* runnerOf(id!), two!.port)
      assert.strictEqual(yield* count(journal, "1 runs"), 1)
    }).pipe(Effect.scoped, quiet),
  timeout
)

it.live("K6: SIGTERM of each runner in turn fails no call", () =>
  Effect.gen(function*() {
    const { idsOf, run, runnerOf, runners: [one, two], tally } = yield* make
    yield* idsOf(one!)
    const load = yield* underLoad(upTo(12).map(String), (id) => tally(id).add({ by: 1 }))
    yield* one!.end("SIGTERM")
    const three = yield* run
    while (!(yield* Effect.forEach(upTo(12).map(String), runnerOf)).includes(three.port)) {
      yield* Effect.sleep("200 millis")
    }
    yield* two!.end("SIGTERM")
    assert.strictEqual(yield* runnerOf("1"), three.port)
    assert.isTrue((yield* load).every((calls) => calls > 0))
  }).pipe(Effect.scoped, quiet), timeout)

it.live(
  "K3: the effects of a call in a transaction happen exactly once, with a kill -9 and a SIGTERM in between",
  () =>
    Effect.gen(function*() {
      const { idsOf, ledger, run, runners: [one, two], sql } = yield* make
      yield* idsOf(one!)
      let done = 0
      const transfers = yield* Effect.forkChild(Effect.forEach(upTo(120), (n) =>
        Effect.andThen(
          Effect.all([
            ledger(String(n % 6)).add({ tx: `${n} from`, amount: -n }),
            ledger(String((n + 1) % 6)).add({ tx: `${n} to`, amount: n })
          ], { concurrency: 2, discard: true }),
          Effect.sync(() => done++)
        ), { concurrency: 8 }))
      yield* Journal.until("30 transfers are done", () => done >= 30)
      yield* one!.end("SIGKILL")
      yield* run
      yield* Journal.until("70 transfers are done", () => done >= 70)
      yield* two!.end("SIGTERM")
      yield* Fiber.join(transfers)
      const rows = yield* sql<{ readonly tx: string; readonly amount: number }>`select tx, amount from entries`
      assert.strictEqual(rows.length, 240)
      assert.strictEqual(new Set(rows.map(({ tx }) => tx)).size, 240)
      assert.strictEqual(rows.reduce((sum, { amount }) => sum + amount, 0), 0)
    }).pipe(Effect.scoped, quiet),
  timeout
)
