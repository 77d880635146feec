/**
 * Calls that wait in a worker which does not read its messages: somebody's long computation keeps it from that, rightly perhaps. Who
 * gives such a call up is free in time, and the worker is left alone.
 */
import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Logger } from "effect"
import * as ActorRef from "../../../src/ActorRef.ts"
import crashCauses, { Doomed } from "../fixtures/crash-causes.ts"
import references, { Clerk, Visitor } from "../fixtures/reference-direct.ts"
import stage, { Stage } from "../fixtures/stage.ts"
import { assertExited, assertInterrupted, exitedOf, forked, left, upTo } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"

// the reports of killed workers are not for the screen
const quiet = Effect.provide(Logger.layer([]))

const interruptTimeout = "500 millis"

onEveryPlacement({ module: new URL("../fixtures/stage.ts", import.meta.url), behaviours: stage }, (placement) => {
  for (const who of ["same actor", "other actor"] as const) {
    it.live(`C3: interrupting a call queued behind an endless computation completes after interruptTimeout (${who})`, () =>
      Effect.gen(function*() {
        const journal = yield* Journal.make
        const [one, other] = yield* Effect.forEach(upTo(2), () => Stage.spawn())
        const a = yield* forked(one!.block({ job: "a", journal: journal.path, checks: false }))
        yield* journal.awaitLine("blocking")
        const calls = yield* Effect.forEach(
          upTo(3),
          () => forked((who === "same actor" ? one! : other!).hold({ job: "b" }))
        )
        yield* left
        yield* Fiber.interruptAll(calls)
        for (const call of calls) assertInterrupted(yield* Fiber.await(call))
        // the computation is left alone, until it is given up itself
        assert.isUndefined(a.pollUnsafe())
        yield* Fiber.interrupt(a)
        assert.strictEqual(exitedOf(yield* ActorRef.awaitExit(one!)).reason, "Killed")
      }).pipe(Effect.provide(placement.layer({ interruptTimeout, workers: 1 })), quiet))
  }

  it.live("C3: such an interrupted call never runs, and its place is free", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const stage = yield* Stage.spawn()
      const a = yield* forked(stage.compute({ job: "a", journal: journal.path }))
      yield* journal.awaitLine("a computes")
      const b = yield* forked(stage.compute({ job: "b", journal: journal.path }))
      const c = yield* forked(stage.echo({ n: 1 }))
      yield* left
      yield* Fiber.interrupt(b)
      assertInterrupted(yield* Fiber.await(b))
      yield* journal.note("go a")
      yield* Fiber.join(a)
      assert.strictEqual(yield* Fiber.join(c), 1)
      assert.notInclude(yield* journal.lines, "b computes")
    }).pipe(Effect.provide(placement.layer({ interruptTimeout }))))

  it.live("C3, L4: closing the scope of an actor with a call queued behind an endless computation takes at most its timeouts", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const blocker = yield* Stage.spawn()
      const a = yield* forked(blocker.block({ job: "a", journal: journal.path, checks: false }))
      yield* journal.awaitLine("blocking")
      const use = Effect.scoped(Effect.flatMap(Stage.spawn(), (stage) => stage.hold({ job: "b" })))
      yield* Effect.timeoutOption(use, "200 millis")
      assertExited(yield* Fiber.await(a), "Killed", "Unknown")
    }).pipe(
      Effect.provide(placement.layer({ interruptTimeout, shutdownTimeout: "500 millis", workers: 1 })),
      quiet
    ))
}, { except: ["memory"], reason: "a busy loop in memory blocks the test itself" })

onEveryPlacement(
  { module: new URL("../fixtures/crash-causes.ts", import.meta.url), behaviours: crashCauses },
  (placement) => {
    it.live("C3: interrupting a call in a process stopped by a signal completes after interruptTimeout", () =>
      Effect.gen(function*() {
        const journal = yield* Journal.make
        const actor = yield* Doomed.spawn({ journal: journal.path })
        const pid = yield* actor.pid()
        process.kill(pid, "SIGSTOP")
        const call = yield* forked(actor.echo({ n: 1 }))
        yield* left
        yield* Fiber.interrupt(call)
        assertInterrupted(yield* Fiber.await(call))
        process.kill(pid, "SIGCONT")
        assert.strictEqual(yield* actor.echo({ n: 2 }), 2)
      }).pipe(Effect.provide(placement.layer({ interruptTimeout })), quiet))
  },
  { except: ["memory", "threads"], reason: "a thread gets no signals of its own" }
)

onEveryPlacement(
  { module: new URL("../fixtures/reference-direct.ts", import.meta.url), behaviours: references },
  (placement) => {
    it.live("C3: an actor that interrupts a call of an actor in a stopped process continues after interruptTimeout", () =>
      Effect.gen(function*() {
        const journal = yield* Journal.make
        const clerk = yield* Clerk.spawn({ journal: journal.path })
        const visitor = yield* Visitor.spawn({ journal: journal.path, clerk })
        yield* visitor.count({ n: 1 })
        const burning = yield* forked(clerk.burn())
        yield* journal.awaitLine("burning")
        const hanging = yield* forked(visitor.hang({ line: "b" }))
        yield* left
        yield* Fiber.interrupt(hanging)
        assertInterrupted(yield* Fiber.await(hanging))
        assert.isUndefined(burning.pollUnsafe())
        // the interruption has left the program when the visitor answers another call
        yield* visitor.ways()
        yield* journal.note("made")
        yield* Fiber.join(burning)
        assert.strictEqual(yield* clerk.count(), 2)
        assert.notInclude(yield* journal.lines, "b begun")
      }).pipe(Effect.provide(placement.layer({ interruptTimeout })), quiet))
  },
  { except: ["memory"], reason: "a busy loop in memory blocks the test itself" }
)
