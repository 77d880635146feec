import { assert } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Queue, Scope, Stream } from "effect"
import behaviours, { assortment, Drop, Dry, Spring, Springs } from "../fixtures/streams.ts"
import { assertError, assertInterrupted, defectOf, errorOf, forked, upTo } from "../support/asserts.ts"
import { onOneWorker } from "../support/sharedWorkers.ts"

const fixture = { module: new URL("../fixtures/streams.ts", import.meta.url), behaviours }

/** Reads a stream to its end: its items, and how it ended. */
const read = <A, E>(stream: Stream.Stream<A, E>) =>
  Effect.gen(function*() {
    const items: Array<A> = []
    const exit = yield* Effect.exit(Stream.runForEach(stream, (item) => Effect.sync(() => items.push(item))))
    return { items, exit }
  })

onOneWorker(fixture, Spring.layer(), (it) => {
  for (const n of [0, 1, 5_000, 100_000]) {
    it.effect(`C5: a stream of ${n} items arrives whole and in order`, () =>
      Effect.gen(function*() {
        const spring = yield* Spring.spawn()
        const items = yield* Stream.runCollect(spring.numbers({ n }))
        assert.strictEqual(items.length, n)
        assert.isTrue(items.every((item, i) => item === i + 1))
      }))
  }

  for (const streamBufferSize of [1, 2, 16]) {
    it.effect(`C5: a stream with room for ${streamBufferSize} items arrives whole and in order`, () =>
      Effect.gen(function*() {
        const spring = yield* Spring.spawn()
        const items = yield* Stream.runCollect(spring.numbers({ n: 100 }, { streamBufferSize }))
        assert.deepStrictEqual(items, upTo(100))
      }))
  }

  it.effect("C5: a stream with a buffer of 0 is rejected, whichever way it is read", () =>
    Effect.gen(function*() {
      const spring = yield* Spring.spawn()
      for (const streamBufferSize of [0, -1, 1.5, Number.NaN]) {
        for (const asQueue of [false, true]) {
          assert.throws(
            () => spring.numbers({ n: 1 }, { asQueue, streamBufferSize }),
            RangeError,
            `Spring.numbers: streamBufferSize must be an integer of at least 1, not ${streamBufferSize}`
          )
        }
      }
    }))

  it.effect("C5: a slow producer of items does not delay the timers of its actor", () =>
    Effect.gen(function*() {
      const spring = yield* Spring.spawn()
      const runs = yield* Stream.runCollect(spring.grind({ n: 40 }))
      assert.strictEqual(runs.length, 40)
      // a timer is due after three of them
      assert.isBelow(Math.max(...runs), 20)
    }))

  it.effect("C5: items are decoded by their schema", () =>
    Effect.gen(function*() {
      const spring = yield* Spring.spawn()
      const drops = yield* Stream.runCollect(spring.drops({ n: 3 }))
      for (const drop of drops) assert.instanceOf(drop, Drop)
      assert.deepStrictEqual(drops, upTo(3).map((n) => new Drop({ n, at: new Date(n) })))
    }))

  for (const n of [1, 4, 1_000]) {
    for (const text of [undefined, "text"]) {
      const among = text === undefined ? "" : ` with a ${text} among them`
      it.effect(`C5: ${n * assortment.length} numbers of every kind arrive as they are${among}`, () =>
        Effect.gen(function*() {
          const spring = yield* Spring.spawn()
          const items = yield* Stream.runCollect(spring.assorted(text === undefined ? { n } : { n, text }))
          const expected: Array<number | string> = upTo(n).flatMap(() => assortment)
          if (text !== undefined) expected.push(text)
          assert.strictEqual(items.length, expected.length)
          assert.isTrue(items.every((item, i) => Object.is(item, expected[i])))
        }))
    }
  }

  it.effect("C5: items arrive with their values at emission, even if the producer changes them later", () =>
    Effect.gen(function*() {
      const spring = yield* Spring.spawn()
      const buffers = yield* Stream.runCollect(spring.refilled({ n: 100 }))
      assert.deepStrictEqual(buffers.map((buffer) => buffer[0]), [...upTo(100)])
      const items = yield* Stream.runCollect(spring.reset({ n: 100 }))
      assert.deepStrictEqual(items, upTo(100).map((n) => ({ at: new Date(n) })))
    }))

  it.effect("C5: large items arrive whole", () =>
    Effect.gen(function*() {
      const spring = yield* Spring.spawn()
      const blocks = yield* Stream.runCollect(spring.blocks({ n: 8 }))
      assert.deepStrictEqual(
        blocks.map((block) => [block.length, block[0], block.at(-1)]),
        upTo(8).map((n) => [
          1024 * 1024,
          n,
          n
        ])
      )
    }))

  it.effect("C5: a stream that is read twice runs twice", () =>
    Effect.gen(function*() {
      const spring = yield* Spring.spawn()
      const stream = spring.numbers({ n: 3 })
      assert.deepStrictEqual(yield* Stream.runCollect(stream), [1, 2, 3])
      assert.deepStrictEqual(yield* Stream.runCollect(stream), [1, 2, 3])
    }))

  it.effect("C5: a stream that is not read does not run", () =>
    Effect.gen(function*() {
      const spring = yield* Spring.spawn()
      void spring.flow({ n: 3 })
      assert.strictEqual(yield* spring.echo({ n: 1 }), 1)
      assert.deepStrictEqual(yield* spring.log(), [])
    }))

  it.effect("C5: items arrive when the producer emits them, while the stream continues", () =>
    Effect.gen(function*() {
      const spring = yield* Spring.spawn()
      const items = yield* Stream.runCollect(Stream.take(spring.flow({ n: 3 }), 3))
      assert.deepStrictEqual(items, [1, 2, 3])
    }))

  // ---- backpressure ----

  for (const streamBufferSize of [1, 16]) {
    it.effect(`C5: a slow reader with room for ${streamBufferSize} items bounds the items produced ahead`, () =>
      Effect.gen(function*() {
        const spring = yield* Spring.spawn()
        let read = 0
        let ahead = 0
        yield* spring.endless(undefined, { streamBufferSize }).pipe(
          Stream.take(200),
          Stream.runForEach(() =>
            // each question is a round trip in which an actor that is not held back would make a great many
            Effect.map(spring.made(), (made) => {
              ahead = Math.max(ahead, made - ++read)
            })
          )
        )
        assert.strictEqual(read, 200)
        // what the reader holds, as much again that is under way, and one more that waits to be sent
        assert.isAtMost(ahead, 2 * streamBufferSize + 1)
      }))
  }

  it.effect("C5: a reader without a buffer size also bounds the items produced ahead", () =>
    Effect.gen(function*() {
      const spring = yield* Spring.spawn()
      let made = 0
      yield* spring.endless().pipe(
        Stream.take(50),
        Stream.runForEach(() => Effect.map(spring.made(), (n) => void (made = n)))
      )
      assert.isAtMost(made, 10_000)
    }))

  it.effect("C5: a reader that stops reading stops the producer", () =>
    Effect.gen(function*() {
      const spring = yield* Spring.spawn()
      const scope = yield* Scope.make()
      const queue = yield* Scope.provide(spring.endless(undefined, { asQueue: true, streamBufferSize: 16 }), scope)
      assert.strictEqual(yield* Queue.take(queue), 1)
      // polls until two rounds of questions have seen no more being made
      let before = -1
      let now = yield* spring.made()
      while (now !== before) {
        before = now
        for (const _ of upTo(20)) now = yield* spring.made()
      }
      assert.isAtMost(now, 64)
      yield* Scope.close(scope, Exit.void)
    }))

  it.effect("C5: a slow reader delays no other stream or call of its actor", () =>
    Effect.gen(function*() {
      const springs = yield* Springs.spawn()
      const scope = yield* Scope.make()
      const slow = yield* Scope.provide(springs.endless(undefined, { asQueue: true, streamBufferSize: 16 }), scope)
      assert.strictEqual(yield* Queue.take(slow), 1)
      assert.strictEqual((yield* Stream.runCollect(springs.numbers({ n: 5_000 }))).length, 5_000)
      assert.strictEqual(yield* springs.echo({ n: 1 }), 1)
      assert.strictEqual(yield* Queue.take(slow), 2)
      yield* Scope.close(scope, Exit.void)
    }))

  it.effect("C5: many concurrent streams each get their own items", () =>
    Effect.gen(function*() {
      const springs = yield* Springs.spawn()
      const all = yield* Effect.forEach(upTo(50), (n) => Stream.runCollect(springs.numbers({ n: n * 10 })), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(all, upTo(50).map((n) => upTo(n * 10)))
    }))

  // ---- how streams end ----

  it.effect("C5: a typed error ends the stream after its items, and keeps its class", () =>
    Effect.gen(function*() {
      const spring = yield* Spring.spawn()
      for (const n of [0, 3, 5_000]) {
        const { exit, items } = yield* read(spring.numbersThen({ n, ending: "fails" }))
        assert.strictEqual(items.length, n)
        const error = errorOf(exit)
        assert.instanceOf(error, Dry)
        assert.strictEqual(error.after, n)
      }
    }))

  it.effect("C5: a defect ends the stream after its items, with its name, message and stack", () =>
    Effect.gen(function*() {
      const spring = yield* Spring.spawn()
      const { exit, items } = yield* read(spring.numbersThen({ n: 3, ending: "dies" }))
      assert.deepStrictEqual(items, [1, 2, 3])
      const defect = defectOf(exit)
      assertError(defect, { name: "RangeError", message: "burst" })
      assert.include(defect.stack, "fixtures/streams.ts")
      assert.strictEqual(yield* spring.echo({ n: 1 }), 1)
    }))

  it.effect("C5: a producer that interrupts itself ends the stream as interrupted, after its items", () =>
    Effect.gen(function*() {
      const spring = yield* Spring.spawn()
      const { exit, items } = yield* read(spring.numbersThen({ n: 3, ending: "is interrupted" }))
      assert.deepStrictEqual(items, [1, 2, 3])
      assertInterrupted(exit)
      assert.strictEqual(yield* spring.echo({ n: 1 }), 1)
    }))

  it.effect("C5: interrupting the reader ends the producer, whose finalizers have run when the interruption completes", () =>
    Effect.gen(function*() {
      const spring = yield* Spring.spawn()
      const reader = yield* forked(Stream.runDrain(spring.flow({ n: 3 })))
      yield* spring.awaitLine({ line: "began" })
      yield* Fiber.interrupt(reader)
      assert.deepStrictEqual(yield* spring.log(), ["began", "interrupted"])
      assert.strictEqual(yield* spring.echo({ n: 1 }), 1)
    }))

  it.effect("C5: a reader that takes enough items ends the producer, whose finalizers have run when the reader completes", () =>
    Effect.gen(function*() {
      const spring = yield* Spring.spawn()
      assert.deepStrictEqual(yield* Stream.runCollect(Stream.take(spring.flow({ n: 3 }), 2)), [1, 2])
      assert.deepStrictEqual(yield* spring.log(), ["began", "interrupted"])
    }))

  it.effect("C5: a reader that fails ends the producer", () =>
    Effect.gen(function*() {
      const spring = yield* Spring.spawn()
      const exit = yield* Effect.exit(Stream.runForEach(spring.flow({ n: 3 }), () => Effect.fail("enough")))
      assert.strictEqual(errorOf<unknown>(exit), "enough")
      assert.deepStrictEqual(yield* spring.log(), ["began", "interrupted"])
    }))

  it.effect("C5: interrupting the reader ends a producer that waits for credit", () =>
    Effect.gen(function*() {
      const spring = yield* Spring.spawn()
      const scope = yield* Scope.make()
      const queue = yield* Scope.provide(spring.endless(undefined, { asQueue: true, streamBufferSize: 1 }), scope)
      assert.strictEqual(yield* Queue.take(queue), 1)
      yield* Scope.close(scope, Exit.void)
      // its place is free
      assert.strictEqual(yield* spring.echo({ n: 1 }), 1)
    }))

  it.effect("C5: a reader may stop at any moment", () =>
    Effect.gen(function*() {
      const springs = yield* Springs.spawn()
      yield* Effect.forEach(upTo(100), (n) => Stream.runDrain(Stream.take(springs.numbers({ n: 1_000 }), n)), {
        concurrency: 10,
        discard: true
      })
      yield* Effect.forEach(upTo(100), (n) =>
        Effect.gen(function*() {
          const reader = yield* forked(Stream.runDrain(springs.numbers({ n: n * 10 })))
          for (let i = 0; i < n % 7; i++) yield* Effect.yieldNow
          yield* Fiber.interrupt(reader)
        }), { concurrency: 10, discard: true })
      assert.strictEqual(yield* springs.echo({ n: 1 }), 1)
    }))

  // ---- queues ----

  it.effect("C5: asQueue gives the items as a queue, which ends with the stream", () =>
    Effect.gen(function*() {
      const spring = yield* Spring.spawn()
      const queue = yield* spring.numbers({ n: 3 }, { asQueue: true })
      assert.deepStrictEqual(yield* Effect.all([Queue.take(queue), Queue.take(queue), Queue.take(queue)]), [1, 2, 3])
      const end = yield* Effect.flip(Queue.take(queue))
      assert.isTrue(Cause.isDone(end))
    }))

  it.effect("C5: asQueue fails the queue with the typed error, after its items", () =>
    Effect.gen(function*() {
      const spring = yield* Spring.spawn()
      const queue = yield* spring.numbersThen({ n: 2, ending: "fails" }, { asQueue: true })
      assert.deepStrictEqual(yield* Effect.all([Queue.take(queue), Queue.take(queue)]), [1, 2])
      assert.instanceOf(yield* Effect.flip(Queue.take(queue)), Dry)
    }))

  it.effect("C5: closing the scope of a queue ends the producer", () =>
    Effect.gen(function*() {
      const spring = yield* Spring.spawn()
      yield* Effect.scoped(
        Effect.gen(function*() {
          const queue = yield* spring.flow({ n: 3 }, { asQueue: true })
          assert.strictEqual(yield* Queue.take(queue), 1)
        })
      )
      assert.deepStrictEqual(yield* spring.log(), ["began", "interrupted"])
    }))

  it.effect("C5: a handler may return a queue; the resources of the handler are released when the stream ends", () =>
    Effect.gen(function*() {
      const spring = yield* Spring.spawn()
      assert.deepStrictEqual(yield* Stream.runCollect(spring.queue({ n: 500 })), upTo(500))
      assert.deepStrictEqual(yield* spring.log(), ["released the queue"])
    }))

  it.effect("C5: a handler's queue that fails ends the stream after its items, and keeps the class of its error", () =>
    Effect.gen(function*() {
      const spring = yield* Spring.spawn()
      const { exit, items } = yield* read(spring.queueThenFails({ n: 3 }))
      assert.deepStrictEqual(items, [1, 2, 3])
      assert.instanceOf(errorOf(exit), Dry)
      assert.instanceOf(errorOf((yield* read(spring.noQueue())).exit), Dry)
    }))
}, { inCluster: true })
