import { assert } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import { HandleReleased } from "../../../src/ActorError.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as Handle from "../../../src/Handle.ts"
import behaviours, { kindOf, Point, Refused, Store, User } from "../fixtures/handle-kinds.ts"
import { assertError, assertExited, assertInterrupted, defectOf, errorOf, forked } from "../support/asserts.ts"
import { onOneWorker } from "../support/sharedWorkers.ts"

const fixture = { module: new URL("../fixtures/handle-kinds.ts", import.meta.url), behaviours }

const key = "a"

const xs = (points: Iterable<Point>): ReadonlyArray<number> =>
  Array.from(points, (item) => {
    assert.instanceOf(item, Point)
    assert.deepStrictEqual(item.at, new Date(item.x))
    return item.x
  })

const assertRefused = (error: unknown, code: number): void => {
  assert.instanceOf(error, Refused)
  assert.deepStrictEqual([error.code, error.since], [code, new Date(0)])
}

onOneWorker(fixture, Store.layer(), (it) => {
  // ---- objects with protocols of the user ----

  it.effect("H3: an object with its own protocol is called like an actor", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const tally = yield* store.tally({ key })
      const other = yield* store.tally({ key })
      assert.strictEqual(yield* tally.add({ n: 2 }), 2)
      assert.strictEqual(yield* other.add({ n: 3 }), 5)
      assertRefused(yield* Effect.flip(tally.refuse()), 4)
      assertError(defectOf(yield* Effect.exit(tally.break())), { name: "RangeError", message: "out of luck" })
      assert.deepStrictEqual(xs(yield* Stream.runCollect(tally.points({ upTo: 3 }))), [1, 2, 3])
      assertRefused(yield* Effect.flip(Stream.runDrain(tally.points({ upTo: -1 }))), -1)
      assert.deepStrictEqual(yield* Stream.runCollect(tally.queued()), [1, 2, 3])
      assert.strictEqual(yield* tally.later(), 7)
    }))

  it.effect("H3: the handlers of an object use the services of the creator of the object", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const tally = yield* store.tally({ key })
      assert.strictEqual(yield* tally.unit(), 12)
      assert.deepStrictEqual(yield* Stream.runCollect(tally.units()), [12])
    }))

  it.effect("H3: a call of an object is interrupted in its owner", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const tally = yield* store.tally({ key })
      const hanging = yield* forked(tally.hang())
      assert.deepStrictEqual(yield* store.log(), ["a hangs"])
      yield* Fiber.interrupt(hanging)
      assert.deepStrictEqual(yield* store.log(), ["a hangs", "a is interrupted"])
    }))

  it.effect("H5: each holder of an object has its own scope, which closes when the holder releases the object", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const tally = yield* store.tally({ key })
      yield* Effect.scoped(Effect.flatMap(store.tally({ key }), (other) => other.add({ n: 1 })))
      assert.deepStrictEqual(yield* store.log(), ["a holder of a has gone"])
      yield* Handle.release(tally)
      assert.deepStrictEqual(yield* store.log(), ["a holder of a has gone", "a holder of a has gone"])
      assert.instanceOf(yield* Effect.flip(tally.add({ n: 1 })), HandleReleased)
    }))

  // ---- the owner, and what all kinds have in common ----

  it.effect("H3: the owner of a handle uses it like any holder", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      assert.deepStrictEqual(yield* store.useOwn(), [
        "ref 2",
        "queue 1,2,3 Failure",
        "semaphore None",
        "lock locked",
        "map a,b 2",
        "list 3,2,1",
        "object 2 12 7",
        "streams 1,2,3 12 2,4",
        "error Refused",
        "work done"
      ])
    }))

  it.effect("H4: in a union of handle kinds, each handle arrives as its kind", () =>
    Effect.gen(function*() {
      const [store, user] = [yield* Store.spawn(), yield* User.spawn()]
      const things = {
        Ref: yield* store.counter({ key }),
        Queue: yield* store.queue({ key }),
        Lock: yield* store.lock({ key }),
        Latch: yield* store.latch({ key }),
        List: yield* store.list({ key }),
        Tally: yield* store.tally({ key }),
        Deferred: yield* store.work({ key }),
        Store: store
      }
      for (const [name, thing] of Object.entries(things)) {
        assert.strictEqual(kindOf(thing), name)
        assert.strictEqual(yield* user.kindOf({ thing }), name)
        assert.strictEqual(kindOf(yield* user.giveBack({ thing })), name)
      }
      assert.strictEqual(yield* user.giveBack({ thing: "text" }), "text")
      const own = yield* Handle.makeRef(5)
      const back = yield* user.giveBack({ thing: own })
      assert.strictEqual(back, own)
    }))

  it.effect("H3: interrupting the fiber of Handle.toFiber interrupts the computation of the result", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const fiber = yield* Handle.toFiber(yield* store.work({ key }))
      assert.isUndefined(fiber.pollUnsafe())
      yield* Fiber.interrupt(fiber)
      assertInterrupted(yield* Fiber.await(fiber))
      assert.deepStrictEqual(yield* store.log(), ["work is interrupted"])
    }))

  it.effect("H5: the owner's end is ActorExited for handles of every kind", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const ref = yield* store.counter({ key })
      const queue = yield* store.queue({ key })
      const hub = yield* store.hub({ key })
      const semaphore = yield* store.semaphore({ key, permits: 1 })
      const lock = yield* store.lock({ key })
      const latch = yield* store.latch({ key })
      const barrier = yield* store.barrier({ key })
      const map = yield* store.map({ key })
      const list = yield* store.list({ key })
      const { stream } = yield* store.stream({ key: "endless" })
      const tally = yield* store.tally({ key })
      const uses: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
        ref.changes.pipe(Stream.runDrain),
        queue.take,
        hub.subscribe.pipe(Stream.runDrain),
        latch.await,
        barrier.await,
        stream.pipe(Stream.runDrain),
        tally.hang()
      ]
      const running = yield* Effect.forEach(uses, forked)
      // the actor has started all of them before it answers this call
      yield* store.log()
      yield* ActorRef.stop(store)
      for (const fiber of running) assertExited(yield* Fiber.await(fiber), "Stopped", "Unknown")
      const later: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
        ...uses,
        ref.update((n) => n),
        semaphore.withPermit(Effect.void),
        lock.withLock(Effect.void),
        map.size,
        list.slice()
      ]
      for (const use of later) assertExited(yield* Effect.exit(use), "Stopped", "NotRun")
    }))

  it.effect("H5: the use of a handle of any kind that has been released is HandleReleased", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const ref = yield* store.counter({ key })
      const queue = yield* store.queue({ key })
      const semaphore = yield* store.semaphore({ key, permits: 1 })
      const stream = yield* store.stream({ key: "endless" })
      const tally = yield* store.tally({ key })
      const uses: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
        ref.changes.pipe(Stream.runDrain),
        queue.take,
        stream.stream.pipe(Stream.runDrain),
        tally.hang()
      ]
      const running = yield* Effect.forEach(uses, forked)
      yield* store.log()
      for (const handle of [ref, queue, semaphore, stream, tally]) {
        yield* Handle.release(handle)
        yield* Handle.release(handle)
      }
      for (const fiber of running) assert.instanceOf(errorOf(yield* Fiber.await(fiber)), HandleReleased)
      const later: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
        ...uses,
        ref.get,
        semaphore.withPermit(Effect.void)
      ]
      for (const use of later) assert.instanceOf(errorOf(yield* Effect.exit(use)), HandleReleased)
      // the actor has ended their calls
      assert.include(yield* store.log(), "endless ends")
    }))
})
