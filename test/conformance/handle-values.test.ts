import { assert, it, vi } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Fiber, Option, Queue, Schedule, Scope, Stream } from "effect"
import { type ActorError, MailboxFull, ProtocolError } from "../../src/ActorError.ts"
import * as ActorRef from "../../src/ActorRef.ts"
import * as Handle from "../../src/Handle.ts"
import { Exports } from "../../src/internal/exports.ts"
import * as Handles from "../../src/internal/handles.ts"
import { Imports } from "../../src/internal/imports.ts"
import { RemoteObject } from "../../src/internal/remoteObject.ts"
import * as Supervision from "../../src/Supervision.ts"
import { assertExited, assertTypeError, forked, left, upTo } from "./asserts.ts"
import behaviours, { Boss, Keeper, Narrow, Pusher, Source } from "./fixtures/handle-values.ts"
import * as Journal from "./journal.ts"
import { onEveryPlacement } from "./placements.ts"

const fixture = { module: new URL("./fixtures/handle-values.ts", import.meta.url), behaviours }

const quickly = Supervision.make({ schedule: Schedule.spaced("1 millis"), maxRestarts: 5 })

/** Watches, until the scope closes, how much each end of a link in this process holds for the other. */
const watch = Effect.acquireRelease(
  Effect.sync(() => [
    vi.spyOn(Imports.prototype, "add"),
    vi.spyOn(Imports.prototype, "share"),
    vi.spyOn(Exports.prototype, "addObject"),
    vi.spyOn(Exports.prototype, "addResult"),
    vi.spyOn(Exports.prototype, "answer")
  ]),
  (spies) => Effect.sync(() => spies.forEach((spy) => spy.mockRestore()))
).pipe(Effect.map((spies) => () => {
  const tables = new Set(spies.flatMap((spy) => spy.mock.contexts as ReadonlyArray<{ readonly size: number }>))
  return Array.from(tables, ({ size }) => size).reduce((sum, size) => sum + size, 0)
}))

for (const workers of ["dedicated", 1] as const) {
  const where = workers === 1 ? "in one worker" : "in two workers"
  onEveryPlacement(fixture, (placement) => {
    const layer = placement.layer({ workers })

    // ---- from one to another ----

    it.live(`H4: a handle goes from an actor to the program and to another actor (${where})`, () =>
      Effect.gen(function*() {
        const [source, keeper] = yield* Effect.all([Source.spawn(), Keeper.spawn({})])
        const items = yield* source.items()
        yield* keeper.keep({ items })
        yield* keeper.offer({ n: 1 })
        assert.strictEqual(yield* items.take, 1)
        const taking = yield* forked(keeper.take())
        yield* items.offer(2)
        assert.strictEqual(yield* Fiber.join(taking), 2)
      }).pipe(Effect.provide(layer)))

    it.live(`H4: a handle of the program's own is used by an actor, and comes back as it was (${where})`, () =>
      Effect.gen(function*() {
        const keeper = yield* Keeper.spawn({})
        const items = yield* Handle.makeQueue<number>()
        yield* keeper.keep({ items })
        yield* keeper.offer({ n: 1 })
        assert.strictEqual(yield* items.take, 1)
        assert.strictEqual(yield* keeper.items(), items)
      }).pipe(Effect.provide(layer)))

    it.live(`H4: an owner to whom a handle comes back gets its own object (${where})`, () =>
      Effect.gen(function*() {
        const [source, other] = yield* Effect.all([Source.spawn(), Source.spawn()])
        const items = yield* source.items()
        assert.isTrue(yield* source.offerTo({ items, n: 1 }))
        assert.isFalse(yield* other.offerTo({ items, n: 2 }))
        assert.deepStrictEqual(yield* items.takeAll, [1, 2])
      }).pipe(Effect.provide(layer)))

    for (const how of ["has ended", "lets go", "lives on"] as const) {
      it.live(`H4: a handle is used by the last to whom it was passed when who passed it ${how} (${where})`, () =>
        Effect.gen(function*() {
          const [source, middle, last] = yield* Effect.all([Source.spawn(), Keeper.spawn({}), Keeper.spawn({})])
          yield* Effect.scoped(Effect.gen(function*() {
            yield* middle.keep({ items: yield* source.items() })
            yield* middle.keepSource({ source })
            yield* last.keep({ items: yield* middle.items() })
            yield* last.keepSource({ source: yield* middle.source() })
          }))
          if (how === "has ended") yield* ActorRef.stop(middle)
          else if (how === "lets go") yield* middle.release()
          yield* last.offer({ n: 3 })
          assert.strictEqual(yield* (yield* source.items()).take, 3)
          assert.strictEqual(yield* last.use({ use: "add" }), "success 1")
          // and it may come back all the way
          assert.isDefined(yield* source.offerTo({ items: yield* last.items(), n: 4 }))
          assert.strictEqual(yield* last.take(), 4)
        }).pipe(Effect.provide(layer)))
    }

    it.live(`H4: passing on and letting go at once takes nothing away from who gets it (${where})`, () =>
      Effect.gen(function*() {
        const [source, keeper] = yield* Effect.all([Source.spawn(), Keeper.spawn({})])
        for (const n of upTo(20)) {
          const items = yield* source.items()
          const passing = yield* forked(keeper.keep({ items }))
          yield* Handle.release(items)
          yield* Fiber.join(passing)
          yield* keeper.offer({ n })
        }
        assert.deepStrictEqual(yield* (yield* source.items()).takeAll, upTo(20))
      }).pipe(Effect.provide(layer)))

    it.live(`H4: nor does it from a call that waits (${where})`, () =>
      Effect.gen(function*() {
        const [source, keeper] = yield* Effect.all([Source.spawn(), Keeper.spawn({})])
        const own = yield* Handle.makeQueue<number>()
        // a method of which it is known that it keeps its place is not asked ahead of its turn
        yield* keeper.once({ items: own, n: 0 })
        yield* own.take
        yield* keeper.keep({ items: own })
        const taking = yield* forked(keeper.take())
        const items = yield* source.items()
        const passing = yield* forked(keeper.once({ items, n: 1 }))
        yield* Handle.release(items)
        // it has been read when this is answered
        yield* source.log()
        yield* own.offer(0)
        assert.strictEqual(yield* Fiber.join(taking), 0)
        yield* Fiber.join(passing)
        assert.strictEqual(yield* (yield* source.items()).take, 1)
      }).pipe(Effect.provide(layer)))

    it.live(`H4: handles and references are anywhere in arguments and results (${where})`, () =>
      Effect.gen(function*() {
        const [source, keeper] = yield* Effect.all([Source.spawn(), Keeper.spawn({})])
        const own = yield* Handle.makeQueue<number>()
        const items = yield* source.items()
        yield* keeper.keepBox({ label: "full", all: [items, own], either: items, maybe: Option.some(source) })
        const { all, either, label, maybe } = yield* keeper.box()
        assert.deepStrictEqual([label, all.length], ["full", 2])
        assert.strictEqual(all[1], own)
        assert.strictEqual(Option.getOrThrow(maybe), source)
        assert(typeof either === "object")
        yield* either.offer(1)
        assert.strictEqual(yield* all[0]!.take, 1)
        yield* keeper.keepBox({ label: "plain", all: [], either: 7, maybe: Option.none() })
        assert.deepStrictEqual(yield* keeper.box(), { label: "plain", all: [], either: 7, maybe: Option.none() })
      }).pipe(Effect.provide(layer)))

    it.live(`H4: handles and references are items of streams and outlive them (${where})`, () =>
      Effect.gen(function*() {
        const [source, keeper] = yield* Effect.all([Source.spawn(), Keeper.spawn({})])
        const all = yield* Stream.runCollect(source.stream({ count: 3 }))
        yield* Effect.forEach(all, (items, i) => items.offer(i))
        assert.deepStrictEqual(yield* all[0]!.takeAll, [0, 1, 2])
        yield* keeper.keepSource({ source })
        assert.deepStrictEqual(yield* Stream.runCollect(keeper.sources({ count: 2 })), [source, source])
      }).pipe(Effect.provide(layer)))

    it.live(`H4: a result that is there later may contain handles (${where})`, () =>
      Effect.gen(function*() {
        const [source, keeper] = yield* Effect.all([Source.spawn(), Keeper.spawn({})])
        const promised = yield* source.promised()
        const awaiting = yield* forked(promised.await)
        yield* source.add({ n: 1 })
        const { items } = yield* Fiber.join(awaiting)
        yield* keeper.keep({ items })
        yield* keeper.offer({ n: 1 })
        assert.strictEqual(yield* items.take, 1)
        const { items: again } = yield* promised.await
        yield* again.offer(2)
        assert.strictEqual(yield* items.take, 2)
        // this one travels with the answer
        const { items: there } = yield* (yield* source.promised()).await
        yield* there.offer(3)
        assert.strictEqual(yield* items.take, 3)
      }).pipe(Effect.provide(layer)))

    it.live(`H4: a handler may answer with what it got in the scope of the call (${where})`, () =>
      Effect.gen(function*() {
        const [source, keeper] = yield* Effect.all([Source.spawn(), Keeper.spawn({})])
        yield* keeper.keepSource({ source })
        const items = yield* keeper.passItems()
        yield* items.offer(1)
        assert.strictEqual(yield* items.take, 1)
      }).pipe(Effect.provide(layer)))

    it.live(`H4: a result that is there may be what its maker got in the scope of the call (${where})`, () =>
      Effect.gen(function*() {
        const [source, keeper] = yield* Effect.all([Source.spawn(), Keeper.spawn({})])
        yield* keeper.keepSource({ source })
        const items = yield* (yield* keeper.itemsOfSource()).await
        yield* items.offer(1)
        assert.strictEqual(yield* items.take, 1)
      }).pipe(Effect.provide(layer)))

    it.live(`H4: an actor is spawned with handles and references (${where})`, () =>
      Effect.gen(function*() {
        const source = yield* Source.spawn()
        const items = yield* source.items()
        const keeper = yield* Keeper.spawn({ items, source })
        yield* keeper.offer({ n: 1 })
        assert.strictEqual(yield* items.take, 1)
        assert.strictEqual(yield* keeper.use({ use: "add" }), "success 1")
      }).pipe(Effect.provide(layer)))

    // ---- what a reference can do ----

    it.live(`H4: a reference that was passed on makes every kind of call (${where})`, () =>
      Effect.gen(function*() {
        const source = yield* Source.spawn()
        const keeper = yield* Keeper.spawn({ source })
        assert.strictEqual(yield* keeper.use({ use: "add" }), "success 1")
        assert.strictEqual(yield* keeper.use({ use: "tell" }), "success undefined")
        assert.strictEqual(yield* source.add({ n: 0 }), 2)
        assert.strictEqual(yield* keeper.use({ use: "refuse" }), "Refused 0")
        assert.strictEqual(yield* keeper.use({ use: "count" }), "success 1,2,3")
        assert.strictEqual(yield* keeper.use({ use: "leave" }), "success 2")
        assert.strictEqual(yield* keeper.use({ use: "hang" }), "success counted,counted,hangs,interrupted")
        assert.strictEqual(yield* keeper.use({ use: "address" }), `success ${ActorRef.address(source)}`)
      }).pipe(Effect.provide(layer)))

    it.live(`H4: handles in calls through a passed reference work, and leave nothing behind (${where})`, () =>
      Effect.gen(function*() {
        const source = yield* Source.spawn()
        const keeper = yield* Keeper.spawn({ source })
        const held = yield* watch
        assert.strictEqual(yield* keeper.use({ use: "add" }), "success 1")
        const before = held()
        assert.strictEqual(
          yield* keeper.use({ use: "offerToAll" }),
          `success ${upTo(20).flatMap((n) => [n, n]).join()}`
        )
        // the program has only passed them on: each end of each link holds what the actor that got them keeps
        assert.isAtMost(held() - before, placement.isMemory ? 40 * 6 : 40 * 2)
        yield* ActorRef.stop(keeper)
        yield* source.log()
        yield* ActorRef.stop(source)
        assert.strictEqual(held(), 0)
      }).pipe(Effect.provide(layer)))

    for (const how of ["stop", "kill"] as const) {
      it.live(`H4: a reference that was passed on may ${how} its actor and await its end (${where})`, () =>
        Effect.gen(function*() {
          const source = yield* Source.spawn()
          const [keeper, watcher] = yield* Effect.all([Keeper.spawn({ source }), Keeper.spawn({ source })])
          const [ending, living] = yield* Effect.all([
            forked(watcher.use({ use: "awaitExit" })),
            forked(Effect.asVoid(ActorRef.awaitExit(source)))
          ])
          assert.strictEqual(yield* keeper.use({ use: how }), "success undefined")
          yield* Fiber.join(living)
          const exit = yield* Fiber.join(ending)
          const isKilled = how === "kill"
          if (!isKilled) assert.strictEqual(exit, "success success undefined")
          else assert.include(exit, "ActorExited Source Killed")
          assert.strictEqual(
            yield* keeper.use({ use: "add" }),
            `ActorExited Source ${isKilled ? "Killed" : "Stopped"} NotRun`
          )
        }).pipe(Effect.provide(layer)))
    }

    it.live(`H4: MailboxFull arrives as itself through a passed reference (${where})`, () =>
      Effect.gen(function*() {
        const [narrow, pusher] = yield* Effect.all([Narrow.spawn(), Pusher.spawn()])
        assert.strictEqual(yield* pusher.push({ narrow }), "MailboxFull Narrow NotRun")
      }).pipe(Effect.provide(layer)))

    it.live(`C4: a tell that is passed on is accepted where it goes, also if it waits on the way (${where})`, () =>
      Effect.gen(function*() {
        const boss = yield* Boss.spawn()
        const narrow = yield* boss.narrow()
        // one runs, one waits, and there is no room for more
        const calls = yield* Effect.forEach([1, 2], () => forked(Effect.exit(narrow.wait())))
        assert.instanceOf(yield* Effect.flip(narrow.wait(undefined, { discard: true })), MailboxFull)
        // who passes it on has worked for so long when it comes that it waits there
        const working = yield* forked(boss.work({ millis: 2 }))
        assert.instanceOf(yield* Effect.flip(narrow.wait(undefined, { discard: true })), MailboxFull)
        yield* Fiber.join(working)
        yield* Fiber.interruptAll(calls)
      }).pipe(Effect.provide(layer)))

    it.live(`H4: an actor passes on actors that it spawned in its own scope (${where})`, () =>
      Effect.gen(function*() {
        const [boss, other] = yield* Effect.all([Boss.spawn(), Source.spawn()])
        const child = yield* boss.spawn()
        assert.strictEqual(yield* child.add({ n: 2 }), 2)
        const keeper = yield* Keeper.spawn({ source: child })
        assert.strictEqual(yield* keeper.use({ use: "add" }), "success 3")
        const items = yield* other.items()
        yield* boss.pass({ items, n: 4 })
        assert.strictEqual(yield* items.take, 4)
        yield* ActorRef.stop(boss)
        assertExited(yield* Effect.exit(child.add({ n: 1 })), "Stopped", "NotRun")
        assert.match(yield* keeper.use({ use: "add" }), /^ActorExited Source Stopped/)
      }).pipe(Effect.provide(layer)))

    it.live(`H5: a waiting call that brings an actor its own is taken back, and the actor is none the worse (${where})`, () =>
      Effect.gen(function*() {
        const boss = yield* Boss.spawn()
        const child = yield* boss.spawn()
        const items = yield* Handle.makeQueue<number>({ capacity: 1 })
        yield* boss.pass({ items, n: 1 })
        const passing = yield* forked(boss.pass({ items, n: 2 }))
        // its first call, so it is asked whether it runs out of line, and for that its payload is read
        const waiting = yield* forked(boss.knows({ source: child }))
        yield* left
        yield* Fiber.interrupt(waiting)
        assert.strictEqual(yield* items.take, 1)
        yield* Fiber.join(passing)
        assert.isTrue(yield* boss.knows({ source: child }))
      }).pipe(Effect.provide(layer)))

    // ---- H5 ----

    for (const how of ["stop", "release"] as const) {
      it.live(`H5: a holder's permits come back when it ends or lets go (${how}, ${where})`, () =>
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
        }).pipe(Effect.provide(layer)))
    }

    it.live(`H5: the owner's end is ActorExited for everyone to whom a handle was passed (${where})`, () =>
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
        // it may still be passed on, for what it is worth
        yield* keeper.keep({ items: yield* keeper.items() })
        assert.isTrue(Exit.isFailure(yield* Effect.exit(keeper.take())))
      }).pipe(Effect.provide(layer)))

    it.live(`H5: a released handle that is passed on is a defect that says so (${where})`, () =>
      Effect.gen(function*() {
        const [source, keeper] = yield* Effect.all([Source.spawn(), Keeper.spawn({})])
        const items = yield* source.items()
        yield* Handle.release(items)
        assertTypeError(yield* Effect.exit(keeper.keep({ items })), "Keeper.keep", "has been released")
        assertTypeError(yield* Effect.exit(source.offerTo({ items, n: 1 })), "Source.offerTo", "has been released")
      }).pipe(Effect.provide(layer)))

    it.live(`H5: an actor that answers with a released handle says so, and nobody else is concerned (${where})`, () =>
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
      }).pipe(Effect.provide(layer)))

    it.live(`H5: what calls handed out is gone when their receivers have let go (${where})`, () =>
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
      }).pipe(Effect.provide(layer)))

    it.live(`H5: a result with handles that comes when it has been let go of leaves nothing behind (${where})`, () =>
      Effect.gen(function*() {
        const source = yield* Source.spawn()
        const held = yield* watch
        const promised = yield* source.promised()
        // the result comes right behind the answer
        yield* source.add({ n: 1 })
        yield* Handle.release(promised)
        yield* source.log()
        yield* Effect.promise(() => vi.waitFor(() => assert.strictEqual(held(), 0)))
      }).pipe(Effect.provide(layer)))

    it.live(`H5: a handle that was on its way to a taker who gives up is not held (${where})`, () =>
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
      }).pipe(Effect.provide(layer)))

    it.live(`H5: handles that have left a container are not held there (${where})`, () =>
      Effect.gen(function*() {
        const [source, other] = yield* Effect.all([Source.spawn(), Source.spawn()])
        const held = yield* watch
        const { list, map, queue, ref } = yield* source.containers()
        const again = yield* source.containers()
        const leaves = (
          item: Handle.QueueHandle<number>
        ): Readonly<Record<string, Effect.Effect<unknown, unknown, Scope.Scope>>> => {
          const n = Math.floor(Math.random() * 1e9)
          // it is the same, and can be used
          const check = (found: Handle.QueueHandle<number> | number | undefined) =>
            Effect.gen(function*() {
              assert(typeof found === "object")
              yield* found.offer(n)
              assert.strictEqual(yield* item.take, n)
            })
          const checkSome = (found: Option.Option<Handle.QueueHandle<number>>) => check(Option.getOrUndefined(found))
          const put = ref.set(item)
          return {
            "is taken": Effect.andThen(queue.offer(item), Effect.flatMap(again.queue.take, check)),
            "is polled": Effect.andThen(queue.offer(item), Effect.flatMap(queue.poll, checkSome)),
            "are taken": Effect.andThen(
              queue.offerAll([item, item]),
              Effect.flatMap(queue.takeAll, (all) => Effect.forEach(all, check))
            ),
            "is put back and taken": Effect.gen(function*() {
              yield* queue.offer(item)
              for (const _ of upTo(3)) yield* Fiber.interrupt(yield* forked(queue.take))
              yield* check(yield* queue.take)
            }),
            "is not offered after all": Effect.gen(function*() {
              yield* queue.offerAll([item, item])
              const offering = yield* forked(queue.offer(item))
              yield* queue.size
              yield* Fiber.interrupt(offering)
              yield* queue.takeAll
            }),
            "is removed from a Map": Effect.andThen(map.set("a", item), Effect.flatMap(map.remove("a"), checkSome)),
            "is replaced in a Map": Effect.gen(function*() {
              yield* map.set("a", item)
              yield* map.set("a", item)
              yield* check(yield* map.getOrSet("a", item))
              yield* checkSome(yield* map.get("a"))
              yield* check((yield* Stream.runCollect(map.values))[0])
              yield* map.clear
            }),
            "is removed from a List": Effect.andThen(list.append(item), Effect.flatMap(list.pop, checkSome)),
            "is replaced in a List": Effect.gen(function*() {
              yield* list.appendAll([item, item])
              yield* list.set(0, item)
              yield* list.set(2, item)
              for (const found of yield* list.slice()) yield* check(found)
              yield* list.clear
            }),
            "is replaced in a Ref": Effect.gen(function*() {
              yield* put
              yield* put
              yield* check(yield* ref.get)
              yield* check(yield* ref.getAndSet(0))
            }),
            "is updated in a Ref by several": Effect.gen(function*() {
              yield* Effect.replicateEffect(ref.update(() => item), 3, { concurrency: "unbounded" })
              yield* check(yield* ref.get)
              yield* ref.set(0)
            }),
            "is changed in a Ref that is watched": Effect.gen(function*() {
              const seen: Array<unknown> = []
              const watching = yield* forked(Stream.runForEach(Stream.take(ref.changes, 3), (found) =>
                Effect.andThen(
                  typeof found === "object" ? check(found) : Effect.void,
                  Effect.sync(() => seen.push(typeof found))
                )))
              yield* Journal.until("it is watched", () => seen.length === 1)
              yield* put
              yield* ref.set(0)
              yield* Fiber.join(watching)
              assert.deepStrictEqual(seen, ["number", "object", "number"])
            })
          }
        }
        const program = yield* Handle.makeQueue<number>()
        for (const item of [program, yield* other.items(), yield* source.items()]) {
          for (const [how, use] of Object.entries(leaves(item))) {
            yield* Effect.all([source.log(), other.log()])
            const before = held()
            yield* Effect.scoped(use)
            yield* source.log()
            yield* Effect.promise(() => vi.waitFor(() => assert.strictEqual(held(), before, how)))
          }
          yield* item.offer(1)
          assert.strictEqual(yield* item.take, 1)
        }
      }).pipe(Effect.provide(layer)))

    it.live(`H5: handles that have left a Ref are held until who watches it has them (${where})`, () =>
      Effect.gen(function*() {
        const source = yield* Source.spawn()
        const held = yield* watch
        const { ref } = yield* source.containers()
        const item = yield* Handle.makeQueue<number>()
        yield* source.log()
        const before = held()
        const times = 200
        yield* Effect.scoped(Effect.gen(function*() {
          const goOn = yield* Deferred.make<void>()
          const watching = yield* forked(
            Stream.runForEach(
              Stream.take(ref.changes, times + 1),
              (found) => Effect.andThen(Deferred.await(goOn), typeof found === "object" ? found.offer(1) : Effect.void)
            )
          )
          yield* ref.get
          yield* Effect.replicateEffect(ref.set(item), times)
          yield* Deferred.succeed(goOn, undefined)
          yield* Fiber.join(watching)
        }))
        assert.lengthOf(yield* item.takeAll, times)
        yield* ref.set(0)
        yield* Effect.promise(() => vi.waitFor(() => assert.strictEqual(held(), before)))
      }).pipe(Effect.provide(layer)))

    it.live(`H5: a handle that the owner of a container has taken from it is the owner's (${where})`, () =>
      Effect.gen(function*() {
        const source = yield* Source.spawn()
        const { map, queue } = yield* source.containers()
        const item = yield* Handle.makeQueue<number>()
        yield* map.set("a", item)
        yield* queue.offer(item)
        yield* source.useContained()
        assert.deepStrictEqual(yield* item.takeAll, [1, 2, 3])
      }).pipe(Effect.provide(layer)))

    it.live(`H5: a handle that has left a queue is not held there while others wait for one (${where})`, () =>
      Effect.gen(function*() {
        const source = yield* Source.spawn()
        const held = yield* watch
        const { queue } = yield* source.containers()
        const item = yield* Handle.makeQueue<number>()
        yield* source.log()
        const before = held()
        const taking = yield* forked(queue.take)
        const waiting = yield* forked(queue.take)
        yield* queue.offer(item)
        yield* Handle.release(yield* Fiber.join(taking))
        yield* source.log()
        yield* Effect.promise(() => vi.waitFor(() => assert.strictEqual(held(), before)))
        assert.isUndefined(waiting.pollUnsafe())
      }).pipe(Effect.provide(layer)))

    it.live(`H5: handles that a queue which is over does not take, or has no more, are not held there (${where})`, () =>
      Effect.gen(function*() {
        const source = yield* Source.spawn()
        const held = yield* watch
        const item = yield* Handle.makeQueue<number>()
        const uses: ReadonlyArray<
          (shelf: Handle.QueueHandle<Handle.QueueHandle<number>>) => Effect.Effect<unknown, unknown>
        > = [
          (shelf) =>
            Effect.gen(function*() {
              yield* shelf.end
              assert.isFalse(yield* shelf.offer(item))
              assert.lengthOf(yield* shelf.offerAll([item, item]), 2)
            }),
          (shelf) => Effect.andThen(shelf.offerAll([item, item]), shelf.shutdown),
          (shelf) =>
            Effect.gen(function*() {
              yield* shelf.take
              yield* shelf.offer(item)
              const taking = yield* forked(shelf.take)
              const ending = yield* forked(shelf.shutdown)
              yield* Fiber.interrupt(taking)
              yield* Fiber.join(ending)
            })
        ]
        for (const use of uses) {
          // it is held for as long as its scope is open
          const scope = yield* Scope.make()
          const shelf = yield* Scope.provide(source.shelf(), scope)
          yield* source.log()
          const before = held()
          yield* Effect.scoped(use(shelf))
          yield* source.log()
          yield* Effect.promise(() => vi.waitFor(() => assert.strictEqual(held(), before)))
          yield* Scope.close(scope, Exit.void)
        }
      }).pipe(Effect.provide(layer)))

    it.live(`H5: a queue that is let go of while something is on its way from it is not held (${where})`, () =>
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
      }).pipe(Effect.provide(layer)))

    it.live(`H5: an answer that fails when it has been made leaves nothing behind (${where})`, () =>
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
      }).pipe(Effect.provide(layer)))

    it.live(`H5: a call with handles that is taken back or refused leaves nothing behind (${where})`, () =>
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
        // the payload does not fit, but a handle in it was encoded
        const misfit = { label: "wrong", all: [own, items], either: "neither" as never, maybe: Option.none() }
        assertTypeError(yield* Effect.exit(keeper.keepBox(misfit)), "Keeper.keepBox")
        yield* Effect.all([source.log(), keeper.pid()])
        yield* Effect.promise(() => vi.waitFor(() => assert.strictEqual(held(), before)))
      }).pipe(Effect.provide(layer)))

    it.live(`H5: what is handed out in a value that is not sent is taken back (${where})`, () =>
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
      }).pipe(Effect.provide(layer)))

    it.live(`H5: a call that waits when its actor ends is refused, whatever its payload looks like (${where})`, () =>
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
      }).pipe(Effect.provide(layer)))

    it.live(`H5: an actor that hands something out while it ends does not wait for its holder (${where})`, () =>
      Effect.gen(function*() {
        const source = yield* Source.spawn()
        const late = yield* forked(source.lateItems())
        yield* source.log()
        yield* ActorRef.stop(source)
        const exit = yield* Fiber.await(late)
        if (Exit.isSuccess(exit)) assertExited(yield* Effect.exit(exit.value.take), "Stopped", "NotRun")
        else assertExited(exit, "Stopped", "Unknown")
      }).pipe(Effect.provide(layer)))

    // ---- H6 ----

    it.live(`H6: what was not handed out cannot be reached (${where})`, () =>
      Effect.gen(function*() {
        const source = yield* Source.spawn()
        const adding = yield* Effect.acquireRelease(
          Effect.sync(() => vi.spyOn(Imports.prototype, "add")),
          (spy) => Effect.sync(() => spy.mockRestore())
        )
        const items = yield* source.items()
        const at = adding.mock.calls.findIndex(([content]) => content[0] === Handles.WireObject)
        const [, how, from] = adding.mock.calls[at]!
        const imports = adding.mock.contexts[at] as Imports
        for (const number of [-99_999, 99_999]) {
          const made = imports.add([Handles.WireObject, number, "Source", "nowhere"], how, from) as typeof items
          assertExited(yield* Effect.exit(made.take), "Stopped", "NotRun")
          yield* Handle.release(made)
        }
        // a number that is said to be the owner's own
        const exporting = vi.spyOn(RemoteObject.prototype, "export")
        exporting.mockReturnValueOnce(Handles.wire([Handles.WireYours, -99_999, undefined]))
        const exit = yield* Effect.exit(source.offerTo({ items, n: 1 }))
        exporting.mockRestore()
        assert(Exit.isFailure(exit))
        assert.include(Cause.pretty(exit.cause), "ActorExited")
        yield* items.offer(1)
        assert.strictEqual(yield* items.take, 1)
      }).pipe(Effect.scoped, Effect.provide(layer)))
  })
}

onEveryPlacement(fixture, (placement) => {
  it.live("H4: an actor that is started again gets the handles and references of its arguments anew", () =>
    Effect.gen(function*() {
      const source = yield* Source.spawn()
      const items = yield* source.items()
      const keeper = yield* Supervision.supervised(Keeper.spawn({ items, source }), quickly)
      for (const n of [1, 2]) {
        yield* keeper.offer({ n })
        assert.strictEqual(yield* items.take, n)
        assert.strictEqual(yield* keeper.use({ use: "add" }), `success ${n}`)
        assertExited(yield* Effect.exit(keeper.crash()), "Crashed", "Unknown")
      }
      yield* keeper.offer({ n: 3 })
      assert.strictEqual(yield* items.take, 3)
    }).pipe(Effect.provide(placement.layer())))

  it.live("H4: a passed reference goes on through its actor's restarts", () =>
    Effect.gen(function*() {
      const source = yield* Supervision.supervised(Source.spawn(), quickly)
      const [keeper, watcher] = yield* Effect.all([Keeper.spawn({ source }), Keeper.spawn({ source })])
      const lives = yield* forked(watcher.use({ use: "incarnations" }))
      assert.strictEqual(yield* keeper.use({ use: "add" }), "success 1")
      assert.strictEqual(yield* keeper.use({ use: "crash" }), "ActorExited Source Crashed Unknown")
      assert.strictEqual(yield* keeper.use({ use: "add" }), "success 1")
      assert.strictEqual(yield* keeper.use({ use: "stop" }), "success undefined")
      assert.strictEqual(yield* Fiber.join(lives), "success 1 new,2 Crashed")
    }).pipe(Effect.provide(placement.layer())))

  for (const how of ["kill", "crash", "SIGKILL"] as const) {
    if (how === "SIGKILL" && placement.name !== "processes") continue
    it.live(`H5: the permits of a holder that dies come back (${how})`, () =>
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
