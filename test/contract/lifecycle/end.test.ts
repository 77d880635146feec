import { assert, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope, Stream } from "effect"
import { ActorExited } from "../../../src/ActorError.ts"
import * as ActorPool from "../../../src/ActorPool.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import behaviours, { Resource, Voter } from "../fixtures/lifecycle.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"

const fixture = { module: new URL("../fixtures/lifecycle.ts", import.meta.url), behaviours }

/** Fails like a use of an actor that was stopped. */
const assertStopped = (error: unknown): void => {
  assert.instanceOf(error, ActorExited)
  assert.strictEqual(error.actor, "Resource")
  assert.strictEqual(error.reason, "Stopped")
  assert.strictEqual(error.outcome, "NotRun")
}

onEveryPlacement(fixture, (placement) => {
  it.live("L6: a call after the end is ActorExited with reason Stopped, and did not run", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const resource = yield* Effect.scoped(Resource.spawn({ journal: journal.path }))
      assertStopped(yield* Effect.flip(resource.note({ line: "ran" })))
      assertStopped(yield* Effect.flip(resource.note({ line: "ran" }, { discard: true })))
      assertStopped(yield* Effect.flip(Stream.runDrain(resource.ticks({ upTo: 3 }))))
      assert.notInclude(yield* journal.lines, "ran")
    }).pipe(Effect.provide(placement.layer())))

  it.live("L6: a call after the end fails immediately", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const resource = yield* Effect.scoped(Resource.spawn({ journal: journal.path }))
      // a fiber that has ended when it is forked has not waited for anything
      const call = yield* Effect.forkChild(Effect.exit(resource.note({ line: "ran" })), { startImmediately: true })
      assert.isDefined(call.pollUnsafe())
    }).pipe(Effect.provide(placement.layer())))

  it.live("L6: a call after stop is ActorExited with reason Stopped", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const resource = yield* Resource.spawn({ journal: journal.path })
      yield* ActorRef.stop(resource)
      assertStopped(yield* Effect.flip(resource.note({ line: "ran" })))
    }).pipe(Effect.provide(placement.layer())))

  it.live("L6: a call while the actor closes is ActorExited with reason Stopped", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const resource = yield* Resource.spawn({ journal: journal.path })
      const stopping = yield* Effect.forkChild(ActorRef.stop(resource), { startImmediately: true })
      assertStopped(yield* Effect.flip(resource.note({ line: "ran" })))
      yield* Fiber.join(stopping)
      assert.notInclude(yield* journal.lines, "ran")
    }).pipe(Effect.provide(placement.layer())))

  it.live("L6: address, awaitExit, stop and kill of a reference work after the end", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const [resource, address] = yield* Effect.scoped(
        Effect.map(
          Resource.spawn({ journal: journal.path }),
          (resource) => [resource, ActorRef.address(resource)] as const
        )
      )
      assert.strictEqual(ActorRef.address(resource), address)
      assert.deepStrictEqual(yield* ActorRef.awaitExit(resource), Exit.void)
      yield* ActorRef.stop(resource)
      yield* ActorRef.stop(resource, { drain: true })
      yield* ActorRef.kill(resource)
      assert.deepStrictEqual(yield* ActorRef.awaitExit(resource), Exit.void)
      assertStopped(yield* Effect.flip(resource.where()))
    }).pipe(Effect.provide(placement.layer())))

  it.live("L6: a pool after its end is ActorExited with reason Stopped", () =>
    Effect.gen(function*() {
      const pool = yield* Effect.scoped(ActorPool.make(Voter, { size: 2 }))
      const errors = [
        yield* Effect.flip(pool.client.echo({ n: 1 })),
        yield* Effect.flip(pool.broadcast((member) => member.echo({ n: 1 }))),
        yield* Effect.flip(Effect.flatMap(pool.submit((member) => member.echo({ n: 1 })), Fiber.join))
      ]
      for (const error of errors) {
        assert.instanceOf(error, ActorExited)
        assert.deepStrictEqual([error.reason, error.outcome], ["Stopped", "NotRun"])
      }
    }).pipe(Effect.provide(placement.layer())))

  it.live("L6: a stream in progress when its actor ends is ActorExited with reason Stopped", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const scope = yield* Scope.make()
      const resource = yield* Scope.provide(Resource.spawn({ journal: journal.path }), scope)
      const seen: Array<number> = []
      const reading = yield* Effect.forkChild(
        Effect.exit(Stream.runForEach(resource.ticks({ upTo: 3 }), (n) => Effect.sync(() => seen.push(n)))),
        { startImmediately: true }
      )
      yield* Journal.until("the stream has been read so far", () => seen.length === 3)
      yield* Scope.close(scope, Exit.void)
      const exit = yield* Fiber.join(reading)
      assert(Exit.isFailure(exit))
      const error = yield* Effect.flip(exit)
      assert.instanceOf(error, ActorExited)
      assert.deepStrictEqual([error.reason, error.outcome], ["Stopped", "Unknown"])
      assert.include(yield* journal.lines, "released the stream on interruption")
    }).pipe(Effect.provide(placement.layer())))

  it.live("L6: the interruption of a call in progress completes immediately after the actor has ended", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const resource = yield* Resource.spawn({ journal: journal.path })
      const call = yield* Effect.forkChild(Effect.exit(resource.hang()), { startImmediately: true })
      yield* journal.awaitLine("hanging")
      yield* Effect.all([ActorRef.stop(resource), Fiber.interrupt(call)], { concurrency: "unbounded" })
      assert.strictEqual((yield* journal.lines).filter((line) => line.includes("the call needs")).length, 2)
    }).pipe(Effect.provide(placement.layer())))

  it.live("L6: awaitExit completes for every waiting fiber when the actor has ended", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const scope = yield* Scope.make()
      const resource = yield* Scope.provide(Resource.spawn({ journal: journal.path }), scope)
      const watchers = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(ActorRef.awaitExit(resource)))
      const impatient = yield* Effect.forkChild(ActorRef.awaitExit(resource), { startImmediately: true })
      yield* Fiber.interrupt(impatient)
      yield* Scope.close(scope, Exit.void)
      const exits = yield* Effect.forEach(watchers, Fiber.join)
      assert.deepStrictEqual(exits, [Exit.void, Exit.void, Exit.void])
    }).pipe(Effect.provide(placement.layer())))

  // ---- an actor as a service ----

  it.live("L1: an actor as a layer is a service that lives as long as the layer", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const resource = yield* Effect.gen(function*() {
        const resource = yield* Resource
        yield* resource.note({ line: "used" })
        return resource
      }).pipe(Effect.provide(Resource.layer({ journal: journal.path })))
      assert.deepStrictEqual(yield* journal.lines, [
        "acquired first",
        "acquired second",
        "used",
        "released second on success",
        "released first on success"
      ])
      assertStopped(yield* Effect.flip(resource.note({ line: "ran" })))
    }).pipe(Effect.provide(placement.layer())))

  it.live("L1: a pool as a layer is the same service", () =>
    Effect.gen(function*() {
      const voter = yield* Voter
      const all = yield* Effect.forEach([1, 2, 3, 4], (n) => voter.echo({ n }), { concurrency: "unbounded" })
      assert.deepStrictEqual(all, [1, 2, 3, 4])
    }).pipe(Effect.provide(Voter.layerPool({ size: 2 })), Effect.provide(placement.layer())))
})
