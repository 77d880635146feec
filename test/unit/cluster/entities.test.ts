// What src/internal/cluster assumes of Effect's entities. Effect's modules are unstable: a test that fails here shows which assumption a new
// version of Effect breaks.
import { assert, it } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Fiber, Layer, PrimaryKey, Schema, Scope } from "effect"
import * as ClusterSchema from "effect/cluster/ClusterSchema"
import * as Entity from "effect/cluster/Entity"
import * as EntityAddress from "effect/cluster/EntityAddress"
import * as EntityId from "effect/cluster/EntityId"
import * as MessageStorage from "effect/cluster/MessageStorage"
import * as RunnerHealth from "effect/cluster/RunnerHealth"
import type * as Runners from "effect/cluster/Runners"
import * as Sharding from "effect/cluster/Sharding"
import * as ShardingConfig from "effect/cluster/ShardingConfig"
import * as Rpc from "effect/rpc/Rpc"
import * as Local from "../../../src/internal/cluster/local.ts"
import * as MemoryStorage from "../../../src/internal/cluster/memoryStorage.ts"
import * as GuardedRunners from "../../../src/internal/cluster/runners.ts"

const Probe = Entity.make("Probe", [
  Rpc.make("die", { success: Schema.Int }),
  Rpc.make("wait", { success: Schema.Int }),
  Rpc.make("keep", { payload: { key: Schema.String }, success: Schema.Int, primaryKey: ({ key }) => key })
    .annotate(ClusterSchema.Persisted, true)
])

/** Runs a body in a cluster of one runner that hosts the entity. */
const hosted = <A, E>(
  handlers: Record<string, (request: any) => Effect.Effect<number>>,
  body: (
    probe: Effect.Success<typeof Probe.client>
  ) => Effect.Effect<A, E, Sharding.Sharding | MessageStorage.MessageStorage>,
  options: Parameters<typeof Probe.toLayer>[1] = { disableFatalDefects: true, concurrency: "unbounded" }
) => {
  const fallback = { die: () => Effect.succeed(0), wait: () => Effect.succeed(0), keep: () => Effect.succeed(0) }
  const layer: Layer.Layer<Sharding.Sharding | Runners.Runners | MessageStorage.MessageStorage> = Probe.toLayer(
    Effect.succeed({ ...fallback, ...handlers } as never),
    options
  ).pipe(Layer.provideMerge(Local.layer))
  return Effect.flatMap(Probe.client, body).pipe(Effect.provide(layer))
}

it.live("with disableFatalDefects a defect is the result of its call, and the handler runs once", () => {
  let runs = 0
  return hosted(
    { die: () => Effect.suspend(() => (runs++, Effect.die(new RangeError("no such floor")))) },
    (probe) =>
      Effect.gen(function*() {
        const exit = yield* Effect.exit(probe("a").die())
        assert(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
        assert.strictEqual(runs, 1)
        assert.strictEqual(yield* probe("a").wait(), 0)
      })
  )
})

it.live("with unbounded concurrency the calls of an entity start in the order in which they were made", () => {
  const order: Array<string> = []
  return hosted(
    { keep: ({ payload }) => Effect.sync(() => order.push(payload.key)) },
    (probe) =>
      Effect.map(
        Effect.forEach(["1", "2", "3"], (key) => probe("a").keep({ key })),
        () => assert.deepStrictEqual(order, ["1", "2", "3"])
      )
  )
})

it.live("a scope that is forked in the build of an entity closes after the calls have ended", () => {
  const events: Array<string> = []
  return Effect.gen(function*() {
    const running = yield* Deferred.make<void>()
    const build = Effect.gen(function*() {
      const scope = yield* Scope.fork(yield* Effect.scope)
      yield* Scope.addFinalizer(scope, Effect.sync(() => void events.push("scope")))
      return {
        die: () => Effect.succeed(0),
        keep: () => Effect.succeed(0),
        wait: () =>
          Effect.andThen(Deferred.succeed(running, undefined), Effect.never).pipe(
            Effect.onInterrupt(() => Effect.sync(() => void events.push("call")))
          )
      }
    })
    const layer = Probe.toLayer(build as never, { disableFatalDefects: true, concurrency: "unbounded" }).pipe(
      Layer.provideMerge(Sharding.layer),
      Layer.provide(GuardedRunners.layerLocal),
      Layer.provide(MemoryStorage.layer),
      Layer.provide(RunnerHealth.layerNoop),
      Layer.provide(ShardingConfig.layer({ ...Local.defaults, entityTerminationTimeout: 50 }))
    )
    yield* Effect.gen(function*() {
      const probe = yield* Probe.client
      yield* Effect.forkDetach(Effect.exit(probe("a").wait()))
      yield* Deferred.await(running)
    }).pipe(Effect.provide(layer))
    assert.deepStrictEqual(events, ["call", "scope"])
  })
})

it.live("a persisted call runs once for its key, and clearAddress removes the key", () => {
  let runs = 0
  return hosted(
    { keep: () => Effect.sync(() => ++runs) },
    (probe) =>
      Effect.gen(function*() {
        const keep = probe("a").keep({ key: "k" })
        assert.deepStrictEqual([yield* keep, yield* keep], [1, 1])
        const sharding = yield* Sharding.Sharding
        const storage = yield* MessageStorage.MessageStorage
        const entityId = EntityId.make("a")
        yield* storage.clearAddress(EntityAddress.make({
          entityType: Probe.type,
          entityId,
          shardId: sharding.getShardId(entityId, Probe.getShardGroup(entityId))
        }))
        assert.strictEqual(yield* keep, 2)
      })
  )
})

it("the payload of a method with a primaryKey has the key", () => {
  const schema = Probe.protocol.requests.get("keep")!.payloadSchema as Schema.Top & {
    make: (input: unknown) => unknown
  }
  const payload = schema.make({ key: "k" })
  assert(PrimaryKey.isPrimaryKey(payload))
  assert.strictEqual(PrimaryKey.value(payload), "k")
})

it("a forked handler is a wrapper around its effect", () => {
  const effect = Effect.succeed(1)
  const forked = Rpc.fork(effect)
  assert(Rpc.isWrapper(forked))
  assert.strictEqual(forked.value, effect)
})

it.live("a caller that is interrupted interrupts its volatile call", () =>
  Effect.gen(function*() {
    const [running, interrupted] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
    yield* hosted(
      {
        wait: () =>
          Effect.andThen(Deferred.succeed(running, undefined), Effect.never).pipe(
            Effect.onInterrupt(() => Deferred.succeed(interrupted, undefined))
          )
      },
      (probe) =>
        Effect.gen(function*() {
          const call = yield* Effect.forkChild(probe("a").wait())
          yield* Deferred.await(running)
          yield* Fiber.interrupt(call)
          yield* Deferred.await(interrupted)
        })
    )
  }))
