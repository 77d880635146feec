/** Bytes that the sender keeps, lent to others from a pool. */
import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Scope, Stream } from "effect"
import { Rpc } from "effect/rpc"
import * as v8 from "node:v8"
import * as vm from "node:vm"
import { HandleReleased } from "../../src/ActorError.ts"
import * as ActorRef from "../../src/ActorRef.ts"
import * as Handle from "../../src/Handle.ts"
import * as SharedBuffer from "../../src/SharedBuffer.ts"
import { assertExited, assertInterrupted, assertTypeError, errorOf, forked, upTo } from "./asserts.ts"
import behaviours, { Courier, Lender, Maker, Reader } from "./fixtures/shared-buffers.ts"
import * as Journal from "./journal.ts"
import { onEveryPlacement } from "./placements.ts"

const fixture = { module: new URL("./fixtures/shared-buffers.ts", import.meta.url), behaviours }

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

onEveryPlacement(fixture, (placement) => {
  it.live("C9: the bytes of a buffer arrive exactly, and stay the sender's", () =>
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
    }).pipe(Effect.provide(placement.layer())))

  it.live("C9: what is written in place arrives, beside other buffers and to several calls at once", () =>
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
    }).pipe(Effect.provide(placement.layer())))

  it.live("C9: many senders share a pool of two, and no more than two buffers are under way", () =>
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
    }).pipe(Effect.provide(placement.layer())))

  it.live("C9: takers get buffers in the order in which they came", () =>
    Effect.gen(function*() {
      const pool = yield* SharedBuffer.makePool({ size: 1, count: 1 })
      const order: Array<number> = []
      yield* Effect.forEach(upTo(5), (i) =>
        Effect.scoped(Effect.andThen(
          pool.take(),
          Effect.andThen(Effect.yieldNow, Effect.sync(() => void order.push(i)))
        )), { concurrency: "unbounded" })
      assert.deepStrictEqual(order, upTo(5))
    }).pipe(Effect.provide(placement.layer())))

  it.live("C9: more bytes than a buffer has are a typed error that names the option", () =>
    Effect.gen(function*() {
      const pool = yield* SharedBuffer.makePool({ size: 1024, count: 1 })
      for (const effect of [pool.take(1025), pool.copy(new Uint8Array(1025))]) {
        const error = yield* Effect.flip(effect)
        assert.instanceOf(error, SharedBuffer.SharedBufferError)
        assert.strictEqual(error.reason, "TooLarge")
        assert.include(error.message, "1025 bytes")
        assert.include(error.message, "size of 1024 (SharedBuffer.makePool)")
      }
      // and nothing was taken
      yield* pool.take(1024)
      for (const length of [-1, 1.5, Number.NaN]) {
        assert.isTrue(Exit.hasDies(yield* Effect.exit(pool.take(length))))
      }
    }).pipe(Effect.provide(placement.layer())))

  it.live("C9: an actor lends its own, and its typed error arrives", () =>
    Effect.gen(function*() {
      const lender = yield* Lender.spawn()
      // six from a pool of two: each comes back when its reader's scope closes
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
    }).pipe(Effect.provide(placement.layer())))

  it.live("C9: buffers may be the items of a stream, whose pool is smaller", () =>
    Effect.gen(function*() {
      const lender = yield* Lender.spawn()
      const seen = yield* lender.lendMany({ count: 20 }).pipe(
        Stream.mapEffect((data) =>
          Effect.map(data.bytes, (bytes) => bytes[0]!).pipe(Effect.ensuring(Handle.release(data)))
        ),
        Stream.runCollect
      )
      assert.deepStrictEqual(Array.from(seen), upTo(20))
    }).pipe(Effect.provide(placement.layer())))

  // ---- lifetime ----

  it.live("H5: a buffer that its sender has let go of is free when the call has been answered", () =>
    Effect.gen(function*() {
      const { journal, reader } = yield* spawnReader
      const pool = yield* SharedBuffer.makePool({ size: 8, count: 1 })
      const data = yield* pool.copy(Uint8Array.of(1))
      const holding = yield* forked(reader.hold({ name: "a", data }))
      yield* journal.awaitLine("holds a: 1")
      yield* Handle.release(data)
      const taking = yield* nextOf(pool)
      yield* reader.letGo()
      yield* Fiber.join(holding)
      yield* Fiber.join(taking)
    }).pipe(Effect.provide(placement.layer())))

  it.live("H5: a buffer stays its sender's when the call has been answered", () =>
    Effect.gen(function*() {
      const { reader } = yield* spawnReader
      const pool = yield* SharedBuffer.makePool({ size: 8, count: 1 })
      const sending = yield* Scope.make()
      const data = yield* Scope.provide(pool.copy(Uint8Array.of(1, 2)), sending)
      assert.deepStrictEqual(Array.from(yield* reader.read({ data })), [1, 2])
      const taking = yield* nextOf(pool)
      assert.deepStrictEqual(Array.from(yield* reader.read({ data })), [1, 2])
      yield* Scope.close(sending, Exit.void)
      yield* Fiber.join(taking)
    }).pipe(Effect.provide(placement.layer())))

  it.live("H5: a handler that keeps a buffer longer than its call cannot read it any more", () =>
    Effect.gen(function*() {
      const { reader } = yield* spawnReader
      const pool = yield* SharedBuffer.makePool({ size: 8, count: 1 })
      yield* Effect.scoped(Effect.flatMap(pool.copy(Uint8Array.of(1)), (data) => reader.keep({ data })))
      yield* pool.take()
      assert.strictEqual(yield* reader.readKept(), "HandleReleased")
    }).pipe(Effect.provide(placement.layer())))

  it.live("H5: a buffer in the arguments is the actor's until that ends", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const pool = yield* SharedBuffer.makePool({ size: 8, count: 1 })
      const data = yield* pool.copy(Uint8Array.of(7))
      const reader = yield* Reader.spawn({ journal: journal.path, data })
      yield* Handle.release(data)
      const taking = yield* nextOf(pool)
      assert.deepStrictEqual(Array.from(yield* reader.readOwn()), [7])
      assert.deepStrictEqual(Array.from(yield* reader.readOwn()), [7])
      assert.isUndefined(taking.pollUnsafe())
      yield* ActorRef.stop(reader)
      yield* Fiber.join(taking)
    }).pipe(Effect.provide(placement.layer())))

  it.live("H5: releasing twice is releasing once", () =>
    Effect.gen(function*() {
      const { reader } = yield* spawnReader
      const pool = yield* SharedBuffer.makePool({ size: 8, count: 1 })
      const data = yield* pool.take()
      yield* Handle.release(data)
      const next = yield* pool.copy(Uint8Array.of(5))
      yield* Handle.release(data)
      yield* nextOf(pool)
      assert.deepStrictEqual(Array.from(yield* reader.read({ data: next })), [5])
    }).pipe(Effect.provide(placement.layer())))

  it.live("H5: a released buffer cannot be read, and a call with it dies with the name of the field", () =>
    Effect.gen(function*() {
      const { reader } = yield* spawnReader
      const pool = yield* SharedBuffer.makePool({ size: 8, count: 2 })
      const good = yield* pool.copy(Uint8Array.of(1))
      const data = yield* pool.take()
      yield* Handle.release(data)
      assert.instanceOf(yield* Effect.flip(data.bytes), HandleReleased)
      assertTypeError(yield* Effect.exit(reader.read({ data })), "Reader.read", "has been released", `["data"]`)
      assertTypeError(yield* Effect.exit(reader.readAll({ all: [good, data] })), "has been released", `["all"][1]`)
      // what was lent with the call that was not made is back
      yield* Handle.release(good)
      yield* Effect.all([pool.take(), pool.take()])
    }).pipe(Effect.provide(placement.layer())))

  it.live("H5: a call that fails before it is sent leaves nothing lent", () =>
    Effect.gen(function*() {
      const { reader } = yield* spawnReader
      const pool = yield* SharedBuffer.makePool({ size: 8, count: 1 })
      const data = yield* pool.take()
      assertTypeError(yield* Effect.exit(reader.beside({ data, n: 0.5, other: 0 })), `["n"]`)
      assert.isTrue(Exit.isFailure(yield* Effect.exit(reader.beside({ data, n: 1, other: () => 1 }))))
      yield* ActorRef.stop(reader)
      assertExited(yield* Effect.exit(reader.read({ data })), "Stopped", "NotRun")
      yield* Handle.release(data)
      yield* pool.take()
    }).pipe(Effect.provide(placement.layer())))

  it.live("H5: the buffer of a call that is interrupted goes back, whether it runs or waits in the mailbox", () =>
    Effect.gen(function*() {
      const { journal, reader } = yield* spawnReader
      const pool = yield* SharedBuffer.makePool({ size: 8, count: 4 })
      const send = (name: string) => Effect.scoped(Effect.flatMap(pool.take(), (data) => reader.hold({ name, data })))
      const running = yield* forked(send("running"))
      yield* journal.awaitLine("holds running: 8")
      // the first of them is asked how it wants to run before its turn comes, the others are not
      const waiting = yield* Effect.forEach(["a", "b", "c"], (name) => forked(send(name)))
      yield* reader.letGo().pipe(Effect.andThen(Fiber.join(running)))
      yield* journal.awaitLine("holds a: 8")
      for (const fiber of waiting.toReversed()) {
        yield* Fiber.interrupt(fiber)
        assertInterrupted(yield* Fiber.await(fiber))
      }
      yield* Effect.all(upTo(4).map(() => pool.take()))
      assert.deepStrictEqual(yield* journal.lines, ["holds running: 8", "holds a: 8", "interrupted a"])
    }).pipe(Effect.provide(placement.layer())))

  it.live("H5: the first call that ever waits is taken back with its buffer", () =>
    Effect.gen(function*() {
      const { journal, reader } = yield* spawnReader
      const pool = yield* SharedBuffer.makePool({ size: 8, count: 2 })
      const data = yield* pool.take()
      const running = yield* forked(reader.hold({ name: "a", data }))
      yield* journal.awaitLine("holds a: 8")
      const waiting = yield* forked(Effect.scoped(Effect.flatMap(pool.take(), (data) => reader.read({ data }))))
      // its answer shows that the calls before it have been looked at
      yield* reader.letGo()
      yield* Fiber.join(running)
      yield* Fiber.join(waiting)
      const again = yield* forked(reader.hold({ name: "b", data }))
      yield* journal.awaitLine("holds b: 8")
      const keeping = yield* forked(Effect.scoped(Effect.flatMap(pool.take(), (data) => reader.keep({ data }))))
      yield* Fiber.interrupt(keeping)
      yield* pool.take()
      yield* Fiber.interrupt(again)
    }).pipe(Effect.provide(placement.layer())))

  it.live("H5: who is interrupted while waiting for a buffer takes none", () =>
    Effect.gen(function*() {
      const { reader } = yield* spawnReader
      const pool = yield* SharedBuffer.makePool({ size: 8, count: 1 })
      const data = yield* pool.copy(Uint8Array.of(3))
      const first = yield* nextOf(pool)
      const second = yield* nextOf(pool)
      yield* Fiber.interrupt(first)
      assertInterrupted(yield* Fiber.await(first))
      yield* Handle.release(data)
      yield* Handle.release(yield* Fiber.join(second))
      assert.deepStrictEqual(Array.from(yield* reader.read({ data: yield* pool.copy(Uint8Array.of(4)) })), [4])
    }).pipe(Effect.provide(placement.layer())))

  it.live("H5: a holder that is killed lets go, and the call says so", () =>
    Effect.gen(function*() {
      const { journal, reader } = yield* spawnReader
      const pool = yield* SharedBuffer.makePool({ size: 8, count: 1 })
      const data = yield* pool.take()
      const holding = yield* forked(Effect.exit(reader.hold({ name: "a", data })))
      yield* journal.awaitLine("holds a: 8")
      yield* Handle.release(data)
      const taking = yield* nextOf(pool)
      yield* ActorRef.kill(reader)
      assertExited(yield* Fiber.join(holding), "Killed", "Unknown")
      yield* Fiber.join(taking)
    }).pipe(Effect.provide(placement.layer())))

  it.live("H5: an answer that comes when its caller has been killed leaves nothing lent", () =>
    Effect.gen(function*() {
      const { reader } = yield* spawnReader
      const pool = yield* SharedBuffer.makePool({ size: 8, count: 1 })
      const [asked, gate, over] = [
        Deferred.makeUnsafe<void>(),
        Deferred.makeUnsafe<void>(),
        Deferred.makeUnsafe<void>()
      ]
      const maker = yield* Maker.of({
        make: () =>
          Rpc.uninterruptible(
            Effect.addFinalizer(() => Deferred.succeed(over, undefined)).pipe(
              Effect.andThen(Deferred.succeed(asked, undefined)),
              Effect.andThen(Deferred.await(gate)),
              Effect.andThen(Effect.orDie(pool.take()))
            )
          )
      })
      const asking = yield* forked(Effect.exit(reader.ask({ maker })))
      yield* Deferred.await(asked)
      yield* ActorRef.kill(reader)
      assertExited(yield* Fiber.join(asking), "Killed", "Unknown")
      yield* Deferred.succeed(gate, undefined)
      yield* Deferred.await(over)
      yield* pool.take()
    }).pipe(Effect.provide(placement.layer())))

  it.live("H5: buffers whose pool's scope has closed are gone, and who waits is told", () =>
    Effect.gen(function*() {
      const { journal, reader } = yield* spawnReader
      const living = yield* Scope.make()
      const pool = yield* Scope.provide(SharedBuffer.makePool({ size: 8, count: 1 }), living)
      const data = yield* pool.copy(Uint8Array.of(1))
      const holding = yield* forked(reader.hold({ name: "a", data }))
      yield* journal.awaitLine("holds a: 1")
      const waiting = yield* forked(Effect.flip(pool.take()))
      yield* Scope.close(living, Exit.void)
      for (const error of [yield* Fiber.join(waiting), yield* Effect.flip(pool.take())]) {
        assert.instanceOf(error, SharedBuffer.SharedBufferError)
        assert.strictEqual(error.reason, "PoolClosed")
      }
      // who holds one goes on using it
      yield* reader.letGo()
      yield* Fiber.join(holding)
      assert.deepStrictEqual(Array.from(yield* reader.read({ data })), [1])
    }).pipe(Effect.provide(placement.layer())))

  // ---- handing on ----

  it.live("H4: a buffer that is passed on is lent until the last one lets go, though the one between has gone", () =>
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
    }).pipe(Effect.provide(placement.layer())))

  it.live("H4: what one actor lends is read by another, and goes back to it", () =>
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
    }).pipe(Effect.provide(placement.layer())))

  it.live("H4: an actor's buffer outlives the scope that received it here, while another actor holds it", () =>
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
    }).pipe(Effect.provide(placement.layer())))

  it.live("H4: a buffer that comes home is the same one, and is held once more", () =>
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
    }).pipe(Effect.provide(placement.layer())))
})

onEveryPlacement(fixture, (placement) => {
  it.live("C9: the bytes are the same memory at both ends", () =>
    Effect.gen(function*() {
      const { reader } = yield* spawnReader
      const pool = yield* SharedBuffer.makePool({ size: 8, count: 1 })
      const data = yield* pool.take(2)
      yield* reader.write({ data, byte: 5 })
      assert.deepStrictEqual(Array.from(yield* data.bytes), [5, 5])
    }).pipe(Effect.provide(placement.layer())))
}, { except: ["processes"], reason: "processes share no memory" })

onEveryPlacement(fixture, (placement) => {
  it.live("H5: a holder that ends itself lets go", () =>
    Effect.gen(function*() {
      const { reader } = yield* spawnReader
      const pool = yield* SharedBuffer.makePool({ size: 8, count: 1 })
      const data = yield* pool.take()
      const crashing = yield* forked(Effect.exit(reader.crash({ data })))
      yield* Handle.release(data)
      assertExited(yield* Fiber.join(crashing), "Crashed", "Unknown")
      yield* pool.take()
    }).pipe(Effect.provide(placement.layer())))
}, { except: ["memory"], reason: "there is no worker to end" })

onEveryPlacement(fixture, () => {
  it.live("H5: the memory of a pool is dropped with its scope", () =>
    Effect.gen(function*() {
      v8.setFlagsFromString("--expose-gc")
      const gc = vm.runInNewContext("gc") as () => void
      const memory = yield* Effect.scoped(Effect.gen(function*() {
        const pool = yield* SharedBuffer.makePool({ size: 2 ** 20, count: 2 })
        const all = yield* Effect.all([pool.take(), pool.take()])
        return yield* Effect.forEach(all, (data) => Effect.map(data.bytes, ({ buffer }) => new WeakRef(buffer)))
      }))
      yield* Journal.until("the memory is gone", () => {
        gc()
        return memory.every((ref) => ref.deref() === undefined)
      })
    }))
}, { except: ["threads", "processes"], reason: "the pool is the program's own" })

it.live("C9: a pool that cannot be made says which option is wrong", () =>
  Effect.gen(function*() {
    for (const [options, name] of [[{ size: 0, count: 1 }, "size"], [{ size: 1, count: 1.5 }, "count"]] as const) {
      const exit = yield* Effect.exit(SharedBuffer.makePool(options))
      assert(Exit.isFailure(exit))
      assert.include(String(exit.cause), `SharedBuffer.makePool: ${name} must be an integer of at least 1`)
    }
  }))
