import { assert, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Layer, Logger, Schedule, Stream } from "effect"
import { ActorExited, ProtocolError, SpawnError } from "../../../src/ActorError.ts"
import * as ActorPool from "../../../src/ActorPool.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as Supervision from "../../../src/Supervision.ts"
import * as ActorTest from "../../../src/testing/ActorTest.ts"
import { exitedOf, forked } from "../../contract/support/asserts.ts"
import * as Journal from "../../contract/support/journal.ts"
import { onEveryPlacement, type Placement } from "../../contract/support/placements.ts"
import { type Cell, cells, type Ending } from "./matrix.ts"
import behaviours, { side, Victim } from "./victim.ts"

const fixture = { module: new URL("./victim.ts", import.meta.url), behaviours }
side.isCaller = true

// the reports of crashes are not for the screen
const quiet = Effect.provide(Logger.layer([]))

type Ref = Effect.Success<ReturnType<typeof Victim.spawn>>

const endingOf = (exit: Exit.Exit<unknown, unknown>): Ending => {
  if (Exit.isSuccess(exit)) return "answered"
  const error = Cause.squash(exit.cause)
  if (error instanceof ActorExited) return `ActorExited ${error.reason} ${error.outcome}` as Ending
  if (error instanceof ProtocolError) return `ProtocolError ${error.outcome}` as Ending
  if (error instanceof SpawnError) return `SpawnError ${error.reason}` as Ending
  assert.isTrue(Cause.hasDies(exit.cause), `neither a defect nor an error of ours: ${Cause.pretty(exit.cause)}`)
  return "defect"
}

const assertOneOf = (exit: Exit.Exit<unknown, unknown>, endings: ReadonlyArray<Ending>): Ending => {
  const ending = endingOf(exit)
  assert.include(endings, ending, Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "")
  return ending
}

/** A victim with what is asked of it, before that has begun. */
interface Scene {
  readonly victim: Ref
  readonly operate: Effect.Effect<unknown, unknown>
  /** goes to the victim behind the operation, if it can be made to wait there */
  readonly behind: Effect.Effect<unknown, unknown> | undefined
  /** goes to another worker of the same pool */
  readonly beside: Effect.Effect<unknown, unknown> | undefined
}

const sceneOf = ({ harmful, operation }: Cell, journal: string) =>
  Effect.gen(function*() {
    const what = harmful.harm
    const args = { journal, onBuild: "none", onClose: "none" } as const
    switch (operation) {
      case "pool call": {
        const pool = yield* ActorPool.make(Victim, { size: 2, args })
        const [victim, other] = yield* pool.members
        return {
          victim: victim!,
          operate: pool.client.harm({ what }),
          behind: victim!.echo({ n: 7 }),
          beside: other!.echo({ n: 8 })
        }
      }
      case "broadcast": {
        const pool = yield* ActorPool.make(Victim, { size: 2, args })
        const [victim] = yield* pool.members
        return {
          victim: victim!,
          operate: Effect.gen(function*() {
            const [first, second] = yield* pool.broadcastExit((member) =>
              member === victim ? member.harm({ what }) : member.echo({ n: 8 })
            )
            assert.deepStrictEqual(second, Exit.succeed(8))
            return yield* first!
          }),
          behind: victim!.echo({ n: 7 }),
          beside: undefined
        }
      }
      default: {
        const victim = yield* Victim.spawn({ ...args, onClose: operation === "close" ? what : "none" })
        const operate: Effect.Effect<unknown, unknown> = operation === "close"
          ? ActorRef.stop(victim)
          : operation === "tell"
          ? victim.harm({ what }, { discard: true })
          : operation === "stream"
          ? Effect.gen(function*() {
            const seen: Array<number> = []
            const exit = yield* Effect.exit(
              Stream.runForEach(victim.stream({ what }), (n) => Effect.sync(() => seen.push(n)))
            )
            // what has been seen is what was sent, as far as it came
            assert.deepStrictEqual(seen, [1, 2, 1].slice(0, seen.length))
            if (Exit.isSuccess(exit)) assert.strictEqual(seen.length, 3)
            return yield* exit
          })
          : victim.harm({ what })
        return {
          victim,
          operate,
          behind: operation === "call" || operation === "stream" ? victim.echo({ n: 7 }) : undefined,
          beside: undefined
        }
      }
    }
  }) satisfies Effect.Effect<Scene, unknown, unknown>

// the bystander has worker 0
const victimsWorker = 1

const systemOf = (placement: Placement, { harmful }: Cell, onFault: (fault: ActorTest.Fault) => void) =>
  ActorTest.faults({ heartbeat: "1 minute", ...harmful.faults, workers: [victimsWorker], onFault }).pipe(
    Layer.provide(placement.layer(
      harmful.harm === "outOfMemory"
        ? { heapMb: 48 }
        : {}
    ))
  )

/** Does to the worker from outside what the cell says, once what it is asked has begun. */
const strike = ({ harmful }: Cell, journal: Journal.Journal): Effect.Effect<void> =>
  Effect.gen(function*() {
    if (harmful.signal === undefined) return
    const first = yield* journal.first
    process.kill(Number(first.split(" ")[1]), harmful.signal)
  })

/** Another actor, on another worker, which is to go on whatever happens. */
const spawnBystander = (journal: Journal.Journal) =>
  Effect.gen(function*() {
    const bystander = yield* Victim.spawn({ journal: journal.path, onBuild: "none", onClose: "none" })
    let n = 0
    const answers = Effect.suspend(() => {
      const mine = ++n
      return Effect.map(bystander.echo({ n: mine }), (answer) => assert.strictEqual(answer, mine))
    })
    yield* answers
    // all the time, not only before and after
    const going = yield* forked(Effect.repeat(answers, Schedule.spaced("20 millis")))
    return {
      assertWell: Effect.gen(function*() {
        assert.isUndefined(going.pollUnsafe(), "the bystander went on")
        yield* answers
      })
    }
  })

/** The caller, the bystander and the watcher of an actor that nobody restarts. */
const unsupervised = (placement: Placement, cell: Cell) => {
  const { endings, harmful, operation } = cell
  const faults: Array<ActorTest.Fault> = []
  return Effect.gen(function*() {
    const journal = yield* Journal.make
    const bystander = yield* spawnBystander(journal)
    if (operation === "spawn") {
      const args = { journal: journal.path, onBuild: harmful.harm, onClose: "none" } as const
      const spawning = yield* forked(Victim.spawn(args))
      yield* strike(cell, journal)
      assertOneOf(yield* Fiber.await(spawning), endings)
      return yield* bystander.assertWell
    }
    const spawned = yield* Effect.exit(sceneOf(cell, journal.path))
    if (Exit.isFailure(spawned)) {
      assert.isTrue(harmful.isAsynchronous, Cause.pretty(spawned.cause))
      assertOneOf(spawned, harmful.endings)
      return yield* bystander.assertWell
    }
    const { behind, beside, operate, victim } = spawned.value
    const watcher = yield* forked(ActorRef.awaitExit(victim))
    const caller = yield* forked(operate)
    const waiting = behind === undefined ? undefined : yield* forked(behind)
    const besides = beside === undefined ? undefined : yield* forked(beside)
    yield* strike(cell, journal)
    const ending = assertOneOf(yield* Fiber.await(caller), endings)
    if (ending.endsWith("NotRun")) assert.deepStrictEqual(yield* journal.lines, [])
    if (waiting !== undefined) assertOneOf(yield* Fiber.await(waiting), harmful.behind)
    if (besides !== undefined) assert.deepStrictEqual(yield* Fiber.await(besides), Exit.succeed(8))
    const isHarmed = harmful.isAsynchronous ? faults.length > 0 : harmful.reason !== undefined
    if (!isHarmed && operation !== "close") {
      // a fault that has not come yet may come now
      assertOneOf(yield* Effect.exit(victim.echo({ n: 9 })), harmful.behind)
      yield* ActorRef.stop(victim)
    }
    const end = yield* Fiber.join(watcher)
    if (Exit.isFailure(end)) assert.strictEqual(exitedOf(end).reason, harmful.reason)
    // an actor that is being closed has been stopped, whatever became of its worker
    else if (isHarmed) assert.strictEqual(operation, "close")
    yield* bystander.assertWell
  }).pipe(
    // a pool replaces its members unless it is told not to
    operation === "pool call" || operation === "broadcast"
      ? Supervision.supervised(Supervision.make({ maxRestarts: 0 }))
      : (self) => self,
    Effect.scoped,
    Effect.provide(systemOf(placement, cell, (fault) => faults.push(fault)))
  )
}

/** The supervisor of an actor. */
const supervised = (placement: Placement, cell: Cell) =>
  Effect.gen(function*() {
    const { endings, harmful, operation } = cell
    const journal = yield* Journal.make
    const bystander = yield* spawnBystander(journal)
    const sound = { journal: journal.path, onBuild: "none", onClose: "none" } as const
    const isAnswering = (victim: Ref) =>
      // what is under way when the worker dies may be lost with it, and the next one is not
      Effect.map(Effect.retry(victim.echo({ n: 9 }), { times: 3 }), (answer) => assert.strictEqual(answer, 9))
    if (operation === "spawn") {
      const spawning = yield* forked(Effect.exit(Victim.spawn({ ...sound, onBuild: harmful.harm })))
      yield* strike(cell, journal)
      const exit = yield* Fiber.join(spawning)
      assertOneOf(exit, endings)
      // a spawn that fails is no restart, and the next one is sound
      yield* isAnswering(Exit.isSuccess(exit) ? exit.value : yield* Victim.spawn(sound))
      return yield* bystander.assertWell
    }
    const spawned = yield* Effect.exit(sceneOf(cell, journal.path))
    if (Exit.isFailure(spawned)) {
      assert.isTrue(harmful.isAsynchronous, Cause.pretty(spawned.cause))
      yield* isAnswering(yield* Victim.spawn(sound))
      return yield* bystander.assertWell
    }
    const { operate, victim } = spawned.value
    const caller = yield* forked(operate)
    yield* strike(cell, journal)
    // an operation that has not begun goes on with the next incarnation
    assertOneOf(yield* Fiber.await(caller), endings)
    if (operation === "close") {
      assert.strictEqual(exitedOf(yield* Effect.exit(victim.echo({ n: 9 }))).outcome, "NotRun")
      yield* ActorRef.awaitExit(victim)
    } else {
      yield* isAnswering(victim)
    }
    yield* bystander.assertWell
  }).pipe(
    Supervision.supervised(Supervision.make({ schedule: Schedule.spaced("1 millis"), maxRestarts: 5 })),
    Effect.scoped,
    Effect.provide(systemOf(placement, cell, () => undefined))
  )

onEveryPlacement(fixture, (placement) => {
  for (const cell of cells(placement.name)) {
    it.live(`F1: ${cell.operation} × ${cell.harmful.name} settles, and affects no other actor`, () =>
      quiet(Effect.andThen(unsupervised(placement, cell), supervised(placement, cell))))
  }
}, { except: ["memory"], reason: "the handlers of a worker in memory cannot end it" })
