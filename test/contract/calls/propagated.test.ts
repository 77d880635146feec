/** References of the user that travel with calls. */
import { assert, it } from "@effect/vitest"
import { Context, Effect, Layer, Option, Schema, Stream } from "effect"
import { Actor, ActorPool, Handle } from "../../../src/index.ts"
import * as NodeActorSystem from "../../../src/node/NodeActorSystem.ts"
import { assertError, defectOf } from "../support/asserts.ts"
import { onEveryPlacement } from "../support/placements.ts"
import { Bearer, Courier } from "./actors/bearer.ts"
import behaviours, { Deadline, makeMirror, Tenant } from "./actors/propagated.ts"

const fixture = { module: new URL("./actors/propagated.ts", import.meta.url), behaviours }

const nothing = ["nobody", 0] as const
const ada = ["ada", 2030] as const

const asAda = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  effect.pipe(
    Effect.provideService(Tenant, "ada"),
    Effect.provideService(Deadline, Option.some(new Date("2030-06-01")))
  )

onEveryPlacement(fixture, (placement) => {
  it.live("C13: a handler sees the references of its caller, of each call its own", () =>
    Effect.gen(function*() {
      const bearer = yield* Bearer.spawn()
      assert.deepStrictEqual(yield* bearer.read(), nothing)
      assert.deepStrictEqual(yield* asAda(bearer.read()), ada)
      assert.deepStrictEqual(yield* bearer.read(), nothing)
      const all = yield* Effect.forEach(
        ["a", "b", "c"],
        (tenant) => Effect.provideService(bearer.read(), Tenant, tenant),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(all, [["a", 0], ["b", 0], ["c", 0]])
      // a reference without a value is not carried
      assert.deepStrictEqual(yield* asAda(Effect.provideService(bearer.read(), Deadline, Option.none())), ["ada", 0])
    }).pipe(Effect.scoped, Effect.provide(placement.layer())))

  it.live("C13: tells, streams, the calls of a pool and the calls of handles carry the references", () =>
    Effect.gen(function*() {
      const bearer = yield* Bearer.spawn()
      yield* asAda(bearer.note(undefined, { discard: true }))
      assert.deepStrictEqual(yield* bearer.noted(), ada)
      assert.deepStrictEqual(yield* asAda(Stream.runCollect(bearer.reads())), [ada, ada])
      const pool = yield* ActorPool.make(Bearer, { size: 1 })
      assert.deepStrictEqual(yield* asAda(pool.client.read()), ada)
      const mirror = yield* bearer.mirror()
      assert.deepStrictEqual(yield* asAda(mirror.read()), ada)
      assert.deepStrictEqual(yield* mirror.read(), nothing)
      const own = yield* makeMirror
      assert.deepStrictEqual(yield* asAda(bearer.look({ mirror: own })), ada)
    }).pipe(Effect.scoped, Effect.provide(placement.layer())))

  it.live("C13: an actor passes the references of its caller on to other actors, or its own", () =>
    Effect.gen(function*() {
      const bearer = yield* Bearer.spawn()
      const courier = yield* Courier.spawn()
      // the first call goes through the program, the later ones on the direct route
      for (let i = 0; i < 5; i++) {
        assert.deepStrictEqual(yield* courier.ask({ bearer }), nothing)
        assert.deepStrictEqual(yield* asAda(courier.ask({ bearer })), ada)
        assert.deepStrictEqual(yield* asAda(courier.askAs({ bearer, tenant: "bob" })), ["bob", 2030])
        assert.deepStrictEqual(yield* courier.askAs({ bearer, tenant: "bob" }), ["bob", 0])
      }
    }).pipe(Effect.scoped, Effect.provide(placement.layer({ workers: 2 }))))

  it.live("C13: a call with a value that does not fit the schema dies with a TypeError", () =>
    Effect.gen(function*() {
      const bearer = yield* Bearer.spawn()
      const wrong = Effect.provideService(Tenant, "")
      for (const effect of [wrong(bearer.read()), wrong(Stream.runDrain(bearer.reads()))]) {
        assertError(defectOf(yield* Effect.exit(effect)), {
          name: "TypeError",
          message:
            "Actor.Propagated: the value of test/Tenant does not fit its schema: Expected a value with a length of at least 1"
        })
      }
      assert.deepStrictEqual(yield* bearer.read(), nothing)
    }).pipe(Effect.scoped, Effect.provide(placement.layer())))
})

it.live("C13: a worker that does not know a reference passes it on", () =>
  Effect.gen(function*() {
    const courier = yield* Effect.provideContext(
      Courier.spawn(),
      yield* Layer.build(NodeActorSystem.layerThreads({ module: new URL("./actors/courier.ts", import.meta.url) }))
    )
    const bearer = yield* Effect.provideContext(
      Bearer.spawn(),
      yield* Layer.build(NodeActorSystem.layerProcesses({ module: fixture.module }))
    )
    assert.deepStrictEqual(yield* asAda(courier.ask({ bearer })), ada)
    assert.deepStrictEqual(yield* courier.ask({ bearer }), nothing)
  }).pipe(Effect.scoped))

it("C13: a reference whose schema contains handles is refused", () => {
  assert.throws(
    () =>
      Actor.Propagated(
        Context.Reference("test/Latches", { defaultValue: (): Array<Handle.LatchHandle> => [] }),
        Schema.mutable(Schema.Array(Handle.Latch))
      ),
    /^Actor.Propagated: the schema of test\/Latches contains handles/
  )
})
