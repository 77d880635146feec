/** When a lent buffer returns to its pool. */
import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Scope } from "effect"
import { Rpc } from "effect/rpc"
import * as v8 from "node:v8"
import * as vm from "node:vm"
import { HandleReleased } from "../../../src/ActorError.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as Handle from "../../../src/Handle.ts"
import * as SharedBuffer from "../../../src/SharedBuffer.ts"
import { assertExited, assertInterrupted, assertTypeError, forked, upTo } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"
import { onOneWorker } from "../support/sharedWorkers.ts"
import behaviours, { Lender, Maker, Reader } from "./actors/shared-buffers.ts"

const fixture = { module: new URL("./actors/shared-buffers.ts", import.meta.url), behaviours }

const spawnReader = Effect.gen(function*() {
  const journal = yield* Journal.make
  return { journal, reader: yield* Reader.spawn({ journal: journal.path }) }
})

/** A pool of one buffer that is in use, and a fiber that waits for it. */
const nextOf = (pool: SharedBuffer.Pool) =>
  Effect.map(forked(pool.take()), (taking) => {
    assert.isUndefined(taking.pollUnsafe(), "the buffer is still in use")
    return taking
  })

onOneWorker(fixture, Lender.layer(), (it) => {
  // ---- lifetime ----

  it.effect("H5: a buffer released by its sender is free when the call is answered", () =>
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
    }))

  it.effect("H5: the sender still holds a buffer after the call is answered", () =>
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
    }))

  it.effect("H5: a handler can no longer read a buffer after its call", () =>
    Effect.gen(function*() {
      const { reader } = yield* spawnReader
      const pool = yield* SharedBuffer.makePool({ size: 8, count: 1 })
      yield* Effect.scoped(Effect.flatMap(pool.copy(Uint8Array.of(1)), (data) => reader.keep({ data })))
      yield* pool.take()
      assert.strictEqual(yield* reader.readKept(), "HandleReleased")
    }))

  it.effect("H5: an actor holds the buffers in its arguments until it ends", () =>
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
    }))

  it.effect("H5: a second release has no effect", () =>
    Effect.gen(function*() {
      const { reader } = yield* spawnReader
      const pool = yield* SharedBuffer.makePool({ size: 8, count: 1 })
      const data = yield* pool.take()
      yield* Handle.release(data)
      const next = yield* pool.copy(Uint8Array.of(5))
      yield* Handle.release(data)
      yield* nextOf(pool)
      assert.deepStrictEqual(Array.from(yield* reader.read({ data: next })), [5])
    }))

  it.effect("H5: a released buffer cannot be read, and a call with it dies with the name of the field", () =>
    Effect.gen(function*() {
      const { reader } = yield* spawnReader
      const pool = yield* SharedBuffer.makePool({ size: 8, count: 2 })
      const good = yield* pool.copy(Uint8Array.of(1))
      const data = yield* pool.take()
      yield* Handle.release(data)
      assert.instanceOf(yield* Effect.flip(data.bytes), HandleReleased)
      assertTypeError(yield* Effect.exit(reader.read({ data })), "Reader.read", "has been released", `["data"]`)
      assertTypeError(yield* Effect.exit(reader.readAll({ all: [good, data] })), "has been released", `["all"][1]`)
      // the buffer of the call that was not sent has returned
      yield* Handle.release(good)
      yield* Effect.all([pool.take(), pool.take()])
    }))

  it.effect("H5: a call that fails before sending lends no buffer", () =>
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
    }))

  it.effect("H5: the buffer of an interrupted call is returned, whether the call runs or is queued", () =>
    Effect.gen(function*() {
      const { journal, reader } = yield* spawnReader
      const pool = yield* SharedBuffer.makePool({ size: 8, count: 4 })
      const send = (name: string) => Effect.scoped(Effect.flatMap(pool.take(), (data) => reader.hold({ name, data })))
      const running = yield* forked(send("running"))
      yield* journal.awaitLine("holds running: 8")
      // the handler of the first queued call is entered ahead of its turn, those of the others are not
      const waiting = yield* Effect.forEach(["a", "b", "c"], (name) => forked(send(name)))
      yield* reader.letGo().pipe(Effect.andThen(Fiber.join(running)))
      yield* journal.awaitLine("holds a: 8")
      for (const fiber of waiting.toReversed()) {
        yield* Fiber.interrupt(fiber)
        assertInterrupted(yield* Fiber.await(fiber))
      }
      yield* Effect.all(upTo(4).map(() => pool.take()))
      assert.deepStrictEqual(yield* journal.lines, ["holds running: 8", "holds a: 8", "interrupted a"])
    }))

  it.effect("H5: cancelling the first queued call of an actor returns its buffer", () =>
    Effect.gen(function*() {
      const { journal, reader } = yield* spawnReader
      const pool = yield* SharedBuffer.makePool({ size: 8, count: 2 })
      const data = yield* pool.take()
      const running = yield* forked(reader.hold({ name: "a", data }))
      yield* journal.awaitLine("holds a: 8")
      const waiting = yield* forked(Effect.scoped(Effect.flatMap(pool.take(), (data) => reader.read({ data }))))
      // its answer shows that the calls before it have been read
      yield* reader.letGo()
      yield* Fiber.join(running)
      yield* Fiber.join(waiting)
      const again = yield* forked(reader.hold({ name: "b", data }))
      yield* journal.awaitLine("holds b: 8")
      const keeping = yield* forked(Effect.scoped(Effect.flatMap(pool.take(), (data) => reader.keep({ data }))))
      yield* Fiber.interrupt(keeping)
      yield* pool.take()
      yield* Fiber.interrupt(again)
    }))

  it.effect("H5: a fiber interrupted while waiting for a buffer takes no buffer", () =>
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
    }))

  it.effect("H5: closing the scope of a pool revokes its buffers and fails the waiting fibers", () =>
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
      // a holder can still use its buffer
      yield* reader.letGo()
      yield* Fiber.join(holding)
      assert.deepStrictEqual(Array.from(yield* reader.read({ data })), [1])
    }))
})

onEveryPlacement(fixture, (placement) => {
  it.live("H5: a killed holder releases its buffers, and its call reports the kill", () =>
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

  it.live("H5: an answer to a killed caller lends no buffer", () =>
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
})

onEveryPlacement(fixture, (placement) => {
  it.live("H5: a holder that ends by itself releases its buffers", () =>
    Effect.gen(function*() {
      const { reader } = yield* spawnReader
      const pool = yield* SharedBuffer.makePool({ size: 8, count: 1 })
      const data = yield* pool.take()
      const crashing = yield* forked(Effect.exit(reader.crash({ data })))
      yield* Handle.release(data)
      assertExited(yield* Fiber.join(crashing), "Crashed", "Unknown")
      yield* pool.take()
    }).pipe(Effect.provide(placement.layer())))
}, { except: ["memory"], reason: "a system in memory has no worker to end" })

onEveryPlacement(fixture, () => {
  it.live("H5: the memory of a pool is freed with its scope", () =>
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
}, { except: ["threads", "processes"], reason: "in memory the pool belongs to the program" })
