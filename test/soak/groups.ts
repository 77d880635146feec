/**
 * `npm run soak:groups -- --minutes 10 [--seed 1] [--placement threads|processes|memory]`
 *
 * Random work for groups of actors that crash, stop themselves and exit. Time is divided into epochs. Each has a group of its own, with a
 * random strategy, and members with random policies on dedicated or shared workers. Each player notes a call in a journal before it does
 * anything. After an epoch, nothing is under way, and everything is audited.
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
import { ActorExited } from "../../src/ActorError.ts"
import * as ActorRef from "../../src/ActorRef.ts"
import { ActorSystem } from "../../src/ActorSystem.ts"
import * as NodeActorSystem from "../../src/node/NodeActorSystem.ts"
import * as Supervision from "../../src/Supervision.ts"
import * as Random from "../random.ts"
import * as Flags from "./flags.ts"
import { grown, type Holdings, measure } from "./gauges.ts"
import behaviours, { type Fate, Player } from "./player.ts"
import { Report } from "./report.ts"

const clients = 8
const epochMillis = 2_000

const flags = Flags.read("soak:groups")
const { minutes, placement, seed } = flags

const random = Random.make(seed)
const oneOf = <A>(items: ReadonlyArray<A>): A => items[Math.floor(random() * items.length)]!

const report = new Report(flags, () => `; members: ${JSON.stringify(current)}`)
const { bounded, count, goesOn, violation } = report

const directory = fs.mkdtempSync(path.join(os.tmpdir(), "uactor-soak-groups-"))
const journal = path.join(directory, "journal")
fs.writeFileSync(journal, "")
let attempts = 0
/** by attempt, whether the call ran; `undefined`: the caller was not told */
const told = new Map<number, boolean | undefined>()

/** the members of the group of this epoch */
let current: ReadonlyArray<object> = []

type Member = Effect.Success<ReturnType<typeof Player.spawn>>

const chooseFate = (): Fate => {
  const x = random()
  if (x < 0.1) return "slow"
  if (x < 0.105) return "crash"
  if (x < 0.1055) return "stop"
  return x < 0.109 && placement !== "memory" ? "exit" : "none"
}

/** One call, whose answer is noted; it fails if the call did. */
const call = (member: Member): Effect.Effect<void, unknown> =>
  Effect.suspend(() => {
    const attempt = attempts++
    const fate = chooseFate()
    return Effect.onExit(bounded(`call ${attempt}`, member.play({ attempt, fate })), (exit) =>
      Effect.sync(() => {
        const error = Exit.isSuccess(exit) ? undefined : Cause.squash(exit.cause)
        count(
          `call: ${
            error instanceof ActorExited ? `${error.reason} ${error.outcome}` : Exit.isSuccess(exit) ? "success" : "?"
          }`
        )
        if (error !== undefined && !(error instanceof ActorExited)) {
          violation(`a call failed with ${Cause.pretty(Cause.die(error))}`)
        }
        told.set(attempt, error === undefined ? true : (error as ActorExited).outcome === "NotRun" ? false : undefined)
      }))
  })

const audit = (): void => {
  const times = new Map<number, number>()
  for (const line of fs.readFileSync(journal, "utf8").split("\n").slice(0, -1)) {
    times.set(Number(line), (times.get(Number(line)) ?? 0) + 1)
  }
  for (const [attempt, ran] of told) {
    const n = times.get(attempt) ?? 0
    if (n > 1) violation(`call ${attempt} has begun ${n} times`)
    if (ran === false && n > 0) violation(`call ${attempt} was reported as NotRun, and it has begun`)
    if (ran === true && n === 0) violation(`call ${attempt} was answered, and it has never begun`)
  }
  told.clear()
  fs.writeFileSync(journal, "")
  count("audits")
}

/** A group, its members, and clients that call them. */
const epoch: Effect.Effect<void, unknown, ActorSystem> = Effect.gen(function*() {
  const strategy = oneOf(["one-for-one", "one-for-all", "rest-for-one"] as const)
  const maxRestarts = oneOf(["unbounded", "unbounded", "unbounded", 5] as const)
  const group = yield* Supervision.group({ strategy, maxRestarts, schedule: Schedule.spaced(oneOf([1, 10])) })
  const spawn = Effect.suspend(() =>
    Supervision.supervised(
      Player.spawn({ journal }),
      Supervision.make({ restart: oneOf(["on-death", "on-death", "always", "on-defect", "never"]) })
    )
  )
  const spawns = Effect.replicateEffect(bounded("a spawn", spawn), oneOf([2, 3, 4]))
  const members = yield* Supervision.supervised(spawns, group)
  current = members
  count(strategy)
  const ends = yield* Effect.forEach(
    members,
    (member) => Effect.forkChild(Stream.runCollect(ActorRef.watch(member)), { startImmediately: true })
  )
  const until = performance.now() + epochMillis
  const client = Effect.gen(function*() {
    while (performance.now() < until && goesOn()) {
      const exit = yield* Effect.exit(call(oneOf(members)))
      if (Exit.isFailure(exit)) {
        yield* Effect.sleep(1)
      }
    }
  })
  yield* Effect.all(
    Array.from({ length: clients }, () => client),
    { concurrency: "unbounded", discard: true }
  )
  // members that live answer in the end; the others have ended
  const final = yield* Effect.forEach(
    members,
    (member) => Effect.exit(bounded("a last call", Effect.retry(call(member), { times: 3 }))),
    { concurrency: "unbounded" }
  )
  const isStopped = oneOf([true, false])
  if (isStopped) yield* bounded("a stop", Effect.forEach(members, (member) => ActorRef.stop(member)))
  for (const [i, fiber] of ends.entries()) {
    if (!isStopped && Exit.isSuccess(final[i]!)) {
      yield* Fiber.interrupt(fiber)
      continue
    }
    if (!isStopped) continue
    const all = yield* bounded("the ends of a member", Fiber.join(fiber))
    count("restarts", all.length - 1)
    all.forEach(({ restarts }, n) => {
      if (restarts !== n < all.length - 1) violation(`end ${n + 1} of ${all.length} says restarts: ${restarts}`)
    })
  }
}).pipe(Effect.scoped)

// ---- the run ----

const quiet = Logger.layer([Logger.make(({ logLevel }) => count(`log: ${logLevel}`))])
const options = { module: new URL("player.ts", import.meta.url) } as const
const systemOf = (workers: "dedicated" | number): Layer.Layer<ActorSystem> =>
  placement === "threads"
    ? NodeActorSystem.layerThreads({ ...options, workers })
    : placement === "processes"
    ? NodeActorSystem.layerProcesses({ ...options, workers })
    : ActorSystem.layer(behaviours)

const before = measure()
let warm: Holdings | undefined
let last = before

const run = Effect.gen(function*() {
  const start = performance.now()
  const length = minutes * 60_000
  while (performance.now() - start < length && goesOn()) {
    yield* Effect.provide(epoch, systemOf(oneOf(["dedicated", 1, 2])))
    audit()
    last = measure()
    if (warm === undefined && performance.now() - start > length / 5) warm = last
  }
}).pipe(Effect.provide(quiet))

console.log(`soak of groups: ${placement}, ${minutes} min, seed ${seed}, node ${process.version}, pid ${process.pid}`)
const exit = await Effect.runPromiseExit(run)
if (Exit.isFailure(exit)) violation(`the soak itself failed: ${Cause.pretty(exit.cause)}`)
fs.rmSync(directory, { recursive: true, force: true })
for (const text of grown(warm ?? before, last)) violation(`after warming up, ${text}`)
report.checkLeft(before, measure())
for (const [name, n] of report.rows) console.log(name.padEnd(52) + String(n).padStart(10))
console.log(`calls ${attempts}; ${report.verdict} with ${report.violations} violations (seed ${seed})`)
report.end()
