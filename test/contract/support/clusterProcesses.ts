/** Runner processes on a database, and a client in the process of the test. */
import { Effect, Layer, References, type Scope } from "effect"
import * as SqlClient from "effect/sql/SqlClient"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import * as path from "node:path"
import * as ActorCluster from "../../../src/ActorCluster.ts"
import { freePort } from "../../../src/node/cluster/testNetwork.ts"
import * as NodeActorCluster from "../../../src/node/NodeActorCluster.ts"
import type * as Namespaces from "../../../tools/namespaces.ts"
import * as PostgresServer from "../../../tools/postgres.ts"
import { Bank } from "../fixtures/cluster-bank.ts"
import { layerDatabase } from "../fixtures/cluster-database.ts"
import { createTable, Ledger } from "../fixtures/cluster-ledger.ts"
import { Tally } from "../fixtures/cluster.ts"
import { Account } from "../fixtures/clusterDurable.ts"
import { upTo } from "./asserts.ts"
import { processConfig } from "./cluster.ts"
import * as Journal from "./journal.ts"

/** the limit of a test, in milliseconds: on a new machine it installs PostgreSQL, and the bank took 252 seconds at a load of 28 */
export const timeout = 600_000

/** A runner process. */
export interface Runner {
  readonly port: string
  readonly child: ChildProcess
  /** sends a signal, and waits for the end of the process */
  readonly end: (signal: NodeJS.Signals) => Effect.Effect<void>
  /** stops the process */
  readonly freeze: Effect.Effect<void>
  /** lets the process continue */
  readonly thaw: Effect.Effect<void>
}

/** Where a runner runs: its address, and the start of its command. */
type Place = Pick<Namespaces.Host, "address" | "command">

const here: Place = { address: "127.0.0.1", command: [] }

const start = (
  database: string,
  journal: string,
  { address, command }: Place
): Effect.Effect<Runner, never, Scope.Scope> =>
  Effect.gen(function*() {
    const port = String(yield* freePort)
    const [program, ...args] = [
      ...command,
      process.execPath,
      ...process.execArgv,
      path.join(import.meta.dirname, "../fixtures/cluster-runner.ts"),
      address,
      port,
      database,
      journal
    ]
    const child = yield* Effect.acquireRelease(
      Effect.sync(() => spawn(program, args, { stdio: ["ignore", "inherit", "inherit"] })),
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
    return {
      port,
      child,
      end,
      freeze: Effect.sync(() => void child.kill("SIGSTOP")),
      thaw: Effect.sync(() => void child.kill("SIGCONT"))
    }
  })

/** A database for a cluster. */
interface Database {
  /** its name, for the runners */
  readonly name: string
  /** crashes, and is there again after that many milliseconds */
  readonly crash: (pause: number) => Effect.Effect<void>
}

/** A PostgreSQL server of its own for each test, which listens on an address. */
export const postgresAt = (host?: string): Effect.Effect<Database, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(Effect.promise(() => PostgresServer.start(host)), (server) => Effect.promise(server.stop)),
    (server) => ({ name: server.url, crash: (pause) => Effect.promise(() => server.crash(pause)) })
  )

/** A PostgreSQL server of its own for each test. */
export const postgres = postgresAt()

/** A file of SQLite. */
export const sqlite: Effect.Effect<Database, never, Scope.Scope> = Effect.map(
  Journal.make,
  (journal) => ({ name: path.join(path.dirname(journal.path), "cluster.db"), crash: () => Effect.void })
)

/** Runner processes and a client on a database. */
export const make = (
  database: Effect.Effect<Database, never, Scope.Scope>,
  number: number,
  places: ReadonlyArray<Place> = upTo(number).map(() => here)
) =>
  Effect.gen(function*() {
    const journal = yield* Journal.make
    const { crash, name } = yield* database
    const context = yield* Layer.build(
      NodeActorCluster.layerClient({ config: processConfig }).pipe(Layer.provideMerge(layerDatabase(name)))
    )
    yield* Effect.provideContext(createTable, context)
    const run = start(name, journal.path, here)
    const runners = yield* Effect.forEach(places, (place) => start(name, journal.path, place))
    const client = yield* Effect.provideContext(
      Effect.all({
        tally: ActorCluster.client(Tally, { deliveryTimeout: "2 minutes" }),
        account: ActorCluster.client(Account),
        bank: ActorCluster.client(Bank, { deliveryTimeout: "2 minutes" }),
        ledger: ActorCluster.client(Ledger)
      }),
      context
    )
    /** the port of the runner of an id */
    const runnerOf = (id: string) => Effect.map(client.tally(id).who(), (who) => who.id.split("@")[1]!)
    /** waits until all runners have actors and no actor moves, and gives the ids of one of the runners */
    const idsOf = (runner: Runner): Effect.Effect<ReadonlyArray<string>, unknown> =>
      Effect.gen(function*() {
        const ids = upTo(24).map(String)
        let before: ReadonlyArray<string> = []
        while (true) {
          const ports = yield* Effect.forEach(ids, runnerOf)
          if (new Set(ports).size === number && ports.every((port, i) => port === before[i])) {
            return ids.filter((_, i) => ports[i] === runner.port)
          }
          before = ports
          yield* Effect.sleep("500 millis")
        }
      })
    return {
      ...client,
      crashDatabase: crash,
      journal,
      run,
      runners,
      runnerOf,
      idsOf,
      sql: yield* Effect.provideContext(SqlClient.SqlClient, context)
    }
  })

/** hides the warnings of connections that end */
export const quiet = Effect.provideService(References.MinimumLogLevel, "Error")

export const count = (journal: Journal.Journal, line: string) =>
  Effect.map(journal.lines, (lines) => lines.filter((each) => each === line).length)
