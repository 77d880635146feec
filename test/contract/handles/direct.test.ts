/**
 * Handles between two threads, which exchange messages on a direct channel.
 */
import { assert, it, vi } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope, Stream } from "effect"
import * as fs from "node:fs"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as Handle from "../../../src/Handle.ts"
import { IntrusiveSet } from "../../../src/internal/collections/intrusiveSet.ts"
import type { Leases } from "../../../src/internal/handles/scopeLeases.ts"
import { assertInterrupted, forked, left } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"
import { onTwoWorkers } from "../support/sharedWorkers.ts"
import behaviours, { held, Holder, Owner } from "./actors/direct.ts"

const fixture = { module: new URL("./actors/direct.ts", import.meta.url), behaviours }

type Result = Handle.DeferredHandle<number>

const pair = Effect.gen(function*() {
  const journal = yield* Journal.make
  const args = { journal: journal.path }
  const [owner, holder] = yield* Effect.all([Owner.spawn(args), Holder.spawn(args)], { concurrency: 2 })
  return { owner, holder, journal, args }
})

/** Collects, until the scope closes, the leases of the scopes of this process. */
const watchLeases = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => vi.spyOn(IntrusiveSet.prototype, "add")),
    (spy) => Effect.sync(() => spy.mockRestore())
  ),
  ({ mock }) => () =>
    Array.from(new Set((mock.contexts as Array<Leases>).filter((_, i) => "release" in mock.calls[i]![0])))
)

onEveryPlacement(fixture, (placement) => {
  it.live("H4: two threads use a handle without the thread that introduced the two", () =>
    Effect.gen(function*() {
      const { holder, journal, owner } = yield* pair
      yield* holder.keep({ items: yield* owner.items() })
      yield* owner.supply({ n: 100 })
      const summing = yield* Effect.forkChild(holder.sum({ n: 100 }), { startImmediately: true })
      // this thread relays nothing from here on
      yield* left
      yield* journal.note("begun")
      Journal.block(journal, "sum 5050")
      yield* Fiber.join(summing)
    }).pipe(Effect.provide(placement.layer())))

  it.live("H2: a result goes directly to the awaiting thread, without the thread that introduced the two", () =>
    Effect.gen(function*() {
      const { holder, journal, owner } = yield* pair
      const awaiting = yield* forked(holder.noteResult({ later: yield* owner.later() }))
      const finishing = yield* forked(owner.finish({ n: 7 }))
      // this thread relays nothing from here on: its event loop does not turn before the result has been noted
      yield* left
      yield* journal.note("begun")
      Journal.block(journal, "result 7")
      yield* Effect.forEach([awaiting, finishing], Fiber.join)
    }).pipe(Effect.provide(placement.layer())))

  it.live("H3: permits that an actor returns while it ends are available after its thread has ended", () =>
    Effect.gen(function*() {
      const { holder, journal, owner } = yield* pair
      const items = yield* owner.items()
      yield* holder.keep({ items })
      yield* forked(Effect.exit(holder.leave()))
      yield* journal.awaitLine("taking")
      const stopping = yield* forked(ActorRef.stop(holder))
      yield* journal.awaitLine("leaving")
      // both takes have left the holder before it interrupts the first, and its thread is busy when the second item arrives
      yield* owner.supply({ n: 2 })
      while ((yield* items.size) > 0);
      yield* journal.note("supplied")
      yield* Fiber.join(stopping)
      // the order of the two takers is undefined
      const [back, ...more] = yield* items.takeAll
      assert.deepStrictEqual(more, [])
      assert.include(yield* journal.lines, `got ${3 - back!}`)
    }).pipe(Effect.provide(placement.layer())))

  it.live("H5: forwarded results leave no entries in any of the three threads", () =>
    Effect.gen(function*() {
      const { holder, journal, owner } = yield* pair
      const pass = (use: (payload: { readonly later: Result }) => Effect.Effect<unknown, unknown>) =>
        Effect.scoped(Effect.flatMap(owner.endless(), (later) => use({ later })))
      yield* pass(holder.drop)
      yield* pass(holder.interrupt)
      const told = yield* forked(holder.result({ later: yield* owner.later() }))
      yield* owner.finish({ n: 3 })
      assert.strictEqual(yield* Fiber.join(told), 3)
      // one call waits for the result, the next call is cancelled before it is read, and one result is never received
      const unread = yield* owner.endless()
      const awaiting = yield* forked(holder.noteResult({ later: unread }))
      yield* journal.awaitLine("awaiting")
      const behind = yield* forked(holder.drop({ later: unread }))
      yield* left
      yield* Fiber.interrupt(behind)
      yield* Fiber.interrupt(awaiting)
      yield* Handle.release(unread)
      // the channel and the links of the program are read independently of each other
      const total = Effect.map(Effect.all([holder.held(), owner.held()]), ([its, ours]) => its + ours + held())
      yield* Effect.repeat(total, { until: (n) => n === 0 })
    }).pipe(Effect.provide(placement.layer())))
}, { except: ["memory", "processes"], reason: "only threads have channels to each other" })

onEveryPlacement(fixture, (placement) => {
  it.live("H4: each holder of a handle learns the end of the owner, with its reason", () =>
    Effect.gen(function*() {
      const { holder, journal, owner } = yield* pair
      yield* holder.keep({ items: yield* owner.items() })
      const waiting = yield* Effect.forkChild(holder.wait(), { startImmediately: true })
      yield* journal.awaitLine("waiting")
      yield* ActorRef.kill(owner)
      yield* Fiber.join(waiting)
      assert.deepStrictEqual(yield* journal.lines, ["waiting", "failed with Killed"])
      yield* holder.wait()
      assert.strictEqual((yield* journal.lines).at(-1), "failed with Killed")
    }).pipe(Effect.provide(placement.layer())))

  it.live("H5: handles of an ended owner are not held, even if their scope is open", () =>
    Effect.gen(function*() {
      const { args } = yield* pair
      const leases = yield* watchLeases
      const scope = yield* Scope.make()
      for (const end of [ActorRef.kill, ActorRef.stop]) {
        const owner = yield* Owner.spawn(args)
        const items = yield* Scope.provide(owner.items(), scope)
        const later = yield* Scope.provide(owner.endless(), scope)
        assert.strictEqual(leases()[0]!.size, 2)
        yield* end(owner)
        assert.strictEqual(leases()[0]!.size, 0)
        assert.strictEqual((yield* Effect.flip(items.take))._tag, "ActorExited")
        assert.strictEqual((yield* Effect.flip(later.await))._tag, "ActorExited")
      }
      yield* Scope.close(scope, Exit.void)
    }).pipe(Effect.provide(placement.layer())))

  it.live("H4: holders of the handles of a stopped owner learn that it was stopped", () =>
    Effect.gen(function*() {
      const { holder, journal, owner } = yield* pair
      yield* holder.keep({ items: yield* owner.items() })
      yield* ActorRef.stop(owner)
      yield* holder.wait()
      assert.deepStrictEqual(yield* journal.lines, ["waiting", "failed with Stopped"])
    }).pipe(Effect.provide(placement.layer())))

  for (const how of ["Killed", "Stopped"] as const) {
    it.live(`H4: a fiber that awaits a result of another actor learns that the owner has ended: ${how}`, () =>
      Effect.gen(function*() {
        const { holder, journal, owner } = yield* pair
        const awaiting = yield* forked(holder.noteResult({ later: yield* owner.endless() }))
        yield* journal.awaitLine("awaiting")
        yield* how === "Killed" ? ActorRef.kill(owner) : ActorRef.stop(owner)
        yield* Fiber.join(awaiting)
        assert.include(yield* journal.lines, `failed with ${how} of Owner`)
      }).pipe(Effect.provide(placement.layer())))
  }

  it.live("H5: the end of a holder returns its permits", () =>
    Effect.gen(function*() {
      const { holder, owner } = yield* pair
      const permit = yield* owner.permit()
      yield* holder.hold({ permit })
      assert.isFalse(yield* permit.takeIfAvailable(1))
      const waiting = yield* Effect.forkChild(permit.take(1), { startImmediately: true })
      yield* ActorRef.kill(holder)
      assert.strictEqual(yield* Fiber.join(waiting), 1)
    }).pipe(Effect.provide(placement.layer())))

  it.live("H5: a handle that is read after the end of its owner reports the end", () =>
    Effect.gen(function*() {
      const { owner } = yield* pair
      const ends: Array<string> = []
      yield* Stream.runForEach(owner.laters(), (later) =>
        Effect.gen(function*() {
          if (ends.length === 0) yield* ActorRef.kill(owner)
          ends.push((yield* Effect.flip(later.await))._tag)
        })).pipe(Effect.scoped, Effect.ignore)
      assert.isAtLeast(ends.length, 1)
      assert.isTrue(ends.every((tag) => tag === "ActorExited"))
    }).pipe(Effect.provide(placement.layer())))

  it.live("H4: a handle returned by a holder outlives the holder, and can be forwarded again", () =>
    Effect.gen(function*() {
      const { args, holder, journal, owner } = yield* pair
      yield* owner.supply({ n: 3 })
      yield* holder.keep({ items: yield* owner.items() })
      const back = yield* holder.giveBack()
      yield* ActorRef.kill(holder)
      assert.strictEqual(yield* back.take, 1)
      const next = yield* Holder.spawn(args)
      yield* next.keep({ items: back })
      yield* Handle.release(back)
      yield* next.sum({ n: 2 })
      assert.deepStrictEqual(yield* journal.lines, ["sum 5"])
    }).pipe(Effect.provide(placement.layer())))
})

onTwoWorkers(fixture, Owner.spawn({ journal: "none" }), (it) => {
  it.effect("H1: every holder of a pending result can interrupt its computation", () =>
    Effect.gen(function*() {
      const { holder, journal, owner } = yield* pair
      const later = yield* owner.endless()
      yield* holder.interrupt({ later })
      assertInterrupted(yield* Effect.exit(later.await))
      assert.deepStrictEqual(yield* journal.lines, ["interrupted"])
    }))

  it.effect("H5: permits taken by one holder and returned by another are not returned again when the first holder ends", () =>
    Effect.gen(function*() {
      const { holder, owner } = yield* pair
      const permit = yield* owner.permit()
      yield* holder.hold({ permit })
      assert.strictEqual(yield* permit.release(1), 1)
      yield* ActorRef.stop(holder)
      yield* permit.take(1)
      assert.isFalse(yield* permit.takeIfAvailable(1))
    }))

  it.effect("H5: a holder that releases, and a holder that was never reached, leave no entries", () =>
    Effect.gen(function*() {
      const { holder, journal, owner } = yield* pair
      const scope = yield* Scope.make()
      const watched = yield* Scope.provide(owner.watched(), scope)
      assert.strictEqual(yield* holder.greet({ watched }), "hello")
      yield* Scope.close(scope, Exit.void)
      yield* journal.awaitLine("let go")
      yield* holder.letGo()
      // a refused call releases its handles
      const again = yield* owner.watched()
      yield* ActorRef.stop(holder)
      yield* Effect.flip(holder.greet({ watched: again }))
      yield* Handle.release(again)
      const lines = () => fs.readFileSync(journal.path, "utf8").match(/let go/g)
      yield* Journal.until("the third has let go", () => lines()?.length === 3)
    }))

  it.effect("H5: a cancelled queued call releases its handles, even after its concurrency has been determined", () =>
    Effect.gen(function*() {
      const { holder, journal, owner } = yield* pair
      yield* holder.keep({ items: yield* owner.items() })
      const waiting = yield* forked(holder.wait())
      yield* journal.awaitLine("waiting")
      const watched = yield* owner.watched()
      // the first call of its method: whether the method runs concurrently is unknown
      const behind = yield* forked(holder.greet({ watched }))
      yield* left
      yield* Fiber.interrupt(behind)
      yield* Handle.release(watched)
      const lines = () => fs.readFileSync(journal.path, "utf8").match(/let go/g)
      yield* Journal.until("both have let go", () => lines()?.length === 2)
      yield* owner.supply({ n: 1 })
      yield* Fiber.join(waiting)
    }))

  it.effect("H2: a result that completes before its handle is read is received: in a call that waits for its turn", () =>
    Effect.gen(function*() {
      const { holder, journal, owner } = yield* pair
      const items = yield* Handle.makeQueue<number>()
      yield* holder.keep({ items })
      const waiting = yield* Effect.forkChild(holder.wait(), { startImmediately: true })
      yield* journal.awaitLine("waiting")
      const later = yield* owner.later()
      const result = yield* Effect.forkChild(holder.result({ later }), { startImmediately: true })
      yield* owner.finish({ n: 7 })
      assert.strictEqual(yield* later.await, 7)
      yield* items.offer(1)
      yield* Fiber.join(waiting)
      assert.strictEqual(yield* Fiber.join(result), 7)
    }))

  it.effect("H2: a result that completes before its handle is read is received: in a stream", () =>
    Effect.gen(function*() {
      const { owner } = yield* pair
      const results: Array<number> = []
      const leases = yield* watchLeases
      yield* Effect.scoped(Effect.gen(function*() {
        yield* Stream.runForEach(owner.laters(), (later) =>
          Effect.gen(function*() {
            if (results.length === 0) yield* owner.finish({ n: 7 })
            results.push(yield* later.await)
          }))
        // a result that has arrived is not held, although the scope is open
        assert.isAtLeast(leases().length, 1)
        assert.isTrue(leases().every(({ size }) => size === 0))
      }))
      assert.deepStrictEqual(results, [7, 7, 7])
    }))

  it.effect("H4: a handle forwarded and returned a hundred times still works, and no intermediate holder holds it", () =>
    Effect.gen(function*() {
      const { holder, owner } = yield* pair
      yield* owner.supply({ n: 100 })
      let items = yield* owner.items()
      for (let n = 1; n <= 100; n++) {
        yield* holder.keep({ items })
        const back = yield* holder.giveBack()
        yield* Handle.release(items)
        items = back
        assert.strictEqual(yield* items.take, n)
      }
    }))
})
