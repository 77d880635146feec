import { assert, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Logger, Schedule } from "effect"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as Supervision from "../../../src/Supervision.ts"
import { assertExited, assertInterrupted, errorOf, forked } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"
import { onOneWorker } from "../support/sharedWorkers.ts"
import behaviours, { Reader, Slow, Way } from "./actors/slow-values.ts"

const fixture = { module: new URL("./actors/slow-values.ts", import.meta.url), behaviours }

// the reports of crashes are not for the screen
const quiet = Effect.provide(Logger.layer([]))

onOneWorker(fixture, Slow.layer({ journal: "" }), (it) => {
  for (const way of Way.literals) {
    it.effect(`L4: a drain waits until an answer has been encoded (the call ${way})`, () =>
      Effect.gen(function*() {
        const journal = yield* Journal.make
        const slow = yield* Slow.spawn({ journal: journal.path })
        const call = yield* forked(Effect.exit(slow.answer({ way })))
        yield* journal.awaitLine("encoding")
        const stop = yield* forked(ActorRef.stop(slow, { drain: true }))
        assertExited(yield* Effect.exit(slow.ping()), "Stopped", "NotRun")
        assert.deepStrictEqual(yield* journal.lines, ["ran", "encoding"])
        assert.isUndefined(stop.pollUnsafe())
        yield* journal.note("go")
        yield* Fiber.join(stop)
        const exit = yield* Fiber.join(call)
        assert.strictEqual(Exit.isSuccess(exit) ? exit.value : errorOf(exit), journal.path)
      }))

    it.effect(`C3: interrupting a caller interrupts the encoding of the answer (the call ${way})`, () =>
      Effect.gen(function*() {
        const journal = yield* Journal.make
        const slow = yield* Slow.spawn({ journal: journal.path })
        const call = yield* forked(slow.answer({ way }))
        yield* journal.awaitLine("encoding")
        yield* Fiber.interrupt(call)
        assertInterrupted(yield* Fiber.await(call))
        assert.deepStrictEqual(yield* journal.lines, ["ran", "encoding", "gave up"])
        yield* slow.ping()
      }))

    it.effect(`L4: an actor that is stopped interrupts the encoding of an answer (the call ${way})`, () =>
      Effect.gen(function*() {
        const journal = yield* Journal.make
        const slow = yield* Slow.spawn({ journal: journal.path })
        const call = yield* forked(slow.answer({ way }))
        yield* journal.awaitLine("encoding")
        yield* ActorRef.stop(slow)
        assertExited(yield* Fiber.await(call), "Stopped", "Unknown")
        assert.deepStrictEqual(yield* journal.lines, ["ran", "encoding", "gave up"])
      }))
  }
})

onOneWorker(fixture, Slow.layer({ journal: "" }), (it) => {
  /** Waits until the log is this one. */
  const awaitLog = (reader: Reader["Service"], lines: ReadonlyArray<string>) =>
    Effect.repeat(reader.log(), { until: (log) => log.join() === lines.join() })

  for (const slowly of [false, true]) {
    const how = slowly ? "slowly" : "by an effect"

    it.effect(`C2: a method declared with Rpc.fork whose payload is decoded ${how} runs beside a call that waits for it`, () =>
      Effect.gen(function*() {
        const reader = yield* Reader.spawn()
        const calls = yield* Effect.forEach(["a", "b", "c"], (job) => forked(reader.hold({ slowly, job })))
        // the first that is asked waits in line, the others are known to run out of it
        for (const job of ["c", "a", "b"]) yield* reader.letGo({ slowly, job })
        yield* Effect.forEach(calls, Fiber.join)
        assert.deepStrictEqual(yield* reader.log(), ["a", "a ended", "b", "b ended", "c", "c ended"])
      }))

    it.effect(`C2: a call of such a method that occupies a place before it is decoded ${how} frees the place`, () =>
      Effect.gen(function*() {
        const reader = yield* Reader.spawn()
        const first = yield* forked(reader.holdForked({ slowly, job: "a" }))
        const second = yield* forked(reader.hold({ slowly, job: "b" }))
        yield* awaitLog(reader, ["a", "b"])
        for (const job of ["b", "a"]) yield* reader.letGo({ slowly, job })
        yield* Effect.forEach([first, second], Fiber.join)
        assert.deepStrictEqual(yield* reader.log(), ["a", "b", "b ended", "a ended"])
      }))

    it.effect(`C3: an interrupted queued call with a payload decoded ${how} never runs`, () =>
      Effect.gen(function*() {
        const reader = yield* Reader.spawn()
        const [a, b, c] = yield* Effect.forEach(["a", "b", "c"], (job) => forked(reader.hold({ slowly, job })))
        yield* awaitLog(reader, ["a"])
        yield* Fiber.interrupt(b!)
        yield* Fiber.interrupt(a!)
        yield* reader.letGo({ slowly, job: "c" })
        yield* Fiber.join(c!)
        assert.deepStrictEqual(yield* reader.log(), ["a", "c", "c ended"])
      }))

    it.effect(`C3: an interruption waits for a method declared with Rpc.uninterruptible whose payload is decoded ${how}`, () =>
      Effect.gen(function*() {
        const reader = yield* Reader.spawn()
        const call = yield* forked(reader.holdUninterruptible({ slowly, job: "a" }))
        yield* awaitLog(reader, ["a"])
        const interruption = yield* forked(Fiber.interrupt(call))
        yield* reader.log()
        assert.isUndefined(interruption.pollUnsafe())
        yield* reader.letGo({ slowly, job: "a" })
        yield* Fiber.join(interruption)
        assert.deepStrictEqual(yield* reader.log(), ["a", "a ended"])
      }))
  }
}, { inCluster: true })

onEveryPlacement(fixture, (placement) => {
  for (const way of Way.literals) {
    it.live(`C1: a call whose answer is being encoded when its worker ends may have run (the call ${way})`, () =>
      Effect.gen(function*() {
        const journal = yield* Journal.make
        const slow = yield* Slow.spawn({ journal: journal.path })
        const call = yield* forked(slow.answer({ way }))
        yield* journal.awaitLine("encoding")
        yield* ActorRef.kill(slow)
        assertExited(yield* Fiber.await(call), "Killed", "Unknown")
      }).pipe(Effect.provide(placement.layer()), quiet))
  }
})

onEveryPlacement(fixture, (placement) => {
  it.live("F3: a call whose answer is being encoded when its worker ends does not run again", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const slow = yield* Supervision.supervised(
        Slow.spawn({ journal: journal.path }),
        Supervision.make({ schedule: Schedule.spaced(1) })
      )
      const call = yield* forked(slow.answer({ way: "succeeds" }))
      yield* journal.awaitLine("encoding")
      assertExited(yield* Effect.exit(slow.exit()), "Crashed", "Unknown")
      assertExited(yield* Fiber.await(call), "Crashed", "Unknown")
      yield* slow.ping()
      assert.deepStrictEqual(yield* journal.lines, ["ran", "encoding"])
    }).pipe(Effect.provide(placement.layer()), quiet))
}, { except: ["memory"], reason: "in memory the process of the test would exit" })
