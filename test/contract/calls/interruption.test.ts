import { assert, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Logger, Option, Schedule, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as Supervision from "../../../src/Supervision.ts"
import behaviours, { Crowd, Stage } from "../fixtures/stage.ts"
import { assertExited, assertInterrupted, exitedOf, forked, logOf, upTo } from "../support/asserts.ts"
import { onEveryPlacement } from "../support/placements.ts"
import { onOneWorker } from "../support/sharedWorkers.ts"

const fixture = { module: new URL("../fixtures/stage.ts", import.meta.url), behaviours }

// what is said of killed workers is not for the screen
const quiet = Effect.provide(Logger.layer([]))

// for handlers that do not react; generous against a machine that is slow to answer those that do
const interruptTimeout = "500 millis"

onOneWorker(fixture, Stage.layer(), (it) => {
  it.effect("C3: an interrupted queued call is removed and never runs", () =>
    Effect.gen(function*() {
      const stage = yield* Stage.spawn()
      const [a, b, c] = yield* Effect.forEach(["a", "b", "c"], (job) => forked(stage.hold({ job })))
      yield* stage.awaitLine({ line: "a began" })
      // completes while the call before it still runs
      yield* Fiber.interrupt(b!)
      assertInterrupted(yield* Fiber.await(b!))
      yield* Effect.forEach(["a", "b", "c"], (job) => stage.release({ job }))
      assert.deepStrictEqual(yield* Effect.forEach([a!, c!], Fiber.join), ["a", "c"])
      assert.deepStrictEqual(
        yield* stage.log(),
        ["a", "c"].flatMap((job) => [`${job} began`, `${job} ended`, `${job} finalized`])
      )
    }))

  it.effect("C3: a running handler is interrupted, and its finalizers have run when the caller's interruption completes", () =>
    Effect.gen(function*() {
      const stage = yield* Stage.spawn()
      const a = yield* forked(stage.hold({ job: "a" }))
      yield* stage.awaitLine({ line: "a began" })
      yield* Fiber.interrupt(a)
      assertInterrupted(yield* Fiber.await(a))
      assert.deepStrictEqual(yield* stage.log(), ["a began", "a interrupted", "a finalized"])
    }))

  it.effect("C3: the place of an interrupted call is free for the next", () =>
    Effect.gen(function*() {
      const stage = yield* Stage.spawn()
      const a = yield* forked(stage.hold({ job: "a" }))
      const b = yield* forked(stage.hold({ job: "b" }))
      yield* stage.awaitLine({ line: "a began" })
      yield* stage.release({ job: "b" })
      yield* Fiber.interrupt(a)
      assert.strictEqual(yield* Fiber.join(b), "b")
      assert.deepStrictEqual(yield* stage.log(), [
        "a began",
        "a interrupted",
        "a finalized",
        "b began",
        "b ended",
        "b finalized"
      ])
    }))

  it.effect("C3: interrupting a call does not affect concurrent calls", () =>
    Effect.gen(function*() {
      const crowd = yield* Crowd.spawn()
      const [a, b, c] = yield* Effect.forEach(["a", "b", "c"], (job) => forked(crowd.hold({ job })))
      yield* crowd.awaitLine({ line: "c began" })
      yield* Fiber.interrupt(b!)
      yield* Effect.forEach(["a", "c"], (job) => crowd.release({ job }))
      assert.deepStrictEqual(yield* Effect.forEach([a!, c!], Fiber.join), ["a", "c"])
      assert.deepStrictEqual((yield* crowd.log()).filter((line) => line.includes("interrupted")), ["b interrupted"])
    }))

  it.effect("C3: an interruption right after the call completes, and no handler continues", () =>
    Effect.gen(function*() {
      const stage = yield* Stage.spawn()
      for (const job of ["a", "b", "c"]) {
        yield* Fiber.interrupt(yield* forked(stage.hold({ job })))
      }
      // whatever had begun has been interrupted and finalized
      const log = yield* stage.log()
      assert.lengthOf(log.filter((line) => line.endsWith("finalized")), log.length / 3)
      assert.strictEqual(yield* stage.echo({ n: 1 }), 1)
    }))

  it.effect("C3: an interruption that crosses the answer completes", () =>
    Effect.gen(function*() {
      const stage = yield* Stage.spawn()
      const exits = yield* Effect.forEach(upTo(200), (n) =>
        Effect.gen(function*() {
          const call = yield* forked(stage.echo({ n }))
          yield* Effect.yieldNow
          yield* Fiber.interrupt(call)
          return yield* Fiber.await(call)
        }))
      for (const [i, exit] of exits.entries()) {
        if (Exit.isSuccess(exit)) assert.strictEqual(exit.value, i + 1)
        else assertInterrupted(exit)
      }
      assert.strictEqual(yield* stage.echo({ n: 1 }), 1)
    }))

  it.effect("C3: a handler that succeeds during its interruption lets the interruption complete", () =>
    Effect.gen(function*() {
      const stage = yield* Stage.spawn()
      const a = yield* forked(stage.finishWhenInterrupted({ job: "a" }))
      yield* stage.awaitLine({ line: "a began" })
      yield* Fiber.interrupt(a)
      assertInterrupted(yield* Fiber.await(a))
      assert.strictEqual(yield* stage.echo({ n: 1 }), 1)
    }))

  it.effect("C3: Effect.timeout on a call interrupts its handler", () =>
    Effect.gen(function*() {
      const stage = yield* Stage.spawn()
      const a = yield* forked(Effect.exit(Effect.timeout(stage.hold({ job: "a" }), "50 millis")))
      yield* stage.awaitLine({ line: "a began" })
      yield* TestClock.adjust("50 millis")
      const exit = yield* Fiber.join(a)
      assert(Exit.isFailure(exit))
      assert.instanceOf(Option.getOrThrow(Cause.findErrorOption(exit.cause)), Cause.TimeoutError)
      assert.deepStrictEqual(yield* stage.log(), ["a began", "a interrupted", "a finalized"])
    }).pipe(Effect.provide(TestClock.layer())))

  it.effect("C3: a call that loses a race is interrupted", () =>
    Effect.gen(function*() {
      const stage = yield* Stage.spawn()
      yield* stage.release({ job: "b" })
      const winner = yield* Effect.raceFirst(stage.hold({ job: "a" }), stage.holdForked({ job: "b" }))
      assert.strictEqual(winner, "b")
      assert.includeMembers([...yield* stage.log()], ["a began", "a interrupted", "a finalized", "b ended"])
    }))

  it.effect("C3: an interruption waits for a method declared with Rpc.uninterruptible", () =>
    Effect.gen(function*() {
      const stage = yield* Stage.spawn()
      const a = yield* forked(stage.holdUninterruptible({ job: "a" }))
      yield* stage.awaitLine({ line: "a began" })
      const interruption = yield* forked(Fiber.interrupt(a))
      // a round trip later it is still under way
      assert.deepStrictEqual(yield* stage.log(), ["a began"])
      assert.isUndefined(interruption.pollUnsafe())
      yield* stage.release({ job: "a" })
      yield* Fiber.join(interruption)
      assertInterrupted(yield* Fiber.await(a))
      assert.deepStrictEqual(yield* stage.log(), ["a began", "a ended", "a finalized"])
    }))

  it.effect("C3: an interrupted queued call of a method declared with Rpc.uninterruptible is removed and never runs", () =>
    Effect.gen(function*() {
      const stage = yield* Stage.spawn()
      const a = yield* forked(stage.hold({ job: "a" }))
      const b = yield* forked(stage.holdUninterruptible({ job: "b" }))
      yield* stage.awaitLine({ line: "a began" })
      yield* Fiber.interrupt(b)
      yield* stage.release({ job: "a" })
      yield* Fiber.join(a)
      yield* stage.echo({ n: 1 })
      assert.notInclude(yield* stage.log(), "b began")
    }))

  it.effect("C3: a method declared with Rpc.fork is interrupted like any other", () =>
    Effect.gen(function*() {
      const stage = yield* Stage.spawn()
      const a = yield* forked(stage.hold({ job: "a" }))
      const b = yield* forked(stage.holdForked({ job: "b" }))
      yield* stage.awaitLine({ line: "b began" })
      yield* Fiber.interrupt(b)
      assert.deepStrictEqual(yield* stage.log(), ["a began", "b began", "b interrupted", "b finalized"])
      yield* stage.release({ job: "a" })
      assert.strictEqual(yield* Fiber.join(a), "a")
    }))

  it.effect("C3: a fiber that awaits a handler's Deferred can be interrupted", () =>
    Effect.gen(function*() {
      const stage = yield* Stage.spawn()
      const a = yield* forked(stage.promise({ job: "a" }))
      yield* stage.awaitLine({ line: "a began" })
      yield* Fiber.interrupt(a)
      assertInterrupted(yield* Fiber.await(a))
      yield* stage.release({ job: "a" })
      assert.strictEqual(yield* stage.echo({ n: 1 }), 1)
    }))

  it.effect("C3: a thousand calls are interrupted together, and the queued calls never run", () =>
    Effect.gen(function*() {
      const stage = yield* Stage.spawn()
      const calls = yield* Effect.forEach(upTo(1_000), (n) => forked(stage.hold({ job: `${n}` })))
      yield* stage.awaitLine({ line: "1 began" })
      // the last first, so that none gets the place of one before it
      yield* Fiber.interruptAll(calls.toReversed())
      for (const call of calls) assertInterrupted(yield* Fiber.await(call))
      assert.strictEqual(yield* stage.echo({ n: 1 }), 1)
      assert.deepStrictEqual(yield* stage.log(), ["1 began", "1 interrupted", "1 finalized", "1"])
    }))

  it.effect("C3: a thousand running calls are interrupted together", () =>
    Effect.gen(function*() {
      const crowd = yield* Crowd.spawn()
      const jobs = upTo(1_000).map((n) => `job ${n}`)
      const calls = yield* Effect.forEach(jobs, (job) => forked(crowd.hold({ job })))
      yield* crowd.awaitLine({ line: "job 1000 began" })
      yield* Fiber.interruptAll(calls)
      for (const call of calls) assertInterrupted(yield* Fiber.await(call))
      const finalized = (yield* crowd.log()).filter((line) => line.endsWith("finalized"))
      assert.sameMembers(finalized, jobs.map((job) => `${job} finalized`))
    }))

  it.effect("C3: closing a scope with a hundred calls in progress settles every call", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const stage = yield* Scope.provide(Stage.spawn(), scope)
      const calls = yield* Effect.forEach(upTo(100), (n) => forked(stage.hold({ job: `${n}` })))
      yield* stage.awaitLine({ line: "1 began" })
      yield* Scope.close(scope, Exit.void)
      const [first, ...others] = yield* Effect.forEach(calls, Fiber.await)
      assertExited(first!, "Stopped", "Unknown")
      for (const exit of others) assertExited(exit, "Stopped", "NotRun")
    }))

  it.effect("C3: closing a scope with a hundred running calls settles every call", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const crowd = yield* Scope.provide(Crowd.spawn(), scope)
      const calls = yield* Effect.forEach(upTo(100), (n) => forked(crowd.hold({ job: `${n}` })))
      yield* crowd.awaitLine({ line: "100 began" })
      yield* Scope.close(scope, Exit.void)
      for (const call of calls) assertExited(yield* Fiber.await(call), "Stopped", "Unknown")
    }))
}, { inCluster: true })

onEveryPlacement(fixture, (placement) => {
  it.live("C3: a handler that does not react to its interruption has its worker killed, and no other worker", () =>
    Effect.gen(function*() {
      const [bystander, stage] = yield* Effect.all([Stage.spawn(), Stage.spawn()], { concurrency: 2 })
      const other = yield* forked(bystander.hold({ job: "other" }))
      const a = yield* forked(stage.stubborn({ job: "a" }))
      const behind = yield* Effect.forEach(upTo(10), (n) => forked(stage.echo({ n })))
      yield* stage.awaitLine({ line: "a began" })
      yield* Fiber.interrupt(a)
      assertInterrupted(yield* Fiber.await(a))
      const exit = yield* ActorRef.awaitExit(stage)
      assert.strictEqual(exitedOf(exit).reason, "Killed")
      assert.include(exitedOf(exit).message, ActorRef.address(stage))
      assert.include(exitedOf(exit).message, "did not react to an interruption within 500 ms")
      for (const call of behind) assertExited(yield* Fiber.await(call), "Killed", "NotRun")
      yield* bystander.release({ job: "other" })
      assert.strictEqual(yield* Fiber.join(other), "other")
    }).pipe(Effect.provide(placement.layer({ interruptTimeout })), quiet))

  it.live("C3: interruptTimeout applies neither to Rpc.uninterruptible nor to a call after a handler that reacted", () =>
    Effect.gen(function*() {
      const [clock, stage, other] = yield* Effect.all([Stage.spawn(), Stage.spawn(), Stage.spawn()], {
        concurrency: "unbounded"
      })
      const a = yield* forked(stage.holdUninterruptible({ job: "a" }))
      const b = yield* forked(other.hold({ job: "b" }))
      yield* Effect.all([stage.awaitLine({ line: "a began" }), other.awaitLine({ line: "b began" })])
      const interruption = yield* forked(Fiber.interrupt(a))
      yield* Fiber.interrupt(b)
      const c = yield* forked(other.hold({ job: "c" }))
      // an interruption that begins after both runs into its timeout, so theirs would have done the same
      const d = yield* forked(clock.stubborn({ job: "d" }))
      yield* clock.awaitLine({ line: "d began" })
      yield* Fiber.interrupt(d)
      assert.strictEqual(exitedOf(yield* ActorRef.awaitExit(clock)).reason, "Killed")
      assert.isUndefined(interruption.pollUnsafe())
      yield* stage.release({ job: "a" })
      yield* Fiber.join(interruption)
      assert.deepStrictEqual(yield* stage.log(), ["a began", "a ended", "a finalized"])
      yield* other.release({ job: "c" })
      assert.strictEqual(yield* Fiber.join(c), "c")
    }).pipe(Effect.provide(placement.layer({ interruptTimeout })), quiet))

  it.live("C3: a supervised actor that does not react is restarted, and a log line names the actor", () => {
    const { layer, lines } = logOf("Warn")
    return Effect.gen(function*() {
      const stage = yield* Supervision.supervised(
        Stage.spawn(),
        Supervision.make({ schedule: Schedule.spaced(1) })
      )
      const address = ActorRef.address(stage)
      const a = yield* forked(stage.stubborn({ job: "a" }))
      const behind = yield* forked(stage.echo({ n: 1 }))
      yield* stage.awaitLine({ line: "a began" })
      yield* Fiber.interrupt(a)
      // what never ran is carried over, and finds an actor with fresh state
      assert.strictEqual(yield* Fiber.join(behind), 1)
      assert.deepStrictEqual(yield* stage.log(), ["1"])
      assert.lengthOf(lines, 1)
      assert.include(lines[0]!.message, `${address} did not react to an interruption within 500 ms`)
      assert.deepInclude(lines[0]!.annotations, { actor: `${address} (incarnation 1)`, reason: "Killed" })
    }).pipe(Effect.provide(placement.layer({ interruptTimeout })), Effect.provide(layer))
  })
})
