/**
 * `npm run soak:pools -- --minutes 10 [--seed 1] [--placement threads|processes|memory]`
 *
 * Random work for an elastic pool: calls, items of `map`, `submit` and `broadcast`, and tells; while its size is changed, members are
 * killed and exit, values cannot be sent, handlers send messages on the public channels of their worker, observers of calls throw in a
 * program that handles `uncaughtException`, and, in processes, no child can be started for a while. Each clerk notes a call in a journal
 * before it does anything. Time is divided into epochs; after each, nothing is under way, and everything is audited.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import type { ActorError } from "../../src/ActorError.ts"
import * as ActorPool from "../../src/ActorPool.ts"
import * as ActorRef from "../../src/ActorRef.ts"
import { ActorSystem } from "../../src/ActorSystem.ts"
import * as NodeActorSystem from "../../src/node/NodeActorSystem.ts"
import * as Supervision from "../../src/Supervision.ts"
import * as Random from "../random.ts"
import behaviours, { Clerk, type Fate } from "./clerk.ts"
import * as Flags from "./flags.ts"
import { grown, type Holdings, measure } from "./gauges.ts"
import { Report } from "./report.ts"

const clients = 12
const epochMillis = 3_000

const flags = Flags.read("soak:pools")
const { minutes, placement, seed } = flags

const random = Random.make(seed)
const below = (n: number): number => Math.floor(random() * n)

const report = new Report(flags)
const { bounded, count, goesOn, violation } = report

const thrown = new Error("an observer of the soak")
process.on("uncaughtException", (error) => {
  if (error === thrown) return count("observers that threw")
  violation(`uncaught: ${String(error.stack)}`)
})

// ---- what is known of the calls of an epoch ----

const directory = fs.mkdtempSync(path.join(os.tmpdir(), "uactor-soak-pools-"))
const journal = path.join(directory, "journal")
fs.writeFileSync(journal, "")
let attempts = 0
/** by attempt, whether the call ran; `undefined`: the caller was not told */
const told = new Map<number, boolean | undefined>()
const accepted = new Set<number>()

const begun = (): ReadonlyMap<number, number> => {
  const times = new Map<number, number>()
  for (const line of fs.readFileSync(journal, "utf8").split("\n").slice(0, -1)) {
    times.set(Number(line), (times.get(Number(line)) ?? 0) + 1)
  }
  return times
}

/** Whether a call that ended like this ran. */
const read = (exit: Exit.Exit<unknown, unknown>, fate: Fate, what: string): boolean | undefined => {
  if (Exit.isSuccess(exit)) {
    count(`${what}: success`)
    return true
  }
  if (Cause.hasInterruptsOnly(exit.cause)) return undefined
  const error = Cause.squash(exit.cause) as Partial<ActorError> & { readonly message: string; readonly reason?: string }
  if (error._tag === "ActorExited") {
    count(`${what}: ActorExited ${error.outcome} (${error.reason})`)
    // the pool is open, and nobody stops its members
    if (error.reason === "Stopped") violation(`a ${what} failed though its pool lives: ${error.message}`)
    return error.outcome === "NotRun" ? false : undefined
  }
  if (error._tag === "ProtocolError" && fate === "unsendable") {
    count(`${what}: result that cannot be sent`)
    return error.outcome === "NotRun" ? false : undefined
  }
  if (error instanceof TypeError && error.message.includes("cannot be sent")) {
    count(`${what}: payload that cannot be sent`)
    return false
  }
  violation(`a ${what} failed with ${Cause.pretty(exit.cause)}`)
  return undefined
}

const chooseFate = (): Fate => {
  const x = random()
  if (x < 0.05) return "slow"
  if (x < 0.08) return "foreign"
  if (x < 0.12) return "unsendable"
  return x < 0.122 && placement !== "memory" ? "exit" : "none"
}

interface Worker {
  readonly work: (
    task: { readonly attempt: number; readonly fate: Fate; readonly value: unknown },
    options?: { readonly discard: boolean }
  ) => Effect.Effect<unknown, unknown>
}

/** One call, whose answer is noted; it fails if the call did. */
const call = (to: Worker, what: string): Effect.Effect<void, unknown> =>
  Effect.suspend(() => {
    const attempt = attempts++
    const fate = chooseFate()
    const isTell = what === "tell"
    const task = { attempt, fate, value: random() < 0.03 ? () => attempt : undefined }
    const work = isTell ? to.work(task, { discard: true }) : to.work(task)
    return Effect.onExit(bounded(`${what} ${attempt}`, work), (exit) =>
      Effect.sync(() => {
        const ran = read(exit, fate, what)
        if (isTell && ran === true) accepted.add(attempt)
        told.set(attempt, isTell && ran === true ? undefined : ran)
      }))
  })

/** An item: two calls of one member, with something between them. */
const item = (member: Worker, what: string): Effect.Effect<void> =>
  Effect.asVoid(
    Effect.exit(Effect.andThen(call(member, what), Effect.andThen(Effect.sleep(below(5)), call(member, what))))
  )

const audit = (lost: () => number): Effect.Effect<void> =>
  Effect.gen(function*() {
    const deadline = performance.now() + 20_000
    let times = begun()
    const missing = (): number => Array.from(accepted).filter((attempt) => !times.has(attempt)).length
    while (missing() > lost() && performance.now() < deadline) {
      yield* Effect.sleep(20)
      times = begun()
    }
    if (missing() > lost()) violation(`${missing()} accepted tells have not run, and ${lost()} are counted as lost`)
    for (const [attempt, ran] of told) {
      const n = times.get(attempt) ?? 0
      if (n > 1) violation(`call ${attempt} has begun ${n} times`)
      if (ran === false && n > 0) violation(`call ${attempt} was reported as NotRun, and it has begun`)
      if (ran === true && n === 0) violation(`call ${attempt} was answered, and it has never begun`)
    }
    told.clear()
    accepted.clear()
    fs.writeFileSync(journal, "")
    count("audits")
  })

// ---- the run ----

const policy = Supervision.make({ schedule: Schedule.spaced("10 millis"), maxRestarts: 10_000, window: "1 minute" })
const sizes: ReadonlyArray<ActorPool.Size> = [1, 2, 3, { min: 1, max: 4, idleTimeToLive: "50 millis" }]

const quiet = Logger.layer([Logger.make(({ logLevel }) => count(`log: ${logLevel}`))])
const options = { interruptTimeout: "300 millis", module: new URL("clerk.ts", import.meta.url) } as const
const system: Layer.Layer<ActorSystem> = placement === "threads"
  ? NodeActorSystem.layerThreads(options)
  : placement === "processes"
  ? NodeActorSystem.layerProcesses(options)
  : ActorSystem.layer(behaviours, { interruptTimeout: "300 millis" })

const before = measure()
let warm: Holdings | undefined
let last = before

const run = Effect.gen(function*() {
  const pool = yield* Supervision.supervised(
    ActorPool.make(Clerk, { size: sizes.at(-1)!, args: { journal } }),
    policy
  )
  const observed = (what: string): Effect.Effect<void> =>
    Effect.callback((resume) => {
      const fiber = Effect.runFork(Effect.onExit(call(pool.client, what), () => Effect.sync(() => resume(Effect.void))))
      fiber.addObserver(() => {
        throw thrown
      })
    })
  const step = (x: number): Effect.Effect<unknown, unknown> => {
    if (x < 0.4) return call(pool.client, "call")
    if (x < 0.6) return call(pool.client, "tell")
    if (x < 0.65) return Effect.timeoutOption(call(pool.client, "call"), below(6))
    if (x < 0.75) return Stream.runDrain(pool.map([1, 2, 3, 4], (member) => item(member, "item of map")))
    if (x < 0.85) return Effect.flatMap(pool.submit((member) => item(member, "item of submit")), Fiber.join)
    if (x < 0.9) return pool.broadcast((member) => item(member, "item of broadcast"))
    if (x < 0.99) return observed("observed call")
    if (x < 0.998) {
      return Effect.catchTag(pool.resize(sizes[below(sizes.length)]!), "SpawnError", (error) =>
        Effect.sync(() => {
          count(`resize: ${error.reason}`)
          if (error.reason !== "WorkerFailed") {
            violation(`resize failed: ${error.message}`)
          }
        }))
    }
    return Effect.flatMap(pool.members, (members) => ActorRef.kill(members[below(members.length)]!))
  }
  const client = (until: number): Effect.Effect<void> =>
    Effect.gen(function*() {
      while (performance.now() < until && goesOn()) yield* Effect.exit(bounded("a step", step(random())))
    })
  if (placement === "processes") {
    const filler = "UACTOR_SOAK_FILLER"
    // too large for a process to be started with
    const fill = Effect.acquireUseRelease(
      Effect.sync(() => {
        process.env[filler] = "x".repeat(200_000)
      }),
      () => Effect.sleep(200),
      () => Effect.sync(() => void delete process.env[filler])
    )
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(4_000), fill)))
  }
  const start = performance.now()
  const length = minutes * 60_000
  while (performance.now() - start < length && goesOn()) {
    const lostBefore = yield* ActorSystem.lostTells
    const until = Math.min(performance.now() + epochMillis, start + length)
    yield* Effect.forEach(Array.from({ length: clients }), () => client(until), {
      concurrency: "unbounded",
      discard: true
    })
    const service = yield* ActorSystem
    yield* audit(() => service["~uactor/ActorSystem"].lostTells - lostBefore)
    const elapsed = performance.now() - start
    last = measure()
    if (warm === undefined && elapsed > length / 5) warm = last
  }
  // it heals: every call is answered in the end
  yield* bounded(
    "healing",
    Effect.retry(
      // a task without a fault: not each of the others can be answered
      Effect.andThen(pool.resize(2), pool.client.work({ attempt: attempts++, fate: "none", value: undefined })),
      Schedule.spaced(10)
    )
  )
}).pipe(Effect.scoped, Effect.provide(system), Effect.provide(quiet))

console.log(`soak of pools: ${placement}, ${minutes} min, seed ${seed}, node ${process.version}, pid ${process.pid}`)
const exit = await Effect.runPromiseExit(run)
if (Exit.isFailure(exit)) violation(`the soak itself failed: ${Cause.pretty(exit.cause)}`)
fs.rmSync(directory, { recursive: true, force: true })
const after = measure()
for (const text of grown({ ...(warm ?? before), children: 99, threads: 99, descriptors: 999 }, last)) {
  violation(`after warming up, ${text}`)
}
report.checkLeft(before, after)
for (const [name, n] of report.rows) console.log(name.padEnd(52) + String(n).padStart(10))
console.log(`calls ${attempts}; ${report.verdict} with ${report.violations} violations (seed ${seed})`)
report.end()
