import { assert, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import { count, make, postgres, quiet, timeout } from "../../support/clusterProcesses.ts"

const page = fs.readFileSync(path.join(import.meta.dirname, "../../../../docs/cluster.md"), "utf8")
const statements = /```sql\n([^`]+)```/.exec(page)![1]!.split(";").map((text) => text.trim()).filter((text) =>
  text !== ""
)

it.live(
  "K3: the statements of docs/cluster.md delete the calls that have ended, with their keys, and no others",
  () =>
    Effect.gen(function*() {
      const { account, journal, sql } = yield* make(postgres, 1)
      const ended = account("a").pay({ tx: "t1", waits: false })
      yield* ended
      const running = yield* Effect.forkChild(account("b").pay({ tx: "t2", waits: true }))
      yield* journal.awaitLine("t2 runs")
      // the statements are one transaction
      assert.deepStrictEqual([statements[0], statements.at(-1)], ["begin", "commit"])
      yield* sql.withTransaction(
        Effect.forEach(statements.slice(1, -1), (text) => sql.unsafe(text.replace("30 days", "0 days")))
      )
      const left = yield* sql<{ readonly entity_id: string }>`select entity_id from cluster_messages`
      assert.deepStrictEqual(left, [{ entity_id: "b" }])
      yield* ended
      assert.strictEqual(yield* count(journal, "t1 runs"), 2)
      yield* journal.note("go")
      assert.match(yield* Fiber.join(running), /^t2@b@/)
      assert.strictEqual(yield* count(journal, "t2 runs"), 1)
    }).pipe(Effect.scoped, quiet),
  timeout
)
