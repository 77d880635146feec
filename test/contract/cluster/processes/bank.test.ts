import { assert, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { ActorExited } from "../../../../src/ActorError.ts"
import * as Random from "../../../random.ts"
import { errorOf, upTo } from "../../support/asserts.ts"
import { make, postgres, quiet, timeout } from "../../support/clusterProcesses.ts"
import * as Journal from "../../support/journal.ts"

/** `SEEDS=20`: twenty banks instead of one, the first with the seed `SEED` */
const { SEED = "1", SEEDS = "1" } = process.env

const accounts = 12
const transfers = 300
const kinds = ["volatile", "persisted", "transactional"] as const

/** The half of a transfer. */
interface Half {
  readonly tx: string
  readonly account: string
  readonly amount: number
  readonly pause: number
}

const halvesOf = (below: (limit: number) => number): ReadonlyArray<Half> =>
  upTo(transfers).flatMap((n) => {
    const from = below(accounts)
    const to = (from + 1 + below(accounts - 1)) % accounts
    const amount = 1 + below(100)
    return [
      { tx: `${n} from`, account: String(from), amount: -amount, pause: below(20) },
      { tx: `${n} to`, account: String(to), amount, pause: below(20) }
    ]
  })

const countOf = (runs: ReadonlyArray<string>): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>()
  for (const tx of runs) counts.set(tx, (counts.get(tx) ?? 0) + 1)
  return counts
}

it.live.each(upTo(Number(SEEDS)).map((n) => Number(SEED) + n - 1))(
  "K3: a bank of three runners, with a kill -9, a join and a SIGTERM, seed %i",
  (seed) =>
    Effect.gen(function*() {
      const below = Random.makeBelow(seed)
      const { bank, idsOf, journal, ledger, run, runners, sql } = yield* make(postgres, 3)
      yield* idsOf(runners[0]!)
      const halves = { volatile: halvesOf(below), persisted: halvesOf(below), transactional: halvesOf(below) }
      const call = (kind: typeof kinds[number], { account, ...payload }: Half) =>
        kind === "transactional" ? ledger(account).add(payload) : bank(account)[kind](payload)
      const total = kinds.length * 2 * transfers
      let done = 0
      const reach = (percent: number) =>
        Journal.until(`${percent} % are done`, () => done >= total * percent / 100, timeout)
      // the runners that are killed and stopped, and when
      const victim = below(3)
      const stopped = (victim + 1 + below(2)) % 3
      const [killAt, joinAt, stopAt] = [10 + below(20), 35 + below(10), 50 + below(30)]
      const events = Effect.gen(function*() {
        yield* reach(killAt)
        yield* runners[victim]!.end("SIGKILL")
        yield* reach(joinAt)
        yield* run
        yield* reach(stopAt)
        yield* runners[stopped]!.end("SIGTERM")
      })
      const work = Effect.forEach(kinds, (kind) =>
        Effect.forEach(halves[kind], (half) =>
          Effect.map(Effect.exit(call(kind, half)), (exit) => {
            done++
            return exit
          }), { concurrency: 16 }), { concurrency: "unbounded" })
      const [[volatile, persisted, transactional]] = yield* Effect.all([work, events], { concurrency: 2 })

      const lines = yield* journal.lines
      const runsOf = (kind: string) =>
        countOf(
          lines.filter((line) =>
            line.startsWith(`${kind} `)
          ).map((line) =>
            line.slice(kind.length + 1)
          )
        )
      const once = runsOf("volatile")
      let unknown = 0
      halves.volatile.forEach(({ tx }, n) => {
        const exit = volatile[n]!
        const runs = once.get(tx) ?? 0
        if (Exit.isSuccess(exit)) return assert.deepStrictEqual([exit.value, runs], [tx, 1])
        const error = errorOf(exit)
        assert.instanceOf(error, ActorExited)
        assert.isAtMost(runs, error.outcome === "NotRun" ? 0 : 1, `${tx}: ${error.message}`)
        unknown++
      })
      // those that were at the runner that was killed, and on a very busy machine those at the runner that stopped
      assert.isAtMost(unknown, 2 * 16)
      const again = runsOf("persisted")
      halves.persisted.forEach(({ tx }, n) => {
        assert.deepStrictEqual(persisted![n], Exit.succeed(tx))
        assert.isAtLeast(again.get(tx) ?? 0, 1)
      })
      halves.transactional.forEach(({ tx }, n) => assert.deepStrictEqual(transactional![n], Exit.succeed(tx)))
      const rows = yield* sql<{ readonly tx: string; readonly amount: number }>`select tx, amount from entries`
      assert.deepStrictEqual(
        rows.map(({ tx }) => tx).toSorted(),
        halves.transactional.map(({ tx }) => tx).toSorted()
      )
      assert.strictEqual(rows.reduce((sum, { amount }) => sum + amount, 0), 0)
      const twice = Array.from(again.values()).filter((runs) => runs > 1).length
      if (SEEDS !== "1") console.log(`seed ${seed}: ${unknown} volatile Unknown, ${twice} persisted ran again`)
    }).pipe(Effect.scoped, quiet),
  timeout
)
