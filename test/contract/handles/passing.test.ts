import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Option, Schedule, Stream } from "effect"
import { MailboxFull } from "../../../src/ActorError.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as Handle from "../../../src/Handle.ts"
import * as Supervision from "../../../src/Supervision.ts"
import { assertExited, forked, upTo } from "../support/asserts.ts"
import { onEveryPlacement } from "../support/placements.ts"
import { onTwoWorkersAndOne } from "../support/sharedWorkers.ts"
import behaviours, { Boss, Keeper, Narrow, Pusher, Source } from "./actors/values.ts"
import { watch } from "./links.ts"

const fixture = { module: new URL("./actors/values.ts", import.meta.url), behaviours }

const quickly = Supervision.make({ schedule: Schedule.spaced("1 millis"), maxRestarts: 5 })

onTwoWorkersAndOne(fixture, Keeper.spawn({}), (it, placement, workers) => {
  const where = workers === 1 ? "in one worker" : "in two workers"

  // ---- forwarding ----

  it.effect(`H4: a program forwards a handle of one actor to another actor (${where})`, () =>
    Effect.gen(function*() {
      const [source, keeper] = yield* Effect.all([Source.spawn(), Keeper.spawn({})])
      const items = yield* source.items()
      yield* keeper.keep({ items })
      yield* keeper.offer({ n: 1 })
      assert.strictEqual(yield* items.take, 1)
      const taking = yield* forked(keeper.take())
      yield* items.offer(2)
      assert.strictEqual(yield* Fiber.join(taking), 2)
    }))

  it.effect(`H4: an actor uses a handle of the program and returns the same handle (${where})`, () =>
    Effect.gen(function*() {
      const keeper = yield* Keeper.spawn({})
      const items = yield* Handle.makeQueue<number>()
      yield* keeper.keep({ items })
      yield* keeper.offer({ n: 1 })
      assert.strictEqual(yield* items.take, 1)
      assert.strictEqual(yield* keeper.items(), items)
    }))

  it.effect(`H4: an owner that gets its handle back gets its own object (${where})`, () =>
    Effect.gen(function*() {
      const [source, other] = yield* Effect.all([Source.spawn(), Source.spawn()])
      const items = yield* source.items()
      assert.isTrue(yield* source.offerTo({ items, n: 1 }))
      assert.isFalse(yield* other.offerTo({ items, n: 2 }))
      assert.deepStrictEqual(yield* items.takeAll, [1, 2])
    }))

  for (const how of ["has ended", "releases it", "continues"] as const) {
    it.effect(`H4: the last receiver can use a handle after its sender ${how} (${where})`, () =>
      Effect.gen(function*() {
        const [source, middle, last] = yield* Effect.all([Source.spawn(), Keeper.spawn({}), Keeper.spawn({})])
        yield* Effect.scoped(Effect.gen(function*() {
          yield* middle.keep({ items: yield* source.items() })
          yield* middle.keepSource({ source })
          yield* last.keep({ items: yield* middle.items() })
          yield* last.keepSource({ source: yield* middle.source() })
        }))
        if (how === "has ended") yield* ActorRef.stop(middle)
        else if (how === "releases it") yield* middle.release()
        yield* last.offer({ n: 3 })
        assert.strictEqual(yield* (yield* source.items()).take, 3)
        assert.strictEqual(yield* last.use({ use: "add" }), "success 1")
        // the handle may also return to its owner
        assert.isDefined(yield* source.offerTo({ items: yield* last.items(), n: 4 }))
        assert.strictEqual(yield* last.take(), 4)
      }))
  }

  it.effect(`H4: releasing a handle right after forwarding it does not affect the receiver (${where})`, () =>
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
    }))

  it.effect(`H4: releasing a handle right after forwarding it does not affect a queued call (${where})`, () =>
    Effect.gen(function*() {
      const [source, keeper] = yield* Effect.all([Source.spawn(), Keeper.spawn({})])
      const own = yield* Handle.makeQueue<number>()
      // a method that is known not to run concurrently is not entered ahead of its turn
      yield* keeper.once({ items: own, n: 0 })
      yield* own.take
      yield* keeper.keep({ items: own })
      const taking = yield* forked(keeper.take())
      const items = yield* source.items()
      const passing = yield* forked(keeper.once({ items, n: 1 }))
      yield* Handle.release(items)
      // the payload has been read before this answer
      yield* source.log()
      yield* own.offer(0)
      assert.strictEqual(yield* Fiber.join(taking), 0)
      yield* Fiber.join(passing)
      assert.strictEqual(yield* (yield* source.items()).take, 1)
    }))

  it.effect(`H4: arguments and results may contain handles and references at any position (${where})`, () =>
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
    }))

  it.effect(`H4: handles and references may be items of streams, and outlive the streams (${where})`, () =>
    Effect.gen(function*() {
      const [source, keeper] = yield* Effect.all([Source.spawn(), Keeper.spawn({})])
      const all = yield* Stream.runCollect(source.stream({ count: 3 }))
      yield* Effect.forEach(all, (items, i) => items.offer(i))
      assert.deepStrictEqual(yield* all[0]!.takeAll, [0, 1, 2])
      yield* keeper.keepSource({ source })
      assert.deepStrictEqual(yield* Stream.runCollect(keeper.sources({ count: 2 })), [source, source])
    }))

  it.effect(`H4: a deferred result may contain handles (${where})`, () =>
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
      // this result travels with the answer
      const { items: there } = yield* (yield* source.promised()).await
      yield* there.offer(3)
      assert.strictEqual(yield* items.take, 3)
    }))

  it.effect(`H4: a handler may return a handle that it received in the scope of the call (${where})`, () =>
    Effect.gen(function*() {
      const [source, keeper] = yield* Effect.all([Source.spawn(), Keeper.spawn({})])
      yield* keeper.keepSource({ source })
      const items = yield* keeper.passItems()
      yield* items.offer(1)
      assert.strictEqual(yield* items.take, 1)
    }))

  it.effect(`H4: a completed result may be a handle that the handler received in the scope of the call (${where})`, () =>
    Effect.gen(function*() {
      const [source, keeper] = yield* Effect.all([Source.spawn(), Keeper.spawn({})])
      yield* keeper.keepSource({ source })
      const items = yield* (yield* keeper.itemsOfSource()).await
      yield* items.offer(1)
      assert.strictEqual(yield* items.take, 1)
    }))

  it.effect(`H4: an actor is spawned with handles and references (${where})`, () =>
    Effect.gen(function*() {
      const source = yield* Source.spawn()
      const items = yield* source.items()
      const keeper = yield* Keeper.spawn({ items, source })
      yield* keeper.offer({ n: 1 })
      assert.strictEqual(yield* items.take, 1)
      assert.strictEqual(yield* keeper.use({ use: "add" }), "success 1")
    }))

  // ---- references ----

  it.effect(`H4: a forwarded reference supports every kind of call (${where})`, () =>
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
    }))

  it.effect(`H4: handles in calls through a forwarded reference work, and nothing stays held (${where})`, () =>
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
      // the program has only forwarded them: each end of each link holds the handles that the receiving actor keeps
      assert.isAtMost(held() - before, placement.isMemory ? 40 * 6 : 40 * 2)
      yield* ActorRef.stop(keeper)
      yield* source.log()
      yield* ActorRef.stop(source)
      assert.strictEqual(held(), 0)
    }))

  for (const how of ["stop", "kill"] as const) {
    it.effect(`H4: a forwarded reference can ${how} its actor and await its exit (${where})`, () =>
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
      }))
  }

  it.effect(`H4: a call through a forwarded reference can fail with MailboxFull (${where})`, () =>
    Effect.gen(function*() {
      const [narrow, pusher] = yield* Effect.all([Narrow.spawn(), Pusher.spawn()])
      assert.strictEqual(yield* pusher.push({ narrow }), "MailboxFull Narrow NotRun")
    }))

  it.effect(`C4: a forwarded tell completes when the target actor accepts it, even if it waits on the route (${where})`, () =>
    Effect.gen(function*() {
      const boss = yield* Boss.spawn()
      const narrow = yield* boss.narrow()
      // one call runs, one call waits, and the mailbox is full
      const calls = yield* Effect.forEach([1, 2], () => forked(Effect.exit(narrow.wait())))
      assert.instanceOf(yield* Effect.flip(narrow.wait(undefined, { discard: true })), MailboxFull)
      // the relay is over its event loop budget when the tell arrives, so the tell waits there
      const working = yield* forked(boss.work({ millis: 2 }))
      assert.instanceOf(yield* Effect.flip(narrow.wait(undefined, { discard: true })), MailboxFull)
      yield* Fiber.join(working)
      yield* Fiber.interruptAll(calls)
    }))

  it.effect(`H4: an actor forwards references to actors that it spawned in its own scope (${where})`, () =>
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
    }))
})

onEveryPlacement(fixture, (placement) => {
  it.live("H4: a restarted actor gets the handles and references of its arguments again", () =>
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

  it.live("H4: a forwarded reference survives the restarts of its actor", () =>
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
}, { except: ["memory"], reason: "an actor in memory has no worker of its own that could end" })
