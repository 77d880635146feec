/** What a snapshot says of each actor beside its mailbox: its counters, durations and handles, its pool and its spawner. */
import { assert, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Logger, Metric, Option, Schedule, Schema } from "effect"
import * as ActorMetrics from "../../../src/ActorMetrics.ts"
import * as ActorPool from "../../../src/ActorPool.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import { ActorSystem } from "../../../src/ActorSystem.ts"
import { ActorInfo, Observer } from "../../../src/Observer.ts"
import * as Supervision from "../../../src/Supervision.ts"
import clerks, { Broken, Clerk, Sleeper } from "../fixtures/clerk.ts"
import { forked } from "../support/asserts.ts"
import { onEveryPlacement } from "../support/placements.ts"
import busies, { Busy } from "./actors/busy.ts"
import lenders, { Founder, Keeper, Lender } from "./actors/lender.ts"

const quiet = Logger.layer([])

const until = <A, E, R>(effect: Effect.Effect<A, E, R>, isReached: (value: A) => boolean): Effect.Effect<A, E, R> =>
  Effect.repeat(effect, { until: isReached, schedule: Schedule.spaced(10) })

const infoOf = (id: string) => Effect.flatMap(Observer, (observer) => Effect.map(observer.actor(id), Option.getOrThrow))

const plain = (info: object): object => Object.assign({}, info)

const none = {
  made: 0,
  ok: 0,
  failed: 0,
  defect: 0,
  interrupted: 0,
  notRun: 0,
  unknown: 0,
  rejected: 0,
  tells: 0,
  restarts: 0
}

const clerkFixture = { module: new URL("../fixtures/clerk.ts", import.meta.url), behaviours: clerks }

onEveryPlacement(clerkFixture, (placement) => {
  const layer = Layer.mergeAll(placement.layer(), Observer.layer, quiet)

  it.live("the counters of an actor count its calls by their ends, its tells, and its restarts", () =>
    Effect.gen(function*() {
      const policy = Supervision.make({ maxRestarts: 3, schedule: Schedule.spaced(1) })
      const clerk = yield* Clerk.spawn().pipe(Supervision.supervised(policy))
      const other = yield* Clerk.spawn()
      const id = ActorRef.id(clerk)
      assert.deepStrictEqual(plain((yield* infoOf(id)).counters), none)
      yield* clerk.stamp()
      yield* clerk.stamp(undefined, { discard: true })
      yield* Effect.exit(clerk.refuse())
      yield* Effect.exit(clerk.die())
      // the mailbox has room for one call
      const running = yield* forked(clerk.wait())
      const queued = yield* forked(clerk.wait())
      yield* until(infoOf(id), ({ mailbox: { queued, running } }) => running + queued === 2)
      yield* Effect.exit(clerk.stamp())
      yield* Fiber.interrupt(queued)
      yield* Fiber.interrupt(running)
      const before = yield* until(infoOf(id), ({ mailbox: { queued, running } }) => running + queued === 0)
      const expected = { ...none, made: 7, ok: 2, failed: 1, defect: 1, interrupted: 2, rejected: 1, tells: 1 }
      assert.deepStrictEqual(plain(before.counters), expected)
      yield* Effect.exit(clerk.crash())
      const { counters } = yield* until(infoOf(id), ({ incarnation }) => incarnation === 2)
      assert.strictEqual(counters.restarts, 1)
      assert.strictEqual(counters.made, 8)
      assert.strictEqual((yield* infoOf(ActorRef.id(other))).counters.made, 0)
      const ended = ActorRef.id(other)
      yield* other.stamp()
      yield* ActorRef.stop(other)
      yield* Effect.exit(other.stamp())
      assert.deepInclude(plain((yield* infoOf(ended)).counters), { ok: 1 })
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.live("the calls of each method are counted from the first question on, and are known after the end", () =>
    Effect.gen(function*() {
      const observer = yield* Observer
      const clerk = yield* Clerk.spawn()
      const id = ActorRef.id(clerk)
      const methodsOf = Effect.map(infoOf(id), ({ methods }) => methods)
      const outcomes = { ok: 0, failed: 0, defect: 0, interrupted: 0, notRun: 0, unknown: 0, rejected: 0 }
      const expected = (counts: Readonly<Record<string, Partial<typeof outcomes>>>) =>
        ["stamp", "refuse", "die", "wait", "crash"].map((method) =>
          Object.assign({ method, ...outcomes, p50: 0, p99: 0 }, counts[method])
        )
      yield* clerk.stamp()
      assert.deepStrictEqual((yield* methodsOf).map(plain), expected({}))
      yield* clerk.stamp()
      yield* clerk.stamp()
      yield* Effect.exit(clerk.refuse())
      yield* Effect.exit(clerk.die())
      yield* Effect.flatMap(forked(clerk.wait()), Fiber.interrupt)
      const counts = { stamp: { ok: 2 }, refuse: { failed: 1 }, die: { defect: 1 }, wait: { interrupted: 1 } }
      const methods = yield* until(methodsOf, ([, , , wait]) => wait!.interrupted === 1)
      assert.deepStrictEqual(methods.map(plain), expected(counts))
      const { actors } = yield* observer.snapshot()
      assert.deepStrictEqual(actors.flatMap(({ methods }) => methods), [])
      yield* ActorRef.stop(clerk)
      const ended = yield* until(infoOf(id), ({ state }) => state === "Ended")
      assert.deepStrictEqual(ended.methods.map(plain), expected(counts))
      assert.match(String(yield* Effect.exit(observer.actor(id, { calls: -1 }))), /calls must be an integer/)
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.live("an actor that has ended is no longer counted, however it ended", () =>
    Effect.gen(function*() {
      const { "~uactor/ActorSystem": system } = yield* ActorSystem
      const stopped = yield* Clerk.spawn()
      const killed = yield* Clerk.spawn()
      const crashed = yield* Clerk.spawn()
      yield* Effect.scoped(Clerk.spawn())
      assert.strictEqual(system.living.size, 3)
      yield* Effect.exit(Broken.spawn())
      yield* Effect.flatMap(forked(Sleeper.spawn()), Fiber.interrupt)
      yield* ActorRef.stop(stopped)
      yield* ActorRef.kill(killed)
      yield* Effect.exit(crashed.crash())
      yield* until(Effect.sync(() => system.living.size), (size) => size === 0)
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.live("a snapshot orders actors by the calls that have ended since the last one", () =>
    Effect.gen(function*() {
      const observer = yield* Observer
      const [first, second] = [yield* Sleeper.spawn(), yield* Sleeper.spawn()]
      const firstListed = Effect.map(
        observer.snapshot({ sort: "rate", limit: 1, filter: { name: "Sleeper" } }),
        ({ actors, truncated }) => {
          assert.strictEqual(truncated, 1)
          return actors[0]!.id
        }
      )
      yield* Effect.replicateEffect(first.sleep({ millis: 0 }), 2)
      yield* second.sleep({ millis: 0 })
      assert.strictEqual(yield* firstListed, ActorRef.id(first))
      yield* second.sleep({ millis: 0 })
      assert.strictEqual(yield* firstListed, ActorRef.id(second))
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.live("the durations of an actor are those of its calls, and are absent until they are measured", () => {
    const context = Context.make(Metric.MetricRegistry, new Map())
    const timed = Layer.provideMerge(
      Layer.merge(placement.layer(), Observer.layer),
      ActorMetrics.layer({ durations: true })
    )
    return Effect.gen(function*() {
      const observer = yield* Observer
      const [quick, slow] = [yield* Sleeper.spawn(), yield* Sleeper.spawn()]
      assert.deepStrictEqual((yield* infoOf(ActorRef.id(slow))).latency, Option.none())
      yield* quick.sleep({ millis: 0 })
      yield* Effect.all([slow.sleep({ millis: 50 }), slow.sleep({ millis: 50 })], { concurrency: 2 })
      const info = yield* infoOf(ActorRef.id(slow))
      const { client, server, wait } = Option.getOrThrow(info.latency)
      assert.deepStrictEqual([client.count, wait.count, server.count], [2, 2, 2])
      assert.isAtLeast(client.p99, 50)
      assert.isAtLeast(client.p99, client.p50)
      assert.isAtLeast(server.p50, 30)
      // the second call waits for the first
      assert.isAtLeast(wait.p99, 30)
      const [sleep, block] = info.methods
      assert.deepStrictEqual([sleep!.method, sleep!.ok, sleep!.p50, sleep!.p99], ["sleep", 2, client.p50, client.p99])
      assert.deepStrictEqual([block!.method, block!.ok, block!.p99], ["block", 0, 0])
      for (const { buckets, count } of [client, wait, server]) {
        assert.strictEqual(buckets.reduce((sum, n) => sum + n, 0), count)
      }
      // at least 32 ms
      assert.isAtLeast(client.buckets.length, 16)
      const { actors } = yield* observer.snapshot({ sort: "p99", filter: { name: "Sleeper" } })
      // the first call of a worker may be slow, whichever it is
      const times = actors.map(({ latency }) => Option.getOrThrow(latency).client.p99)
      assert.deepStrictEqual(times, times.toSorted((a, b) => b - a))
      assert.sameMembers(actors.map(({ id }) => id), [ActorRef.id(slow), ActorRef.id(quick)])
      const listed = Option.getOrThrow(actors.find(({ id }) => id === ActorRef.id(slow))!.latency)
      assert.deepStrictEqual([listed.server.count, listed.server.p99], [server.count, server.p99])
      assert.deepStrictEqual(listed.client.buckets, [])
      const json = JSON.parse(JSON.stringify(Schema.encodeSync(ActorInfo)(info)))
      assert.deepStrictEqual(Schema.decodeUnknownSync(ActorInfo)(json), info)
    }).pipe(Effect.scoped, Effect.provide(timed), Effect.provideContext(context))
  })
})

onEveryPlacement({ module: new URL("./actors/busy.ts", import.meta.url), behaviours: busies }, (placement) => {
  it.live("a member of a pool has the name of its pool, and can be listed by it", () =>
    Effect.gen(function*() {
      const observer = yield* Observer
      const pool = yield* ActorPool.make(Busy, { size: 2 })
      const alone = yield* Busy.spawn()
      yield* Effect.forEach([1, 2, 3], (value) => pool.client.echo({ value }), { concurrency: "unbounded" })
      const ids = (yield* pool.members).map(ActorRef.id)
      const { actors } = yield* observer.snapshot({ filter: { pool: "Busy" } })
      assert.sameMembers(actors.map(({ id }) => id), ids)
      assert.isTrue(actors.every(({ pool }) => Option.contains(pool, "Busy")))
      assert.strictEqual(actors.reduce((sum, { counters: { ok } }) => sum + ok, 0), 3)
      const info = yield* infoOf(ActorRef.id(alone))
      assert.deepStrictEqual([info.pool, info.spawnedBy], [Option.none(), Option.none()])
      assert.strictEqual((yield* observer.snapshot({ filter: { pool: "Other" } })).actors.length, 0)
    }).pipe(Effect.scoped, Effect.provide(Layer.merge(placement.layer(), Observer.layer))))
})

onEveryPlacement({ module: new URL("./actors/lender.ts", import.meta.url), behaviours: lenders }, (placement) => {
  for (const workers of ["dedicated", 1] as const) {
    it.live(`H: the handles of an actor are those that it lends and holds, with workers: ${workers}`, () =>
      Effect.gen(function*() {
        const observer = yield* Observer
        const lender = yield* Lender.spawn()
        const keeper = yield* Keeper.spawn()
        const handlesOf = (actor: ActorRef.AnyActorRef) =>
          Effect.map(infoOf(ActorRef.id(actor)), ({ handles: { held, lent } }) => [lent, held])
        const areHandles = (actor: ActorRef.AnyActorRef, lent: number, held: number) =>
          until(handlesOf(actor), ([l, h]) => l === lent && h === held)
        assert.deepStrictEqual(yield* handlesOf(lender), [0, 0])
        yield* Effect.gen(function*() {
          const counter = yield* lender.counter()
          yield* areHandles(lender, 1, 0)
          yield* lender.later()
          yield* areHandles(lender, 2, 0)
          yield* keeper.keep({ counter })
          yield* areHandles(keeper, 0, 1)
          const { actors } = yield* observer.snapshot()
          assert.strictEqual(actors.find(({ id }) => id === ActorRef.id(keeper))!.handles.held, 1)
        }).pipe(Effect.scoped)
        yield* ActorRef.stop(keeper)
        // the program and the keeper have released their handles
        yield* areHandles(lender, 0, 0)
      }).pipe(Effect.scoped, Effect.provide(Layer.merge(placement.layer({ workers }), Observer.layer))))
  }

  it.live("an actor that another actor has spawned has the id of its spawner", () =>
    Effect.gen(function*() {
      const founder = yield* Founder.spawn()
      assert.strictEqual(yield* founder.found(), ActorRef.id(founder))
      assert.deepStrictEqual((yield* infoOf(ActorRef.id(founder))).spawnedBy, Option.none())
    }).pipe(Effect.scoped, Effect.provide(Layer.merge(placement.layer(), Observer.layer))))
})
