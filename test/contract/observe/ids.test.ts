/** What an actor, a pool, a handle and a system show of themselves in logs, and the ids of actors. */
import { assert, it } from "@effect/vitest"
import { Effect, Exit, Logger, Schema } from "effect"
import { inspect } from "node:util"
import * as Actor from "../../../src/Actor.ts"
import * as ActorPool from "../../../src/ActorPool.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import { ActorSystem } from "../../../src/ActorSystem.ts"
import * as Handle from "../../../src/Handle.ts"
import * as Supervision from "../../../src/Supervision.ts"
import behaviours, { Probe } from "../fixtures/observed.ts"
import { onEveryPlacement } from "../support/placements.ts"

const fixture = { module: new URL("../fixtures/observed.ts", import.meta.url), behaviours }
const kinds = { memory: "memory", threads: "thread", processes: "process" } as const

const textOf = (u: unknown): string => String(u)
const plain = (u: unknown): any => JSON.parse(JSON.stringify(u))
const numberOf = (id: string): number => Number(id.slice(id.lastIndexOf("-") + 1))

onEveryPlacement(fixture, (placement) => {
  it.live("an actor has one id in all its incarnations, and each actor its own", () =>
    Effect.gen(function*() {
      const policy = Supervision.make({ maxRestarts: 1 })
      const first = yield* Probe.spawn().pipe(Supervision.supervised(policy))
      const second = yield* Probe.spawn()
      const id = ActorRef.id(first)
      assert.match(id, /^Probe-\d+$/)
      assert.strictEqual(numberOf(ActorRef.id(second)), numberOf(id) + 1)
      yield* Effect.exit(first.crash())
      yield* first.self()
      assert.strictEqual(ActorRef.id(first), id)
      assert.deepInclude(plain(first), { id, state: "Running", incarnation: 2 })
    }).pipe(Effect.provide(placement.layer()), Effect.provide(Logger.layer([]))))

  it.live("a reference shows its actor in a template, in JSON and in Node's inspect", () =>
    Effect.gen(function*() {
      const probe = yield* Probe.spawn()
      const id = ActorRef.id(probe)
      const facts = {
        _id: "ActorRef",
        id,
        name: "Probe",
        address: ActorRef.address(probe),
        state: "Running",
        incarnation: 1
      }
      assert.strictEqual(`${probe}`, id)
      assert.strictEqual(String(probe), id)
      assert.strictEqual(probe + "", id)
      assert.deepStrictEqual(plain({ probe }), { probe: facts })
      assert.strictEqual(inspect(probe), inspect(facts))
      yield* ActorRef.stop(probe)
      assert.deepStrictEqual(plain(probe), { ...facts, state: "Ended" })
    }).pipe(Effect.provide(placement.layer())))

  it.live("every holder of a reference sees the same id, the actor itself among them", () =>
    Effect.gen(function*() {
      const probe = yield* Probe.spawn()
      const near = yield* Probe.spawn()
      const far = yield* Probe.spawn()
      const id = ActorRef.id(probe)
      const address = ActorRef.address(probe)
      for (
        const seen of [yield* probe.self(), yield* near.see({ ref: probe }), yield* near.pass({ ref: probe, to: far })]
      ) {
        assert.deepInclude(seen, { id, text: id })
        assert.deepInclude(JSON.parse(seen.json), { _id: "ActorRef", id, name: "Probe", address })
      }
    }).pipe(Effect.provide(placement.layer())))

  it.live("the actors of a pool have an id each", () =>
    Effect.gen(function*() {
      for (const strategy of ["first-free", "round-robin"] as const) {
        const pool = yield* ActorPool.make(Probe, { size: 2, strategy })
        const members = (yield* pool.members).map(ActorRef.id)
        assert.strictEqual(new Set(members).size, 2)
        assert.deepStrictEqual(plain(pool), { _id: "ActorPool", name: "Probe", members })
        assert.strictEqual(textOf(pool), "ActorPool(Probe)")
        assert.deepStrictEqual(plain(pool.client), { _id: "ActorPool.client", name: "Probe" })
        assert.strictEqual(textOf(pool.client), "ActorPool(Probe).client")
        assert.include(members, (yield* pool.client.self()).id)
      }
    }).pipe(Effect.scoped, Effect.provide(placement.layer())))

  it.live("a handle shows its kind, and a received handle its owner", () =>
    Effect.gen(function*() {
      const own = yield* Handle.makeQueue<number>()
      assert.deepStrictEqual(plain(own), { _id: "Handle", kind: "Queue" })
      assert.strictEqual(`${own}`, "Handle(Queue)")
      const probe = yield* Probe.spawn()
      const queue = yield* probe.queue()
      assert.strictEqual(`${queue}`, "Handle(Queue)")
      assert.deepInclude(plain(queue), { _id: "Handle", kind: "Queue" })
      assert.match(plain(queue).owner, /Probe/)
      assert.include(inspect(queue), "_id: 'Handle'")
    }).pipe(Effect.scoped, Effect.provide(placement.layer())))

  it.live("a system shows its workers and actors", () =>
    Effect.gen(function*() {
      const system = yield* ActorSystem
      const kind = kinds[placement.name]
      assert.deepStrictEqual(plain(system), { _id: "ActorSystem", placement: kind, workers: 0, actors: 0 })
      yield* Probe.spawn()
      yield* Probe.spawn()
      assert.deepInclude(plain(system), { workers: 2, actors: 2 })
      assert.strictEqual(textOf(system), `ActorSystem(${kind})`)
    }).pipe(Effect.scoped, Effect.provide(placement.layer())))
})

onEveryPlacement(fixture, (placement) => {
  it.live("the actors that a worker spawns have ids of their own", () =>
    Effect.gen(function*() {
      const first = yield* Probe.spawn()
      const second = yield* Probe.spawn()
      const ids = yield* Effect.all([
        first.inner({ on: "threads" }),
        first.inner({ on: "threads" }),
        second.inner({ on: "processes" }),
        first.innermost()
      ], { concurrency: "unbounded" })
      const all = [ActorRef.id(first), ActorRef.id(second), ...ids.map(({ id }) => id)]
      assert.strictEqual(new Set(all).size, all.length, all.join())
      for (const { id } of ids.slice(0, 3)) assert.match(id, /^(?:thread|process)-\d(?:~\d+)?\/Probe-\d+$/)
      assert.match(ids[3].id, /^(?:thread|process)-\d(?:~\d+)?\/thread-1(?:~\d)?\/Probe-\d+$/)
    }).pipe(Effect.scoped, Effect.provide(placement.layer())), 120_000)
}, { except: ["memory"], reason: "the worker is this thread" })

it.live("a handle of a result, and a handle of an object, show their kinds", () =>
  Effect.gen(function*() {
    const Lamp = Handle.object({ light: Actor.method({ success: Schema.String }) }, { name: "Lamp" })
    const lamp = yield* Lamp.of({ light: () => Effect.succeed("on") })
    assert.deepStrictEqual(plain(lamp), { _id: "Handle", kind: "Lamp" })
    assert.strictEqual(`${lamp}`, "Handle(Lamp)")
    const result = yield* Handle.fork(Effect.succeed(1))
    assert.deepStrictEqual(plain(result), { _id: "Handle", kind: "Deferred" })
    assert.isTrue(Exit.isSuccess(yield* Effect.exit(result.await)))
  }).pipe(Effect.scoped))
