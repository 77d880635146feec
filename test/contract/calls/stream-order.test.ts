import { assert } from "@effect/vitest"
import { Effect, Exit, Fiber, Queue, Scope, Stream } from "effect"
import * as ActorRef from "../../../src/ActorRef.ts"
import behaviours, { Brook, Spring } from "../fixtures/streams.ts"
import { forked, upTo } from "../support/asserts.ts"
import { onOneWorker } from "../support/sharedWorkers.ts"

const fixture = { module: new URL("../fixtures/streams.ts", import.meta.url), behaviours }

onOneWorker(fixture, Spring.layer(), (it) => {
  it.effect("C5: an endless stream delays no other call or stream of an actor that runs one call at a time", () =>
    Effect.gen(function*() {
      const brook = yield* Brook.spawn()
      const scope = yield* Scope.make()
      const endless = yield* Scope.provide(brook.endless(undefined, { asQueue: true, streamBufferSize: 16 }), scope)
      assert.strictEqual(yield* Queue.take(endless), 1)
      assert.strictEqual(yield* brook.echo({ n: 1 }), 1)
      assert.deepStrictEqual(yield* Stream.runCollect(brook.numbers({ n: 3 })), [1, 2, 3])
      assert.deepStrictEqual(yield* Stream.runCollect(brook.queue({ n: 3 })), [1, 2, 3])
      assert.strictEqual(yield* Queue.take(endless), 2)
      yield* Scope.close(scope, Exit.void)
    }))

  it.effect("C2: a stream begins in its turn, between the calls made before it and after it", () =>
    Effect.gen(function*() {
      const brook = yield* Brook.spawn()
      const held = yield* forked(brook.hold({ line: "go" }))
      const stream = yield* forked(Stream.runDrain(brook.flow({ n: 3 })))
      const after = yield* forked(brook.say({ line: "after" }))
      assert.deepStrictEqual(yield* brook.log(), [])
      yield* brook.note({ line: "go" })
      yield* Effect.forEach([held, after], Fiber.join)
      assert.deepStrictEqual(yield* brook.log(), ["go", "began", "after"])
      yield* Fiber.interrupt(stream)
    }))

  it.effect("C2: a call still waits for another call while streams run", () =>
    Effect.gen(function*() {
      const brook = yield* Brook.spawn()
      const streams = yield* Effect.forEach(upTo(3), () => forked(Stream.runDrain(brook.endless())))
      const held = yield* forked(brook.hold({ line: "go" }))
      const after = yield* forked(brook.say({ line: "after" }))
      while ((yield* brook.made()) < 3) yield* Effect.yieldNow
      assert.deepStrictEqual(yield* brook.log(), [])
      yield* brook.note({ line: "go" })
      yield* Effect.forEach([held, after], Fiber.join)
      assert.deepStrictEqual(yield* brook.log(), ["go", "after"])
      yield* Effect.forEach(streams, Fiber.interrupt)
    }))

  it.effect("L4: a stop with drain finishes a stream that runs beside other calls", () =>
    Effect.gen(function*() {
      const brook = yield* Brook.spawn()
      const numbers = yield* brook.numbers({ n: 5_000 }, { asQueue: true, streamBufferSize: 16 })
      assert.strictEqual(yield* Queue.take(numbers), 1)
      const stop = yield* forked(ActorRef.stop(brook, { drain: true }))
      assert.strictEqual((yield* Stream.runCollect(Stream.fromQueue(numbers))).length, 4_999)
      yield* Fiber.join(stop)
    }))

  it.effect("C5: a behaviour refuses a value of `streams` that it does not know", () =>
    Effect.sync(() =>
      assert.throws(
        () => Brook.toLayer({} as never, { streams: "in-turn" as never }),
        RangeError,
        `Brook.toLayer: streams must be "concurrent" or "in-order", not in-turn`
      )
    ))

  it.effect("C5: a stream of a behaviour with streams in order keeps its place in the order of calls until it ends", () =>
    Effect.gen(function*() {
      const spring = yield* Spring.spawn()
      const order: Array<string> = []
      const stream = yield* forked(
        Effect.andThen(Stream.runDrain(spring.numbers({ n: 2_000 })), Effect.sync(() => order.push("stream")))
      )
      const call = yield* forked(Effect.andThen(spring.echo({ n: 1 }), Effect.sync(() => order.push("call"))))
      yield* Fiber.join(stream)
      yield* Fiber.join(call)
      assert.deepStrictEqual(order, ["stream", "call"])
    }))

  it.effect("C5: interrupting the reader of a queued stream removes the stream, which never runs", () =>
    Effect.gen(function*() {
      const spring = yield* Spring.spawn()
      const first = yield* forked(Stream.runDrain(spring.endless()))
      const second = yield* forked(Stream.runDrain(spring.flow({ n: 3 })))
      while ((yield* spring.made()) === 0) yield* Effect.yieldNow
      yield* Fiber.interrupt(second)
      yield* Fiber.interrupt(first)
      assert.strictEqual(yield* spring.echo({ n: 1 }), 1)
      assert.deepStrictEqual(yield* spring.log(), [])
    }))
}, { inCluster: true })
