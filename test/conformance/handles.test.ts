import { assert, it, vi } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Fiber, Option, Queue, Scope, Stream } from "effect"
import { ActorExited, HandleReleased } from "../../src/ActorError.ts"
import * as ActorRef from "../../src/ActorRef.ts"
import * as Handle from "../../src/Handle.ts"
import { Exports, type Source } from "../../src/internal/exports.ts"
import * as Handles from "../../src/internal/handles.ts"
import { Imports } from "../../src/internal/imports.ts"
import { Outbox } from "../../src/internal/outbox.ts"
import * as Wire from "../../src/internal/wire.ts"
import { forked, left } from "./asserts.ts"
import behaviours, { Broken, Heir, holdEncoding, Language, Workshop } from "./fixtures/handles.ts"
import { onEveryPlacement } from "./placements.ts"

const fixture = { module: new URL("./fixtures/handles.ts", import.meta.url), behaviours }

type Result = Handle.DeferredHandle<number, Broken>

const assertBroken = (error: unknown): void => {
  assert.instanceOf(error, Broken)
  assert.strictEqual(error.code, 7)
  assert.deepStrictEqual(error.since, new Date(0))
  assert.strictEqual(error.message, "broken with 7")
}

const assertDied = (exit: Exit.Exit<unknown, unknown>, name: string, message: string): void => {
  assert(Exit.isFailure(exit))
  const defects = exit.cause.reasons.filter(Cause.isDieReason).map((reason) => reason.defect)
  assert.lengthOf(defects, 1)
  assert.instanceOf(defects[0], Error)
  assert.strictEqual(defects[0].name, name)
  assert.include(defects[0].message, message)
}

const assertReleased = (error: unknown): void => {
  assert.instanceOf(error, HandleReleased)
  assert.strictEqual(error.actor, "Workshop")
}

const assertExited = (error: unknown, reason: ActorExited["reason"]): void => {
  assert.instanceOf(error, ActorExited)
  assert.strictEqual(error.actor, "Workshop")
  assert.deepStrictEqual([error.reason, error.outcome], [reason, "Unknown"])
}

/** Waits until a result is there, without awaiting it. */
const done = (result: Result): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const stop = (result as unknown as Record<typeof Handles.HandleTypeId, Source>)[Handles.HandleTypeId].subscribe(
      () => resume(Effect.void)
    )
    return Effect.sync(stop)
  })

/** Watches, until the scope closes, what this process has sent to actors and how much each side here holds for the other. */
const watch = Effect.acquireRelease(
  Effect.sync(() => ({
    imports: vi.spyOn(Imports.prototype, "add"),
    exports: [vi.spyOn(Exports.prototype, "addResult"), vi.spyOn(Exports.prototype, "answer")],
    pushed: [1, 2, 3, 4, 5, 6].map((n) => vi.spyOn(Outbox.prototype, `push${n}` as "push2"))
  })),
  ({ exports, imports, pushed }) =>
    Effect.sync(() => {
      for (const spy of [imports, ...exports, ...pushed]) spy.mockRestore()
    })
).pipe(Effect.map(({ exports, imports, pushed }) => {
  const sizes = (...spies: ReadonlyArray<{ readonly mock: { readonly contexts: ReadonlyArray<unknown> } }>) =>
    Array.from(
      new Set(spies.flatMap((spy) => spy.mock.contexts as ReadonlyArray<{ readonly size: number }>)),
      ({ size }) => size
    )
  const opcodes = () => pushed.flatMap((spy) => spy.mock.calls.map(([op]) => op))
  const sum = (sizes: ReadonlyArray<number>) => sizes.reduce((sum, size) => sum + size, 0)
  return {
    imports,
    /** how many handles are held here of actors */
    pending: () => sum(sizes(imports)),
    /** how many handles are held here of actors, and (where they live here) by actors for their holders */
    held: () => sum(sizes(imports, ...exports)),
    released: () => opcodes().filter((op) => op === Wire.Release).length,
    /** how many frames have gone to actors */
    sent: () => opcodes().filter((op) => op < Wire.Ready).length
  }
}))

/** Lets what has been called leave, and then blocks this thread for a while. */
const sentAndBlocked = Effect.andThen(
  left,
  Effect.sync(() => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20))
)

onEveryPlacement(fixture, (placement) => {
  for (const method of ["start", "promise"] as const) {
    const of = method === "start" ? "Handle.fork" : "Handle.fromDeferred"

    it.live(`H1: a method that returns ${of} returns at once, and the actor takes its next call`, () =>
      Effect.gen(function*() {
        const workshop = yield* Workshop.spawn()
        const result = yield* workshop[method]({ job: "a" })
        const other = yield* workshop[method]({ job: "b" })
        yield* workshop.finish({ job: "b", ending: "succeeds" })
        assert.strictEqual(yield* other.await, 42)
        assert.isFalse(yield* result.isDone)
        yield* workshop.finish({ job: "a", ending: "succeeds" })
        assert.strictEqual(yield* result.await, 42)
      }).pipe(Effect.provide(placement.layer())))

    it.live(`H1: awaiting ${of} any number of times gives the same result`, () =>
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
      }).pipe(Effect.provide(placement.layer())))

    it.live(`H1: a typed failure of ${of} keeps its class, for everyone who awaits it`, () =>
      Effect.gen(function*() {
        const workshop = yield* Workshop.spawn()
        const result = yield* workshop[method]({ job: "a" })
        const before = yield* forked(Effect.flip(result.await))
        yield* workshop.finish({ job: "a", ending: "fails" })
        assertBroken(yield* Fiber.join(before))
        assertBroken(yield* Effect.flip(result.await))
      }).pipe(Effect.provide(placement.layer())))

    it.live(`H1: a defect of ${of} keeps its name and message`, () =>
      Effect.gen(function*() {
        const workshop = yield* Workshop.spawn()
        const result = yield* workshop[method]({ job: "a" })
        yield* workshop.finish({ job: "a", ending: "dies" })
        assertDied(yield* Effect.exit(result.await), "RangeError", "out of luck")
        // and is the result's alone
        assert.isArray(yield* workshop.log())
      }).pipe(Effect.provide(placement.layer())))

    it.live(`H1: an interruption in the actor is the result of ${of}`, () =>
      Effect.gen(function*() {
        const workshop = yield* Workshop.spawn()
        const result = yield* workshop[method]({ job: "a" })
        yield* workshop.finish({ job: "a", ending: "is interrupted" })
        const exit = yield* Effect.exit(result.await)
        assert(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
      }).pipe(Effect.provide(placement.layer())))

    it.live(`H1: interrupting ${of} returns when the actor has interrupted it`, () =>
      Effect.gen(function*() {
        const workshop = yield* Workshop.spawn()
        const result = yield* workshop[method]({ job: "a" })
        const awaiting = yield* forked(Effect.exit(result.await))
        yield* result.interrupt
        assert.isTrue(yield* result.isDone)
        for (const exit of [yield* Fiber.join(awaiting), yield* Effect.exit(result.await)]) {
          assert(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
        }
        // that it was acknowledged means that the finalizers have run
        assert.deepStrictEqual(
          yield* workshop.log(),
          method === "start" ? ["a acquired", "a interrupted", "a released"] : []
        )
        yield* result.interrupt
      }).pipe(Effect.provide(placement.layer())))

    it.live(`H1: poll and isDone of ${of} tell before and after, and do not wait`, () =>
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
      }).pipe(Effect.provide(placement.layer())))
  }

  it.live("H1: an await that times out takes nothing away", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const result = yield* workshop.start({ job: "a" })
      const patient = yield* forked(result.await)
      assert.deepStrictEqual(yield* Effect.timeoutOption(result.await, 5), Option.none())
      assert.isFalse(yield* result.isDone)
      assert.deepStrictEqual(yield* workshop.log(), ["a acquired"])
      yield* workshop.finish({ job: "a", ending: "succeeds" })
      assert.deepStrictEqual(yield* Fiber.join(patient), 42)
      assert.deepStrictEqual(yield* Effect.timeoutOption(result.await, "20 seconds"), Option.some(42))
    }).pipe(Effect.provide(placement.layer())))

  it.live("H1: interrupting who awaits does not interrupt the making", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const result = yield* workshop.start({ job: "a" })
      yield* Fiber.interrupt(yield* forked(result.await))
      assert.deepStrictEqual(yield* workshop.log(), ["a acquired"])
      yield* workshop.finish({ job: "a", ending: "succeeds" })
      assert.strictEqual(yield* result.await, 42)
    }).pipe(Effect.provide(placement.layer())))

  it.live("H1: interrupting a result that is there changes nothing", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const result = yield* workshop.start({ job: "a" })
      yield* workshop.finish({ job: "a", ending: "succeeds" })
      assert.strictEqual(yield* result.await, 42)
      yield* result.interrupt
      assert.strictEqual(yield* result.await, 42)
      assert.deepStrictEqual(yield* workshop.log(), ["a acquired", "a released"])
    }).pipe(Effect.provide(placement.layer())))

  it.live("H1: an interrupt that crosses the completion returns, and the result stays", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const result = yield* workshop.start({ job: "a" })
      yield* Effect.all([workshop.finish({ job: "a", ending: "succeeds" }), result.interrupt], {
        concurrency: "unbounded"
      })
      const first = yield* Effect.exit(result.await)
      assert.isTrue(Exit.isSuccess(first) || Cause.hasInterruptsOnly(first.cause))
      assert.deepStrictEqual(yield* Effect.exit(result.await), first)
    }).pipe(Effect.provide(placement.layer())))

  it.live("H1: what a forked effect acquires is released when its result is there", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const result = yield* workshop.start({ job: "a" })
      assert.deepStrictEqual(yield* workshop.log(), ["a acquired"])
      yield* workshop.finish({ job: "a", ending: "fails" })
      assertBroken(yield* Effect.flip(result.await))
      assert.deepStrictEqual(yield* workshop.log(), ["a acquired", "a released"])
    }).pipe(Effect.provide(placement.layer())))

  it.live("H1: a result with several reasons keeps all of them", () =>
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
    }).pipe(Effect.provide(placement.layer())))

  it.live("H1: one Deferred handed out twice is two handles with one result", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const [kept, released] = yield* Effect.all([workshop.promise({ job: "a" }), workshop.promise({ job: "a" })])
      yield* Handle.release(released)
      yield* workshop.finish({ job: "a", ending: "succeeds" })
      assert.strictEqual(yield* kept.await, 42)
      assertReleased(yield* Effect.flip(released.await))
    }).pipe(Effect.provide(placement.layer())))

  // ---- where handles may be ----

  it.live("H1: handles may be anywhere in a result", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const { at, label, maybe, none, results } = yield* workshop.nested({ job: "a" })
      assert.deepStrictEqual([label, at], ["a", new Date(0)])
      assert.deepStrictEqual(none, Option.none())
      const all = [...results, Option.getOrThrow(maybe)]
      assert.lengthOf(all, 3)
      yield* workshop.finish({ job: "a", ending: "succeeds" })
      assert.deepStrictEqual(yield* Effect.forEach(all, (result) => result.await), [42, 42, 42])
    }).pipe(Effect.provide(placement.layer())))

  for (const [method, plain] of [["valueOrHandle", 1], ["handleOrValue", 1], ["listOrHandle", [1, 2]]] as const) {
    it.live(`H1: a result may be a plain value or a handle (${method})`, () =>
      Effect.gen(function*() {
        const workshop = yield* Workshop.spawn()
        assert.deepStrictEqual(yield* workshop[method]({ job: "none" }), plain)
        const result = yield* workshop[method]({ job: "a" })
        assert(typeof result === "object" && "await" in result)
        yield* workshop.finish({ job: "a", ending: "succeeds" })
        assert.strictEqual(yield* result.await, 42)
      }).pipe(Effect.provide(placement.layer())))
  }

  it.live("H1: a result that is there before its handle has left, or has been taken in, is not missed", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const watched = yield* watch
      for (let i = 0; i < 10; i++) {
        const slow = yield* workshop.between()
        assert.strictEqual(yield* slow.result.await, 42)
        const promised = yield* workshop.promisedBetween()
        // awaited twice, it is taken in once
        const [once, twice] = yield* Effect.all([promised.await, promised.await], { concurrency: "unbounded" })
        assert.strictEqual(once, twice)
        assert.strictEqual(yield* once.result.await, 42)
        const finalized = yield* workshop.afterFinalizer()
        assert.strictEqual(yield* finalized.result.await, 42)
      }
      assert.strictEqual(watched.held(), 0)
    }).pipe(Effect.scoped, Effect.provide(placement.layer())))

  it.live("H1: a result that takes a while to decode is decoded where its handle was received", () =>
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
    }).pipe(Effect.provide(placement.layer())))

  it.live("H1: nor is one that is there before the stream in which its handle stands may go on", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const watched = yield* watch
      const results = yield* Stream.runCollect(workshop.streamSoon({ count: 40 }, { streamBufferSize: 4 }))
      assert.lengthOf(results, 40)
      assert.deepStrictEqual(yield* Effect.forEach(results, (result) => result.await), results.map(() => 42))
      assert.strictEqual(watched.held(), 0)
    }).pipe(Effect.scoped, Effect.provide(placement.layer())))

  it.live("H5: what is not sent of a stream that is left early is not held", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const watched = yield* watch
      const [result] = yield* Stream.runCollect(
        Stream.take(workshop.stream({ job: "a", count: 40 }, { streamBufferSize: 4 }), 1)
      )
      yield* Handle.release(result!)
      yield* workshop.log()
      assert.strictEqual(watched.held(), 0)
    }).pipe(Effect.scoped, Effect.provide(placement.layer())))

  it.live("H4: a result that is there before the arguments have left in which it is handed on is not missed", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      for (const ending of ["succeeds", "fails"] as const) {
        for (const method of ["start", "ready"] as const) {
          const result = yield* workshop[method]({ job: ending, ending })
          const heir = yield* Effect.forkChild(Heir.spawn({ before: "", result, after: "" }), {
            startImmediately: true
          })
          yield* workshop.finish({ job: ending, ending })
          const exit = yield* Effect.exit(Effect.flatMap(Fiber.join(heir), (heir) => heir.awaited()))
          assert.strictEqual(exit._tag, ending === "succeeds" ? "Success" : "Failure")
        }
      }
    }).pipe(Effect.scoped, Effect.provide(placement.layer())))

  it.live("H1: a handle may stand beside what takes a while to encode", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const { result, text } = yield* workshop.beside({ job: "a" })
      assert.strictEqual(text, "a")
      yield* workshop.finish({ job: "a", ending: "succeeds" })
      assert.strictEqual(yield* result.await, 42)
    }).pipe(Effect.provide(placement.layer())))

  it.live("H1: handles may be the items of a stream, and outlive it", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const results = yield* Stream.runCollect(workshop.stream({ job: "a", count: 3 }))
      assert.lengthOf(results, 3)
      yield* workshop.finish({ job: "a", ending: "succeeds" })
      assert.deepStrictEqual(yield* Effect.forEach(results, (result) => result.await), [42, 42, 42])
    }).pipe(Effect.provide(placement.layer())))

  it.live("H1: a thousand results at once", () =>
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
    }).pipe(Effect.provide(placement.layer())))

  // ---- results that cannot be sent ----

  for (const method of ["misfit", "uncloneable"] as const) {
    for (const ready of [false, true]) {
      const when = ready ? "there at once" : "there later"
      it.live(
        `H1: a result that cannot be sent is a defect of its handle alone (${method}, ${when})`,
        () =>
          Effect.gen(function*() {
            const workshop = yield* Workshop.spawn()
            const good = yield* workshop.start({ job: "a" })
            const result = yield* workshop[method]({ job: "a", ready })
            yield* workshop.finish({ job: "a", ending: "succeeds" })
            const exit = yield* Effect.exit(Effect.asVoid(result.await))
            assertDied(exit, "TypeError", "cannot be sent")
            assert.strictEqual(yield* good.await, 42)
            assert.include(yield* workshop.log(), "a released")
          }).pipe(Effect.provide(placement.layer()))
      )
    }
  }

  it.live("H1: an error that cannot be sent is a defect of its handle alone", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const result = yield* workshop.misfitError({ job: "a" })
      yield* workshop.finish({ job: "a", ending: "succeeds" })
      assertDied(yield* Effect.exit(result.await), "TypeError", "cannot be sent")
      assert.isArray(yield* workshop.log())
    }).pipe(Effect.provide(placement.layer())))

  // ---- H2 ----

  it.live("H2: a completion is pushed: nothing is asked of the actor", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const result = yield* workshop.start({ job: "a" })
      const finishing = yield* forked(workshop.finish({ job: "a", ending: "succeeds" }))
      yield* Fiber.join(finishing)
      const watched = yield* watch
      assert.strictEqual(yield* result.await, 42)
      assert.isTrue(yield* result.isDone)
      assert.deepStrictEqual(yield* result.poll, Option.some(Exit.succeed(42)))
      assert.strictEqual(watched.sent(), 0)
    }).pipe(Effect.provide(placement.layer())))

  it.live("H2: a result that is there already travels inside the answer", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const watched = yield* watch
      const good = yield* workshop.ready({ ending: "succeeds" })
      assert.isTrue(yield* good.isDone)
      assert.deepStrictEqual(yield* good.poll, Option.some(Exit.succeed(42)))
      const bad = yield* workshop.ready({ ending: "fails" })
      assertBroken(yield* Effect.flip(Option.getOrThrow(yield* bad.poll)))
      const worse = yield* workshop.ready({ ending: "dies" })
      assertDied(Option.getOrThrow(yield* worse.poll), "RangeError", "out of luck")
      // nothing is kept for them, and nothing was said but the three calls
      assert.strictEqual(watched.held(), 0)
      assert.strictEqual(watched.sent(), 3)
    }).pipe(Effect.provide(placement.layer())))

  it.live("H2: so does one that is there before the answer has left", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const watched = yield* watch
      const soon = (ending: "succeeds" | "fails" | "dies") =>
        Effect.forEach(Array.from({ length: 100 }), () => workshop.soon({ ending }), { concurrency: "unbounded" })
      const [good, bad, worse] = yield* Effect.all([soon("succeeds"), soon("fails"), soon("dies")], {
        concurrency: "unbounded"
      })
      // not all of them, where a machine is so slow that the answers leave before
      for (const results of [good, bad]) {
        assert.isTrue((yield* Effect.forEach(results, (result) => result.isDone)).includes(true))
      }
      assert.deepStrictEqual(yield* Effect.forEach(good, (result) => result.await), good.map(() => 42))
      for (const result of bad) assertBroken(yield* Effect.flip(result.await))
      for (const result of worse) assertDied(yield* Effect.exit(result.await), "RangeError", "out of luck")
      assert.strictEqual(watched.held(), 0)
    }).pipe(Effect.provide(placement.layer())))

  it.live("H2: so does one whose schema makes calls while it is encoded", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const queue = yield* Queue.unbounded<{ readonly text: string }>()
      yield* workshop.tellTo({ queue: Handle.fromQueue(queue) })
      // what is not compiled may take so long that the answers leave before the results are there
      yield* Effect.replicateEffect(workshop.soon({ ending: "succeeds" }), 1000, { discard: true })
      for (let round = 0; round < 20; round++) {
        const jobs = Array.from({ length: 8 }, (_, i) => `job ${i} of round ${round}`)
        const results = yield* Effect.forEach(jobs, (job) => workshop.told({ job }), { concurrency: "unbounded" })
        assert.deepStrictEqual(yield* Effect.forEach(results, (result) => result.await), jobs)
        const items = yield* Queue.takeN(queue, 2 * jobs.length)
        assert.sameDeepMembers(items, jobs.flatMap((text) => [{ text }, { text }]))
      }
    }).pipe(Effect.scoped, Effect.provide(placement.layer())))

  // ---- H5 ----

  it.live("H5: using a released handle is HandleReleased, at once", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const result = yield* workshop.start({ job: "a" })
      const awaiting = yield* forked(Effect.flip(result.await))
      yield* Handle.release(result)
      assertReleased(yield* Fiber.join(awaiting))
      assertReleased(yield* Effect.flip(result.await))
      assertReleased(yield* Effect.flip(result.isDone))
      assertReleased(yield* Effect.flip(Option.getOrThrow(yield* result.poll)))
      yield* result.interrupt
      yield* Handle.release(result)
      // letting go is not interrupting
      assert.deepStrictEqual(yield* workshop.log(), ["a acquired"])
    }).pipe(Effect.provide(placement.layer())))

  it.live("H5: a result that is there can be released as well", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      for (const ending of ["succeeds", "fails"] as const) {
        const result = yield* workshop.ready({ ending })
        const awaiting = Effect.exit(result.await)
        assert.strictEqual((yield* awaiting)._tag, ending === "succeeds" ? "Success" : "Failure")
        yield* result.interrupt
        yield* Handle.release(result)
        // also what was asked of it before
        assertReleased(yield* Effect.flip(Effect.flatten(awaiting)))
        assertReleased(yield* Effect.flip(result.await))
        assertReleased(yield* Effect.flip(result.isDone))
        assertReleased(yield* Effect.flip(Option.getOrThrow(yield* result.poll)))
        yield* result.interrupt
        yield* Handle.release(result)
        assertDied(
          yield* Effect.exit(workshop.awaitOf({ result })),
          "TypeError",
          "has been released"
        )
      }
    }).pipe(Effect.provide(placement.layer())))

  // ---- H4 ----

  it.live("H4: a result that is there is handed on like any other, and comes back", () =>
    Effect.gen(function*() {
      const [owner, other] = yield* Effect.all([Workshop.spawn(), Workshop.spawn()])
      for (const by of [owner, other]) {
        const [good, bad] = yield* Effect.all([
          owner.ready({ ending: "succeeds" }),
          owner.ready({ ending: "dies" })
        ])
        assert.strictEqual(yield* by.awaitOf({ result: good }), 42)
        assertDied(yield* Effect.exit(by.awaitOf({ result: bad })), "RangeError", "out of luck")
        const again = yield* by.same({ result: good })
        assert.strictEqual(yield* again.await, 42)
        // letting go of one leaves the other
        yield* Handle.release(good)
        assert.strictEqual(yield* again.await, 42)
      }
    }).pipe(Effect.provide(placement.layer())))

  it.live("H4: it may come back before it has been encoded on its way there", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const watched = yield* watch
      const encoding = yield* Effect.acquireRelease(
        Effect.sync(holdEncoding),
        (encoding) => Deferred.succeed(encoding, undefined)
      )
      const result = yield* workshop.ready({ ending: "succeeds" })
      const again = yield* workshop.same({ result })
      const awaiting = yield* forked(again.await)
      yield* Handle.release(result)
      yield* Deferred.succeed(encoding, undefined)
      assert.strictEqual(yield* Fiber.join(awaiting), 42)
      assert.strictEqual(watched.held(), 0)
    }).pipe(Effect.scoped, Effect.provide(placement.layer())))

  it.live("H5: nothing is held of a released handle, on either side", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const watched = yield* watch
      const results = yield* workshop.list({ job: "a", count: 100 })
      assert.strictEqual(watched.held(), placement.isMemory ? 200 : 100)
      yield* Effect.forEach(results, Handle.release)
      // by the answer to this call the actor has heard of it
      yield* workshop.log()
      assert.strictEqual(watched.held(), 0)
      assert.strictEqual(watched.released(), 100)
    }).pipe(Effect.provide(placement.layer())))

  it.live("H5: when the scope that received a handle closes, it is released; a result that is there stays", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const watched = yield* watch
      const scope = yield* Scope.make()
      const [good, bad, pending] = yield* Effect.all([
        workshop.start({ job: "good" }),
        workshop.start({ job: "bad" }),
        workshop.start({ job: "pending" })
      ]).pipe(Scope.provide(scope))
      yield* workshop.finish({ job: "good", ending: "succeeds" })
      yield* workshop.finish({ job: "bad", ending: "fails" })
      yield* Effect.all([done(good), done(bad)])
      const awaiting = yield* forked(Effect.flip(pending.await))
      yield* Scope.close(scope, Exit.void)
      assertReleased(yield* Fiber.join(awaiting))
      assertReleased(yield* Effect.flip(pending.await))
      assert.strictEqual(yield* good.await, 42)
      assertBroken(yield* Effect.flip(bad.await))
      yield* workshop.log()
      assert.strictEqual(watched.held(), 0)
    }).pipe(Effect.provide(placement.layer())))

  it.live("H5: a handle lives as long as the scope that received it, not as one inside or around it", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const outer = yield* workshop.start({ job: "a" })
      const inner = yield* Effect.scoped(
        Effect.gen(function*() {
          const inner = yield* workshop.start({ job: "a" })
          yield* Effect.forkChild(outer.await)
          return inner
        })
      )
      assertReleased(yield* Effect.flip(inner.await))
      assert.isFalse(yield* outer.isDone)
      yield* workshop.finish({ job: "a", ending: "succeeds" })
      assert.strictEqual(yield* outer.await, 42)
    }).pipe(Effect.provide(placement.layer())))

  it.live("H5: a handle received in a scope that has closed is released at once", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const watched = yield* watch
      const scope = yield* Scope.make()
      const before = yield* Scope.provide(workshop.start({ job: "a" }), scope)
      yield* Scope.close(scope, Exit.void)
      const after = yield* Scope.provide(workshop.start({ job: "a" }), scope)
      assertReleased(yield* Effect.flip(before.await))
      assertReleased(
        Option.getOrThrow(yield* Effect.map(after.poll, Option.map(Exit.getCause))).pipe(
          Option.getOrThrow,
          Cause.squash
        )
      )
      yield* workshop.log()
      assert.strictEqual(watched.held(), 0)
    }).pipe(Effect.provide(placement.layer())))

  it.live("H5: a call taken back while its answer is on the way leaves no handle behind", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const watched = yield* watch
      for (let i = 0; i < 20; i++) {
        const call = yield* forked(workshop.start({ job: "a" }))
        // a worker answers meanwhile, and this thread has not read it
        if (!placement.isMemory) yield* sentAndBlocked
        yield* Fiber.interrupt(call)
        const exit = yield* Fiber.await(call)
        assert(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
      }
      yield* workshop.log()
      assert.strictEqual(watched.held(), 0)
      assert.isAbove(watched.released(), 0)
    }).pipe(Effect.provide(placement.layer())))

  it.live("H5: whenever the use of a handle is interrupted, nothing is held of it", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const watched = yield* watch
      const stream = workshop.streamSoon({ count: 20 }, { streamBufferSize: 4 })
      const uses: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
        Effect.flatMap(workshop.between(), ({ result }) => result.await),
        Effect.flatMap(workshop.promisedBetween(), (promised) =>
          Effect.flatMap(promised.await, ({ result }) => result.await)),
        Effect.flatMap(workshop.afterFinalizer(), ({ result }) =>
          result.await),
        Stream.runForEach(stream, (result) => result.await),
        Stream.runForEach(Stream.take(stream, 3), (result) => result.await),
        Effect.flatMap(workshop.soon({ ending: "fails" }), (result) => Effect.flip(workshop.awaitOf({ result }))),
        Effect.flatMap(workshop.soon({ ending: "succeeds" }), (result) =>
          Effect.flatMap(workshop.same({ result }), (again) =>
            again.await)),
        // these are never there
        workshop.list({ job: "never", count: 3 }),
        workshop.amid({ job: "never" }),
        Stream.runDrain(Stream.take(workshop.stream({ job: "never", count: 20 }, { streamBufferSize: 4 }), 3))
      ]
      for (const use of uses) {
        for (let turns = 0; turns < 12; turns++) {
          const using = yield* forked(Effect.scoped(use))
          yield* Effect.replicateEffect(Effect.yieldNow, turns, { discard: true })
          yield* Fiber.interrupt(using)
        }
        yield* Effect.scoped(use)
      }
      yield* Effect.promise(() =>
        vi.waitFor(() => assert.strictEqual(watched.held(), 0))
      )
    }).pipe(Effect.scoped, Effect.provide(placement.layer())))

  it.live("H5: a payload with handles that is not encoded at once is refused, and nothing of it goes on", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const watched = yield* watch
      const result = yield* workshop.start({ job: "a" })
      const held = watched.held()
      yield* Effect.acquireRelease(Effect.sync(holdEncoding), (encoding) => Deferred.succeed(encoding, undefined))
      const exit = yield* Effect.exit(workshop.takeBeside({ result, n: 1 }))
      assertDied(exit, "TypeError", "what is beside a handle must be encoded at once")
      assert.strictEqual(watched.held(), held)
    }).pipe(Effect.scoped, Effect.provide(placement.layer())))

  it.live("H5: a stream left early leaves no handle behind", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const watched = yield* watch
      const results = yield* workshop.stream({ job: "a", count: 100 }).pipe(Stream.take(2), Stream.runCollect)
      assert.lengthOf(results, 2)
      yield* Effect.forEach(results, Handle.release)
      yield* workshop.log()
      assert.strictEqual(watched.held(), 0)
    }).pipe(Effect.provide(placement.layer())))

  it.live("H5: when the actor is stopped, pending handles fail as Stopped and results that are there stay", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const watched = yield* watch
      const [good, bad] = yield* Effect.all([workshop.start({ job: "good" }), workshop.start({ job: "bad" })])
      const pending = [yield* workshop.start({ job: "pending" }), yield* workshop.promise({ job: "promised" })]
      yield* workshop.finish({ job: "good", ending: "succeeds" })
      yield* workshop.finish({ job: "bad", ending: "fails" })
      yield* Effect.all([done(good), done(bad)])
      const awaiting = yield* Effect.forEach(pending, (result) => forked(Effect.flip(result.await)))
      yield* ActorRef.stop(workshop)
      for (const fiber of awaiting) assertExited(yield* Fiber.join(fiber), "Stopped")
      for (const result of pending) {
        assertExited(yield* Effect.flip(result.await), "Stopped")
        assert.isTrue(yield* result.isDone)
        yield* result.interrupt
      }
      assert.strictEqual(yield* good.await, 42)
      assertBroken(yield* Effect.flip(bad.await))
      assert.strictEqual(watched.held(), 0)
    }).pipe(Effect.provide(placement.layer())))

  it.live("H5: an interrupt under way when the actor is stopped returns", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const result = yield* workshop.start({ job: "a" })
      yield* Effect.all([ActorRef.stop(workshop), result.interrupt], { concurrency: "unbounded" })
      assert.isTrue(yield* result.isDone)
    }).pipe(Effect.provide(placement.layer())))

  it.live("H5: the end of one actor does not concern the handles of another in the same worker", () =>
    Effect.gen(function*() {
      const [first, second] = yield* Effect.all([Workshop.spawn(), Workshop.spawn()])
      const [gone, kept] = yield* Effect.all([first.start({ job: "a" }), second.start({ job: "a" })])
      yield* ActorRef.stop(first)
      assertExited(yield* Effect.flip(gone.await), "Stopped")
      assert.isFalse(yield* kept.isDone)
      yield* second.finish({ job: "a", ending: "succeeds" })
      assert.strictEqual(yield* kept.await, 42)
    }).pipe(Effect.provide(placement.layer({ workers: 1 }))))

  it.live("H5: a handle of an actor whose spawner has gone is released or stopped, never left waiting", () =>
    Effect.gen(function*() {
      const [result, awaiting] = yield* Effect.scoped(
        Effect.gen(function*() {
          const workshop = yield* Workshop.spawn()
          const result = yield* workshop.start({ job: "a" })
          return [result, yield* Effect.forkDetach(Effect.flip(result.await), { startImmediately: true })] as const
        })
      )
      // the handle was received after the actor was spawned, so it goes first
      assertReleased(yield* Fiber.join(awaiting))
      assertReleased(yield* Effect.flip(result.await))
    }).pipe(Effect.provide(placement.layer())))
})

onEveryPlacement(fixture, (placement) => {
  for (const end of ["crash", "kill"] as const) {
    const reason = end === "crash" ? "Crashed" : "Killed"
    it.live(`H5: when the worker ends (${end}), pending handles fail as ${reason} and results that are there stay`, () =>
      Effect.gen(function*() {
        const workshop = yield* Workshop.spawn()
        const watched = yield* watch
        const good = yield* workshop.start({ job: "good" })
        const pending = yield* workshop.start({ job: "pending" })
        const interrupted = yield* workshop.promise({ job: "pending" })
        yield* workshop.finish({ job: "good", ending: "succeeds" })
        yield* done(good)
        const awaiting = yield* forked(Effect.flip(pending.await))
        if (end === "crash") assertExited(yield* Effect.flip(workshop.crash()), reason)
        else yield* ActorRef.kill(workshop)
        assertExited(yield* Fiber.join(awaiting), reason)
        assertExited(yield* Effect.flip(pending.await), reason)
        yield* interrupted.interrupt
        assertExited(yield* Effect.flip(interrupted.await), reason)
        assert.strictEqual(yield* good.await, 42)
        assert.strictEqual(watched.pending(), 0)
      }).pipe(Effect.provide(placement.layer())))
  }
}, { except: ["memory"], reason: "an actor in memory has no worker of its own that could end" })
