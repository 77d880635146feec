import { assert, it, vi } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Fiber, Option, Scope, Stream } from "effect"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as Handle from "../../../src/Handle.ts"
import { forked } from "../support/asserts.ts"
import { onEveryPlacement } from "../support/placements.ts"
import { onOneWorker } from "../support/sharedWorkers.ts"
import behaviours, { holdEncoding, Workshop } from "./actors/workshop.ts"
import { assertBroken, assertDied, assertExited, assertReleased, done, sentAndBlocked, watch } from "./deferreds.ts"

const fixture = { module: new URL("./actors/workshop.ts", import.meta.url), behaviours }

onOneWorker(fixture, Workshop.layer(), (it, placement) => {
  it.effect("H5: neither side keeps an entry of a released handle", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const watched = yield* watch
      const results = yield* workshop.list({ job: "a", count: 100 })
      assert.strictEqual(watched.held(), placement.isMemory ? 200 : 100)
      yield* Effect.forEach(results, Handle.release)
      // the actor has read the release before it answers this call
      yield* workshop.log()
      assert.strictEqual(watched.held(), 0)
      assert.strictEqual(watched.released(), 100)
    }))

  it.effect("H5: closing the scope that received a handle releases the handle; a completed result remains readable", () =>
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
    }))

  it.effect("H5: a handle lives as long as the scope that received it, not as long as an inner or outer scope", () =>
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
    }))

  it.effect("H5: a handle received in a closed scope is released immediately", () =>
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
    }))

  it.effect("H5: a call cancelled while its answer is in transit leaves no handle held", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const watched = yield* watch
      for (let i = 0; i < 20; i++) {
        const call = yield* forked(workshop.start({ job: "a" }))
        // the worker answers meanwhile, and this thread has not read the answer
        if (!placement.isMemory) yield* sentAndBlocked
        yield* Fiber.interrupt(call)
        const exit = yield* Fiber.await(call)
        assert(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
      }
      yield* workshop.log()
      assert.strictEqual(watched.held(), 0)
      assert.isAbove(watched.released(), 0)
    }))

  it.effect("H5: an interrupted use of a handle leaves no entry, at whatever moment the interruption comes", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const watched = yield* watch
      const stream = workshop.streamSoon({ count: 20 }, { streamBufferSize: 4 })
      const uses: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
        Effect.flatMap(workshop.between(), ({ result }) => result.await),
        Effect.flatMap(
          workshop.promisedBetween(),
          (promised) => Effect.flatMap(promised.await, ({ result }) => result.await)
        ),
        Effect.flatMap(workshop.afterFinalizer(), ({ result }) => result.await),
        Stream.runForEach(stream, (result) => result.await),
        Stream.runForEach(Stream.take(stream, 3), (result) => result.await),
        Effect.flatMap(workshop.soon({ ending: "fails" }), (result) => Effect.flip(workshop.awaitOf({ result }))),
        Effect.flatMap(
          workshop.soon({ ending: "succeeds" }),
          (result) => Effect.flatMap(workshop.same({ result }), (again) => again.await)
        ),
        // these results never complete
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
      yield* Effect.promise(() => vi.waitFor(() => assert.strictEqual(watched.held(), 0)))
    }).pipe(Effect.scoped))

  it.effect("H5: a payload with handles and asynchronous encoding is rejected, and its encoding does not continue", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const watched = yield* watch
      const result = yield* workshop.start({ job: "a" })
      const held = watched.held()
      yield* Effect.acquireRelease(Effect.sync(holdEncoding), (encoding) => Deferred.succeed(encoding, undefined))
      const exit = yield* Effect.exit(workshop.takeBeside({ result, n: 1 }))
      assertDied(exit, "TypeError", "a payload that contains handles must be encoded synchronously")
      assert.strictEqual(watched.held(), held)
    }).pipe(Effect.scoped))

  it.effect("H5: an abandoned stream leaves no handle held", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const watched = yield* watch
      const results = yield* workshop.stream({ job: "a", count: 100 }).pipe(Stream.take(2), Stream.runCollect)
      assert.lengthOf(results, 2)
      yield* Effect.forEach(results, Handle.release)
      yield* workshop.log()
      assert.strictEqual(watched.held(), 0)
    }))

  it.effect("H5: stopping the actor fails pending handles as Stopped, and completed results remain readable", () =>
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
    }))

  it.effect("H5: an interrupt in progress completes when the actor is stopped", () =>
    Effect.gen(function*() {
      const workshop = yield* Workshop.spawn()
      const result = yield* workshop.start({ job: "a" })
      yield* Effect.all([ActorRef.stop(workshop), result.interrupt], { concurrency: "unbounded" })
      assert.isTrue(yield* result.isDone)
    }))

  it.effect("H5: the end of an actor does not affect the handles of another actor in the same worker", () =>
    Effect.gen(function*() {
      const [first, second] = yield* Effect.all([Workshop.spawn(), Workshop.spawn()])
      const [gone, kept] = yield* Effect.all([first.start({ job: "a" }), second.start({ job: "a" })])
      yield* ActorRef.stop(first)
      assertExited(yield* Effect.flip(gone.await), "Stopped")
      assert.isFalse(yield* kept.isDone)
      yield* second.finish({ job: "a", ending: "succeeds" })
      assert.strictEqual(yield* kept.await, 42)
    }))

  it.effect("H5: a handle of an actor whose spawner has ended is released or stopped, and never waits forever", () =>
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
    }))
})

onEveryPlacement(fixture, (placement) => {
  for (const end of ["crash", "kill"] as const) {
    const reason = end === "crash" ? "Crashed" : "Killed"
    it.live(`H5: when the worker ends (${end}), pending handles fail as ${reason} and completed results remain readable`, () =>
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
