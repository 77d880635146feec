import { assert, describe, it } from "@effect/vitest"
import { type Duration, Effect, Exit, Fiber, Layer, Logger, Schedule, Stream } from "effect"
import { SpawnError } from "../../src/ActorError.ts"
import * as ActorRef from "../../src/ActorRef.ts"
import * as Supervision from "../../src/Supervision.ts"
import * as ActorTest from "../../src/testing/ActorTest.ts"
import behaviours, { Fragile } from "../contract/fixtures/crashes.ts"
import { assertExited, exitedOf, forked, upTo } from "../contract/support/asserts.ts"
import * as Journal from "../contract/support/journal.ts"
import { onEveryPlacement, type Placement } from "../contract/support/placements.ts"

const fixture = { module: new URL("../contract/fixtures/crashes.ts", import.meta.url), behaviours }

// the reports of crashes are not for the screen
const quiet = Effect.provide(Logger.layer([]))

const faulty = (placement: Placement, options: ActorTest.FaultOptions, spawnTimeout: Duration.Input = "30 seconds") =>
  ActorTest.faults({ heartbeat: "1 minute", ...options }).pipe(
    Layer.provide(placement.layer({ spawnTimeout, shutdownTimeout: "1 second" }))
  )

// "ready" and "spawned" are the first two messages of a worker; "spawn" is the first to it, and a call the second
const spawned = { toWorker: 2, fromWorker: 2 } as const

onEveryPlacement(fixture, (placement) => {
  const spawn = Effect.gen(function*() {
    const journal = yield* Journal.make
    return { journal, fragile: yield* Fragile.spawn({ journal: journal.path }) }
  })

  it.live("C1: without faults, calls behave as without ActorTest", () =>
    Effect.gen(function*() {
      const { fragile, journal } = yield* spawn
      yield* Effect.forEach(upTo(20), (n) => fragile.note({ n }))
      assert.deepStrictEqual(yield* journal.lines, upTo(20).map(String))
    }).pipe(Effect.scoped, Effect.provide(faulty(placement, {})), quiet))

  it.live("C1: duplicated messages change no outcome", () => {
    const faults: Array<ActorTest.Fault> = []
    return Effect.gen(function*() {
      const { fragile, journal } = yield* spawn
      yield* Effect.forEach(upTo(20), (n) => fragile.note({ n }))
      yield* Effect.forEach(upTo(20), (n) => fragile.note({ n: 20 + n }), { concurrency: "unbounded" })
      assert.deepStrictEqual(yield* journal.lines, upTo(40).map(String))
      assert.deepStrictEqual(Array.from(yield* Stream.runCollect(Stream.take(fragile.ticks({ upTo: 9 }), 9))), upTo(9))
      assert.isAtLeast(faults.filter(({ kind }) => kind === "duplicate").length, 40)
    }).pipe(
      Effect.scoped,
      Effect.provide(faulty(placement, {
        toWorker: { duplicate: 1 },
        fromWorker: { duplicate: 1 },
        onFault: (fault) => faults.push(fault)
      })),
      quiet
    )
  })

  it.live("C2: delayed messages keep their order, and their calls are answered", () =>
    Effect.gen(function*() {
      const { fragile, journal } = yield* spawn
      for (const n of upTo(10)) {
        yield* fragile.note({ n: 2 * n - 1 }, { discard: true })
        yield* fragile.note({ n: 2 * n })
      }
      assert.deepStrictEqual(yield* journal.lines, upTo(20).map(String))
    }).pipe(
      Effect.scoped,
      Effect.provide(faulty(placement, {
        toWorker: { delay: 0.5, delayFor: "5 millis" },
        fromWorker: { delay: 0.5, delayFor: "5 millis" }
      })),
      quiet
    ))

  it.live("C1: a call whose announcement did not arrive is Unknown when its worker dies", () =>
    Effect.gen(function*() {
      const { fragile, journal } = yield* spawn
      const call = yield* forked(fragile.hang({ name: "hanging" }))
      yield* journal.awaitLine("hanging")
      yield* ActorRef.kill(fragile)
      assertExited(yield* Fiber.await(call), "Killed", "Unknown")
    }).pipe(
      Effect.scoped,
      Effect.provide(faulty(placement, { toWorker: { freezeAfter: spawned.toWorker } })),
      quiet
    ))

  it.live("C1: a call whose answer overtook a lost message is Unknown, even if lost messages arrive later", () => {
    const faults: Array<ActorTest.Fault> = []
    return Effect.gen(function*() {
      const { fragile, journal } = yield* spawn
      const first = yield* forked(fragile.note({ n: 1 }))
      yield* journal.awaitLine("1")
      const second = yield* forked(fragile.note({ n: 2 }))
      assert.deepStrictEqual(yield* Fiber.await(first), Exit.void)
      assertExited(yield* Fiber.await(second), "Disconnected", "Unknown")
      assert.deepStrictEqual(yield* journal.lines, ["1", "2"])
      assert.deepStrictEqual(faults[0], { kind: "reorder", worker: 0, direction: "fromWorker", message: 3 })
    }).pipe(
      Effect.scoped,
      Effect.provide(faulty(placement, {
        // the answer of the first call is the first message that is passed by another
        seed: 14,
        fromWorker: { reorder: 0.5 },
        onFault: (fault) => faults.push(fault)
      })),
      quiet
    )
  })

  const lossy = {
    "lost on the way to the worker": { toWorker: { drop: 0.2 } },
    "lost on the way from the worker": { fromWorker: { drop: 0.2 } },
    "reordered on the way to the worker": { toWorker: { reorder: 0.2 } },
    "reordered on the way from the worker": { fromWorker: { reorder: 0.2 } },
    "lost, delayed, duplicated and reordered": {
      toWorker: { drop: 0.05, delay: 0.1, duplicate: 0.1, reorder: 0.05 },
      fromWorker: { drop: 0.05, delay: 0.1, duplicate: 0.1, reorder: 0.05 }
    }
  } satisfies Record<string, ActorTest.FaultOptions>

  for (const [what, options] of Object.entries(lossy)) {
    it.live(`C1: when messages are ${what}, every call settles, and its outcome is true`, () =>
      Effect.gen(function*() {
        const journal = yield* Journal.make
        const outcomes = new Map<number, string>()
        let n = 0
        // each time until the link breaks, with another one
        yield* Effect.repeat(
          Effect.gen(function*() {
            const fragile = yield* Effect.retry(Fragile.spawn({ journal: journal.path }), { times: 20 })
            const rounds = Effect.gen(function*() {
              const calls = yield* Effect.forEach(upTo(3), () =>
                Effect.suspend(() => {
                  const mine = ++n
                  return forked(
                    Effect.map(Effect.exit(fragile.note({ n: mine })), (exit) => {
                      if (Exit.isSuccess(exit)) return "ran"
                      const { outcome, reason } = exitedOf(exit)
                      // a beat that is lost without one behind it is all the worker can say
                      assert.include(["Disconnected", "Unresponsive"], reason)
                      return outcome
                    }).pipe(Effect.tap((outcome) => Effect.sync(() => outcomes.set(mine, outcome))))
                  )
                }))
              const settled = yield* Effect.forEach(calls, Fiber.join)
              return settled.every((outcome) => outcome === "ran")
            })
            yield* Effect.repeat(rounds, { while: (isWell) => isWell && n < 150 })
          }).pipe(Effect.scoped),
          { until: () => n >= 40 }
        )
        const lines = (yield* journal.lines).map(Number)
        assert.strictEqual(new Set(lines).size, lines.length, "no call runs twice")
        for (const [mine, outcome] of outcomes) {
          if (outcome === "ran") assert.include(lines, mine)
          if (outcome === "NotRun") assert.notInclude(lines, mine)
        }
        assert.strictEqual(outcomes.size, n)
        assert.isAbove(Array.from(outcomes.values()).filter((outcome) => outcome !== "ran").length, 0)
      }).pipe(
        Effect.provide(faulty(placement, { seed: 7, heartbeat: "100 millis", ...options }, "3 seconds")),
        Effect.scoped,
        quiet
      ))
  }

  const steps = [
    { option: "cutAfter", reason: "Disconnected" },
    { option: "killAfter", reason: "Killed" },
    { option: "freezeAfter", reason: "Unresponsive" }
  ] as const

  for (const { option, reason } of steps) {
    for (const direction of ["toWorker", "fromWorker"] as const) {
      it.live(`C1: ${direction}.${option} settles all later calls as ${reason}, on both sides`, () => {
        // a machine that is slow is not to be taken for a worker that is frozen
        const heartbeat = option === "freezeAfter" ? "1 second" : "1 minute"
        const one = (after: number) =>
          Effect.gen(function*() {
            const { fragile, journal } = yield* spawn
            // until one fails: a process that is killed may still answer a few
            const exits: Array<Exit.Exit<unknown, unknown>> = []
            do {
              exits.push(yield* Effect.exit(fragile.note({ n: exits.length + 1 })))
            } while (exits.length < 4 || exits.every(Exit.isSuccess))
            assert.strictEqual(exitedOf(yield* ActorRef.awaitExit(fragile)).reason, reason)
            const lines = yield* journal.lines
            for (const [i, exit] of exits.entries()) {
              if (Exit.isSuccess(exit)) {
                assert.include(lines, String(i + 1))
              } else {
                const error = exitedOf(exit)
                assert.strictEqual(error.reason, reason)
                if (error.outcome === "NotRun") assert.notInclude(lines, String(i + 1))
              }
            }
          }).pipe(Effect.scoped, Effect.provide(faulty(placement, { heartbeat, [direction]: { [option]: after } })))
        const places = [0, 1, 2].map((more) => spawned[direction] + more)
        return quiet(Effect.forEach(places, one, { concurrency: "unbounded" }))
      })

      it.live(`L2: ${direction}.${option} before the first message fails the spawn`, () =>
        Effect.gen(function*() {
          const { path } = yield* Journal.make
          assert.instanceOf(yield* Effect.flip(Fragile.spawn({ journal: path })), SpawnError)
        }).pipe(
          Effect.scoped,
          Effect.provide(faulty(placement, { [direction]: { [option]: 0 } }, "300 millis")),
          quiet
        ))
    }
  }

  it.live("F3: faults affect only the named workers, so a supervised actor restarts", () =>
    Effect.gen(function*() {
      const { fragile, journal } = yield* spawn
      const address = ActorRef.address(fragile)
      const exits = yield* Effect.forEach(upTo(5), (n) => Effect.exit(fragile.note({ n })))
      // the one behind which the link was cut, if it had begun
      for (const exit of exits.filter(Exit.isFailure)) assertExited(exit, "Disconnected", "Unknown")
      assert.isAtMost(exits.filter(Exit.isFailure).length, 1)
      assert.include(yield* journal.lines, "5")
      assert.notStrictEqual(ActorRef.address(fragile), address)
    }).pipe(
      Supervision.supervised(Supervision.make({ schedule: Schedule.spaced("1 millis"), maxRestarts: 1 })),
      Effect.scoped,
      Effect.provide(faulty(placement, { workers: [0], toWorker: { cutAfter: spawned.toWorker } })),
      quiet
    ))

  it.live("T1: equal seeds cause equal faults, and different seeds cause different faults", () => {
    const run = (seed: number) => {
      const faults: Array<ActorTest.Fault> = []
      return Effect.gen(function*() {
        const { fragile } = yield* spawn
        yield* Effect.forEach(upTo(30), (n) => fragile.note({ n }))
        // what comes at the end depends on when it ends
        return faults.filter(({ message }) => message <= 30).toSorted((a, b) =>
          a.direction.localeCompare(b.direction) || a.message - b.message
        )
      }).pipe(
        Effect.scoped,
        Effect.provide(faulty(placement, {
          seed,
          toWorker: { duplicate: 0.3, delay: 0.3, delayFor: "1 millis" },
          fromWorker: { duplicate: 0.3, delay: 0.3, delayFor: "1 millis" },
          onFault: (fault) => faults.push(fault)
        }))
      )
    }
    return Effect.gen(function*() {
      const first = yield* run(1)
      assert.isAbove(first.length, 10)
      assert.deepStrictEqual(yield* run(1), first)
      assert.notDeepEqual(yield* run(2), first)
    })
  })
})

describe("ActorTest.faults", () => {
  const wrong: ReadonlyArray<readonly [what: string, options: ActorTest.FaultOptions, says: string]> = [
    ["a probability above 1", { toWorker: { drop: 1.5 } }, "toWorker.drop must be a probability"],
    ["a probability below 0", { fromWorker: { delay: -1 } }, "fromWorker.delay must be a probability"],
    [
      "a probability that is not a number",
      { toWorker: { reorder: Number.NaN } },
      "toWorker.reorder must be a probability"
    ],
    ["a step that is not an integer", { toWorker: { cutAfter: 1.5 } }, "toWorker.cutAfter must be an integer"],
    ["a step below 0", { fromWorker: { killAfter: -1 } }, "fromWorker.killAfter must be an integer"],
    ["two steps at once", { toWorker: { cutAfter: 3, killAfter: 3 } }, "name the same message, 3"],
    ["a worker below 0", { workers: [0, -1] }, "workers must be an integer"],
    ["no delay", { toWorker: { delayFor: 0 } }, "toWorker.delayFor must be longer than 0"],
    ["no time between beats", { heartbeat: 0 }, "heartbeat must be longer than 0"]
  ]
  for (const [what, options, says] of wrong) {
    it(`P8: ${what} is rejected when the layer is made`, () => {
      assert.throws(() => ActorTest.faults(options), RangeError, says)
    })
  }
})
