import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { upTo } from "../../support/asserts.ts"
import { underLoad } from "../../support/cluster.ts"
import { count, make, postgres, quiet, sqlite, timeout } from "../../support/clusterProcesses.ts"
import * as Journal from "../../support/journal.ts"

describe.each([["SQLite", sqlite], ["PostgreSQL", postgres]] as const)("%s", (_, database) => {
  it.live(
    "K2: after kill -9 of its runner a volatile call is Unknown and ran once, and a persisted call is answered",
    () =>
      Effect.gen(function*() {
        const { account, idsOf, journal, runnerOf, runners: [one, two], tally } = yield* make(database, 2)
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
      const { idsOf, run, runnerOf, runners: [one, two], tally } = yield* make(database, 2)
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
})

it.live(
  "K6: a rolling restart of three runners, each by SIGTERM under load, fails no call",
  () =>
    Effect.gen(function*() {
      const { account, idsOf, run, runnerOf, runners, tally } = yield* make(postgres, 3)
      yield* idsOf(runners[0]!)
      const ids = upTo(12).map(String)
      const volatile = yield* underLoad(ids, (id) => tally(id).add({ by: 1 }))
      let payments = 0
      const persisted = yield* underLoad(ids, (id) =>
        Effect.suspend(() => {
          const tx = `p${++payments}`
          return Effect.map(
            account(id).pay({ tx, waits: false }),
            (receipt) => assert.match(receipt, new RegExp(`^${tx}@`))
          )
        }))
      for (const runner of runners) {
        const next = yield* run
        // it has taken over some actors
        while (!(yield* Effect.forEach(ids, runnerOf)).includes(next.port)) {
          yield* Effect.sleep("200 millis")
        }
        yield* runner.end("SIGTERM")
      }
      // a call that had failed would have ended its load
      for (const load of [volatile, persisted]) assert.isTrue((yield* load).every((calls) => calls > 0))
    }).pipe(Effect.scoped, quiet),
  timeout
)

it.live(
  "K3: on SQLite the effects of a call in a transaction happen exactly once, with a kill -9 and a SIGTERM in between",
  () =>
    Effect.gen(function*() {
      const { idsOf, ledger, run, runners: [one, two], sql } = yield* make(sqlite, 2)
      yield* idsOf(one!)
      let done = 0
      const transfers = yield* Effect.forkChild(Effect.forEach(upTo(120), (n) =>
        Effect.andThen(
          Effect.all([
            ledger(String(n % 6)).add({ tx: `${n} from`, amount: -n, pause: 0 }),
            ledger(String((n + 1) % 6)).add({ tx: `${n} to`, amount: n, pause: 0 })
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
