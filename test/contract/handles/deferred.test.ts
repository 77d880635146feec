import { assert } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Option, Stream } from "effect"
import * as Handle from "../../../src/Handle.ts"
import { forked } from "../support/asserts.ts"
import { onOneWorker } from "../support/sharedWorkers.ts"
import behaviours, { Language, Workshop } from "./actors/workshop.ts"
import { assertBroken, assertDied, assertReleased, done, watch } from "./deferreds.ts"

const fixture = { module: new URL("./actors/workshop.ts", import.meta.url), behaviours }

onOneWorker(fixture, Workshop.layer(), (it) => {
  for (const method of ["start", "promise"] as const) {
    const of = method === "start" ? "Handle.fork" : "Handle.fromDeferred"

    it.effect(`H1: a method that returns ${of} returns at once, and the actor takes its next call`, () =>
      Effect.gen(function*() {
        const workshop = yield* Workshop.spawn()
        const result = yield* workshop[method]({ job: "a" })
        const other = yield* workshop[method]({ job: "b" })
        yield* workshop.finish({ job: "b", ending: "succeeds" })
        assert.strictEqual(yield* other.await, 42)
        assert.isFalse(yield* result.isDone)
        yield* workshop.finish({ job: "a", ending: "succeeds" })
        assert.strictEqual(yield* result.await, 42)
      }))

    it.effect(`H1: awaiting ${of} any number of times gives the same result`, () =>
      Effect.gen(function*() {
        const workshop = yield* Workshop.spawn()
        const result = yield* workshop[method]({ job: "a" })
        const before = yield* Effect.forEach([1, 2, 3], () => forked(result.await))
        yield* workshop.finish({ job: "a", ending: "succeeds" })
        assert.deepStrictEqual(yield* Effect.forEach(before, Fiber.join), [42, 42, 42])
        assert.deepStrictEqual(
          yield* Effect.all([result.await, result.await, result.await], { concurrency: "unbounded" }),
          [42, 42, 42]
        )
      }))

    it.effect(`H1: a typed failure of ${of} keeps its class for every fiber that awaits it`, () =>
      Effect.gen(function*() {
        const workshop = yield* Workshop.spawn()
        const result = yield* workshop[method]({ job: "a" })
        const before = yield* forked(Effect.flip(result.await))
        yield* workshop.finish({ job: "a", ending: "fails" })
        assertBroken(yield* Fiber.join(before))
        assertBroken(yield* Effect.flip(result.await))
      }))

    it.effect(`H1: a defect of ${of} keeps its name and message`, () =>
      Effect.gen(function*() {
        const workshop = yield* Workshop.spawn()
        const result = yield* workshop[method]({ job: "a" })
        yield* workshop.finish({ job: "a", ending: "dies" })
        assertDied(yield* Effect.exit(result.await), "RangeError", "out of luck")
        // and the handle belongs to the result alone
        assert.isArray(yield* workshop.log())
      }))

    it.effect(`H1: an interruption in the actor is the result of ${of}`, () =>
      Effect.gen(function*() {
        const workshop = yield* Workshop.spawn()
        const result = yield* workshop[method]({ job: "a" })
        yield* workshop.finish({ job: "a", ending: "is interrupted" })
        const exit = yield* Effect.exit(result.await)
        assert(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
      }))

    it.effect(`H1: interrupting ${of} completes when the actor has interrupted the computation`, () =>
      Effect.gen(function*() {
        const workshop = yield* Workshop.spawn()
        const result = yield* workshop[method]({ job: "a" })
        const awaiting = yield* forked(Effect.exit(result.await))
        yield* result.interrupt
        assert.isTrue(yield* result.isDone)
        for (const exit of [yield* Fiber.join(awaiting), yield* Effect.exit(result.await)]) {
          assert(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
        }
        // the finalizers precede the acknowledgement
        assert.deepStrictEqual(
          yield* workshop.log(),
          method === "start" ? ["a acquired", "a interrupted", "a released"] : []
        )
        yield* result.interrupt
      }))

    it.effect(`H1: poll and isDone of ${of} report the state before and after completion, without waiting`, () =>
      Effect.gen(function*() {
        const workshop = yield* Workshop.spawn()
        const good = yield* workshop[method]({ job: "good" })
        const bad = yield* workshop[method]({ job: "bad" })
        for (const result of [good, bad]) {
          assert.isFalse(yield* result.isDone)
          assert.deepStrictEqual(yield* result.poll, Option.none())
        }
        yield* workshop.finish({ job: "good", ending: "succeeds" })
        yield* workshop.finish({ job: "bad", ending: "fails" })
        yield* Effect.all([done(good), done(bad)])
        assert.deepStrictEqual(yield* good.poll, Option.some(Exit.succeed(42)))
        const exit = Option.getOrThrow(yield* bad.poll)
        assertBroken(yield* Effect.flip(exit))
        assert.isTrue(yield* bad.isDone)
      }))
  }

  it.effect("H1: an await that times out does not affect the result", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const result = yield* workshop.start({ job: "a" })
      const patient = yield* forked(result.await)
      assert.deepStrictEqual(yield* Effect.timeoutOption(result.await, 5), Option.none())
      assert.isFalse(yield* result.isDone)
      assert.deepStrictEqual(yield* workshop.log(), ["a acquired"])
      yield* workshop.finish({ job: "a", ending: "succeeds" })
      assert.deepStrictEqual(yield* Fiber.join(patient), 42)
      assert.deepStrictEqual(yield* Effect.timeoutOption(result.await, "100 seconds"), Option.some(42))
    }))

  it.effect("H1: interrupting a fiber that awaits a result does not interrupt its computation", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const result = yield* workshop.start({ job: "a" })
      yield* Fiber.interrupt(yield* forked(result.await))
      assert.deepStrictEqual(yield* workshop.log(), ["a acquired"])
      yield* workshop.finish({ job: "a", ending: "succeeds" })
      assert.strictEqual(yield* result.await, 42)
    }))

  it.effect("H1: interrupting a completed result changes nothing", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const result = yield* workshop.start({ job: "a" })
      yield* workshop.finish({ job: "a", ending: "succeeds" })
      assert.strictEqual(yield* result.await, 42)
      yield* result.interrupt
      assert.strictEqual(yield* result.await, 42)
      assert.deepStrictEqual(yield* workshop.log(), ["a acquired", "a released"])
    }))

  it.effect("H1: an interrupt that crosses the completion returns, and the result stays", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const result = yield* workshop.start({ job: "a" })
      yield* Effect.all([workshop.finish({ job: "a", ending: "succeeds" }), result.interrupt], {
        concurrency: "unbounded"
      })
      const first = yield* Effect.exit(result.await)
      assert.isTrue(Exit.isSuccess(first) || Cause.hasInterruptsOnly(first.cause))
      assert.deepStrictEqual(yield* Effect.exit(result.await), first)
    }))

  it.effect("H1: a forked effect releases its resources when its result completes", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const result = yield* workshop.start({ job: "a" })
      assert.deepStrictEqual(yield* workshop.log(), ["a acquired"])
      yield* workshop.finish({ job: "a", ending: "fails" })
      assertBroken(yield* Effect.flip(result.await))
      assert.deepStrictEqual(yield* workshop.log(), ["a acquired", "a released"])
    }))

  it.effect("H1: a result with several reasons keeps all of them", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const result = yield* workshop.start({ job: "a" })
      yield* workshop.finish({ job: "a", ending: "fails and dies" })
      const exit = yield* Effect.exit(result.await)
      assertDied(exit, "RangeError", "out of luck")
      assert(Exit.isFailure(exit))
      const errors = exit.cause.reasons.filter(Cause.isFailReason)
      assert.lengthOf(errors, 1)
      assertBroken(errors[0]!.error)
    }))

  it.effect("H1: a Deferred returned twice is two handles with one result", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const [kept, released] = yield* Effect.all([workshop.promise({ job: "a" }), workshop.promise({ job: "a" })])
      yield* Handle.release(released)
      yield* workshop.finish({ job: "a", ending: "succeeds" })
      assert.strictEqual(yield* kept.await, 42)
      assertReleased(yield* Effect.flip(released.await))
    }))

  // ---- positions of handles ----

  it.effect("H1: handles may be anywhere in a result", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const { at, label, maybe, none, results } = yield* workshop.nested({ job: "a" })
      assert.deepStrictEqual([label, at], ["a", new Date(0)])
      assert.deepStrictEqual(none, Option.none())
      const all = [...results, Option.getOrThrow(maybe)]
      assert.lengthOf(all, 3)
      yield* workshop.finish({ job: "a", ending: "succeeds" })
      assert.deepStrictEqual(yield* Effect.forEach(all, (result) => result.await), [42, 42, 42])
    }))

  for (const [method, plain] of [["valueOrHandle", 1], ["handleOrValue", 1], ["listOrHandle", [1, 2]]] as const) {
    it.effect(`H1: a result may be a plain value or a handle (${method})`, () =>
      Effect.gen(function*() {
        const workshop = yield* Workshop.spawn()
        assert.deepStrictEqual(yield* workshop[method]({ job: "none" }), plain)
        const result = yield* workshop[method]({ job: "a" })
        assert(typeof result === "object" && "await" in result)
        yield* workshop.finish({ job: "a", ending: "succeeds" })
        assert.strictEqual(yield* result.await, 42)
      }))
  }

  it.effect("H1: a result that completes before its handle is sent or imported is received", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const watched = yield* watch
      for (let i = 0; i < 10; i++) {
        const slow = yield* workshop.between()
        assert.strictEqual(yield* slow.result.await, 42)
        const promised = yield* workshop.promisedBetween()
        // two awaits import the handle once
        const [once, twice] = yield* Effect.all([promised.await, promised.await], { concurrency: "unbounded" })
        assert.strictEqual(once, twice)
        assert.strictEqual(yield* once.result.await, 42)
        const finalized = yield* workshop.afterFinalizer()
        assert.strictEqual(yield* finalized.result.await, 42)
      }
      assert.strictEqual(watched.held(), 0)
    }).pipe(Effect.scoped))

  it.effect("H1: a result with asynchronous decoding is decoded in the receiver of its handle", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const [known, late] = yield* Effect.provideService(
        Effect.all([workshop.greeting(), workshop.lateGreeting({ job: "a" })]),
        Language,
        "English"
      )
      assert.strictEqual(yield* known.await, "hello in English")
      yield* workshop.finish({ job: "a", ending: "succeeds" })
      assert.strictEqual(yield* late.await, "hello in English")
    }))

  it.effect("H1: a result that completes while the stream with its handle waits for credit is received", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const watched = yield* watch
      const results = yield* Stream.runCollect(workshop.streamSoon({ count: 40 }, { streamBufferSize: 4 }))
      assert.lengthOf(results, 40)
      assert.deepStrictEqual(yield* Effect.forEach(results, (result) => result.await), results.map(() => 42))
      assert.strictEqual(watched.held(), 0)
    }).pipe(Effect.scoped))

  it.effect("H1: handles may be the items of a stream, and outlive the stream", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const results = yield* Stream.runCollect(workshop.stream({ job: "a", count: 3 }))
      assert.lengthOf(results, 3)
      yield* workshop.finish({ job: "a", ending: "succeeds" })
      assert.deepStrictEqual(yield* Effect.forEach(results, (result) => result.await), [42, 42, 42])
    }))

  it.effect("H1: a thousand pending results complete together", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const watched = yield* watch
      const listed = yield* workshop.list({ job: "a", count: 500 })
      const called = yield* Effect.forEach(Array.from({ length: 500 }), () => workshop.start({ job: "a" }), {
        concurrency: "unbounded"
      })
      const all = [...listed, ...called]
      const awaiting = yield* forked(Effect.forEach(all, (result) => result.await, { concurrency: "unbounded" }))
      yield* workshop.finish({ job: "a", ending: "succeeds" })
      assert.deepStrictEqual(yield* Fiber.join(awaiting), all.map(() => 42))
      assert.strictEqual(watched.held(), 0)
    }))
})
