/**
 * References to actors in the hands of other actors: between two threads, and in one, nobody is between them; and it makes no
 * difference to what they may rely on.
 */
import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Logger } from "effect"
import { setImmediate } from "node:timers/promises"
import * as ActorRef from "../../../src/ActorRef.ts"
import behaviours, { Clerk, Visitor } from "../fixtures/reference-direct.ts"
import { forked, left, upTo } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"
import { onTwoWorkersAndOne } from "../support/sharedWorkers.ts"
import { meet } from "./meet.ts"

const fixture = { module: new URL("../fixtures/reference-direct.ts", import.meta.url), behaviours }

// keeps the reports of crashes out of the output
const quiet = Effect.provide(Logger.layer([]))

for (const workers of ["dedicated", 1] as const) {
  const where = workers === 1 ? "in one worker" : "in two workers"
  onEveryPlacement(fixture, (placement) => {
    const layer = placement.layer({ workers })

    it.live(`H4: actors call each other without the thread that introduced the two (${where})`, () =>
      Effect.gen(function*() {
        const { clerk, journal, visitor } = yield* meet(1)
        const counting = yield* forked(visitor.count({ n: 100 }))
        // this thread relays nothing from here on
        yield* left
        yield* journal.note("begun")
        Journal.block(journal, "counted 100")
        yield* Fiber.join(counting)
        assert.strictEqual(yield* clerk.count(), 101)
      }).pipe(Effect.provide(layer)))

    it.live(`H5: releasing a reference leaves no route behind (${where})`, () =>
      Effect.gen(function*() {
        const { clerk, visitor } = yield* meet(1)
        yield* visitor.count({ n: 1 })
        assert.strictEqual(yield* clerk.ways(), workers === 1 ? 2 : 1)
        assert.strictEqual(yield* visitor.ways(), workers === 1 ? 2 : 1)
        yield* visitor.letGo()
        // the release takes the channel between the two workers, and a call from here may be faster
        while ((yield* clerk.ways()) > 0) yield* Effect.yieldNow
        assert.strictEqual(yield* visitor.ways(), 0)
      }).pipe(Effect.provide(layer)))

    it.live(`H5: a stopped actor, and an actor that ends with its scope, leave no route behind (${where})`, () =>
      Effect.gen(function*() {
        const { clerk, journal, visitor } = yield* meet(1)
        yield* visitor.count({ n: 1 })
        const other = yield* Clerk.spawn({ journal: journal.path })
        yield* ActorRef.stop(clerk)
        while ((yield* visitor.ways()) > 0) yield* Effect.yieldNow
        assert.deepStrictEqual(yield* visitor.notes({ name: "after", n: 2 }), ["Stopped NotRun", "Stopped NotRun"])
        // the end of the actor crosses the handle in transit
        const late = yield* Visitor.spawn({ journal: journal.path, clerk })
        assert.deepStrictEqual(yield* late.notes({ name: "late", n: 1 }), ["Stopped NotRun"])
        assert.strictEqual(yield* late.ways(), 0)
        yield* ActorRef.stop(other)
      }).pipe(Effect.provide(layer)))
  }, { except: ["memory", "processes"], reason: "only threads have channels to each other" })
}

onTwoWorkersAndOne(fixture, Clerk.spawn({ journal: "none" }), (it, _, workers) => {
  const where = workers === 1 ? "in one worker" : "in two workers"

  it.effect(`F2: calls through a reference report that the actor was killed, like other calls (${where})`, () =>
    Effect.gen(function*() {
      const { clerk, journal, visitor } = yield* meet(1)
      const hanging = yield* forked(visitor.hang({ line: "a" }))
      yield* journal.awaitLine("a begun")
      const behind = yield* forked(visitor.notes({ name: "behind", n: 3 }))
      yield* journal.awaitLine("behind made")
      yield* ActorRef.kill(clerk)
      assert.deepStrictEqual(yield* Fiber.join(hanging), "Killed Unknown")
      const reasons = (yield* Fiber.join(behind)).map((end) => end.split(" ")[0])
      assert.deepStrictEqual(reasons, ["Killed", "Killed", "Killed"])
      assert.deepStrictEqual(yield* visitor.notes({ name: "after", n: 1 }), ["Killed NotRun"])
    }).pipe(quiet))

  it.effect(`H4: a reference in an actor makes every kind of call (${where})`, () =>
    Effect.gen(function*() {
      const { journal, visitor } = yield* meet(1)
      assert.deepStrictEqual(yield* visitor.all(), [
        "success",
        "no",
        "1000 items",
        "7",
        "TimeoutError: Operation timed out after '1s'"
      ])
      assert.deepStrictEqual(yield* journal.lines, ["timed begun", "timed finalized"])
    }))

  it.effect(`F1: an actor that calls another actor endlessly does not block other calls (${where})`, () =>
    Effect.gen(function*() {
      const { clerk, visitor } = yield* meet(1)
      const counting = yield* forked(visitor.count({ n: Number.MAX_SAFE_INTEGER }))
      for (let i = 0; i < 10; i++) {
        // the event loops of both ends turn
        yield* Effect.promise(() => setImmediate())
        yield* clerk.count()
      }
      yield* Fiber.interrupt(counting)
    }))

  it.effect(`C2: calls through a reference start in their order, interleaved with the calls of other callers (${where})`, () =>
    Effect.gen(function*() {
      const { callers, clerk, journal } = yield* meet(2)
      const endings = yield* Effect.all([
        ...callers.map((visitor, i) => visitor.notes({ name: `visitor ${i}`, n: 50 })),
        Effect.forEach(upTo(50), (n) => clerk.note({ line: `main ${n}` }), { concurrency: "unbounded" })
      ], { concurrency: "unbounded" })
      assert.isTrue(endings.slice(0, 2).flat().every((ending) => ending === "success"))
      const lines = yield* journal.lines
      for (const name of ["visitor 0", "visitor 1", "main"]) {
        const own = lines.filter((line) => line.startsWith(`${name} `) && !line.endsWith("made"))
        assert.deepStrictEqual(own, upTo(50).map((n) => `${name} ${n}`))
      }
    }))

  it.effect(`C3: interrupting a queued call through a reference removes it, and interrupting a running one runs its finalizers first (${where})`, () =>
    Effect.gen(function*() {
      const { journal, visitor } = yield* meet(1)
      const running = yield* forked(visitor.hang({ line: "running" }))
      yield* journal.awaitLine("running begun")
      const waiting = yield* forked(visitor.hang({ line: "waiting" }))
      yield* left
      yield* Fiber.interrupt(waiting)
      yield* Fiber.interrupt(running)
      const lines = yield* journal.lines
      assert.notInclude(lines, "waiting begun")
      assert.isAbove(lines.indexOf("running acknowledged"), lines.indexOf("running finalized"), lines.join())
      // the calls after them continue
      assert.deepStrictEqual(yield* visitor.notes({ name: "after", n: 1 }), ["success"])
    }))

  it.effect(`C4, C7: a tell through a reference completes when the mailbox has room, whichever caller fills it (${where})`, () =>
    Effect.gen(function*() {
      const { callers, clerk, journal } = yield* meet(2)
      const [one, other] = callers
      const running = yield* forked(clerk.wait({ line: "first" }))
      yield* journal.awaitLine("first begun")
      // of two calls at a time, one is made here and one by an actor
      const here = yield* forked(clerk.note({ line: "here" }))
      yield* left
      yield* one!.tell({ line: "one" })
      const beyond = yield* forked(other!.tell({ line: "other" }))
      const far = yield* forked(one!.tell({ line: "far" }))
      // each actor has made its call before it answers this call
      yield* Effect.all([one!.ways(), other!.ways()])
      assert.deepStrictEqual(yield* journal.lines, ["first begun", "told one"])
      assert.isUndefined(beyond.pollUnsafe())
      yield* journal.note("go")
      yield* Effect.forEach([running, here, beyond, far], Fiber.join)
      // the accepted calls run afterwards
      yield* Effect.forEach(["one", "other", "far"], journal.awaitLine)
      const lines = yield* journal.lines
      assert.isBelow(lines.indexOf("here"), lines.indexOf("one"))
      assert.isBelow(lines.indexOf("one"), lines.indexOf("far"))
      assert.includeMembers(lines.slice(), ["other", "told other", "told far"])
    }))

  it.effect(`L4: stopping finishes or interrupts the calls made through references (${where})`, () =>
    Effect.gen(function*() {
      const first = yield* meet(1)
      const running = yield* forked(first.clerk.wait({ line: "first" }))
      yield* first.journal.awaitLine("first begun")
      yield* first.visitor.tell({ line: "one" })
      yield* first.visitor.tell({ line: "two" })
      const stopping = yield* forked(ActorRef.stop(first.clerk, { drain: true }))
      yield* first.journal.note("go")
      yield* Effect.forEach([running, stopping], Fiber.join)
      assert.includeMembers((yield* first.journal.lines).slice(), ["one", "two"])

      const second = yield* meet(1)
      const hanging = yield* forked(second.visitor.hang({ line: "a" }))
      yield* second.journal.awaitLine("a begun")
      const behind = yield* forked(second.visitor.notes({ name: "behind", n: 1 }))
      yield* second.journal.awaitLine("behind made")
      yield* ActorRef.stop(second.clerk)
      assert.strictEqual(yield* Fiber.join(hanging), "Stopped Unknown")
      assert.deepStrictEqual(yield* Fiber.join(behind), ["Stopped NotRun"])
      assert.include(yield* second.journal.lines, "a finalized")
    }))

  it.effect(`H5: releasing a reference cancels the calls made through it (${where})`, () =>
    Effect.gen(function*() {
      const { clerk, journal, visitor } = yield* meet(1)
      const hanging = yield* forked(visitor.hang({ line: "a" }))
      yield* journal.awaitLine("a begun")
      const behind = yield* forked(visitor.notes({ name: "behind", n: 1 }))
      yield* journal.awaitLine("behind made")
      yield* visitor.letGo()
      assert.strictEqual(yield* Fiber.join(hanging), "HandleReleased")
      assert.deepStrictEqual(yield* Fiber.join(behind), ["HandleReleased"])
      assert.deepStrictEqual(yield* visitor.notes({ name: "after", n: 1 }), ["HandleReleased"])
      // the actor has no trace of the call
      yield* clerk.note({ line: "free" })
      const lines = yield* journal.lines
      assert.include(lines, "a finalized")
      assert.notInclude(lines, "behind 1")
    }))

  it.effect(`H5: releasing a reference cancels calls that its actor would finish before it ends (${where})`, () =>
    Effect.gen(function*() {
      const { clerk, journal, visitor } = yield* meet(1)
      const hanging = yield* forked(visitor.hang({ line: "a" }))
      yield* journal.awaitLine("a begun")
      const stopping = yield* forked(ActorRef.stop(clerk, { drain: true }))
      yield* left
      const refused = yield* forked(visitor.notes({ name: "refused", n: 1 }))
      yield* journal.awaitLine("refused made")
      // the reports about that call arrive before these answers
      yield* visitor.ways().pipe(Effect.repeat({ times: 20 }))
      yield* visitor.letGo()
      assert.strictEqual(yield* Fiber.join(hanging), "HandleReleased")
      yield* Fiber.join(stopping)
      yield* Fiber.join(refused)
      assert.include(yield* journal.lines, "a finalized")
    }))

  it.effect(`H5: an interrupted caller learns the end of its call, even after the release of the reference (${where})`, () =>
    Effect.gen(function*() {
      const { journal, visitor } = yield* meet(1)
      const finishing = yield* forked(visitor.finish({ line: "slow" }))
      yield* journal.awaitLine("slow begun")
      const interruption = yield* forked(Fiber.interrupt(finishing))
      yield* left
      yield* visitor.letGo()
      yield* journal.note("go")
      yield* Fiber.join(interruption)
      // the visitor has not been killed
      assert.strictEqual(yield* visitor.ways(), 0)
    }))

  it.effect(`H5: the end of a holder cancels its calls (${where})`, () =>
    Effect.gen(function*() {
      const { clerk, journal, visitor } = yield* meet(1)
      const hanging = yield* forked(visitor.hang({ line: "a" }))
      yield* journal.awaitLine("a begun")
      const behind = yield* forked(visitor.notes({ name: "behind", n: 1 }))
      yield* journal.awaitLine("behind made")
      yield* ActorRef.stop(visitor)
      yield* Fiber.await(hanging)
      yield* Fiber.await(behind)
      yield* clerk.note({ line: "free" })
      const lines = yield* journal.lines
      assert.include(lines, "a finalized")
      assert.notInclude(lines, "behind 1")
    }))
})
