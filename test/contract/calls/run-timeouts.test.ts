/** C12: the timeout of the run of a call. */
import { assert, it as test } from "@effect/vitest"
import { Effect, type Exit, Fiber, Logger, Queue, Schedule, Stream } from "effect"
import * as Actor from "../../../src/Actor.ts"
import { CallTimedOut, SpawnError } from "../../../src/ActorError.ts"
import * as ActorPool from "../../../src/ActorPool.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as Supervision from "../../../src/Supervision.ts"
import { errorOf, forked, logOf } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"
import { onTwoWorkersAndOne } from "../support/sharedWorkers.ts"
import behaviours, { Caller, Timed, Untimed } from "./actors/run-timeouts.ts"

const fixture = { module: new URL("./actors/run-timeouts.ts", import.meta.url), behaviours }

const timedOutOf = (exit: Exit.Exit<unknown, unknown>): CallTimedOut => {
  const error = errorOf(exit)
  assert.instanceOf(error, CallTimedOut)
  assert.deepStrictEqual([error.limit, error.outcome], ["run", "Unknown"], error.message)
  return error
}

/** Waits until at least 200 ms have passed, twice the longest timeout of an actor. */
const later = Effect.sleep("200 millis")

const setup = Effect.gen(function*() {
  const journal = yield* Journal.make
  return { journal, timed: yield* Timed.spawn({ journal: journal.path }) }
})

onTwoWorkersAndOne(fixture, Untimed.spawn({ journal: "" }), (it) => {
  it.effect("C12: a handler is interrupted after the timeout of its behaviour, and its call fails as Unknown", () =>
    Effect.gen(function*() {
      const { journal, timed } = yield* setup
      const error = timedOutOf(yield* Effect.exit(timed.wait()))
      assert.deepStrictEqual([error.actor, error.method, error.timeout], ["Timed", "wait", 100])
      assert.match(error.message, /^Timed#\d+@\S+\.wait may have run: its run did not end within 100 ms$/)
      assert.deepStrictEqual(yield* journal.lines, ["waiting", "interrupted"])
      assert.strictEqual(yield* timed.echo({ n: 1 }), 1)
      assert.strictEqual(timedOutOf(yield* Effect.exit(timed.forked())).method, "forked")
    }))

  it.effect("C12: the wait in the mailbox does not count", () =>
    Effect.gen(function*() {
      const { journal, timed } = yield* setup
      const calls = [yield* forked(timed.patient()), yield* forked(timed.wait()), yield* forked(timed.brief())]
      yield* later
      yield* journal.note("go")
      assert.deepStrictEqual(yield* Effect.forEach(calls, Fiber.join), ["done", "done", "done"])
    }))

  it.effect("C12: the timeout of a spawn takes precedence over that of the behaviour, and the timeout of a method over both", () =>
    Effect.gen(function*() {
      const { journal } = yield* setup
      const long = yield* Effect.provideService(Timed.spawn({ journal: journal.path }), Actor.RunTimeout, "1 hour")
      const waiting = yield* forked(long.wait())
      yield* later
      assert.isUndefined(waiting.pollUnsafe())
      yield* Fiber.interrupt(waiting)
      assert.strictEqual(timedOutOf(yield* Effect.exit(long.brief())).timeout, 50)
      const short = yield* Effect.provideService(Untimed.spawn({ journal: journal.path }), Actor.RunTimeout, 60)
      assert.strictEqual(timedOutOf(yield* Effect.exit(short.wait())).timeout, 60)
      const none = yield* Untimed.spawn({ journal: journal.path })
      const free = yield* forked(none.wait())
      yield* later
      yield* journal.note("go")
      assert.strictEqual(yield* Fiber.join(free), "done")
    }))

  it.effect("C12: a run with a callTimeout fails by the timeout that passes first", () =>
    Effect.gen(function*() {
      const { journal } = yield* setup
      const spawn = Timed.spawn({ journal: journal.path })
      const long = yield* Effect.provideService(spawn, Actor.CallTimeout, "1 hour")
      assert.strictEqual(timedOutOf(yield* Effect.exit(long.wait())).timeout, 100)
      const short = yield* Effect.provideService(spawn, Actor.CallTimeout, "30 millis")
      const error = yield* Effect.flip(short.wait())
      assert(error._tag === "CallTimedOut")
      assert.deepStrictEqual([error.limit, error.timeout, error.outcome], ["call", 30, "Unknown"])
    }))

  it.effect("C12: a handler that is uninterruptible has no timeout", () =>
    Effect.gen(function*() {
      const { journal, timed } = yield* setup
      const sealed = yield* forked(timed.sealed())
      yield* later
      yield* journal.note("go")
      assert.strictEqual(yield* Fiber.join(sealed), "done")
    }))

  it.effect("C12: a stream has no timeout but that of its method, and its items arrive before it", () =>
    Effect.gen(function*() {
      const { journal, timed } = yield* setup
      const got: Array<number> = []
      const brief = Stream.runForEach(timed.briefTicks(), (n) => Effect.sync(() => void got.push(n)))
      assert.strictEqual(timedOutOf(yield* Effect.exit(brief)).timeout, 50)
      assert.deepStrictEqual(got, [1])
      assert.deepStrictEqual(yield* journal.lines, ["interrupted"])
      const ticks = yield* timed.ticks(undefined, { asQueue: true })
      assert.strictEqual(yield* Queue.take(ticks), 1)
      yield* later
      yield* journal.note("go")
      assert.strictEqual(yield* Queue.take(ticks), 2)
    }))

  it.effect("C12: a call through a reference has the timeout of the actor, and its wait does not count", () =>
    Effect.gen(function*() {
      const { journal, timed } = yield* setup
      const callers = yield* Effect.all([Caller.spawn(), Caller.spawn()])
      const methods = ["wait", "brief"] as const
      for (const method of methods) assert.strictEqual(yield* callers[0].use({ timed, method }), "run Unknown")
      assert.deepStrictEqual(yield* journal.lines, ["waiting", "interrupted", "waiting", "interrupted"])
      const patient = yield* forked(timed.patient())
      const behind = yield* Effect.forEach(methods, (method, i) => forked(callers[i]!.use({ timed, method })))
      yield* later
      yield* journal.note("go")
      assert.deepStrictEqual(yield* Effect.forEach([patient, ...behind], Fiber.join), ["done", "done", "done"])
    }))

  it.effect("C12: the wait in the queue of a pool does not count, and the members have the timeout of the pool's spawn", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const make = ActorPool.make(Untimed, { size: 1, args: { journal: journal.path } })
      const pool = yield* Effect.provideService(make, Actor.RunTimeout, "100 millis")
      timedOutOf(yield* Effect.exit(pool.client.wait()))
      const calls = [yield* forked(pool.client.patient()), yield* forked(pool.client.wait())]
      yield* later
      yield* journal.note("go")
      assert.deepStrictEqual(yield* Effect.forEach(calls, Fiber.join), ["done", "done"])
    }))

  it.effect("C12: a spawn refuses a timeout that is out of range", () =>
    Effect.gen(function*() {
      const spawn = Timed.spawn({ journal: "" })
      const error = yield* Effect.flip(Effect.provideService(spawn, Actor.RunTimeout, 0))
      assert.instanceOf(error, SpawnError)
      assert.deepStrictEqual(
        [error.reason, error.message],
        ["OptionsInvalid", "Timed: Actor.RunTimeout must be longer than 0, not 0"]
      )
    }))
}, { inCluster: "all" })

onEveryPlacement(fixture, (placement) => {
  test.live("C12: the run of a tell is interrupted, and the log reports it", () =>
    Effect.gen(function*() {
      const { layer, lines } = logOf("Warn")
      yield* Effect.gen(function*() {
        const { journal, timed } = yield* setup
        yield* timed.wait(undefined, { discard: true })
        yield* journal.awaitLine("interrupted")
        yield* Journal.until("the log has a line", () => lines.length > 0)
      }).pipe(Effect.scoped, Effect.provide(placement.layer()), Effect.provide(layer))
      assert.lengthOf(lines, 1)
      assert.match(lines[0]!.message, /^an accepted tell is lost: .*its run did not end within 100 ms$/)
    }))
})

onEveryPlacement(fixture, (placement) => {
  test.live("C12: a handler that computes is ended with its worker if it does not react, and its actor restarts", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const policy = Supervision.make({ schedule: Schedule.spaced("1 milli") })
      const timed = yield* Supervision.supervised(Timed.spawn({ journal: journal.path }), policy)
      const calls = [yield* forked(timed.burn()), yield* forked(timed.echo({ n: 1 }))] as const
      assert.strictEqual(timedOutOf(yield* Fiber.await(calls[0])).timeout, 100)
      // the call behind it has not run
      assert.strictEqual(yield* Fiber.join(calls[1]), 1)
    }).pipe(
      Effect.scoped,
      Effect.provide(placement.layer({ interruptTimeout: "200 millis" })),
      Effect.provide(Logger.layer([]))
    ))

  if (placement.name === "processes") return
  test.live("C12: a handler that computes and checks for interruptions ends without its worker", () =>
    Effect.gen(function*() {
      const { timed } = yield* setup
      const address = ActorRef.address(timed)
      timedOutOf(yield* Effect.exit(timed.spin()))
      assert.strictEqual(yield* timed.echo({ n: 1 }), 1)
      assert.strictEqual(ActorRef.address(timed), address)
    }).pipe(Effect.scoped, Effect.provide(placement.layer({ interruptTimeout: "1 hour" }))))
}, { except: ["memory"], reason: "in memory a handler that computes blocks the program" })

test("C12: a definition and a behaviour refuse a timeout that is out of range", () => {
  assert.throws(
    () => Actor.Service<Timed>()("Bad", { protocol: { now: Actor.method().annotate(Actor.RunTimeout, -1) } }),
    RangeError,
    "Bad.now: RunTimeout must be longer than 0, not -1"
  )
  assert.throws(
    () => Timed.toLayer(() => Effect.never, { runTimeout: 0 }),
    RangeError,
    "Timed.toLayer: runTimeout must be longer than 0, not 0"
  )
})
