import { assert, it } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Fiber, Logger, Option, Stream } from "effect"
import { HandleReleased } from "../../src/ActorError.ts"
import * as ActorRef from "../../src/ActorRef.ts"
import * as Handle from "../../src/Handle.ts"
import { assertError, assertExited, assertInterrupted, defectOf, errorOf, forked, upTo } from "./asserts.ts"
import behaviours, { kindOf, Point, point, Refused, Store, User } from "./fixtures/handle-kinds.ts"
import * as Journal from "./journal.ts"
import { onOneWorker } from "./oneWorker.ts"
import { onEveryPlacement } from "./placements.ts"

const fixture = { module: new URL("./fixtures/handle-kinds.ts", import.meta.url), behaviours }

const key = "a"

const xs = (points: Iterable<Point>): ReadonlyArray<number> =>
  Array.from(points, (item) => {
    assert.instanceOf(item, Point)
    assert.deepStrictEqual(item.at, new Date(item.x))
    return item.x
  })

/** Waits until something that is asked for again and again is so. */
const eventually = <E>(condition: Effect.Effect<boolean, E>): Effect.Effect<void, E> =>
  Effect.asVoid(Effect.repeat(condition, { until: (holds) => holds }))

const assertRefused = (error: unknown, code: number): void => {
  assert.instanceOf(error, Refused)
  assert.deepStrictEqual([error.code, error.since], [code, new Date(0)])
}

const assertDone = (exit: Exit.Exit<unknown, unknown>): void => assert.isTrue(Cause.isDone(errorOf(exit)))

onOneWorker(fixture, Store.layer(), (it) => {
  // ---- values ----

  it.effect("H3: a Ref is read, set and changed where it is", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const ref = yield* store.counter({ key })
      const other = yield* store.counter({ key })
      yield* ref.set(1)
      assert.strictEqual(yield* other.get, 1)
      assert.strictEqual(yield* ref.getAndSet(2), 1)
      assert.strictEqual(yield* ref.setAndGet(3), 3)
      yield* ref.update((n) => n + 1)
      assert.strictEqual(yield* ref.updateAndGet((n) => n * 2), 8)
      assert.strictEqual(yield* ref.getAndUpdate((n) => n + 1), 8)
      assert.strictEqual(yield* ref.modify((n) => [`was ${n}`, n + 1]), "was 9")
      assert.strictEqual(yield* other.get, 10)
    }))

  it.effect("H3: a Ref carries values that only their schema can carry", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const ref = yield* store.point({ key })
      assert.deepStrictEqual(xs([yield* ref.get]), [1])
      yield* ref.update((before) => point(before.twice + 1))
      assert.deepStrictEqual(xs([yield* ref.get]), [3])
      assert.deepStrictEqual(xs([yield* ref.getAndSet(point(5))]), [3])
    }))

  it.effect("H3: what throws inside an update changes nothing", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const ref = yield* store.counter({ key })
      const exit = yield* Effect.exit(ref.update(() => {
        throw new RangeError("out of luck")
      }))
      assertError(defectOf(exit), { name: "RangeError", message: "out of luck" })
      assert.strictEqual(yield* ref.get, 0)
    }))

  it.effect("H3: updates of a Ref from many holders at once are all kept", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const counter = yield* store.counter({ key })
      const users = yield* Effect.forEach([1, 2], () => User.spawn())
      const own = Effect.forEach(upTo(20), () => counter.update((n) => n + 1), { concurrency: "unbounded" })
      yield* Effect.all([own, ...users.map((user) => user.increment({ counter, times: 20 }))], {
        concurrency: "unbounded"
      })
      assert.strictEqual(yield* counter.get, 60)
    }))

  it.effect("H3: the changes of a Ref begin with its value, and every holder sees them", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const ref = yield* store.point({ key })
      const seen: Array<Array<number>> = [[], []]
      const watching = yield* Effect.forEach(
        seen,
        (seen) =>
          Effect.flatMap(store.point({ key }), (ref) =>
            forked(Stream.runForEach(Stream.take(ref.changes, 3), (item) =>
              Effect.sync(() =>
                seen.push(...xs([item]))
              ))))
      )
      yield* Journal.until("both have seen the first value", () =>
        seen.every(({ length }) => length === 1))
      yield* ref.set(point(2))
      yield* ref.update(() => point(3))
      yield* Effect.forEach(watching, Fiber.join)
      assert.deepStrictEqual(seen, [[1, 2, 3], [1, 2, 3]])
    }))

  it.effect("H3: an update that comes too late and is made again is one change of a Ref", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const ref = yield* store.counter({ key })
      const begun = yield* Deferred.make<void>()
      const reading = yield* forked(
        ref.changes.pipe(
          Stream.tap(() => Deferred.succeed(begun, undefined)),
          Stream.takeUntil((n) => n === 5),
          Stream.runCollect
        )
      )
      yield* Deferred.await(begun)
      // all of them have read the same value before the first of them changes it
      yield* Effect.all(upTo(5).map(() => ref.update((n) => n + 1)), { concurrency: "unbounded" })
      assert.deepStrictEqual(yield* Fiber.join(reading), [0, ...upTo(5)])
    }))

  // ---- queues ----

  it.effect("H3: a Queue is offered to and taken from", () =>
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

  it.effect("H3: a bounded Queue holds back whoever offers, wherever that is", () =>
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

  it.effect("H3: an offer that is taken back is not in the Queue", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const queue = yield* store.bounded({ key })
      yield* queue.offerAll([1, 2])
      const offering = yield* forked(queue.offer(3))
      // the actor has heard of it by the answer to this
      assert.isTrue(yield* queue.isFull)
      yield* Fiber.interrupt(offering)
      yield* queue.offer(4).pipe(Effect.raceFirst(Effect.never), forked)
      assert.deepStrictEqual([yield* queue.take, yield* queue.take, yield* queue.take], [1, 2, 4])
    }))

  it.effect("H3: a taker that is interrupted or gives up takes nothing", () =>
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

  it.effect("H3: what is on its way to a taker that is interrupted goes back to the front", () =>
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

  it.effect("H3: the last item goes back to the front of a Queue that has ended meanwhile", () =>
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

  it.effect("H3: takers that give up again and again lose nothing and keep the order", () =>
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

  it.effect("H3: takers that give up lose nothing and keep the order where items take time to encode and decode", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const queue = yield* store.slow({ key })
      const taken: Array<number> = []
      const take = (of: typeof queue) =>
        Effect.uninterruptibleMask((restore) => Effect.map(restore(of.take), (item) => taken.push(item)))
      for (const turns of upTo(30)) {
        yield* queue.offerAll([1, 2])
        // by who lets go of the queue as soon as it has given up
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
    it.effect(`H5: what is on its way to a taker is not lost when its handle is ${order}`, () =>
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

  it.effect("H3: when a Queue has ended, what is in it can be taken, and then takers fail with Cause.Done", () =>
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

  it.effect("H3: whoever waits when a Queue ends is told", () =>
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

  it.effect("H3: shutting a Queue down interrupts whoever waits", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const queue = yield* store.queue({ key })
      const taking = yield* forked(queue.take)
      assert.isTrue(yield* queue.shutdown)
      assertInterrupted(yield* Fiber.await(taking))
      assert.isFalse(yield* queue.offer(1))
    }))

  it.effect("H3: a Queue that was made without an end serves as a handle too", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const queue = yield* store.endless({ key })
      yield* queue.offerAll([1, 2])
      assert.deepStrictEqual(yield* queue.takeAll, [1, 2])
    }))

  // ---- hubs ----

  it.effect("H3: what is published goes to every subscriber", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const hub = yield* store.hub({ key })
      const other = yield* store.hub({ key })
      const reading = yield* Effect.forEach(
        [hub, other],
        ({ subscribe }) => forked(Stream.runCollect(Stream.take(subscribe, 3)))
      )
      // they have subscribed by the answer to this
      yield* store.log()
      assert.isTrue(yield* hub.publish(point(1)))
      assert.isTrue(yield* other.publishAll([point(2), point(3)]))
      for (const fiber of reading) assert.deepStrictEqual(xs(yield* Fiber.join(fiber)), [1, 2, 3])
      // nobody has subscribed
      assert.isTrue(yield* hub.publish(point(4)))
    }))

  // ---- permits and locks ----

  it.effect("H3: a Semaphore gives its permits to whoever asks, and they come back", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const semaphore = yield* store.semaphore({ key, permits: 3 })
      assert.strictEqual(yield* semaphore.take(2), 2)
      assert.isFalse(yield* semaphore.takeIfAvailable(2))
      assert.isTrue(yield* semaphore.takeIfAvailable(1))
      assert.strictEqual(yield* store.free({ key }), 0)
      const waiting = yield* forked(semaphore.take(2))
      assert.strictEqual(yield* semaphore.release(1), 1)
      assert.isUndefined(waiting.pollUnsafe())
      yield* semaphore.release(2)
      assert.strictEqual(yield* Fiber.join(waiting), 2)
      yield* semaphore.release(2)
      assert.strictEqual(yield* store.free({ key }), 3)
    }))

  it.effect("H3: withPermits gives back what it took, however its body ends", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const semaphore = yield* store.semaphore({ key, permits: 3 })
      const free = store.free({ key })
      assert.strictEqual(yield* semaphore.withPermits(2)(free), 1)
      assert.strictEqual(yield* Effect.flip(semaphore.withPermit(Effect.fail("no"))), "no")
      assertError(defectOf(yield* Effect.exit(semaphore.withPermit(Effect.die(new Error("died"))))), {
        message: "died"
      })
      assert.deepStrictEqual(yield* semaphore.withPermitsIfAvailable(3)(free), Option.some(0))
      assert.deepStrictEqual(yield* semaphore.withPermitsIfAvailable(4)(free), Option.none())
      const body = yield* forked(semaphore.withPermits(3)(Effect.never))
      assert.strictEqual(yield* free, 0)
      yield* Fiber.interrupt(body)
      assert.strictEqual(yield* free, 3)
      assert.strictEqual(yield* Effect.scoped(Effect.andThen(semaphore.takeScoped(2), free)), 1)
      assert.strictEqual(yield* free, 3)
    }))

  it.effect("H3: whoever gives up waiting for permits takes none, also while they are on their way", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const semaphore = yield* store.semaphore({ key, permits: 2 })
      for (const take of [semaphore.take(2), semaphore.takeIfAvailable(2), semaphore.withPermits(2)(Effect.never)]) {
        const taking = yield* forked(Effect.asVoid<unknown, unknown, never>(take))
        yield* Fiber.interrupt(taking)
      }
      assert.strictEqual(yield* store.free({ key }), 2)
      yield* semaphore.take(2)
      const waiting = yield* forked(semaphore.take(1))
      yield* store.free({ key })
      yield* Fiber.interrupt(waiting)
      yield* semaphore.release(2)
      assert.strictEqual(yield* store.free({ key }), 2)
    }))

  it.effect("H3: of a bounded Semaphore no more can be released than is taken", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const semaphore = yield* store.bounded1()
      const release = Effect.exit(semaphore.release(1))
      assertError(defectOf(yield* release), {
        name: "RangeError",
        message: "1 permits of a bounded semaphore cannot be released: 0 are taken"
      })
      yield* semaphore.withPermit(Effect.void)
      yield* semaphore.take(1)
      assert.strictEqual(yield* semaphore.release(1), 1)
      assert.strictEqual(defectOf(yield* release) instanceof RangeError, true)
      assert.isTrue(yield* semaphore.takeIfAvailable(1))
      assert.isFalse(yield* semaphore.takeIfAvailable(1))
    }))

  it.effect("H3: permits are shared among actors", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const user = yield* User.spawn()
      const semaphore = yield* store.semaphore({ key, permits: 1 })
      yield* user.hold({ semaphore, permits: 1 })
      assert.isFalse(yield* semaphore.takeIfAvailable(1))
      const waiting = yield* forked(semaphore.withPermit(Effect.succeed("got it")))
      yield* user.letGo()
      assert.strictEqual(yield* Fiber.join(waiting), "got it")
    }))

  it.effect("H3: a Lock may be taken again inside itself", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const lock = yield* store.lock({ key })
      const result = yield* lock.withLock(
        Effect.flatMap(
          lock.withLock(Effect.succeed(1)),
          (n) => Effect.map(Effect.flatMap(forked(lock.withLock(Effect.succeed(n + 1))), Fiber.join), (n) => n + 1)
        )
      )
      assert.strictEqual(result, 3)
      assert.strictEqual(yield* Effect.flip(lock.withLock(lock.withLock(Effect.fail("no")))), "no")
      assert.strictEqual(yield* lock.withLock(Effect.succeed("free")), "free")
    }))

  it.effect("H3: a Lock may be taken again inside itself by another handle of the same lock", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const lock = yield* store.lock({ key })
      const other = yield* store.lock({ key })
      const between = yield* store.lock({ key: "between" })
      const inside = other.withLock(Effect.flatMap(between.withLock(lock.withLock(Effect.succeed(1))), Effect.succeed))
      assert.strictEqual(yield* lock.withLock(inside), 1)
      // two that are inside another lock together are kept apart all the same
      const list = yield* store.list({ key })
      const each = (n: number) =>
        other.withLock(Effect.andThen(Effect.andThen(list.append(n), Effect.yieldNow), list.append(-n)))
      yield* between.withLock(Effect.forEach(upTo(5), each, { concurrency: "unbounded" }))
      const seen = yield* list.slice()
      for (let i = 0; i < 10; i += 2) assert.strictEqual(seen[i + 1], -seen[i]!)
      // a handle that is let go of inside takes only its own part of it
      const third = yield* store.lock({ key })
      const goOn = yield* store.latch({ key })
      const waiting = yield* forked(Effect.andThen(goOn.await, other.withLock(list.append(100))))
      yield* lock.withLock(
        Effect.gen(function*() {
          yield* third.withLock(Handle.release(third))
          yield* goOn.open
          // whoever waits for the lock has asked for it by the answers to these
          yield* Effect.forEach(upTo(20), () => goOn.isOpen)
          assert.isUndefined(waiting.pollUnsafe())
        })
      )
      yield* Fiber.join(waiting)
    }))

  it.effect("H3: a Lock keeps fibers and actors apart", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const users = yield* Effect.forEach([1, 2], () => User.spawn())
      const lock = yield* store.lock({ key })
      const list = yield* store.list({ key })
      const own = lock.withLock(Effect.andThen(Effect.andThen(list.append(3), Effect.yieldNow), list.append(-3)))
      yield* Effect.all([
        ...users.map((user, i) => user.exclude({ lock, list, name: i + 1, times: 5 })),
        ...upTo(5).map(() => own)
      ], { concurrency: "unbounded" })
      const seen = yield* list.slice()
      assert.lengthOf(seen, 30)
      for (let i = 0; i < seen.length; i += 2) assert.strictEqual(seen[i + 1], -seen[i]!)
    }))

  it.effect("H3: a fiber that outlives the Lock in which it was started does not hold it", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const lock = yield* store.lock({ key })
      const goOn = yield* store.latch({ key })
      const entered = yield* store.counter({ key })
      const late = yield* lock.withLock(
        Effect.forkDetach(Effect.andThen(goOn.await, lock.withLock(entered.set(1))), { startImmediately: true })
      )
      yield* lock.withLock(Effect.gen(function*() {
        yield* goOn.open
        // whoever waits for the lock has asked for it by the answers to these
        yield* Effect.forEach(upTo(20), () => goOn.isOpen)
        assert.strictEqual(yield* entered.get, 0)
      }))
      yield* Fiber.join(late)
      assert.strictEqual(yield* entered.get, 1)
    }))

  // ---- gates ----

  it.effect("H3: a Latch lets through whoever waits, now or from now on", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const latch = yield* store.latch({ key })
      assert.isFalse(yield* latch.isOpen)
      const waiting = yield* forked(latch.await)
      assert.isFalse(yield* latch.isOpen)
      yield* latch.release
      yield* Fiber.join(waiting)
      assert.isFalse(yield* latch.isOpen)
      const whenOpen = yield* forked(latch.whenOpen(Effect.succeed("open")))
      assert.isTrue(yield* latch.open)
      assert.isFalse(yield* latch.open)
      assert.strictEqual(yield* Fiber.join(whenOpen), "open")
      assert.isTrue(yield* latch.isOpen)
      yield* latch.await
      assert.isTrue(yield* latch.close)
      assert.isFalse(yield* latch.close)
      assert.deepStrictEqual(yield* Effect.timeoutOption(latch.await, 5), Option.none())
    }))

  it.effect("H3: at a Barrier all wait for each other, in their order of arrival, again and again", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const user = yield* User.spawn()
      const barrier = yield* store.barrier({ key })
      assert.strictEqual(yield* barrier.parties, 3)
      for (let round = 0; round < 2; round++) {
        const first = yield* forked(barrier.await)
        assert.strictEqual(yield* barrier.waiting, 1)
        const second = yield* forked(user.meet({ barrier }))
        yield* eventually(Effect.map(barrier.waiting, (n) => n === 2))
        assert.strictEqual(yield* barrier.await, 2)
        assert.deepStrictEqual([yield* Fiber.join(first), yield* Fiber.join(second)], [0, 1])
        assert.strictEqual(yield* barrier.waiting, 0)
      }
    }))

  it.effect("H3: whoever leaves a Barrier does not count", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const barrier = yield* store.barrier({ key })
      const leaving = yield* forked(barrier.await)
      const first = yield* forked(barrier.await)
      assert.strictEqual(yield* barrier.waiting, 2)
      yield* Fiber.interrupt(leaving)
      assert.strictEqual(yield* barrier.waiting, 1)
      const second = yield* forked(barrier.await)
      assert.strictEqual(yield* barrier.waiting, 2)
      assert.strictEqual(yield* barrier.await, 2)
      assert.deepStrictEqual([yield* Fiber.join(first), yield* Fiber.join(second)], [0, 1])
    }))

  it.effect("H3: a Barrier is for one party at least", () =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(Handle.makeBarrier(0))
      assertError(defectOf(exit), {
        name: "RangeError",
        message: "Handle.makeBarrier: parties must be an integer of at least 1, not 0"
      })
    }))

  // ---- collections ----

  it.effect("H3: a Map has the operations of a dict", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const map = yield* store.map({ key })
      const [one, two] = [new Date(1), new Date(2)]
      yield* map.set("one", one)
      yield* map.setAll([["two", two], ["none", undefined]])
      assert.deepStrictEqual(yield* map.get("one"), Option.some(one))
      assert.deepStrictEqual(yield* map.get("none"), Option.some(undefined))
      assert.deepStrictEqual(yield* map.get("three"), Option.none())
      assert.deepStrictEqual([yield* map.has("none"), yield* map.has("three")], [true, false])
      assert.deepStrictEqual(yield* map.getOrSet("one", two), one)
      assert.deepStrictEqual(yield* map.getOrSet("none", two), undefined)
      assert.deepStrictEqual(yield* map.getOrSet("three", two), two)
      assert.strictEqual(yield* map.size, 4)
      assert.deepStrictEqual(yield* Stream.runCollect(map.keys), ["one", "two", "none", "three"])
      assert.deepStrictEqual(yield* Stream.runCollect(map.values), [one, two, undefined, two])
      assert.deepStrictEqual(yield* Stream.runCollect(Stream.take(map.entries, 1)), [["one", one]])
      assert.deepStrictEqual(yield* map.remove("one"), Option.some(one))
      assert.deepStrictEqual(yield* map.remove("none"), Option.some(undefined))
      assert.deepStrictEqual(yield* map.remove("one"), Option.none())
      yield* map.clear
      assert.strictEqual(yield* map.size, 0)
      assert.deepStrictEqual(yield* Stream.runCollect(map.entries), [])
    }))

  it.effect("H3: a Map is iterated as it was when the stream began, however large it is", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const map = yield* store.numbers({ key })
      yield* map.setAll(upTo(10_000).map((n) => [n, n * 2]))
      let seen = 0
      yield* Stream.runForEach(map.entries, ([n, twice]) =>
        Effect.gen(function*() {
          assert.deepStrictEqual([n, twice], [++seen, seen * 2])
          if (seen === 1) yield* map.clear
        }))
      assert.strictEqual(seen, 10_000)
      assert.strictEqual(yield* map.size, 0)
    }))

  it.effect("H3: a List has the operations of a list, and counts from the end below 0", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const list = yield* store.list({ key })
      yield* list.append(1)
      yield* list.appendAll([2, undefined, 4])
      assert.deepStrictEqual(yield* list.get(0), Option.some(1))
      assert.deepStrictEqual(yield* list.get(-1), Option.some(4))
      assert.deepStrictEqual(yield* list.get(2), Option.some(undefined))
      assert.deepStrictEqual([yield* list.get(4), yield* list.get(-5)], [Option.none(), Option.none()])
      assert.deepStrictEqual([yield* list.set(-1, 5), yield* list.set(4, 6), yield* list.set(-5, 6)], [
        true,
        false,
        false
      ])
      yield* list.insert(0, 0)
      yield* list.insert(-1, 9)
      assert.deepStrictEqual(yield* list.slice(), [0, 1, 2, undefined, 9, 5])
      assert.deepStrictEqual(yield* list.slice(-2), [9, 5])
      assert.deepStrictEqual(yield* list.slice(1, -3), [1, 2])
      assert.deepStrictEqual(yield* list.remove(-2), Option.some(9))
      assert.deepStrictEqual(yield* list.remove(0), Option.some(0))
      assert.deepStrictEqual(yield* list.remove(9), Option.none())
      yield* list.reverse
      assert.deepStrictEqual(yield* Stream.runCollect(list.values), [5, undefined, 2, 1])
      assert.deepStrictEqual(yield* list.pop, Option.some(1))
      assert.strictEqual(yield* list.size, 3)
      yield* list.clear
      assert.deepStrictEqual(yield* list.pop, Option.none())
    }))

  it.effect("H3: a List may be as long as memory allows", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const list = yield* store.list({ key })
      yield* list.append(0)
      yield* list.appendAll(upTo(200_000))
      yield* list.reverse
      assert.strictEqual(yield* list.size, 200_001)
      assert.deepStrictEqual([yield* list.get(0), yield* list.get(-1)], [Option.some(200_000), Option.some(0)])
      assert.deepStrictEqual(
        yield* Stream.runFold(Stream.take(list.values, 10_000), () => 0, (n, item) => n + item!),
        upTo(10_000).reduce((sum, n) => sum + 200_001 - n, 0)
      )
    }))

  // ---- streams ----

  it.effect("H3: a Stream runs once for each reader", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const { stream } = yield* store.stream({ key })
      assert.deepStrictEqual(xs(yield* Stream.runCollect(stream)), upTo(5))
      assert.deepStrictEqual(xs(yield* Stream.runCollect(stream)), upTo(5))
      assert.deepStrictEqual(yield* store.log(), ["a begins", "a ends", "a begins", "a ends"])
    }))

  it.effect("H3: a reader that leaves a Stream ends it", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const { stream } = yield* store.stream({ key: "endless" })
      assert.deepStrictEqual(xs(yield* Stream.runCollect(Stream.take(stream, 7))), [1, 2, 3, 4, 5, 1, 2])
      assert.deepStrictEqual(yield* store.log(), ["endless begins", "endless ends"])
    }))

  it.effect("H3: a Stream fails with its own typed error", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const { stream } = yield* store.stream({ key: "fails" })
      const seen: Array<Point> = []
      const exit = yield* Effect.exit(Stream.runForEach(stream, (item) => Effect.sync(() => seen.push(item))))
      assertRefused(errorOf(exit), 3)
      assert.deepStrictEqual(xs(seen), upTo(5))
    }))

  // ---- objects of the user's own ----

  it.effect("H3: an object with a protocol of its own is called like an actor", () =>
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

  it.effect("H3: what the handlers of an object require is that of whoever made it", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const tally = yield* store.tally({ key })
      assert.strictEqual(yield* tally.unit(), 12)
      assert.deepStrictEqual(yield* Stream.runCollect(tally.units()), [12])
    }))

  it.effect("H3: a call of an object is interrupted where it runs", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const tally = yield* store.tally({ key })
      const hanging = yield* forked(tally.hang())
      assert.deepStrictEqual(yield* store.log(), ["a hangs"])
      yield* Fiber.interrupt(hanging)
      assert.deepStrictEqual(yield* store.log(), ["a hangs", "a is interrupted"])
    }))

  it.effect("H5: each holder of an object has a scope of its own, which closes when it has let go", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const tally = yield* store.tally({ key })
      yield* Effect.scoped(Effect.flatMap(store.tally({ key }), (other) => other.add({ n: 1 })))
      assert.deepStrictEqual(yield* store.log(), ["a holder of a has gone"])
      yield* Handle.release(tally)
      assert.deepStrictEqual(yield* store.log(), ["a holder of a has gone", "a holder of a has gone"])
      assert.instanceOf(yield* Effect.flip(tally.add({ n: 1 })), HandleReleased)
    }))

  // ---- where they were made, and what is common ----

  it.effect("H3: handles are used in the same way where they were made", () =>
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

  it.effect("H4: where handles of several kinds may come, each arrives as what it is", () =>
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

  it.effect("H3: Handle.toFiber is a fiber whose interruption reaches what makes the result", () =>
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
      // the actor runs them all by the answer to this
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
      // the actor has ended what they ran
      assert.include(yield* store.log(), "endless ends")
    }))
})

/** Interrupts fibers that use something again and again, each after another number of steps. */
const interruptBusy = (use: Effect.Effect<unknown, unknown>): Effect.Effect<void> =>
  Effect.forEach(upTo(60), (steps) =>
    Effect.gen(function*() {
      const stepping = Effect.replicateEffect(Effect.suspend(() => Effect.void), steps, { discard: true })
      const busy = yield* Effect.forkChild(Effect.andThen(stepping, Effect.forever(use, { disableYield: true })))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(busy)
    }), { discard: true })

onEveryPlacement(fixture, (placement) => {
  for (const isInterrupted of [false, true]) {
    const what = isInterrupted ? "but the interruption of its taker does" : "however long that is busy"
    it.live(`C3: letting go of a Queue does not end its worker, ${what}`, () =>
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

for (
  const [kind, make] of [
    ["a Semaphore", Effect.map(Handle.makeSemaphore(1), (semaphore) => semaphore.withPermit)],
    [
      "a Semaphore, taken if it is free,",
      Effect.map(
        Handle.makeSemaphore(1),
        (semaphore) => (use: typeof Effect.void) =>
          Effect.flatMap(semaphore.withPermitsIfAvailable(1)(use), Effect.fromOption)
      )
    ],
    [
      "a Semaphore, taken for a scope,",
      Effect.map(
        Handle.makeSemaphore(1),
        (semaphore) => (use: typeof Effect.void) => Effect.scoped(Effect.andThen(semaphore.takeScoped(1), use))
      )
    ],
    ["a Lock", Effect.map(Handle.makeLock, (lock) => lock.withLock)]
  ] as const
) {
  it.effect(`H3: where it was made, ${kind} is free when a busy fiber in it has been interrupted`, () =>
    Effect.gen(function*() {
      const hold = yield* make
      yield* interruptBusy(hold(Effect.void))
      const entered = yield* forked(hold(Effect.void))
      assert.deepStrictEqual(entered.pollUnsafe(), Exit.void)
    }))
}

it.effect("H3: where it was made, a Queue loses nothing when a busy taker is interrupted", () =>
  Effect.gen(function*() {
    const items = upTo(50_000)
    for (const  of of["take", "takeN", "poll"] as const) {
      const queue = yield* Handle.makeQueue<number>()
      yield* queue.offerAll(items)
      const take: Effect.Effect<unknown, unknown> = of === "takeN" ? queue.takeN(1) : queue[of]
      let taken = 0
      yield* interruptBusy(Effect.uninterruptibleMask((restore) => Effect.map(restore(take), () => taken++)))
      assert.strictEqual(taken + (yield* queue.size), items.length)
    }
  }))
