import { assert } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import { ProtocolError } from "../../../src/ActorError.ts"
import behaviours, { Spring, Springs } from "../fixtures/streams.ts"
import { assertTypeError, errorOf, forked, upTo } from "../support/asserts.ts"
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
  // ---- items that cannot be sent, payloads that do not fit ----

  const refusals = ["unencodable", "slowlyUnencodable", "undecodable", "slowlyUndecodable", "unsendable"] as const
  for (const method of refusals) {
    it.effect(`C6: an item that cannot be sent or read ends its stream only, after the items before it (${method})`, () =>
      Effect.gen(function*() {
        const springs = yield* Springs.spawn()
        const other = yield* forked(Stream.runCollect(springs.numbers({ n: 5_000 })))
        for (const n of [0, 2, 5_000]) {
          const { exit, items } = yield* read<unknown, unknown>(springs[method]({ n }))
          const error = errorOf(exit)
          assert.instanceOf(error, ProtocolError)
          assert.deepStrictEqual([error.actor, error.method, error.outcome], ["Springs", method, "Unknown"])
          assert.deepStrictEqual(items, [...upTo(n)])
        }
        assert.strictEqual((yield* Fiber.join(other)).length, 5_000)
        assert.strictEqual(yield* springs.echo({ n: 1 }), 1)
      }))
  }

  for (const n of [0, 2, 255, 5_000]) {
    it.effect(`C6: an item that cannot be sent, the ${n + 1}th, interrupts the waiting producer`, () =>
      Effect.gen(function*() {
        const spring = yield* Spring.spawn()
        const { exit, items } = yield* read(spring.unsendableThenWaits({ n }))
        const error = errorOf(exit)
        assert.instanceOf(error, ProtocolError)
        assert.include(error.message, "cannot be sent")
        assert.deepStrictEqual(items, [...upTo(n)])
        // the place of the stream is free
        assert.strictEqual(yield* spring.echo({ n: 1 }), 1)
        assert.deepStrictEqual(yield* spring.log(), ["interrupted"])
      }))
  }

  it.effect("C6: the payload of a stream that does not fit its schema is a defect of the stream, naming the field", () =>
    Effect.gen(function*() {
      const spring = yield* Spring.spawn()
      const { exit, items } = yield* read(spring.numbers({ n: 1.5 }))
      assert.deepStrictEqual(items, [])
      assertTypeError(exit, "Spring.numbers", `["n"]`)
    }))
}, { inCluster: true })
