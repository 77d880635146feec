/** Buffers of a pool, which their sender lends. */
import { assert, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope, Stream } from "effect"
import * as Handle from "../../../src/Handle.ts"
import * as SharedBuffer from "../../../src/SharedBuffer.ts"
import { errorOf, forked, upTo } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"
import { onTwoWorkers } from "../support/sharedWorkers.ts"
import behaviours, { Courier, Lender, Reader } from "./actors/shared-buffers.ts"

const fixture = { module: new URL("./actors/shared-buffers.ts", import.meta.url), behaviours }

const spawnReader = Effect.gen(function*() {
  const journal = yield* Journal.make
  return { journal, reader: yield* Reader.spawn({ journal: journal.path }) }
})

const pattern = (length: number, from: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i + from) % 251)

/** A pool of one buffer that is in use, and a fiber that waits for it. */
const nextOf = (pool: SharedBuffer.Pool) =>
  Effect.map(forked(pool.take()), (taking) => {
    assert.isUndefined(taking.pollUnsafe(), "the buffer is still in use")
    return taking
  })

onTwoWorkers(fixture, Lender.spawn(), (it) => {
  it.effect("C9: the bytes of a buffer arrive unchanged, and the sender still holds the buffer", () =>
    Effect.gen(function*() {
      const { reader } = yield* spawnReader
      const pool = yield* SharedBuffer.makePool({ size: 2 ** 20, count: 1 })
      for (const length of [0, 1, 1000, 2 ** 20]) {
        yield* Effect.scoped(Effect.gen(function*() {
          const bytes = pattern(length, length)
          const data = yield* pool.copy(bytes)
          assert.strictEqual(data.length, length)
          assert.deepStrictEqual(Buffer.compare(yield* reader.read({ data }), bytes), 0)
          assert.deepStrictEqual(Buffer.compare(yield* data.bytes, bytes), 0)
        }))
      }
    }))

  it.effect("C9: bytes written in place arrive, beside other buffers and in several concurrent calls", () =>
    Effect.gen(function*() {
      const { reader } = yield* spawnReader
      const pool = yield* SharedBuffer.makePool({ size: 64, count: 2 })
      const a = yield* pool.take(3)
      const b = yield* pool.take()
      ;(yield* a.bytes).set([1, 2, 3])
      ;(yield* b.bytes).fill(9)
      const [both, again] = yield* Effect.all([reader.readAll({ all: [a, b, a] }), reader.read({ data: a })], {
        concurrency: 2
      })
      assert.deepStrictEqual(both.map((bytes) => Array.from(bytes)), [[1, 2, 3], new Array(64).fill(9), [1, 2, 3]])
      assert.deepStrictEqual(Array.from(again), [1, 2, 3])
    }))

  it.effect("C9: many senders share a pool of two buffers, and at most two buffers are in transit", () =>
    Effect.gen(function*() {
      const { journal, reader } = yield* spawnReader
      const other = yield* Reader.spawn({ journal: journal.path })
      const pool = yield* SharedBuffer.makePool({ size: 4096, count: 2 })
      const memory = new Set<ArrayBufferLike>()
      let taken = 0
      let most = 0
      yield* Effect.forEach(upTo(60), (i) =>
        Effect.scoped(Effect.gen(function*() {
          const bytes = pattern(i * 60, i)
          const data = yield* pool.copy(bytes)
          most = Math.max(most, ++taken)
          memory.add((yield* data.bytes).buffer)
          yield* Effect.addFinalizer(() => Effect.sync(() => taken--))
          const read = yield* (i % 2 === 0 ? reader : other).read({ data })
          assert.deepStrictEqual(Buffer.compare(read, bytes), 0, `sender ${i}`)
        })), { concurrency: "unbounded" })
      assert.deepStrictEqual([most, memory.size], [2, 2])
    }))

  it.effect("C9: fibers get buffers in the order of their requests", () =>
    Effect.gen(function*() {
      const pool = yield* SharedBuffer.makePool({ size: 1, count: 1 })
      const order: Array<number> = []
      yield* Effect.forEach(upTo(5), (i) =>
        Effect.scoped(Effect.andThen(
          pool.take(),
          Effect.andThen(Effect.yieldNow, Effect.sync(() => void order.push(i)))
        )), { concurrency: "unbounded" })
      assert.deepStrictEqual(order, upTo(5))
    }))

  it.effect("C9: bytes beyond the size of a buffer are a typed error that names the option", () =>
    Effect.gen(function*() {
      const pool = yield* SharedBuffer.makePool({ size: 1024, count: 1 })
      for (const effect of [pool.take(1025), pool.copy(new Uint8Array(1025))]) {
        const error = yield* Effect.flip(effect)
        assert.instanceOf(error, SharedBuffer.SharedBufferError)
        assert.strictEqual(error.reason, "TooLarge")
        assert.include(error.message, "1025 bytes")
        assert.include(error.message, "size of 1024 (SharedBuffer.makePool)")
      }
      // and no buffer was taken
      yield* pool.take(1024)
      for (const length of [-1, 1.5, Number.NaN]) {
        assert.isTrue(Exit.hasDies(yield* Effect.exit(pool.take(length))))
      }
    }))

  it.effect("C9: an actor lends buffers of its own pool, and its typed error arrives", () =>
    Effect.gen(function*() {
      const lender = yield* Lender.spawn()
      // six buffers from a pool of two: each returns when the scope of its reader closes
      for (const byte of upTo(6)) {
        const bytes = yield* Effect.scoped(Effect.gen(function*() {
          const data = yield* lender.lend({ byte, length: 4 })
          return Array.from(yield* data.bytes)
        }))
        assert.deepStrictEqual(bytes, new Array(4).fill(byte))
      }
      const error = errorOf(yield* Effect.exit(lender.lend({ byte: 1, length: 17 })))
      assert.instanceOf(error, SharedBuffer.SharedBufferError)
      assert.strictEqual(error.reason, "TooLarge")
    }))

  it.effect("C9: buffers may be the items of a stream with more items than the pool has buffers", () =>
    Effect.gen(function*() {
      const lender = yield* Lender.spawn()
      const seen = yield* lender.lendMany({ count: 20 }).pipe(
        Stream.mapEffect((data) =>
          Effect.map(data.bytes, (bytes) => bytes[0]!).pipe(Effect.ensuring(Handle.release(data)))
        ),
        Stream.runCollect
      )
      assert.deepStrictEqual(Array.from(seen), upTo(20))
    }))

  // ---- forwarding ----

  it.effect("H4: a forwarded buffer is lent until the last holder releases it, even if the holder in between has ended", () =>
    Effect.gen(function*() {
      const { journal, reader } = yield* spawnReader
      const courier = yield* Courier.spawn()
      const pool = yield* SharedBuffer.makePool({ size: 8, count: 1 })
      const data = yield* pool.take()
      const taking = yield* forked(Effect.exit(courier.take({ name: "a", data, to: reader })))
      yield* journal.awaitLine("holds a: 8")
      yield* Handle.release(data)
      const next = yield* nextOf(pool)
      yield* reader.letGo()
      assert.isTrue(Exit.isSuccess(yield* Fiber.join(taking)))
      yield* Fiber.join(next)
    }))

  it.effect("H4: an actor reads a buffer of another actor, and the owner gets the buffer back", () =>
    Effect.gen(function*() {
      const { reader } = yield* spawnReader
      const lender = yield* Lender.spawn()
      for (const byte of upTo(6)) {
        const bytes = yield* Effect.scoped(Effect.gen(function*() {
          const data = yield* lender.lend({ byte, length: 2 })
          return Array.from(yield* reader.read({ data }))
        }))
        assert.deepStrictEqual(bytes, [byte, byte])
      }
    }))

  it.effect("H4: an actor's buffer outlives the scope that received it here, while another actor holds it", () =>
    Effect.gen(function*() {
      const { journal, reader } = yield* spawnReader
      const lender = yield* Lender.spawn()
      const receiving = yield* Scope.make()
      const data = yield* Scope.provide(lender.lend({ byte: 1, length: 2 }), receiving)
      const holding = yield* forked(reader.hold({ name: "a", data }))
      yield* journal.awaitLine("holds a: 2")
      yield* Scope.close(receiving, Exit.void)
      yield* lender.lend({ byte: 2, length: 2 })
      // both buffers of its pool are in use
      const third = yield* forked(lender.lend({ byte: 3, length: 2 }))
      yield* reader.letGo()
      yield* Fiber.join(holding)
      assert.deepStrictEqual(Array.from(yield* (yield* Fiber.join(third)).bytes), [3, 3])
    }))

  it.effect("H4: a buffer returned to its owner is the same buffer, with one more holder", () =>
    Effect.gen(function*() {
      const { reader } = yield* spawnReader
      const pool = yield* SharedBuffer.makePool({ size: 8, count: 1 })
      const data = yield* pool.copy(Uint8Array.of(1, 2))
      const back = yield* reader.giveBack({ data })
      const [left, right] = yield* reader.twice({ data })
      yield* Effect.forEach([data, left], Handle.release)
      assert.strictEqual((yield* back.bytes).buffer, (yield* right.bytes).buffer)
      assert.deepStrictEqual(Array.from(yield* reader.read({ data: back })), [1, 2])
      const taking = yield* nextOf(pool)
      yield* Handle.release(back)
      assert.isUndefined(taking.pollUnsafe())
      yield* Handle.release(right)
      yield* Fiber.join(taking)
    }))
})

onEveryPlacement(fixture, (placement) => {
  it.live("C9: both sides share the memory of a buffer", () =>
    Effect.gen(function*() {
      const { reader } = yield* spawnReader
      const pool = yield* SharedBuffer.makePool({ size: 8, count: 1 })
      const data = yield* pool.take(2)
      yield* reader.write({ data, byte: 5 })
      assert.deepStrictEqual(Array.from(yield* data.bytes), [5, 5])
    }).pipe(Effect.provide(placement.layer())))
}, { except: ["processes"], reason: "processes share no memory" })

it.live("C9: a pool with a wrong option fails with the name of the option", () =>
  Effect.gen(function*() {
    for (const [options, name] of [[{ size: 0, count: 1 }, "size"], [{ size: 1, count: 1.5 }, "count"]] as const) {
      const exit = yield* Effect.exit(SharedBuffer.makePool(options))
      assert(Exit.isFailure(exit))
      assert.include(String(exit.cause), `SharedBuffer.makePool: ${name} must be an integer of at least 1`)
    }
  }))
