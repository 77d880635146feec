import { assert, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Option } from "effect"
import * as Handle from "../../../src/Handle.ts"
import behaviours, { Store, User } from "../fixtures/handle-kinds.ts"
import { assertError, defectOf, forked, interruptBusy, upTo } from "../support/asserts.ts"
import { onOneWorker } from "../support/sharedWorkers.ts"

const fixture = { module: new URL("../fixtures/handle-kinds.ts", import.meta.url), behaviours }

const key = "a"

/** Polls a condition until it holds. */
const eventually = <E>(condition: Effect.Effect<boolean, E>): Effect.Effect<void, E> =>
  Effect.asVoid(Effect.repeat(condition, { until: (holds) => holds }))

onOneWorker(fixture, Store.layer(), (it) => {
  // ---- permits and locks ----

  it.effect("H3: a Semaphore grants permits to every holder, and holders return them", () =>
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

  it.effect("H3: withPermits returns its permits, however its body ends", () =>
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

  it.effect("H3: an interrupted take takes no permits, even while the permits are in transit", () =>
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

  it.effect("H3: a bounded Semaphore rejects the release of more permits than are taken", () =>
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

  it.effect("H3: a Lock is reentrant", () =>
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

  it.effect("H3: a Lock is reentrant through another handle of the same lock", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const lock = yield* store.lock({ key })
      const other = yield* store.lock({ key })
      const between = yield* store.lock({ key: "between" })
      const inside = other.withLock(Effect.flatMap(between.withLock(lock.withLock(Effect.succeed(1))), Effect.succeed))
      assert.strictEqual(yield* lock.withLock(inside), 1)
      // two fibers inside another lock exclude each other as well
      const list = yield* store.list({ key })
      const each = (n: number) =>
        other.withLock(Effect.andThen(Effect.andThen(list.append(n), Effect.yieldNow), list.append(-n)))
      yield* between.withLock(Effect.forEach(upTo(5), each, { concurrency: "unbounded" }))
      const seen = yield* list.slice()
      for (let i = 0; i < 10; i += 2) assert.strictEqual(seen[i + 1], -seen[i]!)
      // a handle that is released inside releases only its own permits
      const third = yield* store.lock({ key })
      const goOn = yield* store.latch({ key })
      const waiting = yield* forked(Effect.andThen(goOn.await, other.withLock(list.append(100))))
      yield* lock.withLock(
        Effect.gen(function*() {
          yield* third.withLock(Handle.release(third))
          yield* goOn.open
          // the waiting fibers have requested the lock before these answers
          yield* Effect.forEach(upTo(20), () => goOn.isOpen)
          assert.isUndefined(waiting.pollUnsafe())
        })
      )
      yield* Fiber.join(waiting)
    }))

  it.effect("H3: a Lock excludes other fibers and other actors", () =>
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
        // the waiting fibers have requested the lock before these answers
        yield* Effect.forEach(upTo(20), () => goOn.isOpen)
        assert.strictEqual(yield* entered.get, 0)
      }))
      yield* Fiber.join(late)
      assert.strictEqual(yield* entered.get, 1)
    }))

  // ---- latches and barriers ----

  it.effect("H3: a Latch releases the current waiters, or current and later waiters", () =>
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

  it.effect("H3: all parties of a Barrier wait for each other, in their order of arrival, in every round", () =>
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

  it.effect("H3: an interrupted party does not count at a Barrier", () =>
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

  it.effect("H3: a Barrier has at least one party", () =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(Handle.makeBarrier(0))
      assertError(defectOf(exit), {
        name: "RangeError",
        message: "Handle.makeBarrier: parties must be an integer of at least 1, not 0"
      })
    }))
})

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
  it.effect(`H3: in its owner, ${kind} is free after the interruption of a busy fiber inside it`, () =>
    Effect.gen(function*() {
      const hold = yield* make
      yield* interruptBusy(hold(Effect.void))
      const entered = yield* forked(hold(Effect.void))
      assert.deepStrictEqual(entered.pollUnsafe(), Exit.void)
    }))
}
