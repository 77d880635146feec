/**
 * A random model of calls and deaths. Calls, tells and streams are made in bursts, directly, through references that another actor
 * handed on, and to an actor that another one has for itself; values cannot be sent, bytes are handed over twice, callers lose patience,
 * handlers block, exit, throw and hang up, and actors are killed. Whatever happens, every call settles, a call that was reported as
 * `NotRun` has not begun, then or later, and none begins twice that is not idempotent. What has begun is in a journal on disk.
 *
 * `SEED` repeats a run as far as what is chosen follows from it; `RANDOM_SECONDS` is how long a run takes on each placement.
 */
import { assert, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Logger, Random, Schedule, Scope, Stream } from "effect"
import { ActorExited, MailboxFull, ProtocolError } from "../../../src/ActorError.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as Supervision from "../../../src/Supervision.ts"
import * as Journal from "../../contract/support/journal.ts"
import { onEveryPlacement, type Placement } from "../../contract/support/placements.ts"
import behaviours, { type Fate, Middleman, Victim } from "./victim.ts"

const fixture = { module: new URL("./victim.ts", import.meta.url), behaviours }

const seed = process.env["SEED"] ?? String(Math.floor(Math.random() * 1e6))
const seconds = Number(process.env["RANDOM_SECONDS"] ?? 20)
// nothing may take longer, on a loaded machine either
const hangMillis = 60_000

// the reports of crashes are not for the screen
const quiet = Effect.provide(Logger.layer([]))

type Ref = Effect.Success<ReturnType<typeof Victim.spawn>>

/** A call that was made, and what became of it. */
interface Call {
  readonly id: number
  readonly what: string
  readonly isIdempotent: boolean
  readonly fiber: Fiber.Fiber<unknown, unknown>
}

/** Dice of their own for each run. */
const dice = (seed: string) => {
  const random = Effect.runSync(Random.withSeed(Effect.service(Random.Random), seed))
  const below = (n: number): number => Math.floor(random.nextDoubleUnsafe() * n)
  return {
    below,
    chance: (probability: number): boolean => random.nextDoubleUnsafe() < probability,
    pick: <A>(items: ReadonlyArray<A>): A => items[below(items.length)]!
  }
}

type Dice = ReturnType<typeof dice>

const fatesOf = ({ isMemory, name }: Placement): ReadonlyArray<Fate> => [
  ...Array.from({ length: 12 }, () => "return" as const),
  "yield",
  "yield",
  "sleep",
  "sleep",
  "block",
  "unsendable",
  "unsendable",
  "die",
  // would end the program
  ...(isMemory ? [] : ["exit", "throw", "hangUp"] as const),
  ...(name === "processes" ? ["sigkill"] as const : [])
]

const methods = ["work", "work", "work", "finish", "fork", "repeat", "accept", "move", "items"] as const

const make = (
  random: Dice,
  ref: Ref,
  id: number,
  fate: Fate
): readonly [what: string, call: Effect.Effect<unknown, unknown>] => {
  const method = random.pick(methods)
  const discard = random.chance(0.25)
  const options = discard ? { discard } : undefined
  const what = `${discard ? "tell" : "call"} of ${method}, to ${fate}`
  switch (method) {
    case "accept":
      return [what, ref.accept({ id, fate, value: random.chance(0.3) ? () => 1 : { n: id } }, options)]
    case "move": {
      const bytes = new Uint8Array(16)
      if (random.chance(0.2)) structuredClone(bytes, { transfer: [bytes.buffer] })
      return [what, ref.move({ id, fate, bytes }, options)]
    }
    case "items":
      return [what, Stream.runDrain(ref.items({ id, fate }))]
    default:
      return [what, ref[method]({ id, fate }, options)]
  }
}

/** One run: some actors, some bursts of calls, and the end of all of them. Returns what was wrong. */
const run = (placement: Placement, random: Dice) =>
  Effect.gen(function*() {
    const journal = yield* Journal.make
    const args = { journal: journal.path }
    const fates = fatesOf(placement)
    // an idempotent call that ends its worker ends each of them
    const restarting = Supervision.make({ schedule: Schedule.spaced(1), maxRestarts: 5 })
    const scope = yield* Scope.make()
    const calls: Array<Call> = []
    let id = 0
    const play = Effect.gen(function*() {
      const spawn = Victim.spawn(args)
      const own: Array<Ref> = []
      for (let i = 0; i < 3; i++) {
        own.push(yield* random.chance(0.6) ? Supervision.supervised(spawn, restarting) : spawn)
      }
      const middleman = yield* Middleman.spawn(args)
      const keeper = yield* Middleman.spawn(args)
      yield* keeper.keep({ victim: own[0]! })
      const refs = [...own, ...own, yield* middleman.own(), yield* keeper.kept()]
      const bursts = 3 + random.below(6)
      for (let burst = 0; burst < bursts; burst++) {
        // mostly to one, so that many wait behind what blocks or ends it
        const favourite = random.pick(refs)
        for (let n = random.below(30); n >= 0; n--) {
          const ref = random.chance(0.7) ? favourite : random.pick(refs)
          const [what, effect] = make(random, ref, ++id, random.pick(fates))
          const fiber = yield* Effect.forkDetach(effect, { startImmediately: true })
          calls.push({ id, what, isIdempotent: what.includes("repeat"), fiber })
          if (random.chance(0.05)) yield* Effect.forkDetach(Fiber.interrupt(fiber))
        }
        if (random.chance(0.25)) yield* Effect.forkDetach(ActorRef.kill(random.pick(refs)))
        if (random.chance(0.05)) yield* Effect.forkDetach(ActorRef.kill(random.pick([middleman, keeper])))
        if (random.chance(0.1)) {
          yield* Effect.forkDetach(ActorRef.stop(random.pick(refs), { drain: random.chance(0.5) }))
        }
        for (let turns = random.below(4); turns > 0; turns--) yield* Effect.yieldNow
        if (random.chance(0.5)) yield* Effect.sleep(random.below(10))
      }
    })
    // an actor may have ended before it was asked for what it hands out
    yield* Effect.exit(Scope.provide(play, scope))
    const wrong: Array<string> = []
    const settled = yield* Effect.timeoutOption(
      Effect.forEach(calls, ({ fiber }) => Fiber.await(fiber), { concurrency: "unbounded" }),
      hangMillis
    )
    if (settled._tag === "None") {
      return calls.filter(({ fiber }) => fiber.pollUnsafe() === undefined).map(({ id, what }) =>
        `${id} (${what}) hangs`
      )
    }
    yield* Effect.exit(Scope.close(scope, Exit.void))
    const begun = new Map<number, number>()
    for (const line of yield* journal.lines) begun.set(Number(line), (begun.get(Number(line)) ?? 0) + 1)
    settled.value.forEach((exit, i) => {
      const { id, isIdempotent, what } = calls[i]!
      const times = begun.get(id) ?? 0
      if (times > 1 && !isIdempotent) wrong.push(`${id} (${what}) has begun ${times} times`)
      if (Exit.isSuccess(exit)) {
        if (times === 0 && what.startsWith("call")) wrong.push(`${id} (${what}) was answered and has not begun`)
        return
      }
      const error = Cause.squash(exit.cause)
      const isOurs = error instanceof ActorExited || error instanceof ProtocolError || error instanceof MailboxFull
      if (isOurs && error.outcome === "NotRun" && times > 0) wrong.push(`${id} (${what}) has begun: ${error.message}`)
    })
    return wrong
  }).pipe(Effect.scoped)

onEveryPlacement(fixture, (placement) => {
  it.live(
    "C1: whatever ends, each call settles, no NotRun call has started, and no call starts twice",
    () =>
      Effect.gen(function*() {
        const deadline = performance.now() + seconds * 1_000
        for (let n = 0; n === 0 || performance.now() < deadline; n++) {
          const random = dice(`${seed}/${n}`)
          const workers = random.pick(["dedicated", 1, 2] as const)
          const wrong = yield* Effect.provide(
            run(placement, random),
            placement.layer({ workers, interruptTimeout: "1 second" })
          )
          assert.deepStrictEqual(wrong, [], `run ${n} of SEED=${seed}, workers: ${workers}`)
        }
      }).pipe(quiet),
    seconds * 1_000 + 3 * hangMillis
  )
})
