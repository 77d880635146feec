/** `Actor.disconnect`: the caller continues at once, and the interruption of its call goes on in the background. */
import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Logger, Option } from "effect"
import { TestClock } from "effect/testing"
import * as Actor from "../../../src/Actor.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import behaviours, { Stage, Wrong } from "../fixtures/stage.ts"
import { assertError, assertInterrupted, defectOf, errorOf, exitedOf, forked, upTo } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"
import { onOneWorker } from "../support/sharedWorkers.ts"

const fixture = { module: new URL("../fixtures/stage.ts", import.meta.url), behaviours }

// the log lines about killed workers would only clutter the screen
const quiet = Effect.provide(Logger.layer([]))

onOneWorker(fixture, Stage.layer(), (it) => {
  it.effect("C3: Actor.disconnect lets the caller continue while its handler is still running", () =>
    Effect.gen(function*() {
      const stage = yield* Stage.spawn()
      const a = yield* forked(Actor.disconnect(stage.holdUninterruptible({ job: "a" })))
      yield* stage.awaitLine({ line: "a began" })
      yield* Fiber.interrupt(a)
      assertInterrupted(yield* Fiber.await(a))
      assert.deepStrictEqual(yield* stage.log(), ["a began"])
      yield* stage.release({ job: "a" })
      yield* stage.awaitLine({ line: "a finalized" })
      assert.deepStrictEqual(yield* stage.log(), ["a began", "a ended", "a finalized"])
    }))

  it.effect("C3: Actor.disconnect interrupts the handler in the background, and its finalizers run", () =>
    Effect.gen(function*() {
      const stage = yield* Stage.spawn()
      const call = Actor.disconnect(stage.hold({ job: "a" }))
      const a = yield* forked(Effect.timeoutOption(call, "50 millis"))
      yield* stage.awaitLine({ line: "a began" })
      yield* TestClock.adjust("50 millis")
      assert(Option.isNone(yield* Fiber.join(a)))
      yield* stage.awaitLine({ line: "a finalized" })
      assert.deepStrictEqual(yield* stage.log(), ["a began", "a interrupted", "a finalized"])
      // the actor is free for the next call
      assert.strictEqual(yield* stage.echo({ n: 1 }), 1)
    }).pipe(Effect.provide(TestClock.layer())))

  it.effect("C3: Actor.disconnect removes a queued call, which never runs", () =>
    Effect.gen(function*() {
      const stage = yield* Stage.spawn()
      const a = yield* forked(stage.hold({ job: "a" }))
      const b = yield* forked(Actor.disconnect(stage.hold({ job: "b" })))
      yield* stage.awaitLine({ line: "a began" })
      yield* Fiber.interrupt(b)
      assertInterrupted(yield* Fiber.await(b))
      yield* stage.release({ job: "a" })
      assert.strictEqual(yield* Fiber.join(a), "a")
      assert.strictEqual(yield* stage.echo({ n: 1 }), 1)
      assert.notInclude(yield* stage.log(), "b began")
    }))

  it.effect("C2: calls under Actor.disconnect start in the order in which they are made", () =>
    Effect.gen(function*() {
      const stage = yield* Stage.spawn()
      const calls = yield* Effect.forEach(upTo(100), (n) => {
        const call = stage.echo({ n })
        return forked(n % 2 === 0 ? call : Actor.disconnect(call))
      })
      assert.deepStrictEqual(yield* Effect.forEach(calls, Fiber.join), upTo(100))
      assert.deepStrictEqual(yield* stage.log(), upTo(100).map(String))
    }))

  it.effect("C1: Actor.disconnect passes on the result, the typed error and the defect of its call", () =>
    Effect.gen(function*() {
      const stage = yield* Stage.spawn()
      assert.strictEqual(yield* Actor.disconnect(stage.echo({ n: 1 })), 1)
      const failed = yield* Effect.exit(Actor.disconnect(stage.fail({ job: "a", way: "fails", slowly: false })))
      assert.instanceOf(errorOf(failed), Wrong)
      const died = yield* Effect.exit(Actor.disconnect(stage.fail({ job: "a", way: "dies", slowly: false })))
      assertError(defectOf(died), { name: "RangeError", message: "a died" })
    }))
})

onEveryPlacement(fixture, (placement) => {
  it.live("C3: Actor.disconnect lets the caller of a busy loop continue before its worker is killed", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const stage = yield* Stage.spawn()
      const exit = yield* forked(ActorRef.awaitExit(stage))
      const a = yield* forked(Actor.disconnect(stage.block({ job: "a", journal: journal.path, checks: false })))
      yield* journal.awaitLine("blocking")
      yield* Fiber.interrupt(a)
      assertInterrupted(yield* Fiber.await(a))
      assert.isUndefined(exit.pollUnsafe())
      assert.strictEqual(exitedOf(yield* Fiber.join(exit)).reason, "Killed")
    }).pipe(Effect.provide(placement.layer({ interruptTimeout: "500 millis" })), quiet))
}, { except: ["memory"], reason: "a busy loop in memory blocks its caller" })
