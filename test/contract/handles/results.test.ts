import { assert } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Option, Queue, Stream } from "effect"
import * as Handle from "../../../src/Handle.ts"
import { forked, upTo } from "../support/asserts.ts"
import { onOneWorker } from "../support/sharedWorkers.ts"
import behaviours, { Heir, holdEncoding, Workshop } from "./actors/workshop.ts"
import { assertBroken, assertDied, assertReleased, watch } from "./deferreds.ts"

const fixture = { module: new URL("./actors/workshop.ts", import.meta.url), behaviours }

onOneWorker(fixture, Workshop.layer(), (it) => {
  it.effect("H5: the unsent items of an abandoned stream are not held", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const watched = yield* watch
      const [result] = yield* Stream.runCollect(
        Stream.take(workshop.stream({ job: "a", count: 40 }, { streamBufferSize: 4 }), 1)
      )
      yield* Handle.release(result!)
      yield* workshop.log()
      assert.strictEqual(watched.held(), 0)
    }).pipe(Effect.scoped))

  it.effect("H4: a result that completes before the arguments that forward it are sent is received", () =>
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
    }).pipe(Effect.scoped))

  it.effect("H1: a handle may stand beside a field that is encoded asynchronously", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const { result, text } = yield* workshop.beside({ job: "a" })
      assert.strictEqual(text, "a")
      yield* workshop.finish({ job: "a", ending: "succeeds" })
      assert.strictEqual(yield* result.await, 42)
    }))

  // ---- results that cannot be sent ----

  for (const method of ["misfit", "uncloneable"] as const) {
    for (const ready of [false, true]) {
      const when = ready ? "there at once" : "there later"
      it.effect(
        `H1: a result that cannot be sent is a defect of its handle only (${method}, ${when})`,
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
          })
      )
    }
  }

  it.effect("H1: an error that cannot be sent is a defect of its handle only", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const result = yield* workshop.misfitError({ job: "a" })
      yield* workshop.finish({ job: "a", ending: "succeeds" })
      assertDied(yield* Effect.exit(result.await), "TypeError", "cannot be sent")
      assert.isArray(yield* workshop.log())
    }))

  // ---- H2 ----

  it.effect("H2: a completion is pushed: nothing is asked of the actor", () =>
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
    }))

  it.effect("H2: a completed result travels inside the answer", () =>
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
      // no entry is kept for them, and no frame was sent but the three calls
      assert.strictEqual(watched.held(), 0)
      assert.strictEqual(watched.sent(), 3)
    }))

  it.effect("H2: a result that completes before the answer is sent travels inside the answer", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const watched = yield* watch
      // repeats on a machine so slow that all answers leave first
      const soon = (ending: "succeeds" | "fails" | "dies") =>
        Effect.gen(function*() {
          const results = yield* Effect.forEach(upTo(100), () => workshop.soon({ ending }), {
            concurrency: "unbounded"
          })
          return { results, done: yield* Effect.forEach(results, (result) => result.isDone) }
        }).pipe(
          Effect.repeat({ until: ({ done }) => done.includes(true) }),
          Effect.map(({ results }) => results)
        )
      const [good, bad, worse] = yield* Effect.all([soon("succeeds"), soon("fails"), soon("dies")], {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(yield* Effect.forEach(good, (result) => result.await), good.map(() => 42))
      for (const result of bad) assertBroken(yield* Effect.flip(result.await))
      for (const result of worse) assertDied(yield* Effect.exit(result.await), "RangeError", "out of luck")
      assert.strictEqual(watched.held(), 0)
    }))

  it.effect("H2: a completed result whose schema makes calls during encoding travels inside the answer", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const queue = yield* Queue.unbounded<{ readonly text: string }>()
      yield* workshop.tellTo({ queue: Handle.fromQueue(queue) })
      // code that is not compiled yet may be so slow that the answers leave before the results complete
      yield* Effect.replicateEffect(workshop.soon({ ending: "succeeds" }), 1000, { discard: true })
      for (let round = 0; round < 20; round++) {
        const jobs = Array.from({ length: 8 }, (_, i) => `job ${i} of round ${round}`)
        const results = yield* Effect.forEach(jobs, (job) => workshop.told({ job }), { concurrency: "unbounded" })
        assert.deepStrictEqual(yield* Effect.forEach(results, (result) => result.await), jobs)
        const items = yield* Queue.takeN(queue, 2 * jobs.length)
        assert.sameDeepMembers(items, jobs.flatMap((text) => [{ text }, { text }]))
      }
    }).pipe(Effect.scoped))

  // ---- H5 ----

  it.effect("H5: using a released handle fails with HandleReleased immediately", () =>
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
      // a release is no interruption
      assert.deepStrictEqual(yield* workshop.log(), ["a acquired"])
    }))

  it.effect("H5: a completed result can be released", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      for (const ending of ["succeeds", "fails"] as const) {
        const result = yield* workshop.ready({ ending })
        const awaiting = Effect.exit(result.await)
        assert.strictEqual((yield* awaiting)._tag, ending === "succeeds" ? "Success" : "Failure")
        yield* result.interrupt
        yield* Handle.release(result)
        // so do the earlier uses
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
    }))

  // ---- H4 ----

  it.effect("H4: a completed result can be forwarded and returned like a pending one", () =>
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
        // the release of one handle leaves the other
        yield* Handle.release(good)
        assert.strictEqual(yield* again.await, 42)
      }
    }))

  it.effect("H4: a forwarded result may be returned before its encoding has completed", () =>
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
    }).pipe(Effect.scoped))
})
