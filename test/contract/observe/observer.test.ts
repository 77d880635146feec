/** What an observer sees of actors and workers, and how it ends and restarts actors. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Logger, Option, Schedule, Schema, Stream } from "effect"
import * as ActorRef from "../../../src/ActorRef.ts"
import { type Event, Observer, Snapshot } from "../../../src/Observer.ts"
import * as Supervision from "../../../src/Supervision.ts"
import { errorOf, forked, upTo } from "../support/asserts.ts"
import { onEveryPlacement } from "../support/placements.ts"
import behaviours, { Busy, Unserved } from "./actors/busy.ts"

const fixture = { module: new URL("./actors/busy.ts", import.meta.url), behaviours }
const kinds = { memory: "memory", threads: "thread", processes: "process" } as const

// the reports of kills are not for the screen
const quiet = Logger.layer([])

const until = <A, E, R>(effect: Effect.Effect<A, E, R>, isReached: (value: A) => boolean): Effect.Effect<A, E, R> =>
  Effect.repeat(effect, { until: isReached, schedule: Schedule.spaced(10) })

const infoOf = (id: string) => Effect.flatMap(Observer, (observer) => Effect.map(observer.actor(id), Option.getOrThrow))

/** Collects the events of an effect. */
const eventsOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const observer = yield* Observer
    const events: Array<Event> = []
    const collector = yield* forked(
      Stream.runForEach(observer.events, (event) => Effect.sync(() => events.push(event)))
    )
    yield* effect
    yield* Effect.yieldNow
    yield* Fiber.interrupt(collector)
    return events
  })

onEveryPlacement(fixture, (placement) => {
  const layer = (options?: Parameters<typeof placement.layer>[0]) =>
    Layer.mergeAll(placement.layer(options), Observer.layer, quiet)

  it.live("a snapshot shows each actor with its worker, its state and its calls", () =>
    Effect.gen(function*() {
      const observer = yield* Observer
      const busy = yield* Busy.spawn()
      const idle = yield* Busy.spawn()
      const id = ActorRef.id(busy)
      const calls = yield* Effect.forEach(upTo(3), () => forked(busy.hang()))
      const { mailbox } = yield* until(infoOf(id), ({ mailbox }) => mailbox.running === 1)
      assert.deepInclude(Object.assign({}, mailbox), { waiting: 0, queued: 2, running: 1, forked: 0, concurrency: 1 })
      const snapshot = yield* observer.snapshot()
      assert.deepStrictEqual(snapshot.actors.map(({ id }) => id), [id, ActorRef.id(idle)])
      const [first] = snapshot.actors
      assert.deepInclude(Object.assign({}, first), {
        name: "Busy",
        address: ActorRef.address(busy),
        state: "Running",
        incarnation: 1,
        budget: Option.none(),
        ended: Option.none()
      })
      assert.deepInclude(Object.assign({}, snapshot.totals), {
        actors: 2,
        blocked: 0,
        queued: 2,
        running: 1,
        restarting: 0
      })
      assert.strictEqual(snapshot.truncated, 0)
      assert.deepStrictEqual(snapshot.systems.map(({ placement }) => placement), [kinds[placement.name]])
      const worker = snapshot.workers.find(({ id }) => id === first!.worker)!
      assert.deepInclude(Object.assign({}, worker), { kind: kinds[placement.name], state: "Running", actors: 1 })
      assert.strictEqual(Option.isSome(worker.heap), !placement.isMemory)
      assert.strictEqual(Option.isSome(worker.eventLoop), !placement.isMemory)
      // a snapshot crosses to other programs as JSON
      const json = JSON.parse(JSON.stringify(Schema.encodeSync(Snapshot)(snapshot)))
      assert.deepStrictEqual(Schema.decodeUnknownSync(Snapshot)(json), snapshot)
      yield* Effect.forEach(calls, Fiber.interrupt)
    }).pipe(Effect.provide(layer())))

  it.live("a snapshot lists as many actors as asked for, and counts all", () =>
    Effect.gen(function*() {
      const observer = yield* Observer
      const actors = yield* Effect.replicateEffect(Busy.spawn(), 40)
      const last = actors.at(-1)!
      const call = yield* forked(last.hang())
      yield* until(infoOf(ActorRef.id(last)), ({ mailbox }) => mailbox.running === 1)
      const snapshot = yield* observer.snapshot({ limit: 5 })
      assert.strictEqual(snapshot.actors.length, 5)
      assert.strictEqual(snapshot.actors[0]!.id, ActorRef.id(last))
      assert.strictEqual(snapshot.truncated, 35)
      assert.strictEqual(snapshot.totals.actors, 40)
      const none = yield* observer.snapshot({ filter: { name: "Other" } })
      assert.deepStrictEqual([none.actors.length, none.truncated, none.totals.actors], [0, 0, 40])
      const error = yield* Effect.sandbox(observer.snapshot({ limit: -1 })).pipe(Effect.flip)
      assert.include(String(error), "limit")
      yield* Fiber.interrupt(call)
    }).pipe(Effect.provide(layer({ workers: 2 }))))

  it.live("events tell the life of a worker and an actor, and an actor is shown after its end", () =>
    Effect.gen(function*() {
      let id = ""
      const policy = Supervision.make({ maxRestarts: 3, schedule: Schedule.spaced(1) })
      const events = yield* eventsOf(
        Effect.gen(function*() {
          const observer = yield* Observer
          const busy = yield* Busy.spawn().pipe(Supervision.supervised(policy))
          id = ActorRef.id(busy)
          yield* observer.restart(id)
          assert.strictEqual(yield* busy.echo({ value: 7 }), 7)
          assert.deepInclude(yield* infoOf(id), { incarnation: 2, state: "Running" })
          yield* observer.stop(id, { drain: true })
          yield* Effect.exit(Unserved.spawn())
        }).pipe(Effect.scoped)
      )
      const ofActor = events.flatMap((event) => "actor" in event && event.actor === id ? [event._tag] : [])
      assert.deepStrictEqual(ofActor, ["ActorSpawned", "ActorRestarting", "ActorRestarted", "ActorEnded"])
      const tags = events.map(({ _tag }) => _tag)
      for (const tag of ["WorkerStarted", "WorkerReady", "WorkerEnded", "SpawnFailed"] as const) {
        assert.include(tags, tag)
      }
      const { ended, state } = yield* infoOf(id)
      assert.strictEqual(state, "Ended")
      assert.strictEqual(Option.getOrThrow(ended).reason, "Stopped")
    }).pipe(Effect.provide(layer())))

  it.live("a restart keeps the calls that have not run, and uses no restart of the policy", () =>
    Effect.gen(function*() {
      const observer = yield* Observer
      const busy = yield* Busy.spawn().pipe(Supervision.supervised(Supervision.make({ maxRestarts: 1 })))
      const id = ActorRef.id(busy)
      const running = yield* forked(Effect.exit(busy.hang()))
      const waiting = yield* forked(busy.echo({ value: 3 }))
      yield* until(infoOf(id), ({ mailbox }) => mailbox.running === 1)
      yield* observer.restart(id)
      assert.strictEqual(yield* Fiber.join(waiting), 3)
      assert.strictEqual((yield* Fiber.join(running))._tag, "Failure")
      const { budget, incarnation } = yield* infoOf(id)
      assert.strictEqual(incarnation, 2)
      assert.deepInclude(Object.assign({}, Option.getOrThrow(budget)), { used: 0, max: 1 })
    }).pipe(Effect.provide(layer())))

  it.live("an observer says why it cannot do what it was asked for", () =>
    Effect.gen(function*() {
      const observer = yield* Observer
      const busy = yield* Busy.spawn()
      const id = ActorRef.id(busy)
      const reasonOf = (effect: Effect.Effect<unknown, { readonly reason: string }>) =>
        Effect.map(Effect.exit(effect), (exit) => errorOf(exit).reason)
      assert.strictEqual(yield* reasonOf(observer.kill("Busy-none")), "NotFound")
      assert.strictEqual(yield* reasonOf(observer.stack("thread-none")), "NotFound")
      assert.strictEqual(yield* reasonOf(observer.restart(id)), "NotRestarted")
      if (placement.isMemory) {
        const { worker } = yield* infoOf(id)
        assert.strictEqual(yield* reasonOf(observer.stack(worker)), "Unsupported")
        assert.strictEqual(yield* reasonOf(Stream.runDrain(observer.heapSnapshot(worker))), "Unsupported")
      }
      yield* observer.kill(id)
      assert.strictEqual((yield* infoOf(id)).state, "Ended")
    }).pipe(Effect.provide(layer())))
})

describe("events", () => {
  onEveryPlacement(fixture, (placement) => {
    it.live("a slow reader delays nobody, and gets the number of the events that it has missed", () =>
      Effect.gen(function*() {
        const observer = yield* Observer
        const reading = yield* Deferred.make<void>()
        const goOn = yield* Deferred.make<void>()
        const reader = yield* forked(
          observer.events.pipe(
            Stream.tap(() => Effect.andThen(Deferred.succeed(reading, undefined), Deferred.await(goOn))),
            Stream.filter(({ _tag }) => _tag === "Dropped"),
            Stream.runHead
          )
        )
        yield* Effect.scoped(Busy.spawn())
        yield* Deferred.await(reading)
        yield* Effect.replicateEffect(Effect.scoped(Busy.spawn()), 800, { discard: true })
        yield* Deferred.succeed(goOn, undefined)
        const dropped = Option.getOrThrow(yield* Fiber.join(reader))
        assert(dropped._tag === "Dropped" && dropped.count > 500)
      }).pipe(Effect.provide(Layer.mergeAll(placement.layer({ workers: 1 }), Observer.layer))))
  }, { except: ["threads", "processes"], reason: "the events of many actors are the same, and cheap in memory" })
})
