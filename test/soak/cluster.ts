/**
 * `npm run soak:cluster -- --minutes 10 [--seed 1]`
 *
 * A bank on three runner processes with PostgreSQL. Its clients make both halves of transfers by volatile, persisted and transactional calls,
 * while runners are killed, stopped, frozen, and replaced. Time is divided into epochs; after each epoch no call is under way, and the soak
 * compares the journal and the table of entries with the results of the callers. One runner lives as long as the soak: its memory, and the
 * memory of the client, must not grow.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as fs from "node:fs"
import { ActorExited } from "../../src/ActorError.ts"
import { make, postgres, quiet, type Runner } from "../contract/support/clusterProcesses.ts"
import * as Random from "../random.ts"
import * as Flags from "./flags.ts"
import { grown, type Holdings, measure } from "./gauges.ts"
import { Report } from "./report.ts"

const accounts = 12
const clients = 16
const epochMillis = 15_000
// the longest time without an answer: a runner must start, and take over the actors, on a busy machine
const patience = "5 minutes"

const flags = Flags.read("soak:cluster", ["processes"])
const { minutes, seed } = flags
const below = Random.makeBelow(seed)
const oneOf = <A>(choices: ReadonlyArray<A>): A => choices[below(choices.length)]!
const report = new Report(flags)
const { count, goesOn, violation } = report

const kinds = ["volatile", "persisted", "transactional"] as const
type Kind = typeof kinds[number]

/** A call that has settled. */
interface Settled {
  readonly kind: Kind
  readonly tx: string
  readonly exit: Exit.Exit<string, unknown>
}

const countOf = (values: ReadonlyArray<string>): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return counts
}

const auditVolatile = ({ exit, tx }: Settled, runs: number): void => {
  if (Exit.isSuccess(exit)) {
    if (runs !== 1) violation(`volatile call ${tx} was answered, and has run ${runs} times`)
    return count("volatile: success")
  }
  const error = Cause.squash(exit.cause)
  if (!(error instanceof ActorExited)) return violation(`volatile call ${tx} failed: ${String(error)}`)
  if (runs > (error.outcome === "NotRun" ? 0 : 1)) {
    violation(`volatile call ${tx} has run ${runs} times: ${error.message}`)
  }
  count(`volatile: ${error.reason} ${error.outcome}`)
}

const auditStored = ({ exit, kind, tx }: Settled, runs: number): void => {
  if (Exit.isFailure(exit)) return violation(`${kind} call ${tx} failed: ${Cause.pretty(exit.cause)}`)
  if (kind === "transactional" ? runs !== 1 : runs < 1) violation(`${kind} call ${tx} has run ${runs} times`)
  count(`${kind}: success`)
  if (runs > 1) count(`${kind}: ran again`)
}

const rssMb = ({ child }: Runner): number =>
  Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${child.pid}/status`, "utf8"))![1]) / 1024

const soak = Effect.gen(function*() {
  const { bank, idsOf, journal, ledger, run, runners: started, sql } = yield* make(postgres, 3)
  const [first, ...others] = started as [Runner, ...Array<Runner>]
  yield* idsOf(first)
  let numbers = 0

  const call = (kind: Kind, account: number, amount: number): Effect.Effect<Settled> => {
    const payload = { tx: String(++numbers), amount, pause: below(20) }
    const id = String(account)
    const made = kind === "transactional" ? ledger(id).add(payload) : bank(id)[kind](payload)
    return Effect.map(
      Effect.exit(Effect.timeout(made as Effect.Effect<string, unknown>, patience)),
      (exit) => ({ kind, tx: payload.tx, exit })
    )
  }
  // ends one of the runners that may end, and starts its successor before or after
  const replace = (signal: NodeJS.Signals, successorFirst: boolean): Effect.Effect<void> =>
    Effect.gen(function*() {
      const at = below(others.length)
      const ended = others[at]!
      if (successorFirst) others[at] = yield* run
      yield* ended.end(signal)
      if (!successorFirst) others[at] = yield* run
    }) as Effect.Effect<void>
  const freeze = (runner: Runner): Effect.Effect<void> =>
    Effect.andThen(runner.freeze, Effect.ensuring(Effect.sleep(500 + below(12_000)), runner.thaw))
  const faults = {
    "none": () => Effect.void,
    "kill -9": () => replace("SIGKILL", false),
    "SIGTERM": () => replace("SIGTERM", oneOf([true, false])),
    "freeze": () => freeze(oneOf([first, ...others]))
  }

  const epoch = Effect.gen(function*() {
    const until = performance.now() + epochMillis
    const settled: Array<Settled> = []
    const client = Effect.gen(function*() {
      while (performance.now() < until) {
        const kind = oneOf(kinds)
        const from = below(accounts)
        const amount = 1 + below(100)
        settled.push(yield* call(kind, from, -amount), yield* call(kind, (from + 1) % accounts, amount))
      }
    })
    const fault = oneOf(Object.keys(faults)) as keyof typeof faults
    count(`epochs: ${fault}`)
    const injected = Effect.andThen(Effect.sleep(below(5_000)), Effect.suspend(faults[fault]))
    yield* Effect.all([injected, ...Array.from({ length: clients }, () => client)], { concurrency: "unbounded" })
    const runs = countOf(yield* journal.lines)
    const rows = yield* sql<{ readonly tx: string; readonly amount: number }>`select tx, amount from entries`
    const entries = countOf(rows.map(({ tx }) => tx))
    for (const each of settled) {
      if (each.kind === "volatile") auditVolatile(each, runs.get(`volatile ${each.tx}`) ?? 0)
      else auditStored(each, (each.kind === "persisted" ? runs.get(`persisted ${each.tx}`) : entries.get(each.tx)) ?? 0)
    }
    const sum = rows.reduce((sum, { amount }) => sum + amount, 0)
    if (sum !== 0) violation(`the sum of the entries is ${sum}`)
    yield* sql`delete from entries`
    fs.writeFileSync(journal.path, "")
  })

  const start = performance.now()
  const length = minutes * 60_000
  let warm: (Pick<Holdings, "heapMb" | "rssMb"> & { readonly runnerMb: number }) | undefined
  const gauge = () => ({ ...measure(), runnerMb: rssMb(first) })
  let last = gauge()
  const before = last
  while (performance.now() - start < length && goesOn()) {
    yield* epoch
    last = gauge()
    if (warm === undefined && performance.now() - start > length / 5) warm = last
  }
  const { heapMb, runnerMb, rssMb: clientMb } = warm ?? before
  for (const text of grown({ ...last, heapMb, rssMb: clientMb }, last)) violation(`after warming up, ${text}`)
  if (last.runnerMb > runnerMb * 1.3 + 60) violation(`the runner has grown from ${runnerMb} to ${last.runnerMb} MB`)
  console.log(`client ${clientMb} to ${last.rssMb} MB, runner ${runnerMb.toFixed(0)} to ${last.runnerMb.toFixed(0)} MB`)
  if (first.child.exitCode !== null) violation("a runner has ended by itself")
  count("calls", numbers)
}).pipe(Effect.scoped, quiet)

console.log(`soak of a cluster: ${minutes} min, seed ${seed}, node ${process.version}, pid ${process.pid}`)
const exit = await Effect.runPromiseExit(soak)
if (Exit.isFailure(exit)) violation(`the soak itself failed: ${Cause.pretty(exit.cause)}`)
for (const [name, n] of report.rows) console.log(name.padEnd(52) + String(n).padStart(10))
console.log(`${report.verdict} with ${report.violations} violations (seed ${seed})`)
report.end()
