/**
 * `npm run soak -- --minutes 10 [--seed 1] [--placement threads|processes|memory]`
 *
 * Random calls, interruptions, crashes and restarts over eight actors: banks. A withdrawal and a deposit move money between two of them.
 * The calls come from this program and from tellers, actors that hold references to the banks. The sum of all accounts stays the same, a call
 * that was reported as `NotRun` has not begun, and an interrupted call does not go on. The journals that the banks write before they act
 * prove that. Time is divided into epochs. After each epoch, all calls have settled, everything is audited, and the journals start anew, so
 * that the memory of the soak does not grow.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import type { ActorError } from "../../src/ActorError.ts"
import * as ActorRef from "../../src/ActorRef.ts"
import { ActorSystem } from "../../src/ActorSystem.ts"
import * as NodeActorSystem from "../../src/node/NodeActorSystem.ts"
import * as Supervision from "../../src/Supervision.ts"
import * as Random from "../random.ts"
import behaviours, { Bank, type Fate, Teller } from "./bank.ts"
import * as Flags from "./flags.ts"
import { grown, type Holdings, measure } from "./gauges.ts"
import { Ledger } from "./ledger.ts"
import { hangMillis, Report } from "./report.ts"

const banks = 8
// the last of them: two share a worker
const sharing = 4
// these are not supervised: the soak starts them again, so their callers see every outcome
const unsupervised = new Set([3, 7])
const accounts = 16
const initialBalance = 1_000
const clients = 16
// each has a worker of its own, and nothing ends it
const tellers = 2
const epochMillis = 3_000

const flags = Flags.read("soak")
const { minutes, placement, seed } = flags

// ---- chance ----

const random = Random.make(seed)
const below = (n: number): number => Math.floor(random() * n)

const fates: ReadonlyArray<readonly [fate: Fate, weight: number]> = [
  ["slow", 0.05],
  ["busy", 0.02],
  ["defect", 0.02],
  ...(placement === "memory" ? [] : [["exitBefore", 0.001], ["exitAfter", 0.001], ["uncaught", 0.0005]] as const),
  ...(placement === "processes" ? [["killBefore", 0.001], ["killAfter", 0.001]] as const : [])
]
const chooseFate = (): Fate => {
  let x = random()
  for (const [fate, weight] of fates) {
    if (x < weight) return fate
    x -= weight
  }
  return "none"
}

// ---- what is counted ----

const report = new Report(flags)
const { bounded, count, goesOn, violation } = report

// ---- the banks ----

type Ref = Effect.Success<ReturnType<typeof Bank.spawn>>

const policy = Supervision.make({ schedule: Schedule.spaced("10 millis"), maxRestarts: 10_000, window: "1 minute" })

/** Keeps one bank open: whenever it has ended for good, it is spawned again. */
class Branch {
  ref: Ref | undefined
  /** how often it has been opened, for its references */
  life = 0
  readonly bank: number
  private readonly directory: string

  constructor(bank: number, directory: string) {
    this.bank = bank
    this.directory = directory
  }

  readonly keep = Effect.suspend(() => {
    const spawn = Bank.spawn({ directory: this.directory, bank: this.bank })
    const life = Effect.gen({ self: this }, function*() {
      const scope = yield* Effect.scope
      const ref = yield* bounded(
        `spawning bank ${this.bank}`,
        Scope.provide(
          unsupervised.has(this.bank) ? spawn : Supervision.supervised(spawn, policy),
          scope
        )
      )
      this.ref = ref
      this.life++
      count("lives: spawned")
      const exit = yield* ActorRef.awaitExit(ref)
      count(
        `lives: ended ${Exit.isSuccess(exit) ? "Stopped" : (Cause.squash(exit.cause) as { reason: string }).reason}`
      )
    })
    return Effect.forever(
      Effect.catch(Effect.scoped(life), (error) => {
        // a worker that is shared may die under a bank that is being built
        count(`spawn failed: ${error.reason}`)
        if (error.reason !== "WorkerFailed") violation(`bank ${this.bank} could not be spawned: ${error.message}`)
        return Effect.sleep(10)
      })
    )
  })
}

/** Calls a bank until it answers. */
const insist = <A, E>(
  branch: Branch,
  what: string,
  call: (ref: Ref) => Effect.Effect<A, E | ActorError>
): Effect.Effect<A> =>
  bounded(
    `${what} of bank ${branch.bank}`,
    Effect.retry(
      Effect.suspend(() => branch.ref === undefined ? Effect.fail(undefined) : call(branch.ref)),
      Schedule.spaced("10 millis")
    ).pipe(Effect.orDie)
  )

// ---- the clients ----

let attempts = 0
let transfers = 0

type Told = "done" | "refused" | "notRun" | "perhaps"

/** What the exit of a call says of it. */
const read = (exit: Exit.Exit<unknown, unknown>, kind: string, fate: Fate, wasInterrupted: boolean): Told => {
  if (Exit.isSuccess(exit)) {
    count(`${kind}: success`)
    return "done"
  }
  if (Cause.hasInterruptsOnly(exit.cause)) {
    if (!wasInterrupted) violation(`a ${kind} was interrupted, and not by its caller`)
    count(`${kind}: interrupted`)
    return "perhaps"
  }
  const error = Cause.squash(exit.cause) as {
    readonly _tag?: string
    readonly actor?: string
    readonly outcome?: string
    readonly reason?: string
    readonly message?: string
  }
  switch (error._tag) {
    case "Insufficient":
      count(`${kind}: Insufficient`)
      return "refused"
    case "ActorExited":
      if (error.actor === "Teller") violation(`a teller has ended: ${error.message}`)
      count(`${kind}: ActorExited ${error.outcome} (${error.reason})`)
      return error.outcome === "NotRun" ? "notRun" : "perhaps"
    default:
      if (fate !== "defect" || error.message !== "a defect of the soak") {
        violation(`a ${kind} failed with ${Cause.pretty(exit.cause)}`)
      }
      count(`${kind}: defect`)
      return "perhaps"
  }
}

type Tellers = ReadonlyArray<Effect.Success<ReturnType<typeof Teller.spawn>>>

/** One half of a transfer, tried once; sometimes its caller loses patience. */
const attempt = Effect.fnUntraced(function*(
  ledger: Ledger,
  tellers: Tellers,
  branch: Branch,
  kind: "withdraw" | "deposit",
  move: { readonly transfer: number; readonly account: number; readonly amount: number }
) {
  const { life, ref } = branch
  if (ref === undefined) return yield* Effect.as(Effect.sleep(5), "notRun" as Told)
  const number = attempts++
  const fate = chooseFate()
  const patience = random() < 0.05 ? below(8) : undefined
  const teller = random() < 0.5 ? tellers[below(tellers.length)] : undefined
  const payload = { ...move, attempt: number, fate }
  const call: Effect.Effect<number, unknown> = teller === undefined
    ? ref[kind](payload)
    : Effect.scoped(teller.move({ bank: ref, number: branch.bank, life, kind, move: payload }))
  if (teller !== undefined) count("calls by tellers")
  const fiber = yield* Effect.forkChild(bounded(`${kind} ${number}`, call), { startImmediately: true })
  if (patience !== undefined) {
    if (patience > 0) yield* Effect.sleep(patience)
    else yield* Effect.yieldNow
    yield* Fiber.interrupt(fiber)
  }
  const told = read(yield* Fiber.await(fiber), kind, fate, patience !== undefined)
  ledger.note(
    branch.bank,
    number,
    `${move.transfer}${kind === "withdraw" ? "w" : "d"}`,
    kind === "deposit",
    told === "perhaps" ? undefined : told !== "notRun"
  )
  return told
})

const transfer = Effect.fnUntraced(function*(ledger: Ledger, tellers: Tellers, branches: ReadonlyArray<Branch>) {
  const from = branches[below(banks)]!
  const to = branches[below(banks)]!
  const number = transfers++
  const amount = 1 + below(50)
  yield* attempt(ledger, tellers, from, "withdraw", { transfer: number, account: below(accounts), amount })
  // what the withdrawal came to is not taken from its answer but from the journal; the ledger compares the two
  if (!ledger.isApplied(from.bank, `${number}w`)) {
    count("transfers: not made")
    return
  }
  const account = below(accounts)
  const deadline = performance.now() + hangMillis
  while (!ledger.isApplied(to.bank, `${number}d`)) {
    const told = yield* attempt(ledger, tellers, to, "deposit", { transfer: number, account, amount })
    if (told === "notRun") yield* Effect.sleep(5)
    if (performance.now() > deadline) {
      violation(`transfer ${number} cannot be finished`)
      return
    }
  }
  count("transfers: made")
})

/** A computation that its caller may not wait for: polite ones look for their interruption, the others cost their worker. */
const compute = Effect.fnUntraced(function*(branch: Branch) {
  const { ref } = branch
  if (ref === undefined) return
  const isPolite = placement === "threads" && random() < 0.8
  const isTooLong = placement !== "memory" && random() < 0.2
  const call = bounded("compute", ref.compute({ millis: isTooLong ? isPolite ? 1_000 : 5_000 : 2, isPolite }))
  const exit = yield* Effect.exit(isTooLong ? Effect.timeoutOption(call, "20 millis") : call)
  read(exit, "compute", "none", false)
})

/** A stream of which not everything is read. */
const stream = Effect.fnUntraced(function*(branch: Branch) {
  const { ref } = branch
  if (ref === undefined) return
  const wanted = 1 + below(2_000)
  const items = ref.count({ to: 2_000 }).pipe(Stream.take(wanted), Stream.runCollect)
  const exit = yield* Effect.exit(bounded("count", items))
  read(exit, "count", "none", false)
  if (Exit.isSuccess(exit) && (exit.value.length !== wanted || exit.value.some((item, i) => item !== i + 1))) {
    violation(`a stream of ${wanted} items came as ${exit.value.length}, or out of order`)
  }
})

/** Ends a bank from outside, for good; its branch opens it again. */
const end = (branch: Branch): Effect.Effect<void> => {
  const { ref } = branch
  if (ref === undefined) return Effect.void
  const how = below(3)
  return bounded(
    `ending bank ${branch.bank} (${how})`,
    how === 0 ? ActorRef.kill(ref) : ActorRef.stop(ref, { drain: how === 1 })
  )
}

const client = (
  ledger: Ledger,
  tellers: Tellers,
  branches: ReadonlyArray<Branch>,
  until: number
): Effect.Effect<void> =>
  Effect.gen(function*() {
    while (performance.now() < until && goesOn()) {
      const x = random()
      const branch = branches[below(banks)]!
      if (x < 0.97) yield* transfer(ledger, tellers, branches)
      else if (x < 0.985) yield* stream(branch)
      else if (x < 0.9985) yield* compute(branch)
      else yield* end(branch)
    }
  })

// ---- the run ----

const quiet = Logger.layer([
  Logger.make(({ logLevel, message }) => {
    const text = String(message)
    count(
      text.includes("is killed")
        ? "log: killed after interruptTimeout"
        : logLevel === "Error"
        ? "log: crash"
        : "log: other"
    )
  })
])

const system = (workers: "dedicated" | number): Layer.Layer<ActorSystem> => {
  const options = { workers, interruptTimeout: "300 millis", module: new URL("bank.ts", import.meta.url) } as const
  const layer: Layer.Layer<ActorSystem> = placement === "threads"
    ? NodeActorSystem.layerThreads(options)
    : placement === "processes"
    ? NodeActorSystem.layerProcesses(options)
    : ActorSystem.layer(behaviours, { interruptTimeout: "300 millis" })
  return Layer.provide(layer, quiet)
}

const line = (elapsed: number, holdings: Holdings): string => {
  const { children, descriptors, heapMb, listeners, rssMb, threads } = holdings
  return `${String(Math.round(elapsed / 1_000)).padStart(5)} s  ${attempts} calls, ${
    report.counts.get("transfers: made") ?? 0
  } transfers, ` +
    `${
      report.counts.get("log: crash") ?? 0
    } crashes; heap ${heapMb} MB, rss ${rssMb} MB, ${descriptors} descriptors, ` +
    `${threads} threads, ${children} children, ${listeners} listeners`
}

const directory = fs.mkdtempSync(path.join(os.tmpdir(), "uactor-soak-"))
const before = measure()
let warm: Holdings | undefined
let last = before

const run = Effect.gen(function*() {
  const ledger = new Ledger(directory, banks, accounts, initialBalance, violation)
  const branches = Array.from({ length: banks }, (_, bank) => new Branch(bank, directory))
  for (const [from, to, workers] of [[0, sharing, "dedicated"], [sharing, banks, 2]] as const) {
    const context = yield* Layer.build(system(workers))
    for (const branch of branches.slice(from, to)) {
      yield* Effect.forkScoped(Effect.provide(branch.keep, context))
    }
  }
  const atCounters = yield* Effect.provide(
    Effect.forEach(Array.from({ length: tellers }), () => Teller.spawn()),
    yield* Layer.build(system("dedicated"))
  )
  for (const branch of branches) yield* insist(branch, "opening", (ref) => ref.balances())
  const start = performance.now()
  const length = minutes * 60_000
  let printed = -Infinity
  while (performance.now() - start < length && goesOn()) {
    const until = Math.min(performance.now() + epochMillis, start + length)
    yield* Effect.forEach(
      Array.from({ length: clients }),
      () => client(ledger, atCounters, branches, until),
      { concurrency: "unbounded", discard: true }
    )
    ledger.audit()
    ledger.compact()
    count("audits")
    for (const branch of branches) {
      yield* insist(branch, "compacted", (ref) => ref.compacted())
      const balances = yield* insist(branch, "balances", (ref) => ref.balances())
      if (balances.join() !== ledger.accounts[branch.bank]!.join()) {
        violation(
          `bank ${branch.bank} has ${balances.join()} in its memory, its journal says ${
            ledger.accounts[branch.bank]!.join()
          }`
        )
      }
    }
    const elapsed = performance.now() - start
    last = measure()
    if (warm === undefined && elapsed > length / 5) warm = last
    if (elapsed - printed > 30_000) {
      printed = elapsed
      console.log(line(elapsed, last))
    }
  }
}).pipe(Effect.scoped, Effect.provide(quiet))

console.log(`soak: ${placement}, ${minutes} min, seed ${seed}, node ${process.version}, pid ${process.pid}`)
const started = performance.now()
const exit = await Effect.runPromiseExit(run)
if (Exit.isFailure(exit)) violation(`the soak itself failed: ${Cause.pretty(exit.cause)}`)
fs.rmSync(directory, { recursive: true, force: true })
const after = measure()
for (const text of grown(warm ?? before, last)) violation(`after warming up, ${text}`)
report.checkLeft(before, after)

const table = (rows: ReadonlyArray<readonly [string, ...ReadonlyArray<string | number>]>): void => {
  for (const [name, ...cells] of rows) {
    console.log(name.padEnd(44) + cells.map((cell) => String(cell).padStart(12)).join(""))
  }
}
console.log("")
table([
  ["calls", attempts],
  ...report.rows,
  ["slowest call, ms", Math.round(report.slowest)],
  ["violations", report.violations]
])
console.log("")
table([
  ["", "before", "warm", "end", "closed"],
  ...(Object.keys(before) as Array<keyof Holdings>).map((key) =>
    [key, before[key], (warm ?? before)[key], last[key], after[key]] as const
  )
])
console.log(
  `\n${report.verdict} after ${Math.round((performance.now() - started) / 1_000)} s (seed ${seed})`
)
report.end()
