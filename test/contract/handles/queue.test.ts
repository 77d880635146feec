import { assert, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Logger, Option, Stream } from "effect"
import { HandleReleased } from "../../../src/ActorError.ts"
import * as Handle from "../../../src/Handle.ts"
import behaviours, { Point, point, Store, User } from "../fixtures/handle-kinds.ts"
import { assertExited, assertInterrupted, errorOf, forked, interruptBusy, upTo } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"
import { onOneWorker } from "../support/sharedWorkers.ts"

const fixture = { module: new URL("../fixtures/handle-kinds.ts", import.meta.url), behaviours }

const key = "a"

const xs = (points: Iterable<Point>): ReadonlyArray<number> =>
  Array.from(points, (item) => {
    assert.instanceOf(item, Point)
    assert.deepStrictEqual(item.at, new Date(item.x))
    return item.x
  })

/** Polls a condition until it holds. */
const eventually = <E>(condition: Effect.Effect<boolean, E>): Effect.Effect<void, E> =>
  Effect.asVoid(Effect.repeat(condition, { until: (holds) => holds }))

const assertDone = (exit: Exit.Exit<unknown, unknown>): void => assert.isTrue(Cause.isDone(errorOf(exit)))

onOneWorker(fixture, Store.layer(), (it) => {
  // ---- queues ----

  it.effect("H3: holders offer items to a Queue and take items from it", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const queue = yield* store.queue({ key })
      assert.isTrue(yield* queue.offer(1))
      assert.deepStrictEqual(yield* queue.offerAll([2, 3, 4, 5, 6, 7]), [])
      assert.strictEqual(yield* queue.size, 7)
      assert.isFalse(yield* queue.isFull)
      assert.strictEqual(yield* queue.take, 1)
      assert.deepStrictEqual(yield* queue.poll, Option.some(2))
      assert.deepStrictEqual(yield* queue.takeN(2), [3, 4])
      assert.deepStrictEqual(yield* queue.takeBetween(1, 2), [5, 6])
      assert.deepStrictEqual(yield* queue.takeAll, [7])
      assert.deepStrictEqual(yield* queue.poll, Option.none())
      assert.strictEqual(yield* queue.size, 0)
    }))

  it.effect("H3: an item of a Queue may be undefined", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const queue = yield* store.queue({ key })
      yield* queue.offerAll([undefined, undefined, 1])
      assert.strictEqual(yield* queue.take, undefined)
      assert.deepStrictEqual(yield* queue.poll, Option.some(undefined))
      assert.deepStrictEqual(yield* queue.takeAll, [1])
    }))

  it.effect("H3: a Queue carries items that only their schema can carry", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const queue = yield* store.points({ key })
      yield* queue.offerAll([point(1), point(2), point(3)])
      assert.deepStrictEqual(xs([yield* queue.take]), [1])
      assert.deepStrictEqual(xs(yield* queue.takeAll), [2, 3])
    }))

  it.effect("H3: a taker waits until another holder offers", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const user = yield* User.spawn()
      const queue = yield* store.queue({ key })
      const taking = yield* Effect.forEach(upTo(3), () => forked(queue.take))
      yield* user.offer({ queue, count: 3 })
      assert.sameMembers(yield* Effect.forEach(taking, Fiber.join), [1, 2, 3])
    }))

  it.effect("H3: a bounded Queue suspends offers from every holder", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const user = yield* User.spawn()
      const queue = yield* store.bounded({ key })
      const offering = yield* forked(user.offer({ queue, count: 5 }))
      yield* eventually(queue.isFull)
      assert.strictEqual(yield* queue.size, 2)
      assert.isUndefined(offering.pollUnsafe())
      assert.deepStrictEqual<unknown>(yield* Effect.forEach(upTo(5), () => queue.take), upTo(5))
      yield* Fiber.join(offering)
      const own = yield* forked(queue.offerAll([6, 7, 8]))
      assert.isTrue(yield* queue.isFull)
      assert.isUndefined(own.pollUnsafe())
      assert.strictEqual(yield* queue.take, 6)
      assert.deepStrictEqual(yield* Fiber.join(own), [])
    }))

  it.effect("H3: the item of an interrupted offer is not in the Queue", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const queue = yield* store.bounded({ key })
      yield* queue.offerAll([1, 2])
      const offering = yield* forked(queue.offer(3))
      // the actor has read the interruption before it answers this call
      assert.isTrue(yield* queue.isFull)
      yield* Fiber.interrupt(offering)
      yield* queue.offer(4).pipe(Effect.raceFirst(Effect.never), forked)
      assert.deepStrictEqual([yield* queue.take, yield* queue.take, yield* queue.take], [1, 2, 4])
    }))

  it.effect("H3: a taker that is interrupted or times out takes no item", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const queue = yield* store.queue({ key })
      assert.deepStrictEqual(yield* Effect.timeoutOption(queue.take, 5), Option.none())
      const taking = yield* forked(queue.take)
      yield* queue.size
      yield* Fiber.interrupt(taking)
      yield* queue.offerAll([1, 2])
      assert.deepStrictEqual([yield* queue.take, yield* queue.take], [1, 2])
    }))

  it.effect("H3: an item in transit to an interrupted taker returns to the front of the Queue", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const queue = yield* store.points({ key })
      yield* queue.offerAll(upTo(5).map(point))
      for (const take of [queue.take, queue.takeN(2), queue.poll, queue.takeAll]) {
        const taking = yield* forked(Effect.asVoid<unknown, unknown, never>(take))
        yield* Fiber.interrupt(taking)
        assertInterrupted(yield* Fiber.await(taking))
      }
      assert.deepStrictEqual(xs(yield* queue.takeAll), upTo(5))
    }))

  it.effect("H3: the last item of an interrupted taker returns to the front of a Queue that has ended meanwhile", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const queue = yield* store.queue({ key })
      yield* queue.offer(1)
      yield* queue.end
      const taking = yield* forked(queue.take)
      yield* Fiber.interrupt(taking)
      assert.strictEqual(yield* queue.take, 1)
      assertDone(yield* Effect.exit(queue.take))
    }))

  it.effect("H3: takers that time out repeatedly lose no item and keep the order", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const user = yield* User.spawn()
      const queue = yield* store.bounded({ key })
      const offering = yield* forked(user.offer({ queue, count: 100 }))
      const taken: Array<number | undefined> = []
      for (let i = 0; taken.length < 100; i++) {
        const taking = yield* forked(Effect.tap(queue.take, (item) => Effect.sync(() => taken.push(item))))
        for (let turn = 0; turn < i % 7; turn++) yield* Effect.yieldNow
        if (i % 5 === 0) yield* Fiber.join(taking)
        else yield* Fiber.interrupt(taking)
      }
      yield* Fiber.join(offering)
      assert.deepStrictEqual<unknown>(taken, upTo(100))
    }))

  it.effect("H3: takers that time out lose no item and keep the order, even if items are encoded and decoded asynchronously", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const queue = yield* store.slow({ key })
      const taken: Array<number> = []
      const take = (of: typeof queue) =>
        Effect.uninterruptibleMask((restore) => Effect.map(restore(of.take), (item) => taken.push(item)))
      for (const turns of upTo(30)) {
        yield* queue.offerAll([1, 2])
        // by a holder that releases the queue as soon as it has interrupted the take
        yield* Effect.scoped(Effect.gen(function*() {
          const taking = yield* forked(take(yield* store.slow({ key })))
          yield* Effect.replicateEffect(Effect.yieldNow, turns, { discard: true })
          yield* Fiber.interrupt(taking)
        }))
        assert.deepStrictEqual([...taken, ...yield* queue.takeAll], [1, 2])
        taken.length = 0
      }
    }))

  for (const order of ["interrupted and released", "released and interrupted", "released"] as const) {
    it.effect(`H5: an item in transit to a taker is not lost when the handle is ${order}`, () =>
      Effect.gen(function*() {
        const store = yield* Store.spawn()
        for (const kind of ["endless", "slow"] as const) {
          const own = yield* store[kind]({ key })
          for (const turns of upTo(30)) {
            yield* own.offerAll([1, 2])
            const taken: Array<number> = []
            const queue = yield* store[kind]({ key })
            const taking = yield* forked(
              Effect.uninterruptibleMask((restore) => Effect.map(restore(queue.take), (item) => taken.push(item)))
            )
            yield* Effect.replicateEffect(Effect.yieldNow, turns - 1, { discard: true })
            if (order === "interrupted and released") taking.interruptUnsafe()
            yield* Handle.release(queue)
            if (order === "released and interrupted") taking.interruptUnsafe()
            const exit = yield* Fiber.await(taking)
            if (Exit.isFailure(exit)) assert.lengthOf(taken, 0)
            assert.deepStrictEqual([...taken, ...yield* own.takeAll], [1, 2])
          }
        }
      }))
  }

  it.effect("H3: after a Queue has ended, its remaining items can be taken, and then takers fail with Cause.Done", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const queue = yield* store.queue({ key })
      yield* queue.offerAll([1, 2])
      assert.isTrue(yield* queue.end)
      assert.isFalse(yield* queue.offer(3))
      assert.deepStrictEqual(yield* queue.offerAll([3, 4]), [3, 4])
      assert.deepStrictEqual(yield* queue.takeAll, [1, 2])
      for (const take of [queue.take, queue.takeAll, queue.takeN(2)]) {
        assertDone(yield* Effect.exit(Effect.asVoid<unknown, unknown, never>(take)))
      }
      assert.deepStrictEqual(yield* queue.poll, Option.none())
    }))

  it.effect("H3: the end of a Queue completes all waiting takers and offers", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const queue = yield* store.queue({ key })
      const taking = yield* forked(queue.take)
      yield* queue.end
      assertDone(yield* Fiber.await(taking))
    }))

  it.effect("H3: a Queue is read as a stream until it has ended", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const queue = yield* store.points({ key })
      const reading = yield* forked(Stream.runCollect(queue.stream))
      yield* queue.offer(point(1))
      yield* queue.offerAll([point(2), point(3)])
      yield* queue.end
      assert.deepStrictEqual(xs(yield* Fiber.join(reading)), [1, 2, 3])
    }))

  it.effect("H3: shutting down a Queue interrupts all waiting fibers", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const queue = yield* store.queue({ key })
      const taking = yield* forked(queue.take)
      assert.isTrue(yield* queue.shutdown)
      assertInterrupted(yield* Fiber.await(taking))
      assert.isFalse(yield* queue.offer(1))
    }))

  it.effect("H3: a Queue without an end signal can be a handle", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const queue = yield* store.endless({ key })
      yield* queue.offerAll([1, 2])
      assert.deepStrictEqual(yield* queue.takeAll, [1, 2])
    }))
})

onEveryPlacement(fixture, (placement) => {
  for (const isInterrupted of [false, true]) {
    const what = isInterrupted ? "unless a busy taker is interrupted" : "however long a taker is busy"
    it.live(`C3: releasing a Queue does not end its worker, ${what}`, () =>
      Effect.gen(function*() {
        const store = yield* Store.spawn()
        const queue = yield* store.queue({ key })
        const taking = yield* forked(queue.take)
        yield* store.log()
        const journal = yield* Journal.make
        const burning = yield* forked(store.burn({ millis: isInterrupted ? 60_000 : 1_000, journal: journal.path }))
        yield* journal.awaitLine("burning")
        yield* Handle.release(queue)
        if (isInterrupted) yield* Fiber.interrupt(taking)
        const exit = yield* Fiber.await(burning)
        if (isInterrupted) return assertExited(exit, "Killed", "Unknown")
        assert.isTrue(Exit.isSuccess(exit))
        assert.instanceOf(errorOf(yield* Fiber.await(taking)), HandleReleased)
      }).pipe(Effect.provide(placement.layer({ interruptTimeout: "300 millis" })), Effect.provide(Logger.layer([]))))
  }
}, { except: ["memory"], reason: "an actor in memory has no worker of its own that could end" })

it.effect("H3: in its owner, a Queue loses no item when a busy taker is interrupted", () =>
  Effect.gen(function*() {
    const items = upTo(50_000)
    for (const method of ["take", "takeN", "poll"] as const) {
      const queue = yield* Handle.makeQueue<number>()
      yield* queue.offerAll(items)
      const take: Effect.Effect<unknown, unknown> = method === "takeN" ? queue.takeN(1) : queue[method]
      let taken = 0
      yield* interruptBusy(Effect.uninterruptibleMask((restore) => Effect.map(restore(take), () => taken++)))
      assert.strictEqual(taken + (yield* queue.size), items.length)
    }
  }))
