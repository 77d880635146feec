import { assert, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Logger, Option, Schedule, Scope } from "effect"
import * as ActorRef from "../../src/ActorRef.ts"
import * as Handle from "../../src/Handle.ts"
import * as Supervision from "../../src/Supervision.ts"
import { assertExited, assertInterrupted, exitedOf, forked, left, logOf, upTo } from "./asserts.ts"
import behaviours, { Crowd, Stage } from "./fixtures/stage.ts"
import * as Journal from "./journal.ts"
import { onOneWorker } from "./oneWorker.ts"
import { onEveryPlacement } from "./placements.ts"

const fixture = { module: new URL("./fixtures/stage.ts", import.meta.url), behaviours }

onOneWorker(fixture, Stage.layer(), (it) => {
  it.effect("C3: a call that still waits is taken out and never runs", () =>
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

  it.effect("C3: interrupting one call leaves those beside it alone", () =>
    Effect.gen(function*() {
      const crowd = yield* Crowd.spawn()
      const [a, b, c] = yield* Effect.forEach(["a", "b", "c"], (job) => forked(crowd.hold({ job })))
      yield* crowd.awaitLine({ line: "c began" })
      yield* Fiber.interrupt(b!)
      yield* Effect.forEach(["a", "c"], (job) => crowd.release({ job }))
      assert.deepStrictEqual(yield* Effect.forEach([a!, c!], Fiber.join), ["a", "c"])
      assert.deepStrictEqual((yield* crowd.log()).filter((line) => line.includes("interrupted")), ["b interrupted"])
    }))

  it.effect("C3: an interruption right after the call completes, and leaves nothing running", () =>
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

  it.effect("C3: a handler that ends well when it is interrupted still lets the interruption complete", () =>
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
      const exit = yield* Fiber.join(a)
      assert(Exit.isFailure(exit))
      assert.instanceOf(Option.getOrThrow(Cause.findErrorOption(exit.cause)), Cause.TimeoutError)
      assert.deepStrictEqual(yield* stage.log(), ["a began", "a interrupted", "a finalized"])
    }))

  it.effect("C3: a call that loses a race is interrupted", () =>
    Effect.gen(function*() {
      const stage = yield* Stage.spawn()
      yield* stage.release({ job: "b" })
      const winner = yield* Effect.raceFirst(stage.hold({ job: "a" }), stage.holdForked({ job: "b" }))
      assert.strictEqual(winner, "b")
      assert.includeMembers([...yield* stage.log()], ["a began", "a interrupted", "a finalized", "b ended"])
    }))

  it.effect("C3: a method declared with Rpc.uninterruptible is waited for", () =>
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

  it.effect("C3: a method declared with Rpc.uninterruptible that still waits is taken out and never runs", () =>
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

  it.effect("C3: who waits for a handler's Deferred can be interrupted", () =>
    Effect.gen(function*() {
      const stage = yield* Stage.spawn()
      const a = yield* forked(stage.promise({ job: "a" }))
      yield* stage.awaitLine({ line: "a began" })
      yield* Fiber.interrupt(a)
      assertInterrupted(yield* Fiber.await(a))
      yield* stage.release({ job: "a" })
      assert.strictEqual(yield* stage.echo({ n: 1 }), 1)
    }))

  it.effect("C3: a thousand calls are interrupted at once, and those that waited never run", () =>
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

  it.effect("C3: a thousand calls that run are interrupted at once", () =>
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

  it.effect("C3: closing a scope with a hundred calls under way settles every one of them", () =>
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

  it.effect("C3: closing a scope with a hundred calls that run settles every one of them", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const crowd = yield* Scope.provide(Crowd.spawn(), scope)
      const calls = yield* Effect.forEach(upTo(100), (n) => forked(crowd.hold({ job: `${n}` })))
      yield* crowd.awaitLine({ line: "100 began" })
      yield* Scope.close(scope, Exit.void)
      for (const call of calls) assertExited(yield* Fiber.await(call), "Stopped", "Unknown")
    }))
})

// what is said of killed workers is not for the screen
const quiet = Effect.provide(Logger.layer([]))

// for handlers that do not react; generous against a machine that is slow to answer those that do
const interruptTimeout = "500 millis"

onEveryPlacement(fixture, (placement) => {
  it.live("C3: a handler that does not react to its interruption loses its worker, and no other does", () =>
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

  it.live("C3: interruptTimeout concerns neither Rpc.uninterruptible nor a call after one that did react", () =>
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

  it.live("C3: a supervised actor is restarted after it did not react, and a log line says who it was", () => {
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

onEveryPlacement(fixture, (placement) => {
  it.live("C3: a busy loop loses its worker when it is interrupted, and no other does", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const [bystander, stage] = yield* Effect.all([Stage.spawn(), Stage.spawn()], { concurrency: 2 })
      const other = yield* forked(bystander.hold({ job: "other" }))
      const a = yield* forked(stage.block({ job: "a", journal: journal.path, checks: false }))
      yield* journal.awaitLine("blocking")
      const behind = yield* forked(stage.echo({ n: 1 }))
      yield* Fiber.interrupt(a)
      assertInterrupted(yield* Fiber.await(a))
      assert.strictEqual(exitedOf(yield* ActorRef.awaitExit(stage)).reason, "Killed")
      assert.strictEqual(exitedOf(yield* Fiber.await(behind)).reason, "Killed")
      yield* bystander.release({ job: "other" })
      assert.strictEqual(yield* Fiber.join(other), "other")
    }).pipe(Effect.provide(placement.layer({ interruptTimeout })), quiet))

  it.live("F6: a worker that is killed for many interruptions at once is killed once, and one log line says so", () => {
    const { layer, lines } = logOf("Warn")
    return Effect.gen(function*() {
      const journal = yield* Journal.make
      const stage = yield* Stage.spawn()
      const a = yield* forked(stage.block({ job: "a", journal: journal.path, checks: false }))
      yield* journal.awaitLine("blocking")
      const behind = yield* Effect.forEach(upTo(20), (n) => forked(stage.echo({ n })))
      yield* left
      yield* Fiber.interruptAll([a, ...behind])
      assert.strictEqual(exitedOf(yield* ActorRef.awaitExit(stage)).reason, "Killed")
      assert.lengthOf(lines, 1)
    }).pipe(Effect.provide(placement.layer({ interruptTimeout })), Effect.provide(layer))
  })

  it.live("C3: a busy loop loses its worker though others that wait behind it are taken back before it", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const stage = yield* Stage.spawn()
      const a = yield* forked(stage.block({ job: "a", journal: journal.path, checks: false }))
      yield* journal.awaitLine("blocking")
      const [b, c] = yield* Effect.forEach([1, 2], (n) => forked(stage.echo({ n })))
      yield* left
      yield* Fiber.interruptAll([b!, a])
      assertInterrupted(yield* Fiber.await(a))
      assertInterrupted(yield* Fiber.await(b!))
      assert.strictEqual(exitedOf(yield* Fiber.await(c!)).reason, "Killed")
    }).pipe(Effect.provide(placement.layer({ interruptTimeout })), quiet))

  it.live("C3: so does one that has begun in the same turn as a call of another actor that goes on", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const [holder, stage] = yield* Effect.all([Stage.spawn(), Stage.spawn()])
      const held = yield* forked(holder.hold({ job: "held" }))
      const a = yield* forked(stage.block({ job: "a", journal: journal.path, checks: false }))
      yield* journal.awaitLine("blocking")
      yield* Fiber.interrupt(a)
      assertInterrupted(yield* Fiber.await(a))
      assert.strictEqual(exitedOf(yield* Fiber.await(held)).reason, "Killed")
    }).pipe(Effect.provide(placement.layer({ interruptTimeout, workers: 1 })), quiet))

  const givenUp = (who: "same actor" | "other actor") =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const [clock, stage, , other] = yield* Effect.forEach(upTo(4), () => Stage.spawn())
      const placeOf = (ref: typeof stage) => ActorRef.address(ref!).split("@")[1]
      assert.strictEqual(placeOf(stage), placeOf(other))
      assert.notStrictEqual(placeOf(stage), placeOf(clock))
      const a = yield* forked(stage!.compute({ job: "a", journal: journal.path }))
      yield* journal.awaitLine("a computes")
      const b = yield* forked((who === "same actor" ? stage : other)!.hold({ job: "b" }))
      yield* left
      const interruption = yield* forked(Fiber.interrupt(b))
      // interruptions that begin after it run into their timeouts
      const d = yield* forked(clock!.stubborn({ job: "d" }))
      yield* clock!.awaitLine({ line: "d began" })
      yield* Fiber.interrupt(d)
      yield* journal.note("go a")
      yield* Fiber.join(a)
      yield* Fiber.join(interruption)
      assertInterrupted(yield* Fiber.await(b))
      assert.deepStrictEqual(yield* stage!.log(), [])
      assert.deepStrictEqual(yield* other!.log(), [])
    }).pipe(Effect.provide(placement.layer({ interruptTimeout, workers: 2 })), quiet)

  it.live("C3: a caller that gives up a waiting call leaves the computation before it alone", () =>
    givenUp("same actor"))

  it.live("C3: so does one whose call waits for another actor of the same worker", () => givenUp("other actor"))

  it.live("C3: a method declared with Rpc.uninterruptible is waited for though it computes from its first turn on", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const [clock, stage] = yield* Effect.all([Stage.spawn(), Stage.spawn()], { concurrency: 2 })
      const before = yield* forked(stage.echo({ n: 1 }))
      const a = yield* forked(stage.computeUninterruptible({ job: "a", journal: journal.path }))
      yield* journal.awaitLine("a computes")
      assert.strictEqual(yield* Fiber.join(before), 1)
      const interruption = yield* forked(Fiber.interrupt(a))
      // an interruption that begins later runs into its timeout, so this one would have done the same
      const b = yield* forked(clock.block({ job: "b", journal: journal.path, checks: false }))
      yield* journal.awaitLine("blocking")
      yield* Fiber.interrupt(b)
      assert.strictEqual(exitedOf(yield* ActorRef.awaitExit(clock)).reason, "Killed")
      assert.isUndefined(interruption.pollUnsafe())
      yield* journal.note("go a")
      yield* Fiber.join(interruption)
      assert.strictEqual(yield* stage.echo({ n: 2 }), 2)
    }).pipe(Effect.provide(placement.layer({ interruptTimeout })), quiet))

  const takenBack = (way: "together" | "apart" | "held" | "ofObject" | "rested") =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const stage = yield* Stage.spawn()
      const before = way === "held" ? yield* forked(stage.hold({ job: "first" })) : undefined
      const called = way === "ofObject" ? yield* stage.computer() : stage
      // from its end on the worker looks for messages itself
      const earlier = way === "rested"
        ? yield* forked(called.compute({ job: "earlier", journal: journal.path }))
        : undefined
      const jobs = yield* Effect.forEach(["a", "b", "c"], (job) =>
        Effect.gen(function*() {
          const call = yield* forked(called.compute({ job, journal: journal.path }))
          if (way === "apart") yield* Effect.andThen(left, journal.awaitLine("a computes"))
          return call
        }))
      if (before !== undefined) yield* stage.release({ job: "first" })
      if (earlier !== undefined) {
        yield* journal.awaitLine("earlier computes")
        yield* journal.note("go earlier")
        yield* Fiber.join(earlier)
      }
      yield* journal.awaitLine("a computes")
      const interruption = yield* forked(Fiber.interrupt(jobs[1]!))
      // the message is read when the computation has ended
      yield* left
      for (const job of ["a", "b", "c"]) yield* journal.note(`go ${job}`)
      yield* Fiber.join(interruption)
      assertInterrupted(yield* Fiber.await(jobs[1]!))
      yield* Effect.forEach([jobs[0]!, jobs[2]!], Fiber.join)
      if (before !== undefined) yield* Fiber.join(before)
      assert.deepStrictEqual(
        (yield* journal.lines).filter((line) => /^. computes$/.test(line)),
        ["a computes", "c computes"]
      )
    }).pipe(Effect.provide(placement.layer(way === "rested" ? { spin: false } : {})))

  it.live("C3: a call behind a computation is taken out and never runs, though it came with the same message", () =>
    takenBack("together"))

  it.live("C3: so is one that came with a message of its own while it went on", () => takenBack("apart"))

  it.live("C3: so is one that has waited with it in the mailbox", () => takenBack("held"))

  it.live("C3: so is one that is taken back when there has been a computation before", () => takenBack("rested"))

  it.live("C3: so is one of an object that stays in the actor", () => takenBack("ofObject"))

  it.live("H5: calls of an object that wait behind a computation run, though its handle is released behind them", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const stage = yield* Stage.spawn()
      const computer = yield* stage.computer()
      const jobs = ["a", "b", "c"]
      yield* Effect.forEach(jobs, (job) => journal.note(`go ${job}`))
      const tells = yield* Effect.forEach(
        jobs,
        (job) => forked(computer.compute({ job, journal: journal.path }, { discard: true }))
      )
      yield* Handle.release(computer)
      yield* Effect.forEach(tells, Fiber.await)
      assert.strictEqual(yield* stage.echo({ n: 1 }), 1)
      assert.deepStrictEqual(
        (yield* journal.lines).filter((line) => line.endsWith(" computes")),
        ["a computes", "b computes", "c computes"]
      )
    }).pipe(Effect.provide(placement.layer())))

  it.live("L4: a drain finishes what an object of the actor has accepted, though it waits behind a computation", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const stage = yield* Stage.spawn()
      const computer = yield* stage.computer()
      const jobs = ["a", "b", "c"]
      yield* Effect.forEach(jobs, (job) => journal.note(`go ${job}`))
      const calls = yield* Effect.forEach(jobs, (job) => forked(computer.compute({ job, journal: journal.path })))
      yield* ActorRef.stop(stage, { drain: true })
      yield* Effect.forEach(calls, Fiber.join)
    }).pipe(Effect.provide(placement.layer())))
}, { except: ["memory"], reason: "a busy loop there would block the test itself" })

onEveryPlacement(fixture, (placement) => {
  it.live("C3: a busy loop that calls Actor.checkInterrupt ends by itself", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const stage = yield* Stage.spawn()
      const a = yield* forked(stage.block({ job: "a", journal: journal.path, checks: true }))
      yield* journal.awaitLine("blocking")
      yield* Fiber.interrupt(a)
      assertInterrupted(yield* Fiber.await(a))
      // the same incarnation, so it was not killed
      assert.deepStrictEqual(yield* stage.log(), ["a began", "left the loop"])
    }).pipe(Effect.provide(placement.layer())))

  it.live("C3: so does a computation that is interrupted together with thousands of calls that wait behind it", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const stage = yield* Stage.spawn()
      const a = yield* forked(stage.compute({ job: "a", journal: journal.path }))
      yield* journal.awaitLine("a computes")
      const behind = yield* Effect.forEach(upTo(2_000), (n) => forked(stage.echo({ n })))
      const interruptions = yield* Effect.forEach(
        [a, ...behind],
        (call) => forked(Fiber.interrupt<unknown, unknown>(call))
      )
      yield* journal.note("go a")
      yield* Fiber.joinAll(interruptions)
      assert.deepStrictEqual(yield* journal.lines, ["a computes", "go a"])
    }).pipe(Effect.provide(placement.layer())))

  it.live("C3: so does one that is interrupted together with thousands of calls that run", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const stage = yield* Stage.spawn()
      const running = yield* Effect.forEach(upTo(3_000), () => forked(stage.awaitLine({ line: "never" })))
      yield* stage.echo({ n: 1 })
      const a = yield* forked(stage.compute({ job: "a", journal: journal.path }))
      yield* journal.awaitLine("a computes")
      const interruptions = yield* Effect.forEach([a, ...running], (call) => forked(Fiber.interrupt(call)))
      yield* journal.note("go a")
      yield* Fiber.joinAll(interruptions)
      assert.deepStrictEqual(yield* journal.lines, ["a computes", "go a"])
    }).pipe(Effect.provide(placement.layer())))

  it.live("C3: Actor.checkInterrupt does not break off a finalizer or an acquisition", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const stage = yield* Stage.spawn()
      const a = yield* forked(stage.computeWithCare({ job: "a", journal: journal.path, part: "acquisition" }))
      yield* journal.awaitLine("a computes")
      const interruption = yield* forked(Fiber.interrupt(a))
      yield* journal.note("go a")
      yield* Fiber.join(interruption)
      assert.deepStrictEqual(yield* journal.lines, ["a computes", "go a", "a computed", "a released"])
      const b = yield* forked(stage.computeWithCare({ job: "b", journal: journal.path, part: "finalizer" }))
      yield* stage.awaitLine({ line: "b began" })
      yield* journal.note("go b")
      yield* Fiber.interrupt(b)
      assert.deepStrictEqual((yield* journal.lines).slice(4), ["go b", "b computes", "b computed"])
    }).pipe(Effect.provide(placement.layer())))
}, { except: ["memory", "processes"], reason: "only threads share memory with a caller that is not blocked itself" })
