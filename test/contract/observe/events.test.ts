/** The events of mailboxes, calls, handles and pools, and those of actors that are not built again. */
import { assert, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Layer, Logger, Option, Schedule, Stream } from "effect"
import * as ActorPool from "../../../src/ActorPool.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import { type Event, Observer } from "../../../src/Observer.ts"
import * as Supervision from "../../../src/Supervision.ts"
import { forked, logOf, upTo } from "../support/asserts.ts"
import { until } from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"
import behaviours, { Booth, Closed, Gate, Unserved, Visitor } from "./actors/gates.ts"

const fixture = { module: new URL("./actors/gates.ts", import.meta.url), behaviours }

type Tag = Event["_tag"]

/** Collects the events from now on, until the scope closes. */
const collect = Effect.gen(function*() {
  const observer = yield* Observer
  const events: Array<Event> = []
  yield* Effect.forkScoped(
    Stream.runForEach(observer.events, (event) => Effect.sync(() => events.push(event))),
    { startImmediately: true }
  )
  const find = <T extends Tag>(tag: T) =>
    events.find((event): event is Extract<Event, { _tag: T }> => event._tag === tag)
  return {
    events,
    /** waits for the first event with this tag */
    first: <T extends Tag>(tag: T) =>
      Effect.map(until(`there is an event ${tag}`, () => find(tag) !== undefined), () => find(tag)!)
  }
})

onEveryPlacement(fixture, (placement) => {
  const layer = Layer.mergeAll(placement.layer(), Observer.layer, Logger.layer([]))

  it.live("a mailbox that fills up is high, then full, and low when it is empty again", () =>
    Effect.gen(function*() {
      const { events, first } = yield* collect
      const booth = yield* Booth.spawn()
      const actor = ActorRef.id(booth)
      const passing = yield* forked(booth.pass())
      const touches = yield* Effect.forEach(upTo(8), () => forked(booth.touch()))
      assert.deepInclude(yield* first("MailboxHigh"), { actor, capacity: 10 })
      assert.isFalse(events.some(({ _tag }) => _tag === "MailboxFull" || _tag === "MailboxLow"))
      const more = yield* Effect.forEach(upTo(10), () => forked(Effect.exit(booth.touch())))
      assert.deepInclude(yield* first("MailboxFull"), { actor, capacity: 10 })
      yield* booth.open()
      const low = yield* first("MailboxLow")
      assert.deepInclude(low, { actor, capacity: 10 })
      assert.isBelow(low.size, 5)
      yield* Fiber.join(passing)
      yield* Effect.forEach(touches, Fiber.join)
      const refused = (yield* Effect.forEach(more, Fiber.join)).filter(Exit.isFailure)
      // not an event for each refused call
      assert.isBelow(events.filter(({ _tag }) => _tag === "MailboxFull").length, refused.length)
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.live("an interruption that a handler does not follow for a while is an event", () =>
    Effect.gen(function*() {
      const { first } = yield* collect
      const booth = yield* Booth.spawn()
      const insisting = yield* forked(booth.insist())
      const observer = yield* Observer
      const isRunning = Effect.map(observer.snapshot(), ({ totals }) => totals.running === 1)
      yield* Effect.repeat(isRunning, { until: (running) => running })
      const interrupting = yield* forked(Fiber.interrupt(insisting))
      // the time that the event measures
      yield* Effect.sleep(150)
      yield* booth.open()
      yield* Fiber.join(interrupting)
      const { actor, forMillis, method } = yield* first("CallInterruptedLate")
      assert.deepStrictEqual([actor, method], [ActorRef.id(booth), "insist"])
      assert.isAtLeast(forMillis, 149)
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.live("a tell whose handler fails, and one that is lost, are events", () =>
    Effect.gen(function*() {
      const { events, first } = yield* collect
      const gate = yield* Gate.spawn()
      yield* gate.die(undefined, { discard: true })
      assert.deepInclude(yield* first("TellFailed"), { actor: ActorRef.id(gate), method: "die", message: "oops" })
      yield* forked(Effect.exit(gate.pass()))
      yield* gate.touch(undefined, { discard: true })
      yield* ActorRef.kill(gate)
      const isLost = (event: Event): boolean => event._tag === "TellFailed" && event.method === "touch"
      yield* until("the lost tell is an event", () => events.some(isLost))
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.live("a worker that dies with a handle of the program is an event", () =>
    Effect.gen(function*() {
      const { first } = yield* collect
      const observer = yield* Observer
      const gate = yield* Gate.spawn()
      const visitor = yield* Visitor.spawn()
      const { worker } = Option.getOrThrow(yield* observer.actor(ActorRef.id(visitor)))
      assert.strictEqual(yield* visitor.visit({ gate }), 1)
      yield* ActorRef.kill(visitor)
      const ended = yield* first("HandleLeaseEnded")
      assert.strictEqual(ended.worker, worker)
      assert.isAbove(ended.lent, 0)
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.live("what an observer does is in the log of the program", () => {
    const log = logOf("Info")
    return Effect.gen(function*() {
      const observer = yield* Observer
      const gate = yield* Supervision.supervised(Gate.spawn(), Supervision.make({ maxRestarts: 1 }))
      const other = yield* Gate.spawn()
      const addresses = [gate, other].map(ActorRef.address)
      yield* observer.restart(ActorRef.id(gate))
      const next = ActorRef.address(gate)
      yield* observer.stop(ActorRef.id(gate), { drain: true })
      yield* observer.kill(ActorRef.id(other))
      yield* Effect.exit(observer.kill("Gate-none"))
      const lines = log.lines.map(({ message }) => message).filter((line) => line.startsWith("an observer"))
      assert.deepStrictEqual(lines, [
        `an observer restarts ${addresses[0]}`,
        `an observer drains and stops ${next}`,
        `an observer kills ${addresses[1]}`
      ])
    }).pipe(
      Effect.scoped,
      Effect.provide(Layer.mergeAll(placement.layer(), Observer.layer)),
      Effect.provide(log.layer)
    )
  })

  it.live("a failed spawn says why, and an actor without a restart left is given up", () =>
    Effect.gen(function*() {
      const { events, first } = yield* collect
      yield* Effect.exit(Unserved.spawn())
      assert.strictEqual((yield* first("SpawnFailed")).reason, "NotServed")
      yield* Effect.exit(Closed.spawn())
      const reasons = () => events.flatMap((event) => event._tag === "SpawnFailed" ? [event.reason] : [])
      yield* until("both spawns have failed", () => reasons().length === 2)
      assert.deepStrictEqual(reasons(), ["NotServed", "StartError"])
      const policy = Supervision.make({ schedule: Schedule.spaced(1), maxRestarts: 1 })
      const gate = yield* Supervision.supervised(Gate.spawn(), policy)
      const actor = ActorRef.id(gate)
      yield* Effect.exit(gate.crash())
      yield* gate.touch()
      yield* Effect.exit(gate.crash())
      assert.deepInclude(yield* first("ActorRestarting"), { actor, attempt: 1, reason: "Crashed" })
      assert.strictEqual((yield* first("ActorGivenUp")).actor, actor)
      const exit = yield* ActorRef.awaitExit(gate)
      assert.isTrue(Exit.isFailure(exit) && Cause.hasFails(exit.cause))
      yield* first("ActorEnded")
      assert.deepStrictEqual(
        events.flatMap((event) => "actor" in event && event.actor === actor ? [event._tag] : []),
        ["ActorSpawned", "ActorRestarting", "ActorRestarted", "ActorGivenUp", "ActorEnded"]
      )
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.live("a pool that grows and shrinks, and its full queue, are events", () =>
    Effect.gen(function*() {
      const { events, first } = yield* collect
      const pool = yield* ActorPool.make(Gate, {
        size: { min: 1, max: 2, idleTimeToLive: "40 millis" },
        queueCapacity: 1,
        onFull: "fail"
      })
      const passing = yield* forked(pool.client.pass())
      const second = yield* forked(pool.client.pass())
      assert.deepInclude(yield* first("PoolGrew"), { pool: "Gate", members: 2 })
      const observer = yield* Observer
      const areBusy = Effect.map(observer.snapshot(), ({ totals }) => totals.running === 2)
      yield* Effect.repeat(areBusy, { until: (busy) => busy })
      const waiting = yield* forked(pool.client.touch())
      assert.isTrue(Exit.isFailure(yield* Effect.exit(pool.client.touch())))
      assert.deepInclude(yield* first("QueueFull"), { pool: "Gate", size: 1, capacity: 1 })
      assert.isFalse(events.some(({ _tag }) => _tag === "PoolShrank"))
      yield* Fiber.interrupt(passing)
      yield* Fiber.interrupt(second)
      yield* Fiber.join(waiting)
      assert.deepInclude(yield* first("PoolShrank"), { pool: "Gate", members: 1 })
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.live("a pool without a member left is an event", () =>
    Effect.gen(function*() {
      const { events, first } = yield* collect
      const pool = yield* ActorPool.make(Gate, { size: 2, onGivenUp: "fail" })
      const [one, two] = yield* pool.members
      yield* ActorRef.kill(one!)
      yield* pool.client.touch()
      assert.isFalse(events.some(({ _tag }) => _tag === "PoolFailed"))
      yield* ActorRef.kill(two!)
      const exit = yield* pool.awaitExit
      assert.isTrue(Exit.isFailure(exit))
      const { message, pool: name } = yield* first("PoolFailed")
      assert.strictEqual(name, "Gate")
      assert.include(message, "the pool of Gate has failed")
    }).pipe(Effect.scoped, Effect.provide(layer)))
})
