import { assert, it as test } from "@effect/vitest"
import { Effect, type Exit, Fiber, Logger, Queue, Schedule } from "effect"
import * as Actor from "../../../src/Actor.ts"
import { CallTimedOut, SpawnError } from "../../../src/ActorError.ts"
import * as ActorPool from "../../../src/ActorPool.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as Supervision from "../../../src/Supervision.ts"
import { errorOf, forked, upTo } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"
import { onOneWorker } from "../support/sharedWorkers.ts"
import behaviours, { Caller, Timed, Untimed } from "./actors/call-timeouts.ts"

const fixture = { module: new URL("./actors/call-timeouts.ts", import.meta.url), behaviours }

const timedOutOf = (exit: Exit.Exit<unknown, unknown>): CallTimedOut => {
  const error = errorOf(exit)
  assert.instanceOf(error, CallTimedOut)
  return error
}

/** Waits until at least 200 ms have passed, twice the longest timeout of an actor. */
const later = Effect.sleep("200 millis")

onOneWorker(fixture, Untimed.layer({ journal: "" }), (it) => {
  it.effect("C11: a running call is interrupted after the timeout of its behaviour, and fails as Unknown", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const timed = yield* Timed.spawn({ journal: journal.path })
      const error = timedOutOf(yield* Effect.exit(timed.wait()))
      assert.deepStrictEqual([error.actor, error.method, error.timeout, error.outcome], [
        "Timed",
        "wait",
        100,
        "Unknown"
      ])
      assert.match(error.message, /^Timed#\d+@\S+\.wait may have run: it did not end within 100 ms$/)
      assert.deepStrictEqual(yield* journal.lines, ["waiting", "interrupted"])
      assert.strictEqual(yield* timed.echo({ n: 1 }), 1)
    }))

  it.effect("C11: a call whose timeout passes in the mailbox never runs, and fails as NotRun", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const timed = yield* Timed.spawn({ journal: journal.path })
      const patient = yield* forked(timed.patient())
      const error = timedOutOf(yield* Effect.exit(timed.wait()))
      assert.strictEqual(error.outcome, "NotRun")
      assert.include(error.message, "has not run, and is safe to retry: it did not end within 100 ms")
      yield* journal.note("go")
      assert.strictEqual(yield* Fiber.join(patient), "done")
      assert.strictEqual(yield* timed.echo({ n: 1 }), 1)
      assert.deepStrictEqual((yield* journal.lines).filter((line) => line === "waiting"), ["waiting"])
    }))

  it.effect("C11: the timeout of a spawn takes precedence over that of the behaviour, and the timeout of a method over both", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const long = yield* Effect.provideService(Timed.spawn({ journal: journal.path }), Actor.CallTimeout, "1 hour")
      const waiting = yield* forked(long.wait())
      yield* later
      assert.isUndefined(waiting.pollUnsafe())
      assert.strictEqual(timedOutOf(yield* Effect.exit(long.brief())).timeout, 50)
      yield* Fiber.interrupt(waiting)
      const short = yield* Effect.provideService(Untimed.spawn({ journal: journal.path }), Actor.CallTimeout, 60)
      assert.strictEqual(timedOutOf(yield* Effect.exit(short.wait())).timeout, 60)
      const none = yield* Untimed.spawn({ journal: journal.path })
      assert.strictEqual(timedOutOf(yield* Effect.exit(none.brief())).timeout, 50)
    }))

  it.effect("C11: a method with an infinite timeout, and an actor without any, have none", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const timed = yield* Timed.spawn({ journal: journal.path })
      const untimed = yield* Untimed.spawn({ journal: journal.path })
      const calls = [yield* forked(timed.patient()), yield* forked(untimed.wait())]
      yield* later
      yield* journal.note("go")
      assert.deepStrictEqual(yield* Effect.forEach(calls, Fiber.join), ["done", "done"])
    }))

  it.effect("C11: the timeout of a tell ends with its acceptance", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const timed = yield* Timed.spawn({ journal: journal.path })
      yield* timed.wait(undefined, { discard: true })
      yield* journal.awaitLine("waiting")
      yield* later
      yield* journal.note("go")
      yield* journal.awaitLine("went on")
    }))

  it.effect("C11: a stream has no timeout", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const timed = yield* Timed.spawn({ journal: journal.path })
      const ticks = yield* timed.ticks(undefined, { asQueue: true })
      assert.strictEqual(yield* Queue.take(ticks), 1)
      yield* later
      yield* journal.note("go")
      assert.strictEqual(yield* Queue.take(ticks), 2)
    }))

  it.effect("C11: a call through a reference has the timeout of the actor", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const timed = yield* Timed.spawn({ journal: journal.path })
      const caller = yield* Caller.spawn()
      assert.deepStrictEqual(yield* caller.callWait({ timed }), { tag: "CallTimedOut", outcome: "Unknown" })
      assert.deepStrictEqual(yield* journal.lines, ["waiting", "interrupted"])
    }))

  it.effect("C11: a call whose timeout passes in the queue of a pool leaves the queue, never runs, and fails as NotRun", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const pool = yield* ActorPool.make(Timed, {
        size: 1,
        args: { journal: journal.path },
        queueCapacity: 1,
        onFull: "fail"
      })
      const patient = yield* forked(pool.client.patient())
      yield* journal.awaitLine("waiting")
      // the queue has room for one: each call finds that of the call before it
      for (const _ of upTo(2)) {
        const error = timedOutOf(yield* Effect.exit(pool.client.wait()))
        assert.deepStrictEqual([error.limit, error.timeout, error.outcome], ["call", 100, "NotRun"])
        assert.match(
          error.message,
          /^a pool of Timed\.wait has not run, and is safe to retry: it did not end within 100 ms$/
        )
      }
      yield* journal.note("go")
      assert.strictEqual(yield* Fiber.join(patient), "done")
      assert.strictEqual(yield* pool.client.echo({ n: 1 }), 1)
      assert.deepStrictEqual((yield* journal.lines).filter((line) => line === "waiting"), ["waiting"])
    }))

  it.effect("C11: the timeout does not concern a holder that waits for the end of the actor", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const timed = yield* Timed.spawn({ journal: journal.path })
      const caller = yield* Caller.spawn()
      const ended = yield* forked(caller.awaitExit({ timed }))
      yield* later
      assert.isUndefined(ended.pollUnsafe())
      yield* ActorRef.stop(timed)
      assert.strictEqual(yield* Fiber.join(ended), "Success")
    }))

  it.effect("C11: an interruption of the caller, and the end of the actor, end the timeout", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const options = { journal: journal.path }
      const long = yield* Effect.provideService(Timed.spawn(options), Actor.CallTimeout, "1 hour")
      yield* Fiber.interrupt(yield* forked(long.wait()))
      // the leak check finds a timer that is left
      yield* forked(Effect.exit(long.wait()))
    }))

  it.effect("C11: a spawn refuses a timeout that is out of range", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const spawn = Timed.spawn({ journal: journal.path })
      const error = yield* Effect.flip(Effect.provideService(spawn, Actor.CallTimeout, 0))
      assert.instanceOf(error, SpawnError)
      assert.strictEqual(error.reason, "OptionsInvalid")
      assert.strictEqual(error.message, "Timed: Actor.CallTimeout must be longer than 0, not 0")
    }))
}, { inCluster: true })

onEveryPlacement(fixture, (placement) => {
  test.live("C11: a call whose timeout passes while its actor restarts fails as NotRun", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const policy = Supervision.make({ schedule: Schedule.spaced("1 hour") })
      const timed = yield* Supervision.supervised(Timed.spawn({ journal: journal.path }), policy)
      yield* Effect.exit(timed.exit())
      assert.strictEqual(timedOutOf(yield* Effect.exit(timed.wait())).outcome, "NotRun")
      assert.deepStrictEqual(yield* journal.lines, [])
    }).pipe(Effect.provide(placement.layer()), Effect.provide(Logger.layer([]))))
}, { except: ["memory"], reason: "in memory the worker is the process of the test" })

test("C11: a definition and a behaviour refuse a timeout that is out of range", () => {
  assert.throws(
    () => Actor.Service<Timed>()("Bad", { protocol: { now: Actor.method().annotate(Actor.CallTimeout, -1) } }),
    RangeError,
    "Bad.now: CallTimeout must be longer than 0, not -1"
  )
  assert.throws(
    () => Timed.toLayer(() => Effect.never, { callTimeout: 0 }),
    RangeError,
    "Timed.toLayer: callTimeout must be longer than 0, not 0"
  )
})
