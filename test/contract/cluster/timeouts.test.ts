/** C12: the timeouts of calls and runs of actors in a cluster. */
import { assert, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { ClusterSchema } from "effect/cluster"
import * as Actor from "../../../src/Actor.ts"
import * as ActorCluster from "../../../src/ActorCluster.ts"
import { ActorSystem } from "../../../src/ActorSystem.ts"
import { defectOf } from "../support/asserts.ts"

let runs = 0

class Slow extends Actor.Service<Slow>()("Slow", {
  protocol: {
    run: Actor.method().annotate(Actor.RunTimeout, "50 millis"),
    call: Actor.method().annotate(Actor.CallTimeout, "50 millis"),
    other: Actor.method(),
    kept: Actor.method({ payload: { key: Schema.String }, primaryKey: ({ key }) => key })
      .annotate(ClusterSchema.Persisted, true)
  }
}) {}
const SlowLive = Slow.toLayer({
  run: () => Effect.never,
  call: () => Effect.never,
  other: () => Effect.never,
  kept: () => Effect.andThen(Effect.sync(() => runs++), Effect.never)
}, { runTimeout: "70 millis" })

it.live("C12: the timeouts of an actor hold in a cluster, and that of a persisted call is its result", () =>
  Effect.gen(function*() {
    const slow = yield* ActorCluster.ref(Slow, "a")
    for (const method of ["run", "call", "other"] as const) {
      const error = yield* Effect.flip(slow[method]())
      assert(error._tag === "CallTimedOut")
      assert.deepStrictEqual(
        [error.limit, error.timeout, error.outcome],
        [method === "call" ? "call" : "run", method === "other" ? 70 : 50, "Unknown"]
      )
    }
    for (const attempt of [1, 2]) {
      const error = yield* Effect.flip(slow.kept({ key: "a" }))
      assert.strictEqual(error._tag, "CallTimedOut", `attempt ${attempt}`)
    }
    assert.strictEqual(runs, 1)
  }).pipe(Effect.provide(
    ActorCluster.layer(Slow).pipe(
      Layer.provide(ActorSystem.layer(SlowLive)),
      Layer.provideMerge(ActorCluster.layerMemory)
    )
  )))

const protocol = { wait: Actor.method() }
class Plain extends Actor.Service<Plain>()("Plain", { protocol }) {}
class Free extends Actor.Service<Free>()("Free", {
  protocol: { wait: protocol.wait.annotate(Actor.CallTimeout, Infinity) }
}) {}
const handlers = { wait: () => Effect.void }

it.effect("C12: layerInline refuses timeouts, which it cannot keep", () =>
  Effect.gen(function*() {
    assert.throws(
      () => ActorCluster.layerInline(Slow, SlowLive),
      TypeError,
      "ActorCluster.layerInline: Slow.run: handlers in the fiber of an entity have no timeout (RunTimeout); " +
        "use Effect.timeout in the handler, or ActorCluster.layer"
    )
    const limited = Plain.toLayer(handlers, { callTimeout: "1 second" })
    const inline = ActorCluster.layerInline(Plain, limited).pipe(Layer.provide(ActorCluster.layerMemory))
    const defect = defectOf(yield* Effect.exit(Effect.scoped(Layer.build(inline))))
    assert.instanceOf(defect, TypeError)
    assert.include(defect.message, "Plain: handlers in the fiber of an entity have no timeout (callTimeout)")
    const free = Free.toLayer(handlers, { runTimeout: Infinity })
    yield* Layer.build(ActorCluster.layerInline(Free, free).pipe(Layer.provide(ActorCluster.layerMemory)))
  }).pipe(Effect.scoped))
