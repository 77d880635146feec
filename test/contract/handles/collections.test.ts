import { assert } from "@effect/vitest"
import { Deferred, Effect, Fiber, Option, Stream } from "effect"
import behaviours, { Point, point, Refused, Store, User } from "../fixtures/handle-kinds.ts"
import { assertError, defectOf, errorOf, forked, upTo } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
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
  // ---- values ----

  it.effect("H3: reads and updates of a Ref run in its owner", () =>
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

  it.effect("H3: an update that throws changes nothing", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const ref = yield* store.counter({ key })
      const exit = yield* Effect.exit(ref.update(() => {
        throw new RangeError("out of luck")
      }))
      assertError(defectOf(exit), { name: "RangeError", message: "out of luck" })
      assert.strictEqual(yield* ref.get, 0)
    }))

  it.effect("H3: no concurrent update of a Ref is lost", () =>
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

  it.effect("H3: an update that is retried after a conflict is one change of a Ref", () =>
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
      // all fibers have read the same value before the first of them changes it
      yield* Effect.all(upTo(5).map(() => ref.update((n) => n + 1)), { concurrency: "unbounded" })
      assert.deepStrictEqual(yield* Fiber.join(reading), [0, ...upTo(5)])
    }))

  // ---- hubs ----

  it.effect("H3: every subscriber receives each published item", () =>
    Effect.gen(function*() {
      const store = yield* Store.spawn()
      const hub = yield* store.hub({ key })
      const other = yield* store.hub({ key })
      const reading = yield* Effect.forEach(
        [hub, other],
        ({ subscribe }) => forked(Stream.runCollect(Stream.take(subscribe, 3)))
      )
      // the subscriptions precede this answer
      yield* store.log()
      assert.isTrue(yield* hub.publish(point(1)))
      assert.isTrue(yield* other.publishAll([point(2), point(3)]))
      for (const fiber of reading) assert.deepStrictEqual(xs(yield* Fiber.join(fiber)), [1, 2, 3])
      // no subscriber is left
      assert.isTrue(yield* hub.publish(point(4)))
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

  it.effect("H3: a stream of a Map iterates over the state at its start, however large the Map is", () =>
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

  it.effect("H3: the length of a List is limited only by memory", () =>
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
})
