import { assert, it, vi } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Option, Queue } from "effect"
import { type ActorError, ProtocolError } from "../../../src/ActorError.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as Handle from "../../../src/Handle.ts"
import * as WireHandles from "../../../src/internal/handles/wireHandle.ts"
import { Imports } from "../../../src/internal/remote/imports.ts"
import { RemoteObject } from "../../../src/internal/remote/remoteObject.ts"
import { assertExited, assertTypeError, forked, left, upTo } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"
import { onTwoWorkersAndOne } from "../support/sharedWorkers.ts"
import behaviours, { Boss, Keeper, Source } from "./actors/values.ts"
import { watch } from "./links.ts"

const fixture = { module: new URL("./actors/values.ts", import.meta.url), behaviours }

onTwoWorkersAndOne(fixture, Keeper.spawn({}), (it, _, workers) => {
  const where = workers === 1 ? "in one worker" : "in two workers"

  it.effect(`H5: cancelling a queued call that carries a handle of the actor itself does not affect the actor (${where})`, () =>
    Effect.gen(function*() {
      const boss = yield* Boss.spawn()
      const child = yield* boss.spawn()
      const items = yield* Handle.makeQueue<number>({ capacity: 1 })
      yield* boss.pass({ items, n: 1 })
      const passing = yield* forked(boss.pass({ items, n: 2 }))
      // the first call of its method: the payload is decoded to find out whether the method runs concurrently
      const waiting = yield* forked(boss.knows({ source: child }))
      yield* left
      yield* Fiber.interrupt(waiting)
      assert.strictEqual(yield* items.take, 1)
      yield* Fiber.join(passing)
      assert.isTrue(yield* boss.knows({ source: child }))
    }))

  // ---- H5 ----

  for (const how of ["stop", "release"] as const) {
    it.effect(`H5: the permits of a holder are returned when the holder ends or releases the handle (${how}, ${where})`, () =>
      Effect.gen(function*() {
        const source = yield* Source.spawn()
        const permit = yield* source.permit()
        const keeper = yield* Keeper.spawn({})
        if (how === "stop") {
          yield* keeper.takePermit({ permit })
          assert.isFalse(yield* permit.takeIfAvailable(1))
          const waiting = yield* forked(permit.withPermit(Effect.succeed("got it")))
          yield* ActorRef.stop(keeper)
          assert.strictEqual(yield* Fiber.join(waiting), "got it")
        } else {
          const other = yield* source.permit()
          yield* other.take(1)
          const waiting = yield* forked(permit.withPermit(Effect.succeed("got it")))
          yield* Handle.release(other)
          assert.strictEqual(yield* Fiber.join(waiting), "got it")
          yield* Effect.scoped(Effect.flatMap(source.permit(), (other) => other.take(1)))
          assert.strictEqual(yield* permit.withPermit(Effect.succeed("again")), "again")
        }
      }))
  }

  it.effect(`H5: the end of the owner is ActorExited for every receiver of a forwarded handle (${where})`, () =>
    Effect.gen(function*() {
      const source = yield* Source.spawn()
      const items = yield* source.items()
      const keeper = yield* Keeper.spawn({ items, source })
      const taking = yield* forked(keeper.take())
      yield* source.log()
      yield* ActorRef.stop(source)
      const exit = yield* Fiber.await(taking)
      assert(Exit.isFailure(exit))
      assert.include(Cause.pretty(exit.cause), "ActorExited")
      assertExited(yield* Effect.exit(items.take), "Stopped", "NotRun")
      assert.strictEqual(yield* keeper.use({ use: "add" }), "ActorExited Source Stopped NotRun")
      // a handle of the ended owner may still be forwarded
      yield* keeper.keep({ items: yield* keeper.items() })
      assert.isTrue(Exit.isFailure(yield* Effect.exit(keeper.take())))
    }))

  it.effect(`H5: forwarding a released handle is a defect that names the release (${where})`, () =>
    Effect.gen(function*() {
      const [source, keeper] = yield* Effect.all([Source.spawn(), Keeper.spawn({})])
      const items = yield* source.items()
      yield* Handle.release(items)
      assertTypeError(yield* Effect.exit(keeper.keep({ items })), "Keeper.keep", "has been released")
      assertTypeError(yield* Effect.exit(source.offerTo({ items, n: 1 })), "Source.offerTo", "has been released")
    }))

  it.effect(`H5: answering with a released handle is a defect of that call only (${where})`, () =>
    Effect.gen(function*() {
      const [source, keeper, other] = yield* Effect.all([Source.spawn(), Keeper.spawn({}), Keeper.spawn({})])
      yield* keeper.keep({ items: yield* source.items() })
      yield* keeper.release()
      const answers: ReadonlyArray<Effect.Effect<unknown, ActorError>> = [keeper.items(), keeper.box()]
      for (const answer of answers) {
        const error = yield* Effect.flip(answer)
        assert.instanceOf(error, ProtocolError)
        assert.strictEqual(error.outcome, "Unknown")
        assert.include(error.message, "has been released")
      }
      yield* keeper.pid()
      yield* other.pid()
    }))

  it.effect(`H5: handles exported by calls are removed when their receivers release them (${where})`, () =>
    Effect.gen(function*() {
      const [source, keeper] = yield* Effect.all([Source.spawn(), Keeper.spawn({})])
      const held = yield* watch
      const items = yield* source.items()
      yield* source.log()
      const before = held()
      for (const n of upTo(20)) yield* keeper.once({ items, n })
      assert.deepStrictEqual(yield* items.takeAll, upTo(20))
      yield* Effect.all([source.log(), keeper.pid()])
      yield* Effect.promise(() => vi.waitFor(() => assert.strictEqual(held(), before)))
    }))

  it.effect(`H5: a result with handles that arrives after its release leaves no entries (${where})`, () =>
    Effect.gen(function*() {
      const source = yield* Source.spawn()
      const held = yield* watch
      const promised = yield* source.promised()
      // the result follows the answer immediately
      yield* source.add({ n: 1 })
      yield* Handle.release(promised)
      yield* source.log()
      yield* Effect.promise(() => vi.waitFor(() => assert.strictEqual(held(), 0)))
    }))

  it.effect(`H5: a handle in transit to an interrupted taker is not held (${where})`, () =>
    Effect.gen(function*() {
      const source = yield* Source.spawn()
      const held = yield* watch
      const shelf = yield* source.shelf()
      yield* source.log()
      const before = held()
      for (const _ of upTo(10)) yield* Fiber.interrupt(yield* forked(shelf.take))
      yield* Effect.promise(() => vi.waitFor(() => assert.strictEqual(held(), before)))
      const items = yield* shelf.take
      yield* items.offer(1)
      assert.strictEqual(yield* (yield* source.items()).take, 1)
    }))

  it.effect(`H5: a queue released while an item is in transit is not held (${where})`, () =>
    Effect.gen(function*() {
      const source = yield* Source.spawn()
      const held = yield* watch
      const own = yield* source.slow()
      yield* source.log()
      const before = held()
      for (const turns of upTo(20)) {
        yield* own.offer(1)
        const slow = yield* source.slow()
        const taking = yield* forked(slow.take)
        yield* Effect.replicateEffect(Effect.yieldNow, turns, { discard: true })
        yield* Handle.release(slow)
        if (turns % 2 === 0) taking.interruptUnsafe()
        if (Exit.isFailure(yield* Fiber.await(taking))) yield* own.take
      }
      yield* source.log()
      yield* Effect.promise(() => vi.waitFor(() => assert.strictEqual(held(), before)))
    }))

  it.effect(`H5: an answer that fails to encode leaves no handles held (${where})`, () =>
    Effect.gen(function*() {
      const [source, keeper] = yield* Effect.all([Source.spawn(), Keeper.spawn({})])
      yield* keeper.keepSource({ source })
      const held = yield* watch
      yield* Effect.scoped(keeper.passItems())
      yield* Effect.all([source.log(), keeper.pid()])
      const before = held()
      for (const _ of upTo(10)) assert(Exit.isFailure(yield* Effect.exit(keeper.passItemsAndDie())))
      yield* Effect.all([source.log(), keeper.pid()])
      yield* Effect.promise(() => vi.waitFor(() => assert.strictEqual(held(), before)))
    }))

  it.effect(`H5: a cancelled or rejected call with handles leaves no handles held (${where})`, () =>
    Effect.gen(function*() {
      const [source, keeper, gone] = yield* Effect.all([Source.spawn(), Keeper.spawn({}), Keeper.spawn({})])
      const held = yield* watch
      const items = yield* source.items()
      const own = yield* Handle.makeQueue<number>()
      yield* source.log()
      const before = held()
      for (const n of upTo(10)) {
        const call = yield* forked(keeper.once({ items: n % 2 === 0 ? items : own, n }))
        yield* Fiber.interrupt(call)
      }
      yield* ActorRef.stop(gone)
      yield* Effect.exit(gone.keep({ items }))
      yield* Effect.exit(gone.keep({ items: own }))
      // the payload does not fit its schema, but a handle in it was encoded
      const misfit = { label: "wrong", all: [own, items], either: "neither" as never, maybe: Option.none() }
      assertTypeError(yield* Effect.exit(keeper.keepBox(misfit)), "Keeper.keepBox")
      yield* Effect.all([source.log(), keeper.pid()])
      yield* Effect.promise(() => vi.waitFor(() => assert.strictEqual(held(), before)))
    }))

  it.effect(`H5: the handles exported with a value that is not sent are revoked (${where})`, () =>
    Effect.gen(function*() {
      const [source, keeper] = yield* Effect.all([Source.spawn(), Keeper.spawn({})])
      const held = yield* watch
      const items = yield* source.items()
      const own = yield* Handle.makeQueue<number>()
      yield* source.log()
      const before = held()
      assert.strictEqual(yield* keeper.mixed({ of: { items: own, text: "a" }, anything: 1 }), "text")
      assert.strictEqual(yield* keeper.mixed({ of: { items, n: 1 }, anything: 1 }), "number")
      const { proxy, revoke } = Proxy.revocable({}, {})
      revoke()
      for (const anything of [() => 1, { proxy }]) {
        const unsendable = keeper.mixed({ of: { items: own, n: 1 }, anything })
        assertTypeError(yield* Effect.exit(unsendable), "Keeper.mixed", "cannot be sent")
      }
      yield* Effect.all([source.log(), keeper.pid()])
      yield* Effect.promise(() => vi.waitFor(() => assert.strictEqual(held(), before)))
    }))

  it.effect(`H5: a queued call is rejected when its actor ends, whatever its payload (${where})`, () =>
    Effect.gen(function*() {
      const keeper = yield* Keeper.spawn({})
      const queue = yield* Queue.unbounded<number>()
      const own = Handle.fromQueue(queue)
      const cyclic: { self?: unknown } = {}
      cyclic.self = cyclic
      yield* keeper.keep({ items: own })
      const taking = yield* forked(keeper.take())
      const { state } = queue
      yield* Journal.until("it has begun", () => state._tag === "Open" && state.takers.size > 0)
      const waiting = yield* forked(keeper.mixed({ of: { items: own, n: 1 }, anything: cyclic }))
      yield* ActorRef.stop(keeper)
      assertExited(yield* Fiber.await(taking), "Stopped", "Unknown")
      assertExited(yield* Fiber.await(waiting), "Stopped", "NotRun")
    }))

  it.effect(`H5: an actor that exports a handle while it ends does not wait for the holder (${where})`, () =>
    Effect.gen(function*() {
      const source = yield* Source.spawn()
      const late = yield* forked(source.lateItems())
      yield* source.log()
      yield* ActorRef.stop(source)
      const exit = yield* Fiber.await(late)
      if (Exit.isSuccess(exit)) assertExited(yield* Effect.exit(exit.value.take), "Stopped", "NotRun")
      else assertExited(exit, "Stopped", "Unknown")
    }))

  // ---- H6 ----

  it.effect(`H6: an object that was not exported cannot be reached (${where})`, () =>
    Effect.gen(function*() {
      const source = yield* Source.spawn()
      const adding = yield* Effect.acquireRelease(
        Effect.sync(() => vi.spyOn(Imports.prototype, "add")),
        (spy) => Effect.sync(() => spy.mockRestore())
      )
      const items = yield* source.items()
      const at = adding.mock.calls.findIndex(([content]) => content[0] === WireHandles.WireObject)
      const [, how, from] = adding.mock.calls[at]!
      const imports = adding.mock.contexts[at] as Imports
      for (const number of [-99_999, 99_999]) {
        const made = imports.add([WireHandles.WireObject, number, "Source", "nowhere"], how, from) as typeof items
        assertExited(yield* Effect.exit(made.take), "Stopped", "NotRun")
        yield* Handle.release(made)
      }
      // an id in the range of the owner's own ids
      const exporting = vi.spyOn(RemoteObject.prototype, "export")
      exporting.mockReturnValueOnce(WireHandles.wire([WireHandles.WireYours, -99_999, undefined]))
      const exit = yield* Effect.exit(source.offerTo({ items, n: 1 }))
      exporting.mockRestore()
      assert(Exit.isFailure(exit))
      assert.include(Cause.pretty(exit.cause), "ActorExited")
      yield* items.offer(1)
      assert.strictEqual(yield* items.take, 1)
    }).pipe(Effect.scoped))
})

onEveryPlacement(fixture, (placement) => {
  for (const how of ["kill", "crash", "SIGKILL"] as const) {
    if (how === "SIGKILL" && placement.name !== "processes") continue
    it.live(`H5: the permits of a dead holder are returned (${how})`, () =>
      Effect.gen(function*() {
        const [source, keeper] = yield* Effect.all([Source.spawn(), Keeper.spawn({})])
        const permit = yield* source.permit()
        yield* keeper.takePermit({ permit })
        assert.isFalse(yield* permit.takeIfAvailable(1))
        const waiting = yield* forked(permit.withPermit(Effect.succeed("got it")))
        if (how === "kill") yield* ActorRef.kill(keeper)
        else if (how === "crash") assertExited(yield* Effect.exit(keeper.crash()), "Crashed", "Unknown")
        else process.kill(yield* keeper.pid(), "SIGKILL")
        assert.strictEqual(yield* Fiber.join(waiting), "got it")
      }).pipe(Effect.provide(placement.layer())))
  }

  it.live("H5: when the owner's worker is killed, calls on its handles end as Killed", () =>
    Effect.gen(function*() {
      const source = yield* Source.spawn()
      const items = yield* source.items()
      const keeper = yield* Keeper.spawn({ items, source })
      const taking = yield* forked(items.take)
      yield* source.log()
      yield* ActorRef.kill(source)
      assertExited(yield* Fiber.await(taking), "Killed", "Unknown")
      assertExited(yield* Effect.exit(items.take), "Killed", "NotRun")
      assert.strictEqual(yield* keeper.use({ use: "add" }), "ActorExited Source Killed NotRun")
    }).pipe(Effect.provide(placement.layer())))
}, { except: ["memory"], reason: "an actor in memory has no worker of its own that could end" })
