/**
 * Handles between two threads: the two workers talk to each other, and nobody is between them.
 */
import { assert, it, vi } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope, Stream } from "effect"
import * as fs from "node:fs"
import * as ActorRef from "../../src/ActorRef.ts"
import * as Handle from "../../src/Handle.ts"
import type { Leases } from "../../src/internal/leases.ts"
import { Places } from "../../src/internal/places.ts"
import { assertInterrupted, forked, left } from "./asserts.ts"
import behaviours, { held, Holder, Owner } from "./fixtures/handle-direct.ts"
import * as Journal from "./journal.ts"
import { onEveryPlacement } from "./placements.ts"

const fixture = { module: new URL("./fixtures/handle-direct.ts", import.meta.url), behaviours }

type Result = Handle.DeferredHandle<number>

const pair = Effect.gen(function*() {
  const journal = yield* Journal.make
  const args = { journal: journal.path }
  const [owner, holder] = yield* Effect.all([Owner.spawn(args), Holder.spawn(args)], { concurrency: 2 })
  return { owner, holder, journal, args }
})

/** Watches, until the scope closes, what scopes of this process hold. */
const watchLeases = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => vi.spyOn(Places.prototype, "add")),
    (spy) => Effect.sync(() => spy.mockRestore())
  ),
  ({ mock }) => () =>
    Array.from(new Set((mock.contexts as Array<Leases>).filter((_, i) => "release" in mock.calls[i]![0])))
)

onEveryPlacement(fixture, (placement) => {
  it.live("H4: two threads use a handle without the thread that introduced them", () =>
    Effect.gen(function*() {
      const { holder, journal, owner } = yield* pair
      yield* holder.keep({ items: yield* owner.items() })
      yield* owner.supply({ n: 100 })
      const summing = yield* Effect.forkChild(holder.sum({ n: 100 }), { startImmediately: true })
      // from then on nothing passes through here
      yield* left
      yield* journal.note("begun")
      const start = performance.now()
      while (!fs.readFileSync(journal.path, "utf8").includes("sum 5050")) {
        assert.isBelow(performance.now() - start, 20_000, "they need this thread")
      }
      yield* Fiber.join(summing)
    }).pipe(Effect.provide(placement.layer())))

  it.live("H2: a result goes to the thread that awaits it without the thread that introduced them", () =>
    Effect.gen(function*() {
      const { holder, journal, owner } = yield* pair
      const awaiting = yield* forked(holder.noteResult({ later: yield* owner.later() }))
      const finishing = yield* forked(owner.finish({ n: 7 }))
      // from then on nothing passes through here: the event loop does not turn before the result has been noted
      yield* left
      yield* journal.note("begun")
      const start = performance.now()
      while (!fs.readFileSync(journal.path, "utf8").includes("result 7")) {
        assert.isBelow(performance.now() - start, 20_000, "they need this thread")
      }
      yield* Effect.forEach([awaiting, finishing], Fiber.join)
    }).pipe(Effect.provide(placement.layer())))

  it.live("H3: what an actor gives back while it ends is there when its thread is gone", () =>
    Effect.gen(function*() {
      const { holder, journal, owner } = yield* pair
      const items = yield* owner.items()
      yield* holder.keep({ items })
      yield* forked(Effect.exit(holder.leave()))
      yield* journal.awaitLine("taking")
      const stopping = yield* forked(ActorRef.stop(holder))
      yield* journal.awaitLine("leaving")
      // both are on their way when it gives up the first, and its thread is busy when it has got the second
      yield* owner.supply({ n: 2 })
      while ((yield* items.size) > 0);
      yield* journal.note("supplied")
      yield* Fiber.join(stopping)
      // which of the two gets which is not said
      const [back, ...more] = yield* items.takeAll
      assert.deepStrictEqual(more, [])
      assert.include(yield* journal.lines, `got ${3 - back!}`)
    }).pipe(Effect.provide(placement.layer())))

  it.live("H5: results that were passed on leave nothing behind in any of the three threads", () =>
    Effect.gen(function*() {
      const { holder, journal, owner } = yield* pair
      const pass = (use: (payload: { readonly later: Result }) => Effect.Effect<unknown, unknown>) =>
        Effect.scoped(Effect.flatMap(owner.endless(), (later) => use({ later })))
      yield* pass(holder.drop)
      yield* pass(holder.interrupt)
      const told = yield* forked(holder.result({ later: yield* owner.later() }))
      yield* owner.finish({ n: 3 })
      assert.strictEqual(yield* Fiber.join(told), 3)
      // one call waits until the result is there, one behind it is taken back before it is read, one reaches nobody
      const unread = yield* owner.endless()
      const awaiting = yield* forked(holder.noteResult({ later: unread }))
      yield* journal.awaitLine("awaiting")
      const behind = yield* forked(holder.drop({ later: unread }))
      yield* left
      yield* Fiber.interrupt(behind)
      yield* Fiber.interrupt(awaiting)
      yield* Handle.release(unread)
      // an answer comes behind what was let go of before it, and a call goes behind it
      assert.strictEqual(yield* holder.held(), 0)
      assert.strictEqual(held(), 0)
      assert.strictEqual(yield* owner.held(), 0)
    }).pipe(Effect.provide(placement.layer())))
}, { except: ["memory", "processes"], reason: "only threads can be connected with each other" })

onEveryPlacement(fixture, (placement) => {
  it.live("H4: the owner's end reaches whoever holds its handles, with its reason", () =>
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

  it.live("H5: what is left of an owner that has ended is not held, though the scope is open", () =>
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

  it.live("H4: an owner that is stopped says so to whoever holds its handles", () =>
    Effect.gen(function*() {
      const { holder, journal, owner } = yield* pair
      yield* holder.keep({ items: yield* owner.items() })
      yield* ActorRef.stop(owner)
      yield* holder.wait()
      assert.deepStrictEqual(yield* journal.lines, ["waiting", "failed with Stopped"])
    }).pipe(Effect.provide(placement.layer())))

  for (const how of ["Killed", "Stopped"] as const) {
    it.live(`H4: who awaits a result of another actor is told that its owner has ended: ${how}`, () =>
      Effect.gen(function*() {
        const { holder, journal, owner } = yield* pair
        const awaiting = yield* forked(holder.noteResult({ later: yield* owner.endless() }))
        yield* journal.awaitLine("awaiting")
        yield* how === "Killed" ? ActorRef.kill(owner) : ActorRef.stop(owner)
        yield* Fiber.join(awaiting)
        assert.include(yield* journal.lines, `failed with ${how} of Owner`)
      }).pipe(Effect.provide(placement.layer())))
  }

  it.live("H1: whoever holds a result can have its making interrupted", () =>
    Effect.gen(function*() {
      const { holder, journal, owner } = yield* pair
      const later = yield* owner.endless()
      yield* holder.interrupt({ later })
      assertInterrupted(yield* Effect.exit(later.await))
      assert.deepStrictEqual(yield* journal.lines, ["interrupted"])
    }).pipe(Effect.provide(placement.layer())))

  it.live("H5: the end of a holder gives back what it held", () =>
    Effect.gen(function*() {
      const { holder, owner } = yield* pair
      const permit = yield* owner.permit()
      yield* holder.hold({ permit })
      assert.isFalse(yield* permit.takeIfAvailable(1))
      const waiting = yield* Effect.forkChild(permit.take(1), { startImmediately: true })
      yield* ActorRef.kill(holder)
      assert.strictEqual(yield* Fiber.join(waiting), 1)
    }).pipe(Effect.provide(placement.layer())))

  it.live("H5: what one holder took and another gave back does not come back again with the first", () =>
    Effect.gen(function*() {
      const { holder, owner } = yield* pair
      const permit = yield* owner.permit()
      yield* holder.hold({ permit })
      assert.strictEqual(yield* permit.release(1), 1)
      yield* ActorRef.stop(holder)
      yield* permit.take(1)
      assert.isFalse(yield* permit.takeIfAvailable(1))
    }).pipe(Effect.provide(placement.layer())))

  it.live("H5: a holder that lets go, and one that was never reached, leave nothing behind", () =>
    Effect.gen(function*() {
      const { holder, journal, owner } = yield* pair
      const scope = yield* Scope.make()
      const watched = yield* Scope.provide(owner.watched(), scope)
      assert.strictEqual(yield* holder.greet({ watched }), "hello")
      yield* Scope.close(scope, Exit.void)
      yield* journal.awaitLine("let go")
      yield* holder.letGo()
      // a call that is refused lets go of what it carries
      const again = yield* owner.watched()
      yield* ActorRef.stop(holder)
      yield* Effect.flip(holder.greet({ watched: again }))
      yield* Handle.release(again)
      const lines = () => fs.readFileSync(journal.path, "utf8").match(/let go/g)
      yield* Journal.until("the third has let go", () => lines()?.length === 3)
    }).pipe(Effect.provide(placement.layer())))

  it.live("H5: a call that is taken back while it waits lets go of what it carried, though it has been asked how it wants to run", () =>
    Effect.gen(function*() {
      const { holder, journal, owner } = yield* pair
      yield* holder.keep({ items: yield* owner.items() })
      const waiting = yield* forked(holder.wait())
      yield* journal.awaitLine("waiting")
      const watched = yield* owner.watched()
      // its first call: whether it runs out of line is not known
      const behind = yield* forked(holder.greet({ watched }))
      yield* left
      yield* Fiber.interrupt(behind)
      yield* Handle.release(watched)
      const lines = () => fs.readFileSync(journal.path, "utf8").match(/let go/g)
      yield* Journal.until("both have let go", () => lines()?.length === 2)
      yield* owner.supply({ n: 1 })
      yield* Fiber.join(waiting)
    }).pipe(Effect.provide(placement.layer())))

  it.live("H2: a result that is there before its handle is read is not missed: in a call that waits for its turn", () =>
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
    }).pipe(Effect.provide(placement.layer())))

  it.live("H2: a result that is there before its handle is read is not missed: in a stream", () =>
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
        // what has been told is not held, though the scope is open
        assert.isAtLeast(leases().length, 1)
        assert.isTrue(leases().every(({ size }) => size === 0))
      }))
      assert.deepStrictEqual(results, [7, 7, 7])
    }).pipe(Effect.provide(placement.layer())))

  it.live("H5: a handle that is read after the end of its owner says so", () =>
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

  it.live("H4: a handle that comes back from its holder outlives it, and goes on to the next", () =>
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

  it.live("H4: a handle that was handed on and back a hundred times still works, and its holders have let go", () =>
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
    }).pipe(Effect.provide(placement.layer())))
})
