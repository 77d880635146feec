import { assert, it } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, Layer } from "effect"
import { RunnerStorage } from "effect/cluster/RunnerStorage"
import * as ActorCluster from "../../../src/ActorCluster.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import { ActorSystem } from "../../../src/ActorSystem.ts"
import { freePort } from "../../../src/node/cluster/testNetwork.ts"
import * as NodeActorCluster from "../../../src/node/NodeActorCluster.ts"
import { Tally, TallyLive } from "../fixtures/cluster.ts"
import * as Journal from "../support/journal.ts"

const config = {
  shardsPerGroup: 10,
  refreshAssignmentsInterval: 100,
  entityMessagePollInterval: 200,
  shardLockRefreshInterval: 500,
  shardLockExpiration: 60_000,
  sendRetryInterval: 20
}

/** A cluster of one runner, and a client. The runner cannot refresh its locks while `isCut`. */
const make = Effect.gen(function*() {
  const journal = yield* Journal.make
  const memory = yield* Layer.build(ActorCluster.layerStorageMemory)
  const storage = Context.get(memory, RunnerStorage)
  const network = { isCut: false }
  const refresh: typeof storage.refresh = (address, shards) =>
    Effect.suspend(() => network.isCut ? Effect.never : storage.refresh(address, shards))
  const shared = Layer.succeedContext(Context.add(memory, RunnerStorage, { ...storage, refresh }))
  const runner = NodeActorCluster.layer({
    address: { host: "127.0.0.1", port: yield* freePort },
    storage: "given",
    linger: 0,
    config
  })
  const host = ActorCluster.layer(Tally, { args: (id) => ({ id, journal: journal.path, failures: 0 }) }).pipe(
    Layer.provide(ActorSystem.layer(TallyLive))
  )
  yield* Layer.build(host.pipe(Layer.provide(runner), Layer.provide(shared), Layer.fresh, Layer.orDie))
  const client = NodeActorCluster.layerClient({ storage: "given", config }).pipe(Layer.provide(shared), Layer.fresh)
  const context = yield* Layer.build(client)
  const tally = (id: string, options?: ActorCluster.ClientOptions) =>
    Effect.provide(ActorCluster.ref(Tally, id, options), context)
  return { journal, network, tally }
})

it.live("K8: an idempotent call of a runner that loses its locks runs again, and a volatile call is Unknown", () =>
  Effect.gen(function*() {
    const { journal, network, tally } = yield* make
    const volatile = yield* Effect.forkChild(Effect.flip((yield* tally("a")).wait({ n: 1 })))
    yield* journal.awaitLine("1 runs")
    const idempotent = yield* Effect.forkChild((yield* tally("b")).waitAgain({ n: 2 }))
    yield* journal.awaitLine("2 runs")
    network.isCut = true
    yield* journal.awaitLine("1 interrupted")
    yield* journal.awaitLine("2 interrupted")
    const lost = yield* Fiber.join(volatile)
    assert(lost._tag === "ActorExited" && lost.reason === "Stopped" && lost.outcome === "Unknown")
    network.isCut = false
    yield* journal.note("go 2")
    assert.strictEqual(yield* Fiber.join(idempotent), 2)
    const lines = yield* journal.lines
    assert.strictEqual(lines.filter((line) => line === "1 runs").length, 1)
    assert.strictEqual(lines.filter((line) => line === "2 runs").length, 2)
  }).pipe(Effect.scoped))

it.live("K8: a stop that waits for a call of a runner that loses its locks completes on the next runner", () =>
  Effect.gen(function*() {
    const { journal, network, tally } = yield* make
    const actor = yield* tally("a")
    const running = yield* Effect.forkChild(Effect.flip(actor.wait({ n: 1 })))
    yield* journal.awaitLine("1 runs")
    const stopping = yield* Effect.forkChild(ActorRef.stop(actor, { drain: true }), { startImmediately: true })
    network.isCut = true
    yield* journal.awaitLine("1 interrupted")
    assert.strictEqual((yield* Fiber.join(running))._tag, "ActorExited")
    network.isCut = false
    yield* Fiber.join(stopping)
    assert.strictEqual(yield* actor.add({ by: 1 }), 1)
  }).pipe(Effect.scoped))

it.live("K4: an idempotent call that has begun on a runner and finds no other one is Unknown after deliveryTimeout", () =>
  Effect.gen(function*() {
    const { journal, network, tally } = yield* make
    // the actor runs, and the connection is open: the call arrives in time
    yield* (yield* tally("a")).add({ by: 1 })
    const actor = yield* tally("a", { deliveryTimeout: "3 seconds" })
    const call = yield* Effect.forkChild(Effect.flip(actor.waitAgain({ n: 1 })))
    yield* journal.awaitLine("1 runs")
    network.isCut = true
    const lost = yield* Fiber.join(call)
    assert(lost._tag === "ActorExited" && lost.reason === "Disconnected" && lost.outcome === "Unknown")
    assert.include(lost.message, "Tally/a.waitAgain may have run: no runner took the call within 3000 ms")
    assert.strictEqual((yield* journal.lines).filter((line) => line === "1 runs").length, 1)
    network.isCut = false
  }).pipe(Effect.scoped))

it.live("K4: a stop and an idempotent call in a program that has left the cluster settle without another attempt", () =>
  Effect.gen(function*() {
    const cluster = ActorCluster.layer(Tally, { args: (id) => ({ id, journal: "", failures: 0 }) }).pipe(
      Layer.provide(ActorSystem.layer(TallyLive)),
      Layer.provideMerge(ActorCluster.layerMemory)
    )
    const actor = yield* Effect.provide(ActorCluster.ref(Tally, "a", { deliveryTimeout: "Infinity" }), cluster)
    const failed = yield* Effect.flip(actor.who())
    assert.strictEqual(failed._tag, "ActorExited")
    assert.isTrue(Exit.isFailure(yield* Effect.exit(ActorRef.stop(actor))))
  }))
