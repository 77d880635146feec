import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Logger } from "effect"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as Handle from "../../../src/Handle.ts"
import behaviours, { Owner, Stage } from "../fixtures/stage.ts"
import { assertInterrupted, exitedOf, forked, left, logOf, upTo } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"

const fixture = { module: new URL("../fixtures/stage.ts", import.meta.url), behaviours }

// what is said of killed workers is not for the screen
const quiet = Effect.provide(Logger.layer([]))

// for handlers that do not react; generous against a machine that is slow to answer those that do
const interruptTimeout = "500 millis"

onEveryPlacement(fixture, (placement) => {
  it.live("C3: interrupting a busy loop kills its worker, and no other worker", () =>
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

  it.live("F6: a worker that ignores many interruptions together is killed once, with one log line", () => {
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

  it.live("C3: interrupting a busy loop kills its worker, even if queued calls are cancelled first", () =>
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

  it.live("C3: interrupting a busy loop kills its worker, even if a call of another actor started in the same turn", () =>
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

  it.live("C3: interrupting a queued call does not affect the computation ahead of it", () => givenUp("same actor"))

  it.live("C3: interrupting a call that waits for another actor of the same worker does not affect the computation", () =>
    givenUp("other actor"))

  it.live("C3: an interruption waits for a method declared with Rpc.uninterruptible, even if it computes from its first turn", () =>
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

  const interruptedWhileQueued = (way: "together" | "apart" | "held" | "ofObject" | "rested") =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const stage = yield* Owner.spawn()
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

  it.live("C3: an interrupted call queued behind a computation never runs, even if both came in one message", () =>
    interruptedWhileQueued("together"))

  it.live("C3: an interrupted call that came during a computation never runs", () => interruptedWhileQueued("apart"))

  it.live("C3: an interrupted call that was queued together with a computation never runs", () =>
    interruptedWhileQueued("held"))

  it.live("C3: an interrupted call queued behind a second computation never runs", () =>
    interruptedWhileQueued("rested"))

  it.live("C3: an interrupted call of an object, queued behind a computation, never runs", () =>
    interruptedWhileQueued("ofObject"))

  it.live("H5: calls of an object queued behind a computation run, even if its handle is released after them", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const stage = yield* Owner.spawn()
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

  it.live("L4: a drain finishes the accepted calls of an object of the actor, even behind a computation", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const stage = yield* Owner.spawn()
      const computer = yield* stage.computer()
      const jobs = ["a", "b", "c"]
      yield* Effect.forEach(jobs, (job) => journal.note(`go ${job}`))
      const calls = yield* Effect.forEach(jobs, (job) => forked(computer.compute({ job, journal: journal.path })))
      yield* ActorRef.stop(stage, { drain: true })
      yield* Effect.forEach(calls, Fiber.join)
    }).pipe(Effect.provide(placement.layer())))
}, { except: ["memory"], reason: "a busy loop in memory blocks the test itself" })

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

  it.live("C3: a computation interrupted together with thousands of queued calls ends by itself", () =>
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

  it.live("C3: a computation interrupted together with thousands of running calls ends by itself", () =>
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

  it.live("C3: Actor.checkInterrupt does not interrupt a finalizer or an acquisition", () =>
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
