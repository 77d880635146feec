// A bank on a cluster: two runner processes, and this program, which calls them. One runner is killed in the middle of the transfers.
import { Console, Effect, References } from "effect"
import { SqlClient } from "effect/sql"
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import * as ActorCluster from "uactor/ActorCluster"
import * as NodeActorCluster from "uactor/node/NodeActorCluster"
import { Account, config, Database } from "./account.ts"

const directory = fs.mkdtempSync(path.join(os.tmpdir(), "uactor-cluster-"))
const filename = path.join(directory, "bank.db")

const startRunner = (port: number) =>
  Effect.acquireRelease(
    Effect.sync(() =>
      spawn(process.execPath, [
        ...process.execArgv,
        path.join(import.meta.dirname, "runner.ts"),
        String(port),
        filename
      ], { stdio: "inherit" })
    ),
    (runner) => Effect.sync(() => void runner.kill("SIGKILL"))
  )

const accounts = Array.from({ length: 6 }, (_, i) => `account-${i}`)

const program = Effect.gen(function*() {
  const first = yield* startRunner(34_431)
  yield* startRunner(34_432)

  const account = yield* ActorCluster.client(Account)
  const sql = yield* SqlClient.SqlClient
  const sum = Effect.map(
    Effect.forEach(accounts, (id) => account(id).balance()),
    (balances) => `${balances.join(" + ")} = ${balances.reduce((a, b) => a + b, 0)}`
  )

  yield* Effect.forEach(accounts, (id) => account(id).add({ tx: `open ${id}`, amount: 100 }), {
    concurrency: "unbounded"
  })
  yield* Console.log(`before: ${yield* sum}`)

  let done = 0
  const transfer = (n: number) =>
    Effect.all([
      account(accounts[n % 6]!).add({ tx: `${n} from`, amount: -n }),
      account(accounts[(n + 1 + (n % 5)) % 6]!).add({ tx: `${n} to`, amount: n })
    ], { concurrency: 2 }).pipe(Effect.tap(() =>
      Effect.sync(() => {
        if (++done === 20) first.kill("SIGKILL")
      })
    ))
  yield* Effect.forEach(Array.from({ length: 60 }, (_, n) => n), transfer, { concurrency: 8 })

  const [entries] = yield* sql<{ count: number }>`select count(*) as count from entries`
  yield* Console.log(`after:  ${yield* sum}`)
  yield* Console.log(`${done} transfers, ${entries!.count} entries, one runner killed after 20 transfers`)
}).pipe(
  Effect.scoped,
  Effect.provide(NodeActorCluster.layerClient({ config })),
  Effect.provide(Database(filename)),
  Effect.provideService(References.MinimumLogLevel, "Error"),
  Effect.ensuring(Effect.sync(() => fs.rmSync(directory, { recursive: true, force: true })))
)

await Effect.runPromise(program)
