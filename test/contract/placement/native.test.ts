/** Native code in a thread, which cannot be stopped: nobody waits for it. */
import { assert, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Schedule, Scope } from "effect"
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as Supervision from "../../../src/Supervision.ts"
import behaviours, { Thrower } from "../fixtures/uncaught.ts"
import { assertExited, assertInterrupted, forked, left, logOf } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"

const fixture = { module: new URL("../fixtures/uncaught.ts", import.meta.url), behaviours }

onEveryPlacement(fixture, (placement) => {
  it.live("C3, F1: interrupting a call in native code completes when its worker is killed, and the queued calls never run", () => {
    const { layer, lines } = logOf("Warn")
    return Effect.gen(function*() {
      const journal = yield* Journal.make
      const [thrower, bystander] = yield* Effect.all([Thrower.spawn(), Thrower.spawn()], { concurrency: 2 })
      const native = yield* forked(thrower.native({ journal: journal.path }))
      yield* journal.awaitLine("native")
      const behind = yield* forked(thrower.note({ journal: journal.path, line: "behind" }))
      yield* left
      yield* Fiber.interrupt(native)
      assertInterrupted(yield* Fiber.await(native))
      assertExited(yield* Fiber.await(behind), "Killed", "NotRun")
      assertExited(yield* ActorRef.awaitExit(thrower), "Killed", "NotRun")
      assert.deepStrictEqual(yield* journal.lines, ["native"])
      assert.strictEqual(yield* bystander.echo({ n: 1 }), 1)
      assert.lengthOf(lines, 2)
      assert.include(lines[1]!.message, "native code")
      yield* journal.note("go")
      yield* journal.awaitLine("returned")
      // the journal is there for as long as it is written to
      yield* bystander.note({ journal: journal.path, line: "after" })
      assert.deepStrictEqual(yield* journal.lines, ["native", "go", "returned", "after"])
    }).pipe(Effect.provide(placement.layer({ interruptTimeout: "500 millis" })), Effect.provide(layer))
  })

  it.live("F3: calls queued behind native code run in the next incarnation of a supervised actor", () => {
    const { layer } = logOf("Warn")
    return Effect.gen(function*() {
      const journal = yield* Journal.make
      const thrower = yield* Supervision.supervised(
        Thrower.spawn(),
        Supervision.make({ schedule: Schedule.spaced(1) })
      )
      const native = yield* forked(thrower.native({ journal: journal.path }))
      yield* journal.awaitLine("native")
      const behind = yield* forked(thrower.note({ journal: journal.path, line: "behind" }))
      yield* left
      yield* Fiber.interrupt(native)
      yield* Fiber.join(behind)
      assert.deepStrictEqual(yield* journal.lines, ["native", "behind"])
      yield* journal.note("go")
      yield* journal.awaitLine("returned")
      assert.deepStrictEqual(yield* journal.lines, ["native", "behind", "go", "returned"])
    }).pipe(Effect.provide(placement.layer({ interruptTimeout: "500 millis" })), Effect.provide(layer))
  })

  it.live("L4: closing waits for native code no longer than its timeout, however short the timeout is", () => {
    const { layer, lines } = logOf("Warn")
    return Effect.gen(function*() {
      const journal = yield* Journal.make
      // to open it takes until it is opened for writing as well
      const pipe = `${journal.path}-pipe`
      yield* Effect.acquireRelease(
        Effect.sync(() => execFileSync("mkfifo", [pipe])),
        () => Effect.sync(() => fs.rmSync(pipe))
      )
      const scope = yield* Scope.make()
      const thrower = yield* Scope.provide(Thrower.spawn(), scope)
      yield* thrower.open({ path: pipe })
      // The threads of the process share libuv's queue, which is first in, first out: the open has begun when a later request has ended.
      // An open that has not begun is cancelled by the end of its thread.
      yield* Effect.promise(() => fs.promises.stat(pipe))
      // as late as no closing takes
      let isOver = false
      const later = setTimeout(() => {
        isOver = true
        fs.closeSync(fs.openSync(pipe, "r+"))
      }, 60_000)
      yield* Scope.close(scope, Exit.void)
      clearTimeout(later)
      assert.isFalse(isOver)
      fs.closeSync(fs.openSync(pipe, "r+"))
      assert.include(lines.at(-1)!.message, "native code")
    }).pipe(Effect.scoped, Effect.provide(placement.layer({ shutdownTimeout: "300 millis" })), Effect.provide(layer))
  })
}, {
  except: ["memory", "processes"],
  reason: "a process ends even during native code, and native code in memory blocks the test itself"
})
