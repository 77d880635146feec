/** The memory that an owner keeps for the holders of its handles is bounded. */
import { assert } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Latch, Scope, Stream } from "effect"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as Handle from "../../../src/Handle.ts"
import { exitedOf, forked, upTo } from "../support/asserts.ts"
import { onOneWorker } from "../support/sharedWorkers.ts"
import behaviours, { Owner, Worker } from "./actors/bounds.ts"

const fixture = { module: new URL("./actors/bounds.ts", import.meta.url), behaviours }

/** the maximum number of unfinished tells of one handle */
const mostOfAHandle = 4096

onOneWorker(fixture, Owner.layer(), (it) => {
  // ---- results ----

  it.effect("H5: a Deferred that is exported repeatedly keeps nothing of the released handles", () =>
    Effect.gen(function*() {
      const owner = yield* Owner.spawn()
      yield* Effect.forEach(upTo(20), () => Effect.flatMap(owner.signal(), Handle.release))
      assert.strictEqual(yield* owner.waiting(), 0)
      const scope = yield* Scope.make()
      const signals = yield* Effect.all(upTo(3).map(() => owner.signal())).pipe(Scope.provide(scope))
      assert.strictEqual(yield* owner.waiting(), 3)
      yield* Handle.release(signals[0]!)
      assert.strictEqual(yield* owner.waiting(), 2)
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(yield* owner.waiting(), 0)
      const last = yield* owner.signal()
      yield* owner.complete()
      assert.strictEqual(yield* last.await, 42)
      assert.strictEqual(yield* Effect.flatMap(owner.signal(), (signal) => signal.await), 42)
    }))

  // ---- tells ----

  for (const to of ["a handle", "a method that runs out of line"] as const) {
    it.effect(`C7: at most one mailbox of tells to ${to} is in progress, and further tells wait`, () =>
      Effect.gen(function*() {
        const owner = yield* Owner.spawn()
        const worker = to === "a handle" ? yield* owner.worker() : owner
        // one more tell runs outside the mailbox
        const most = to === "a handle" ? mostOfAHandle : mostOfAHandle + 1
        let accepted = 0
        const tells = yield* Effect.forEach(
          upTo(most + 10),
          () => forked(Effect.tap(worker.work(undefined, { discard: true }), () => Effect.sync(() => accepted++)))
        )
        assert.strictEqual(yield* owner.begun({ n: most }), most)
        assert.strictEqual(yield* owner.begun({ n: 0 }), most)
        assert.strictEqual(accepted, most)
        // a tell that is interrupted while it waits never runs
        yield* Fiber.interrupt(tells[most]!)
        yield* owner.finish()
        yield* Effect.forEach(tells, Fiber.await, { discard: true })
        assert.strictEqual(accepted, most + 9)
        assert.strictEqual(yield* owner.begun({ n: most + 9 }), most + 9)
      }))
  }

  it.effect("C7: a call through a handle does not wait for queued tells", () =>
    Effect.gen(function*() {
      const owner = yield* Owner.spawn()
      const worker = yield* owner.worker()
      const tell = Effect.exit(worker.work(undefined, { discard: true }))
      yield* Effect.forEach(upTo(mostOfAHandle), () => tell, { concurrency: "unbounded", discard: true })
      const waiting = yield* forked(tell)
      assert.strictEqual(yield* worker.begun(), mostOfAHandle)
      yield* ActorRef.stop(owner)
      assert.strictEqual(exitedOf(yield* Fiber.join(waiting)).reason, "Stopped")
    }))

  // ---- streams ----

  it.effect("C7: a slow reader of the changes of a Ref misses the oldest of them, never the newest", () =>
    Effect.gen(function*() {
      const owner = yield* Owner.spawn()
      const text = yield* owner.text()
      const n = 20_000
      const seen: Array<number> = []
      const reading = yield* Deferred.make<void>()
      const latch = yield* Latch.make()
      const reader = yield* forked(
        Stream.runForEach(Stream.takeUntil(text.changes, (value) => value === String(n)), (value) =>
          Effect.andThen(
            Effect.sync(() => {
              seen.push(Number(value))
              Deferred.doneUnsafe(reading, Effect.void)
            }),
            latch.await
          ))
      )
      yield* Deferred.await(reading)
      yield* owner.count({ n })
      yield* latch.open
      yield* Fiber.join(reader)
      // in the order in which they were set, from the initial value to the last
      assert.deepStrictEqual(seen, seen.toSorted((a, b) => a - b))
      assert.deepStrictEqual([seen[0], seen.at(-1)], [0, n])
      // the items in transit, the items that the owner keeps, and the item that it was about to send
      assert.isBelow(seen.length, 1024 * 4)
    }))

  it.effect("H3: a reader that keeps up with the changes of a Ref misses no change", () =>
    Effect.gen(function*() {
      const owner = yield* Owner.spawn()
      const text = yield* owner.text()
      const seen: Array<string> = []
      const reader = yield* forked(Stream.runForEach(text.changes, (value) => Effect.sync(() => seen.push(value))))
      for (const n of upTo(200)) yield* text.set(String(n))
      while (seen.length <= 200) yield* owner.ping()
      assert.deepStrictEqual(seen, [0, ...upTo(200)].map(String))
      yield* Fiber.interrupt(reader)
    }))

  it.effect("C7: a watched Ref of handles holds removed handles only as long as a reader may need them", () =>
    Effect.gen(function*() {
      const owner = yield* Owner.spawn()
      const current = yield* owner.current()
      let released = 0
      const worker = yield* Worker.of((holder) => {
        Effect.runSync(Scope.addFinalizer(holder, Effect.sync(() => released++)))
        return { work: () => Effect.void, begun: () => Effect.succeed(7) }
      })
      const times = 6000
      const received: Array<{ readonly begun: () => Effect.Effect<number, unknown> }> = []
      const go = yield* Latch.make()
      const begun = yield* Deferred.make<void>()
      const reader = yield* forked(Stream.runForEach(current.changes, (value) =>
        Effect.andThen(
          Effect.sync(() => {
            Deferred.doneUnsafe(begun, Effect.void)
            if (value !== null) received.push(value)
          }),
          go.await
        )))
      yield* Deferred.await(begun)
      yield* Effect.forEach(upTo(times), () => current.set(worker), { concurrency: 256, discard: true })
      yield* current.set(null)
      yield* owner.ping()
      // the messages in transit to the reader, and those that the owner keeps for it, some of them unread
      assert.isAbove(released, times - 1024 - 3 * 1024)
      yield* go.open
      while (received.length === 0) yield* owner.ping()
      assert.strictEqual(yield* received.at(-1)!.begun(), 7)
      yield* Fiber.interrupt(reader)
    }))

  /** The messages from 0 on, in parts. */
  const parts = Array.from({ length: 300 }, (_, part) => Array.from({ length: 16 }, (_, i) => String(part * 16 + i)))
  const last = parts.at(-1)!.at(-1)!

  /** Reads a hub until the last message; after its first, not before `go` is open. */
  const slowReader = (hub: Handle.PubSubHandle<string>) =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const begun = yield* Deferred.make<void>()
      const go = yield* Latch.make()
      const fiber = yield* forked(
        Stream.runForEach(Stream.takeUntil(hub.subscribe, (item) => item === last), (item) =>
          Effect.andThen(
            Effect.sync(() => {
              seen.push(item)
              Deferred.doneUnsafe(begun, Effect.void)
            }),
            go.await
          ))
      )
      while (!Deferred.isDoneUnsafe(begun)) yield* hub.publish("first")
      return { seen, go, fiber }
    })

  it.effect("C7: a publisher to a bounded hub waits for the slowest subscriber, and no item is lost", () =>
    Effect.gen(function*() {
      const owner = yield* Owner.spawn()
      const hub = yield* owner.hub()
      const { fiber, go, seen } = yield* slowReader(hub)
      let published = 0
      const publisher = yield* forked(
        Effect.forEach(parts, (part) => Effect.tap(hub.publishAll(part), () => Effect.sync(() => published++)))
      )
      // until `publish` waits while the owner answers other calls
      for (let before = -1; before < published;) {
        before = published
        for (let i = 0; i < 50; i++) yield* owner.ping()
      }
      assert.isBelow(published, parts.length)
      yield* go.open
      yield* Fiber.join(publisher)
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(seen.filter((item) => item !== "first"), parts.flat())
    }))

  it.effect("C7: a dropping hub reports dropped items, and a sliding hub keeps the newest items", () =>
    Effect.gen(function*() {
      const owner = yield* Owner.spawn()
      const [sink, window] = yield* Effect.all([owner.sink(), owner.window()])
      const [dropping, sliding] = yield* Effect.all([slowReader(sink), slowReader(window)])
      assert.include(yield* Effect.forEach(parts, (part) => sink.publishAll(part)), false)
      assert.notInclude(yield* Effect.forEach(parts, (part) => window.publishAll(part)), false)
      yield* sliding.go.open
      yield* Fiber.join(sliding.fiber)
      assert.isBelow(sliding.seen.length, parts.flat().length)
      assert.strictEqual(sliding.seen.at(-1), last)
      yield* Fiber.interrupt(dropping.fiber)
    }))

  it.effect("P8: an invalid capacity of a hub is rejected with the name of the option", () =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(Handle.makePubSub({ capacity: 0 }))
      assert(Exit.isFailure(exit))
      assert.include(String(exit.cause), "Handle.makePubSub: capacity must be an integer of at least 1, not 0")
    }))
})
