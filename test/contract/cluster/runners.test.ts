import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Layer, Queue, Stream } from "effect"
import * as ActorCluster from "../../../src/ActorCluster.ts"
import { ActorSystem } from "../../../src/ActorSystem.ts"
import * as ActorClusterTest from "../../../src/node/ActorClusterTest.ts"
import { freePort } from "../../../src/node/cluster/testNetwork.ts"
import * as NodeActorCluster from "../../../src/node/NodeActorCluster.ts"
import { Native, NativeLive, Tally, TallyLive } from "../fixtures/cluster.ts"
import { errorOf, upTo } from "../support/asserts.ts"
import { underLoad } from "../support/cluster.ts"
import * as Journal from "../support/journal.ts"

const names = ["one", "two", "three", "four", "five", "six"]

const hosts = ({ path }: Journal.Journal) => (number: number) =>
  ActorCluster.layer(Tally, { args: (id) => ({ id: `${id}@${names[number - 1]}`, journal: path, failures: 0 }) }).pipe(
    Layer.provide(ActorSystem.layer(TallyLive))
  )

type Scene = Omit<ActorClusterTest.TestCluster, "client"> & { readonly journal: Journal.Journal }
type Client = Layer.Success<ActorClusterTest.TestCluster["client"]>

/** A test with a new cluster of that many runners, whose body runs in the client. */
const onRunners = (number: number, name: string, body: (scene: Scene) => Effect.Effect<void, unknown, Client>): void =>
  it.live(name, () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const { client, ...cluster } = yield* ActorClusterTest.make({ runners: number, hosts: hosts(journal) })
      yield* Effect.provide(body({ ...cluster, journal }), client)
    }).pipe(Effect.scoped))

const count = (journal: Journal.Journal, line: string) =>
  Effect.map(journal.lines, (lines) => lines.filter((each) => each === line).length)

onRunners(2, "K1: actors spread over the runners, and each id has one actor", () =>
  Effect.gen(function*() {
    const tally = yield* ActorCluster.client(Tally)
    const ids = upTo(16).map(String)
    const before = yield* Effect.forEach(ids, (id) => tally(id).who(), { concurrency: "unbounded" })
    const runners = new Set(before.map(({ id }) => id.split("@")[1]))
    assert.deepStrictEqual([...runners].toSorted(), ["one", "two"])
    assert.deepStrictEqual(yield* Effect.forEach(ids, (id) => tally(id).who()), before)
    for (const id of ids) for (const n of [1, 2, 3]) assert.strictEqual(yield* tally(id).add({ by: 1 }), n)
  }))

onRunners(
  1,
  "K2: a volatile call whose connection is lost fails as Unknown, and never runs twice",
  ({ journal, runners: [runner] }) =>
    Effect.gen(function*() {
      const tally = yield* ActorCluster.ref(Tally, "a")
      const call = yield* Effect.forkChild(tally.wait({ n: 1 }))
      yield* journal.awaitLine("1 runs")
      yield* runner!.cut
      const lost = yield* Effect.flip(Fiber.join(call))
      assert(lost._tag === "ActorExited" && lost.reason === "Disconnected" && lost.outcome === "Unknown")
      assert.include(lost.message, "Tally/a.wait may have run: the connection was lost to its runner")
      yield* runner!.restore
      yield* journal.note("go 1")
      assert.strictEqual(yield* tally.add({ by: 1 }), 1)
      assert.strictEqual(yield* count(journal, "1 runs"), 1)
    })
)

onRunners(
  1,
  "K2: a tell whose connection is lost is not sent again",
  ({ journal, runners: [runner] }) =>
    Effect.gen(function*() {
      const tally = yield* ActorCluster.ref(Tally, "a")
      yield* tally.wait({ n: 1 }, { discard: true })
      yield* journal.awaitLine("1 runs")
      yield* runner!.cut
      yield* runner!.restore
      yield* journal.note("go 1")
      yield* journal.note("go 2")
      assert.strictEqual(yield* tally.waitAgain({ n: 2 }), 2)
      assert.strictEqual(yield* count(journal, "1 has run"), 1)
      assert.strictEqual(yield* count(journal, "1 runs"), 1)
    })
)

onRunners(
  1,
  "K2: an idempotent call whose connection is lost is sent again",
  ({ journal, runners: [runner] }) =>
    Effect.gen(function*() {
      const tally = yield* ActorCluster.ref(Tally, "a")
      const call = yield* Effect.forkChild(tally.waitAgain({ n: 1 }))
      yield* journal.awaitLine("1 runs")
      yield* runner!.cut
      yield* runner!.restore
      yield* journal.note("go 1")
      assert.strictEqual(yield* Fiber.join(call), 1)
    })
)

onRunners(
  1,
  "K2: a call that was never written waits for its runner, and runs once",
  ({ runners: [runner] }) =>
    Effect.gen(function*() {
      const tally = yield* ActorCluster.ref(Tally, "a", { deliveryTimeout: "1 minute" })
      yield* tally.add({ by: 1 })
      yield* runner!.cut
      // the client notices the end of its connection with the first of these calls, or before it
      const calls = yield* Effect.forkChild(
        Effect.forEach(upTo(5), () => Effect.exit(tally.add({ by: 1 })), { concurrency: "unbounded" })
      )
      // the client has tried to connect for as long as this call waits
      const brief = yield* ActorCluster.ref(Tally, "a", { deliveryTimeout: "500 millis" })
      assert.isTrue(Exit.isFailure(yield* Effect.exit(brief.add({ by: 0 }))))
      const stream = yield* Effect.forkChild(Stream.runCollect(tally.count({ upTo: 3, hangs: false })), {
        startImmediately: true
      })
      yield* runner!.restore
      const exits = yield* Fiber.join(calls)
      for (const exit of exits) {
        if (Exit.isFailure(exit)) assert.strictEqual((errorOf(exit) as { readonly outcome: string }).outcome, "Unknown")
      }
      assert.deepStrictEqual(yield* Fiber.join(stream), [1, 2, 3])
      assert.strictEqual(yield* tally.add({ by: 0 }), 1 + exits.filter(Exit.isSuccess).length)
    })
)

onRunners(
  1,
  "K4: a call to a runner that cannot be reached fails as NotRun after deliveryTimeout",
  ({ journal, runners: [runner] }) =>
    Effect.gen(function*() {
      yield* runner!.cut
      const tally = yield* ActorCluster.ref(Tally, "a", { deliveryTimeout: "1 second" })
      const call = yield* Effect.flip(tally.add({ by: 1 }))
      assert(call._tag === "ActorExited" && call.reason === "Disconnected" && call.outcome === "NotRun")
      assert.deepStrictEqual(yield* journal.lines, [])
    })
)

onRunners(
  1,
  "K2: a stream whose connection is lost fails, and repeats nothing",
  ({ runners: [runner] }) =>
    Effect.gen(function*() {
      const tally = yield* ActorCluster.ref(Tally, "a")
      const items = yield* Queue.unbounded<number>()
      const third = yield* Deferred.make<void>()
      const reader = yield* Effect.forkChild(
        Stream.runForEach(tally.count({ upTo: 3, hangs: true }), (n) =>
          Effect.andThen(Queue.offer(items, n), n === 3 ? Deferred.succeed(third, undefined) : Effect.void))
      )
      yield* Deferred.await(third)
      yield* runner!.cut
      yield* runner!.restore
      const lost = yield* Effect.flip(Fiber.join(reader))
      assert(lost._tag === "ActorExited" && lost.reason === "Disconnected" && lost.outcome === "Unknown")
      assert.deepStrictEqual(yield* Queue.takeAll(items), [1, 2, 3])
    })
)

onRunners(
  2,
  "K6: a runner that stops loses no call, and its actors are on the other runner",
  ({ add, runners: [one, two] }) =>
    Effect.gen(function*() {
      const tally = yield* ActorCluster.client(Tally)
      const ids = upTo(16).map(String)
      const load = yield* underLoad(ids, (id) => tally(id).add({ by: 1 }))
      yield* Effect.forEach(ids, (id) => tally(id).who())
      yield* one!.stop
      const after = yield* Effect.forEach(ids, (id) => tally(id).who())
      assert.isTrue(after.every(({ id }) => id.endsWith("@two")))
      const three = yield* add
      yield* two!.stop
      assert.isTrue((yield* load).every((calls) => calls > 0))
      assert.strictEqual((yield* tally("1").who()).id, "1@three")
      yield* three.stop
    })
)

onRunners(
  3,
  "K6: a rolling restart of three runners under load fails no call",
  ({ add, runners }) =>
    Effect.gen(function*() {
      const tally = yield* ActorCluster.client(Tally)
      const ids = upTo(24).map(String)
      const runnersOf = Effect.map(
        Effect.forEach(ids, (id) => tally(id).who(), { concurrency: "unbounded" }),
        (actors) => new Set(actors.map(({ id }) => id.split("@")[1]))
      )
      const load = yield* underLoad(
        ids,
        (id) => Effect.andThen(tally(id).add({ by: 1 }), tally(id).bytes({ size: 10 }))
      )
      for (const runner of runners) {
        const next = yield* add
        // it has taken over some actors
        yield* Effect.repeat(runnersOf, { until: (some) => some.has(names[next.number - 1]) })
        yield* runner.stop
      }
      assert.deepStrictEqual([...yield* runnersOf].toSorted(), ["five", "four", "six"])
      // a call that had failed would have ended the load
      assert.isTrue((yield* load).every((calls) => calls > 0))
    })
)

it.live("K6: a runner that stops waits for a call no longer than entityTerminationTimeout", () =>
  Effect.gen(function*() {
    const journal = yield* Journal.make
    const { client, runners: [one] } = yield* ActorClusterTest.make({
      runners: 2,
      hosts: hosts(journal),
      config: { entityTerminationTimeout: "1 second" }
    })
    const tally = yield* Effect.provide(ActorCluster.client(Tally), yield* Layer.build(client))
    const ids = upTo(16).map(String)
    const owners = yield* Effect.forEach(ids, (id) => tally(id).who())
    const id = ids[owners.findIndex((owner) => owner.id.endsWith("@one"))]!
    const volatile = yield* Effect.forkChild(Effect.flip(tally(id).wait({ n: 1 })))
    yield* journal.awaitLine("1 runs")
    yield* one!.stop
    const lost = yield* Fiber.join(volatile)
    assert(lost._tag === "ActorExited" && lost.outcome === "Unknown")
    assert.include(yield* journal.lines, "1 interrupted")
    assert.strictEqual((yield* tally(id).who()).id, `${id}@two`)
    assert.strictEqual(yield* count(journal, "1 runs"), 1)
  }).pipe(Effect.scoped))

onRunners(
  1,
  "C6: a payload or a result that is too large for a connection fails alone",
  ({ journal }) =>
    Effect.gen(function*() {
      const tally = yield* ActorCluster.client(Tally)
      const bystander = yield* Effect.forkChild(tally("b").wait({ n: 1 }))
      yield* journal.awaitLine("1 runs")
      const size = 17 * 2 ** 20
      const sent = yield* Effect.flip(tally("a").size({ bytes: new Uint8Array(size) }))
      assert(sent._tag === "ProtocolError" && sent.outcome === "NotRun")
      assert.include(sent.message, "larger than the limit between runners")
      const received = yield* Effect.flip(tally("a").bytes({ size }))
      assert(received._tag === "ProtocolError" && received.outcome === "Unknown")
      assert.strictEqual((yield* tally("a").bytes({ size: 2 ** 20 })).length, 2 ** 20)
      yield* journal.note("go 1")
      assert.strictEqual(yield* Fiber.join(bystander), 1)
    })
)

it.live("K1: an actor with a shard group lives on the runners that serve the group", () =>
  Effect.gen(function*() {
    const storage = Layer.succeedContext(yield* Layer.build(ActorCluster.layerStorageMemory))
    const config = { shardsPerGroup: 10, availableShardGroups: ["cpu", "gpu"], refreshAssignmentsInterval: 100 }
    const start = (group: string) =>
      Effect.gen(function*() {
        const runner = NodeActorCluster.layer({
          address: { host: "127.0.0.1", port: yield* freePort },
          storage: "given",
          linger: 0,
          config: { ...config, assignedShardGroups: [group] }
        })
        const host = ActorCluster.layer(Native, { args: (id) => `${id} on ${group}` }).pipe(
          Layer.provide(ActorSystem.layer(NativeLive))
        )
        yield* Layer.build(host.pipe(Layer.provide(runner), Layer.provide(storage), Layer.fresh, Layer.orDie))
      })
    const client = NodeActorCluster.layerClient({ storage: "given", config }).pipe(Layer.provide(storage), Layer.fresh)
    yield* start("cpu")
    const native = yield* Effect.provide(
      ActorCluster.client(Native, { deliveryTimeout: "500 millis" }),
      yield* Layer.build(client)
    )
    for (const n of upTo(4)) assert.strictEqual(yield* native(`cpu/${n}`).where(), `cpu/${n} on cpu`)
    // no runner serves the group
    const lost = yield* Effect.flip(native("gpu/1").where())
    assert.deepStrictEqual([lost._tag, lost.outcome], ["ActorExited", "NotRun"])
    yield* start("gpu")
    const patient = yield* Effect.provide(ActorCluster.client(Native), yield* Layer.build(client))
    for (const n of upTo(4)) assert.strictEqual(yield* patient(`gpu/${n}`).where(), `gpu/${n} on gpu`)
    assert.throws(() => native(`${"g".repeat(41)}/1`), RangeError, "must have at most 40 characters, not 41")
  }).pipe(Effect.scoped))

it("K1: the address of a runner is checked", () => {
  const at = (host: string, port = 34_431) => () => NodeActorCluster.layer({ address: { host, port } })
  assert.throws(at("203.0.113.7"), RangeError, "address.host must belong to a private network, not 203.0.113.7")
  assert.throws(at("2001:db8::1"), RangeError, "address.host")
  assert.throws(at("10.0.0.7", 0), RangeError, "address.port must be a port from 1 to 65535, not 0")
  assert.throws(
    () => NodeActorCluster.layer({ address: { host: "203.0.113.7", port: 1 }, listen: { host: "0.0.0.0", port: 1 } }),
    RangeError,
    "listen.host"
  )
  for (const host of ["10.0.0.7", "127.0.0.1", "172.20.1.1", "192.168.1.1", "fd00::1", "::1", "runner-1.internal"]) {
    at(host)()
  }
  NodeActorCluster.layer({ address: { host: "203.0.113.7", port: 34_431 }, allowPublicAddress: true })
})
