/** Restarts that fail before there is an actor: its worker cannot be started, or its build takes too long. */
import { assert, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Layer, Logger, Schedule } from "effect"
import { SpawnError } from "../../../src/ActorError.ts"
import * as ActorPool from "../../../src/ActorPool.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as Supervision from "../../../src/Supervision.ts"
import { assertExited, errorOf, exitedOf, forked, logOf } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement, type Placement } from "../support/placements.ts"
import behaviours, { Bricklayer } from "./actors/restarts.ts"

const fixture = { module: new URL("./actors/restarts.ts", import.meta.url), behaviours }

// the reports of crashes are not for the screen
const quiet = Effect.provide(Logger.layer([]))

const soon = Supervision.make({ schedule: Schedule.spaced(1), maxRestarts: 10_000 })
const twice = Supervision.make({ schedule: Schedule.spaced(1), maxRestarts: 2 })

const spawn = (journal: Journal.Journal) => Supervision.supervised(Bricklayer.spawn({ journal: journal.path }), soon)

/** A system with one worker, and a time for a spawn that is ten times what a spawn takes on this machine, busy as it is. */
const timed = ({ layer }: Placement, shutdownTimeout: Duration.Input) =>
  Layer.unwrap(
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const [taken] = yield* Effect.timed(Effect.scoped(Bricklayer.spawn({ journal: journal.path })))
      return layer({
        workers: 1,
        spawnTimeout: Duration.max(Duration.times(taken, 10), Duration.seconds(2)),
        shutdownTimeout
      })
    }).pipe(Effect.provide(layer()), Effect.scoped, Effect.orDie)
  )

// the number of the next build
const nextBuild = (journal: Journal.Journal): Effect.Effect<number> =>
  Effect.map(journal.lines, (lines) => lines.filter((line) => line.startsWith("built ")).length + 1)

/** A system that can be kept from starting workers: by a stack that no thread can have, or an environment that no process can. */
const obstructed = ({ layer, name }: Placement, workers: "dedicated" | number) => {
  const resourceLimits = { stackSizeMb: 4 }
  const set = (isObstructed: boolean): Effect.Effect<void> =>
    Effect.sync(() => {
      if (name === "threads") resourceLimits.stackSizeMb = isObstructed ? 2 ** 20 : 4
      else if (isObstructed) process.env["UACTOR_TEST_TOO_LARGE"] = "x".repeat(200_000)
      else delete process.env["UACTOR_TEST_TOO_LARGE"]
    })
  return {
    layer: layer({ resourceLimits, workers }),
    obstruct: Effect.acquireRelease(set(true), () => set(false)),
    clear: set(false),
    message: name === "threads"
      ? "the thread could not be started: EAGAIN"
      : "the process could not be started: spawn E2BIG"
  }
}

onEveryPlacement(fixture, (placement) => {
  for (const workers of ["dedicated", 1] as const) {
    it.live(`L2: a worker that cannot be started is a SpawnError, and leaves no resources (workers: ${workers})`, () => {
      const { clear, layer, message, obstruct } = obstructed(placement, workers)
      return Effect.gen(function*() {
        const journal = yield* Journal.make
        yield* obstruct
        const error = errorOf(yield* Effect.exit(Bricklayer.spawn({ journal: journal.path })))
        assert.instanceOf(error, SpawnError)
        assert.deepStrictEqual([error.reason, error.message], ["WorkerFailed", message])
        const pool = yield* Effect.exit(ActorPool.make(Bricklayer, { size: 2, args: { journal: journal.path } }))
        assert.strictEqual((errorOf(pool)).reason, "WorkerFailed")
        yield* clear
        const bricklayer = yield* Bricklayer.spawn({ journal: journal.path })
        assert.strictEqual(yield* bricklayer.build(), 1)
      }).pipe(Effect.scoped, Effect.provide(layer), quiet)
    })

    it.live(`F4: a worker that cannot be started uses up the budget, and the actor ends (workers: ${workers})`, () => {
      const { layer, message, obstruct } = obstructed(placement, workers)
      const log = logOf("Error")
      return Effect.gen(function*() {
        const journal = yield* Journal.make
        const bricklayer = yield* Supervision.supervised(Bricklayer.spawn({ journal: journal.path }), twice)
        yield* obstruct
        assertExited(yield* Effect.exit(bricklayer.exit()), "Crashed", "Unknown")
        const waiting = exitedOf(yield* Effect.exit(bricklayer.build()))
        assert.deepStrictEqual([waiting.reason, waiting.outcome], ["Crashed", "NotRun"])
        assert.include(waiting.message, `the last restart failed: ${message}`)
        const exit = exitedOf(yield* ActorRef.awaitExit(bricklayer))
        assert.include(exit.message, `the last restart failed: ${message}`)
        const starts = log.lines.filter((line) => line.message.endsWith(message))
        assert.strictEqual(starts.length, 2, JSON.stringify(log.lines))
      }).pipe(Effect.scoped, Effect.provide(Layer.provideMerge(layer, log.layer)), Effect.provide(log.layer))
    })

    it.live(`F3: an actor whose worker cannot be started returns as soon as a worker can be started (workers: ${workers})`, () => {
      const { clear, layer, message, obstruct } = obstructed(placement, workers)
      const log = logOf("Error")
      return Effect.gen(function*() {
        const journal = yield* Journal.make
        const bricklayer = yield* Supervision.supervised(Bricklayer.spawn({ journal: journal.path }), soon)
        yield* obstruct
        yield* Effect.exit(bricklayer.exit())
        const waiting = yield* forked(bricklayer.build())
        yield* Journal.until("a start has failed", () => log.lines.some((line) => line.message.endsWith(message)))
        yield* clear
        assert.strictEqual(yield* Fiber.join(waiting), 2)
      }).pipe(Effect.scoped, Effect.provide(Layer.provideMerge(layer, log.layer)), Effect.provide(log.layer))
    })
  }

  it.live("F3: a build that answers after its spawnTimeout in a shared worker does not affect the next build", () => {
    const log = logOf("Warn")
    return Effect.gen(function*() {
      const journal = yield* Journal.make
      const bricklayer = yield* spawn(journal)
      const next = yield* nextBuild(journal)
      yield* journal.note(`block ${next}`)
      yield* Effect.exit(bricklayer.exit())
      yield* journal.awaitLine(`built ${next}`)
      yield* Journal.until(
        "the build has timed out",
        () => log.lines.some((line) => line.message.includes("not built"))
      )
      yield* journal.note(`go ${next}`)
      assert.isAbove(yield* bricklayer.build(), next)
      // what the worker has said of the actor serves others of its kind as well
      const other = yield* spawn(journal)
      assert.isAbove(yield* other.build(), next)
    }).pipe(
      Effect.scoped,
      Effect.provide(
        Layer.provideMerge(timed(placement, "1 minute"), log.layer)
      ),
      Effect.provide(log.layer)
    )
  })

  it.live("F3: a shared worker blocked by a build beyond spawnTimeout is killed after shutdownTimeout", () => {
    const log = logOf("Warn")
    return Effect.gen(function*() {
      const journal = yield* Journal.make
      const bricklayer = yield* spawn(journal)
      const next = yield* nextBuild(journal)
      yield* journal.note(`block ${next}`)
      yield* Effect.exit(bricklayer.exit())
      assert.isAbove(yield* bricklayer.build(), next)
      const kills = log.lines.filter((line) =>
        line.message.endsWith("did not close within 200 ms: its worker is killed")
      )
      assert.isNotEmpty(kills, JSON.stringify(log.lines))
    }).pipe(
      Effect.scoped,
      Effect.provide(
        Layer.provideMerge(timed(placement, 200), log.layer)
      ),
      Effect.provide(log.layer)
    )
  })
}, { except: ["memory"], reason: "a system in memory has no worker to start or block" })
