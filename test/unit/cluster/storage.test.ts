// What src/internal/cluster assumes of Effect's storages and of its configuration. Effect's modules are unstable: a test that fails here
// shows which assumption a new version of Effect breaks.
import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as Runner from "effect/cluster/Runner"
import * as RunnerAddress from "effect/cluster/RunnerAddress"
import * as RunnerStorage from "effect/cluster/RunnerStorage"
import * as ShardId from "effect/cluster/ShardId"
import * as ShardingConfig from "effect/cluster/ShardingConfig"
import * as SqlRunnerStorage from "effect/cluster/SqlRunnerStorage"
import * as RpcSerialization from "effect/rpc/RpcSerialization"
import * as SqlClient from "effect/sql/SqlClient"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { maxFrameSize } from "../../../src/internal/cluster/connections.ts"
import * as Local from "../../../src/internal/cluster/local.ts"
import * as NodeActorCluster from "../../../src/node/NodeActorCluster.ts"

const runner = (port: number): Runner.Runner =>
  Runner.make({ address: RunnerAddress.make("127.0.0.1", port), groups: ["default"], weight: 1 })

const file = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "uactor-"))),
    (folder) => Effect.sync(() => fs.rmSync(folder, { recursive: true }))
  ),
  (folder) => path.join(folder, "cluster.db")
)

/** The storage of runners in a new database. */
const withStorage = <A, E>(
  body: (storage: RunnerStorage.RunnerStorage["Service"], sql: SqlClient.SqlClient) => Effect.Effect<A, E>
) =>
  Effect.gen(function*() {
    const database = NodeActorCluster.layerSqlite({ filename: yield* file })
    yield* Effect.gen(function*() {
      yield* body(yield* RunnerStorage.RunnerStorage, yield* SqlClient.SqlClient)
    }).pipe(Effect.provide(
      SqlRunnerStorage.layer.pipe(Layer.provide(ShardingConfig.layer(Local.defaults)), Layer.provideMerge(database))
    ))
  }).pipe(Effect.scoped)

it.live("a runner whose heartbeat is older than shardLockExpiration is not in the list", () =>
  withStorage((storage, sql) =>
    Effect.gen(function*() {
      yield* storage.register(runner(1), true)
      yield* storage.register(runner(2), true)
      const ports = Effect.map(storage.getRunners, (runners) => runners.map(([{ address }]) => address.port).toSorted())
      assert.deepStrictEqual(yield* ports, [1, 2])
      yield* sql`update cluster_runners set last_heartbeat = datetime('now', '-11 seconds') where address like '%:1'`
      assert.deepStrictEqual(yield* ports, [2])
    })
  ))

it.live("a runner gets the locks that no other runner holds", () =>
  withStorage((storage) =>
    Effect.gen(function*() {
      const shards = [1, 2, 3].map((n) => ShardId.make("default", n))
      const idsOf = (held: ReadonlyArray<ShardId.ShardId>) => held.map(({ id }) => id).toSorted()
      const [one, two] = [runner(1), runner(2)]
      assert.deepStrictEqual(idsOf(yield* storage.acquire(one.address, shards.slice(0, 2))), [1, 2])
      assert.deepStrictEqual(idsOf(yield* storage.acquire(two.address, shards)), [3])
      yield* storage.release(one.address, shards[0]!)
      assert.deepStrictEqual(idsOf(yield* storage.acquire(two.address, shards)), [1, 3])
      assert.deepStrictEqual(idsOf(yield* storage.refresh(one.address, shards.slice(0, 2))), [2])
    })
  ))

it("the storage of messages has columns for types of 150, ids of 255 and tags of 50 characters", () => {
  const source = fs.readFileSync(fileURLToPath(import.meta.resolve("effect/cluster/SqlMessageStorage")), "utf8")
  for (const [column, width] of [["entity_type", 150], ["entity_id", 255], ["tag", 50]] as const) {
    const widths = Array.from(
      source.matchAll(new RegExp(`\\b${column} N?VARCHAR\\((\\d+)\\)`, "g")),
      ([, n]) => Number(n)
    )
    assert.isAbove(widths.length, 0, column)
    assert.deepStrictEqual([...new Set(widths)], [width], column)
  }
})

it("the fields of the configuration that this library changes exist, with the defaults that the docs compare", () => {
  assert.includeMembers(Object.keys(ShardingConfig.defaults), Object.keys(Local.defaults))
  const { refreshAssignmentsInterval, runnerHealthCheckInterval, shardLockExpiration } = ShardingConfig.defaults
  assert.deepStrictEqual(
    [refreshAssignmentsInterval, runnerHealthCheckInterval, shardLockExpiration].map(String),
    ["3000 millis", "60000 millis", "35000 millis"]
  )
})

it.live("a parser refuses a frame that is larger than the limit, and takes one of that size", () =>
  Effect.gen(function*() {
    const serialization = yield* RpcSerialization.RpcSerialization
    const frame = (size: number): Uint8Array => {
      const parser = serialization.makeUnsafe()
      return parser.encode({
        _tag: "Request",
        id: "1",
        tag: "t",
        payload: new Uint8Array(size),
        headers: []
      }) as Uint8Array
    }
    const parse = (size: number): unknown => serialization.makeUnsafe().decode(frame(size))
    parse(maxFrameSize - 2 ** 16)
    assert.throws(() => parse(maxFrameSize + 1))
  }).pipe(Effect.provide(RpcSerialization.layerSchemaBinary({ maxFrameSize }))))
