import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Layer, Queue, Schema, Scope, Stream } from "effect"
import * as Actor from "../../../src/Actor.ts"
import * as ActorCluster from "../../../src/ActorCluster.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as Handle from "../../../src/Handle.ts"
import behaviours, { Badge, BadgeLive, Bell, BellLive, Refused, Tally, TallyLive } from "../fixtures/cluster.ts"
import { errorOf, upTo } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"

const fixture = { module: new URL("../fixtures/cluster.ts", import.meta.url), behaviours }

const argsFor = ({ path }: Journal.Journal, failures = 0) => ({
  args: (id: string) => ({ id, journal: path, failures })
})

onEveryPlacement(fixture, (placement) => {
  /** a runner in memory whose actors live in a system of this placement */
  const runner = (journal: Journal.Journal, failures = 0, options: ActorCluster.HostOptions = {}) =>
    Layer.mergeAll(
      ActorCluster.layer(Tally, { ...argsFor(journal, failures), ...options }),
      ActorCluster.layer(Bell),
      ActorCluster.layer(Badge)
    ).pipe(
      Layer.provide(placement.layer({ workers: 2 })),
      Layer.provideMerge(ActorCluster.layerMemory)
    )

  it.live("K1: the actors of a definition are found by their ids, and each has a state of its own", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      yield* Effect.gen(function*() {
        const tally = yield* ActorCluster.client(Tally)
        yield* tally("a").add({ by: 1 })
        yield* tally("b").add({ by: 10 })
        assert.strictEqual(yield* tally("a").add({ by: 1 }), 2)
        assert.strictEqual(yield* tally("b").add({ by: 1 }), 11)
        assert.deepStrictEqual(yield* tally("b").who(), { id: "b", start: 1 })
        const badge = yield* ActorCluster.ref(Badge, "x")
        assert.strictEqual(yield* badge.id(), "x")
        const bell = yield* ActorCluster.ref(Bell, "tower")
        assert.strictEqual(yield* bell.ring(), 1)
        assert.strictEqual(ActorRef.address(bell), "Bell/tower")
      }).pipe(Effect.provide(runner(journal)))
      const lines = yield* journal.lines
      assert.includeMembers([...lines], ["a starts", "b starts", "a ends", "b ends"])
    }).pipe(Effect.scoped))

  it.live("K1: errors keep their class, defects their text, and streams their items and their error", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      yield* Effect.gen(function*() {
        const tally = yield* ActorCluster.ref(Tally, "a")
        const refused = yield* Effect.flip(tally.refuse({ why: "closed" }))
        assert.instanceOf(refused, Refused)
        const died = yield* Effect.exit(tally.die())
        assert(Exit.isFailure(died))
        const defect = Cause.squash(died.cause)
        assert(defect instanceof RangeError && defect.message === "no such floor")
        assert.include(defect.stack, "cluster.ts")
        assert.strictEqual(yield* tally.add({ by: 1 }), 1)
        assert.deepStrictEqual(yield* Stream.runCollect(tally.count({ upTo: 100, hangs: false })), upTo(100))
        assert.deepStrictEqual(
          yield* Stream.runCollect(tally.count({ upTo: 1_000, hangs: true }).pipe(Stream.take(3))),
          [1, 2, 3]
        )
        const queue = yield* Effect.scoped(
          Effect.flatMap(
            tally.count({ upTo: 5, hangs: false }, { asQueue: true }),
            (queue) => Stream.runCollect(Stream.fromQueue(queue))
          )
        )
        assert.deepStrictEqual(queue, [1, 2, 3, 4, 5])
        const failed = yield* Effect.exit(Stream.runCollect(tally.refuseStream()))
        assert.instanceOf(errorOf(failed), Refused)
      }).pipe(Effect.provide(runner(journal)))
    }).pipe(Effect.scoped))

  it.live("K1: calls of one caller start in the order in which they were made, also at the start of the actor", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      yield* Effect.gen(function*() {
        const tallyOf = yield* ActorCluster.client(Tally)
        // the runner has its shards
        yield* tallyOf("b").who()
        const tally = tallyOf("a")
        const totals = yield* Effect.forEach(upTo(200), () => tally.add({ by: 1 }), { concurrency: "unbounded" })
        assert.deepStrictEqual(totals, upTo(200))
      }).pipe(Effect.provide(runner(journal)))
    }).pipe(Effect.scoped))

  it.live("K1: an interrupted caller interrupts the handler, and a tell completes when it is accepted", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      yield* Effect.gen(function*() {
        const tally = yield* ActorCluster.ref(Tally, "a")
        const call = yield* Effect.forkChild(tally.wait({ n: 1 }))
        yield* journal.awaitLine("1 runs")
        yield* Fiber.interrupt(call)
        yield* journal.awaitLine("1 interrupted")
        yield* tally.wait({ n: 2 }, { discard: true })
        yield* journal.awaitLine("2 runs")
        yield* journal.note("go 2")
        yield* journal.awaitLine("2 has run")
      }).pipe(Effect.provide(runner(journal)))
    }).pipe(Effect.scoped))

  it.live("K1: ActorRef.stop and ActorRef.kill end the actor, and the next call starts it again", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      yield* Effect.gen(function*() {
        const tally = yield* ActorCluster.ref(Tally, "a")
        yield* tally.add({ by: 5 })
        yield* ActorRef.stop(tally)
        assert.include(yield* journal.lines, "a ends")
        assert.strictEqual(yield* tally.add({ by: 5 }), 5)
        yield* ActorRef.kill(tally)
        assert.deepStrictEqual(yield* tally.who(), { id: "a", start: 3 })
      }).pipe(Effect.provide(runner(journal)))
    }).pipe(Effect.scoped))

  it.live("K4: a failing start fails each call, is not repeated for ever, and the next call starts again", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      yield* Effect.gen(function*() {
        const tally = yield* ActorCluster.ref(Tally, "a")
        const first = yield* Effect.flip(tally.add({ by: 1 }))
        assert(first._tag === "ActorExited" && first.reason === "NotStarted" && first.outcome === "NotRun")
        assert.include(first.message, "Tally/a could not be started")
        const streamed = yield* Effect.flip(Stream.runCollect(tally.count({ upTo: 1, hangs: false })))
        assert(streamed._tag === "ActorExited" && streamed.reason === "NotStarted")
        assert.strictEqual(yield* tally.add({ by: 1 }), 1)
        // one with the entity, and one for each of the calls
        assert.deepStrictEqual(yield* tally.who(), { id: "a", start: 4 })
      }).pipe(Effect.provide(runner(journal, 3)))
    }).pipe(Effect.scoped))

  it.live("K4: a call of a type that no runner hosts fails as NotRun after deliveryTimeout, and so does a stream", () =>
    Effect.gen(function*() {
      const tally = yield* ActorCluster.ref(Tally, "a", { deliveryTimeout: "300 millis" })
      const call = yield* Effect.flip(tally.add({ by: 1 }))
      assert(call._tag === "ActorExited" && call.reason === "Disconnected" && call.outcome === "NotRun")
      assert.include(call.message, "Tally/a.add has not run: no runner took the call within 300 ms")
      const stream = yield* Effect.flip(Stream.runCollect(tally.count({ upTo: 1, hangs: false })))
      assert(stream._tag === "ActorExited" && stream.reason === "Disconnected" && stream.outcome === "NotRun")
    }).pipe(Effect.scoped, Effect.provide(ActorCluster.layerMemory)))

  it.live("K1: a payload that does not fit its schema never leaves the caller", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      yield* Effect.gen(function*() {
        const tally = yield* ActorCluster.ref(Tally, "a")
        const exit = yield* Effect.exit(tally.add({ by: "1" as never }))
        assert(Exit.isFailure(exit))
        const defect = Cause.squash(exit.cause)
        assert(defect instanceof TypeError)
        assert.include(defect.message, "Tally/a.add: the payload does not fit its schema")
        assert.include(defect.message, "by")
      }).pipe(Effect.provide(runner(journal)))
    }).pipe(Effect.scoped))

  it.live("K1: a reader that stops reading bounds the items that are produced ahead", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      yield* Effect.gen(function*() {
        const tally = yield* ActorCluster.ref(Tally, "a")
        const scope = yield* Scope.make()
        const items = yield* Scope.provide(tally.endless(undefined, { asQueue: true, streamBufferSize: 16 }), scope)
        assert.strictEqual(yield* Queue.take(items), 1)
        let [before, now] = [-1, yield* tally.made()]
        while (now !== before) {
          before = now
          for (let i = 0; i < 20; i++) now = yield* tally.made()
        }
        // rooms for 16: two between the actor and its runner, two between the runner and the client, and one in the queue
        assert.isAtMost(now, 8 * 16)
        yield* Scope.close(scope, Exit.void)
      }).pipe(Effect.provide(runner(journal)))
    }).pipe(Effect.scoped))

  it.live("K1: a full mailbox fails as MailboxFull, NotRun", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      yield* Effect.gen(function*() {
        const tally = yield* ActorCluster.ref(Tally, "a")
        const running = yield* Effect.forkChild(tally.wait({ n: 1 }))
        yield* journal.awaitLine("1 runs")
        const waiting = yield* Effect.forkChild(tally.add({ by: 1 }), { startImmediately: true })
        const full = yield* Effect.flip(tally.add({ by: 1 }))
        assert(full._tag === "MailboxFull" && full.outcome === "NotRun")
        yield* journal.note("go 1")
        assert.strictEqual(yield* Fiber.join(running), 1)
        assert.strictEqual(yield* Fiber.join(waiting), 1)
      }).pipe(Effect.provide(runner(journal, 0, { mailboxCapacity: 2 })))
    }).pipe(Effect.scoped))

  if (placement.name === "threads") {
    it.live("K5: a crashed thread fails its calls, an idempotent call runs again, and the actor is back", () =>
      Effect.gen(function*() {
        const journal = yield* Journal.make
        yield* Effect.gen(function*() {
          const tally = yield* ActorCluster.client(Tally)
          const call = yield* Effect.forkChild(tally("a").exit())
          const crashed = yield* Effect.flip(Fiber.join(call))
          assert(crashed._tag === "ActorExited" && crashed.reason === "Crashed" && crashed.outcome === "Unknown")
          assert.strictEqual(yield* tally("a").add({ by: 1 }), 1)
          const again = yield* Effect.forkChild(tally("a").waitAgain({ n: 1 }))
          yield* journal.awaitLine("1 runs")
          const dies = yield* Effect.forkChild(Effect.exit(ActorRef.kill(tally("a"))))
          yield* Fiber.join(dies)
          yield* journal.note("go 1")
          assert.strictEqual(yield* Fiber.join(again), 1)
        }).pipe(Effect.provide(
          ActorCluster.layer(Tally, argsFor(journal)).pipe(
            Layer.provide(placement.layer()),
            Layer.provideMerge(ActorCluster.layerMemory)
          )
        ))
      }).pipe(Effect.scoped))

    it.live("K5: a busy loop is killed alone, and the next call is answered", () =>
      Effect.gen(function*() {
        const journal = yield* Journal.make
        yield* Effect.gen(function*() {
          const tally = yield* ActorCluster.client(Tally)
          yield* tally("b").add({ by: 1 })
          const spinning = yield* Effect.forkChild(tally("a").spin())
          yield* journal.awaitLine("spins")
          yield* Fiber.interrupt(spinning)
          assert.strictEqual(yield* tally("b").add({ by: 1 }), 2)
          assert.strictEqual(yield* tally("a").add({ by: 1 }), 1)
        }).pipe(Effect.provide(
          ActorCluster.layer(Tally, argsFor(journal)).pipe(
            Layer.provide(placement.layer({ interruptTimeout: "200 millis" })),
            Layer.provideMerge(ActorCluster.layerMemory)
          )
        ))
      }).pipe(Effect.scoped))

    it.live("K5: a thread that runs out of memory fails the call that ran, and its actor and its runner continue", () =>
      Effect.gen(function*() {
        const journal = yield* Journal.make
        yield* Effect.gen(function*() {
          const tally = yield* ActorCluster.client(Tally)
          const bystander = yield* Effect.forkChild(tally("b").wait({ n: 1 }))
          yield* journal.awaitLine("1 runs")
          const hoarding = yield* Effect.forkChild(Effect.flip(tally("a").hoard()))
          yield* journal.awaitLine("hoards")
          // a call that has not begun runs on the next actor
          const waiting = yield* Effect.forkChild(tally("a").add({ by: 1 }))
          const lost = yield* Fiber.join(hoarding)
          assert(lost._tag === "ActorExited" && lost.reason === "OutOfMemory" && lost.outcome === "Unknown")
          assert.strictEqual(yield* Fiber.join(waiting), 1)
          assert.strictEqual(yield* tally("a").add({ by: 1 }), 2)
          yield* journal.note("go 1")
          assert.strictEqual(yield* Fiber.join(bystander), 1)
        }).pipe(Effect.provide(
          ActorCluster.layer(Tally, argsFor(journal)).pipe(
            Layer.provide(placement.layer({ heapMb: 64 })),
            Layer.provideMerge(ActorCluster.layerMemory)
          )
        ))
      }).pipe(Effect.scoped))
  }
}, { except: ["processes"], reason: "a child process differs from a thread in nothing that the cluster sees" })

describe("inline", () => {
  const runner = (journal: Journal.Journal, failures = 0) =>
    Layer.mergeAll(
      ActorCluster.layerInline(Tally, TallyLive, argsFor(journal, failures)),
      ActorCluster.layerInline(Bell, BellLive),
      ActorCluster.layerInline(Badge, BadgeLive)
    ).pipe(Layer.provideMerge(ActorCluster.layerMemory))

  it.live("K1: handlers in the fiber of the entity behave like those of an actor", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      yield* Effect.gen(function*() {
        const tally = yield* ActorCluster.client(Tally)
        assert.strictEqual(yield* tally("a").add({ by: 1 }), 1)
        assert.instanceOf(yield* Effect.flip(tally("a").refuse({ why: "closed" })), Refused)
        const died = yield* Effect.exit(tally("a").die())
        assert(Exit.isFailure(died))
        assert.instanceOf(Cause.squash(died.cause), RangeError)
        assert.deepStrictEqual(yield* Stream.runCollect(tally("a").count({ upTo: 3, hangs: false })), [1, 2, 3])
        yield* ActorRef.stop(tally("a"))
        assert.include(yield* journal.lines, "a ends")
        assert.deepStrictEqual(yield* tally("a").who(), { id: "a", start: 2 })
        assert.strictEqual(yield* (yield* ActorCluster.ref(Badge, "x")).id(), "x")
        assert.strictEqual(yield* (yield* ActorCluster.ref(Bell, "x")).ring(), 1)
      }).pipe(Effect.provide(runner(journal)))
      assert.strictEqual((yield* journal.lines).filter((line) => line === "a ends").length, 2)
    }).pipe(Effect.scoped))

  it.live("K4: a failing start fails each call, and the next call starts again", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      yield* Effect.gen(function*() {
        const tally = yield* ActorCluster.ref(Tally, "a")
        const first = yield* Effect.flip(tally.add({ by: 1 }))
        assert(first._tag === "ActorExited" && first.reason === "NotStarted")
        assert.strictEqual(yield* tally.add({ by: 1 }), 1)
      }).pipe(Effect.provide(runner(journal, 2)))
    }).pipe(Effect.scoped))
})

describe("definitions", () => {
  it("K7: handles are refused when the entity is made, by the name of the method", () => {
    class Desk extends Actor.Service<Desk>()("Desk", {
      protocol: { promise: Actor.method({ success: Handle.Deferred({ success: Schema.Int }) }) }
    }) {}
    assert.throws(() => ActorCluster.layer(Desk), TypeError, "ActorCluster: Desk.promise: its schemas contain handles")
    assert.throws(() => ActorCluster.client(Desk), TypeError, "Desk.promise")
    assert.throws(() => ActorCluster.entity(Desk), TypeError, "Desk.promise")
  })

  it("K1: names and options that the cluster cannot store are refused by name", () => {
    class Long extends Actor.Service<Long>()("Long", { protocol: { ["m".repeat(51)]: Actor.method() } }) {}
    assert.throws(() => ActorCluster.layer(Long), RangeError, "at most 50 characters, not 51")
    class Wide extends Actor.Service<Wide>()("W".repeat(151), { protocol: { m: Actor.method() } }) {}
    assert.throws(() => ActorCluster.entity(Wide), RangeError, "at most 150 characters, not 151")
    assert.throws(() => ActorCluster.layer(Bell, { mailboxCapacity: 0 }), RangeError, "mailboxCapacity")
    assert.throws(() => ActorCluster.layer(Bell, { maxIdleTime: -1 }), RangeError, "maxIdleTime")
    assert.throws(() => ActorCluster.client(Bell, { deliveryTimeout: 0 }), RangeError, "deliveryTimeout")
  })

  it.effect("K1: an id that the cluster cannot store is refused", () =>
    Effect.gen(function*() {
      const bell = yield* ActorCluster.client(Bell)
      assert.throws(() => bell("x".repeat(256)), RangeError, "the id of Bell must have at most 255 characters, not 256")
    }).pipe(Effect.provide(ActorCluster.layerMemory)))

  it.effect("K7: a reference to an actor of a cluster is not a reference of Actor.ref", () =>
    Effect.gen(function*() {
      const bell = yield* ActorCluster.ref(Bell, "x")
      assert.isFalse(Schema.is(Bell.ref)(bell))
    }).pipe(Effect.provide(ActorCluster.layerMemory)))
})
