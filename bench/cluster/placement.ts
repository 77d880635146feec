/**
 * A simulation of the placement of a cluster, without sockets: `node --expose-gc --conditions=@uactor/source bench/cluster/placement.ts`.
 *
 * Assigns a million actors to 10, 100 and 1,000 runners by Effect's own functions, with several numbers of shards. For each, it loses one
 * runner, and adds one: how many actors move, how evenly they spread, how long a runner computes, and the memory that a runner needs for the
 * assignment. Then it measures the memory of an actor that runs. Prints the tables of docs/cluster.md.
 */
import { Effect, Layer, References, Schema } from "effect"
import * as EntityId from "effect/cluster/EntityId"
import * as MessageStorage from "effect/cluster/MessageStorage"
import * as RunnerAddress from "effect/cluster/RunnerAddress"
import * as RunnerHealth from "effect/cluster/RunnerHealth"
import * as Runners from "effect/cluster/Runners"
import * as RunnerStorage from "effect/cluster/RunnerStorage"
import type * as ShardId from "effect/cluster/ShardId"
import * as Sharding from "effect/cluster/Sharding"
import * as ShardingConfig from "effect/cluster/ShardingConfig"
import * as HashRing from "effect/HashRing"
import * as MutableHashMap from "effect/MutableHashMap"
import { Actor, ActorSystem } from "uactor"
import * as ActorCluster from "uactor/ActorCluster"

const actors = 1_000_000
const sizes = [10, 100, 1_000]
const shardNumbers = [300, 3_000, 30_000]

const gc = globalThis.gc
if (gc === undefined) throw new Error("placement: run it with node --expose-gc")

const heap = (): number => {
  gc()
  gc()
  return process.memoryUsage().heapUsed
}

const addressOf = (n: number): RunnerAddress.RunnerAddress =>
  RunnerAddress.make(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`, 34_431)

// a new cluster logs that it has no runner yet
const quiet = Effect.provideService(References.MinimumLogLevel, "Error")

/** The number of actors of each shard, by the `getShardId` of a runner. */
const countShards = (shards: number): Promise<ReadonlyArray<number>> =>
  Effect.gen(function*() {
    const sharding = yield* Sharding.Sharding
    const counts = Array.from({ length: shards }, () => 0)
    for (let i = 0; i < actors; i++) counts[sharding.getShardId(EntityId.make(`user-${i}`), "default").id - 1]!++
    return counts
  }).pipe(
    Effect.provide(Sharding.layer.pipe(
      Layer.provide(Runners.layerNoop),
      Layer.provide(MessageStorage.layerMemory),
      Layer.provide(RunnerStorage.layerMemory),
      Layer.provide(RunnerHealth.layerNoop),
      Layer.provide(ShardingConfig.layer({ shardsPerGroup: shards }))
    )),
    quiet,
    Effect.runPromise
  )

type Ring = HashRing.HashRing<RunnerAddress.RunnerAddress>

const ringOf = (runners: number): Ring =>
  HashRing.addMany(
    HashRing.make<RunnerAddress.RunnerAddress>(),
    Array.from({ length: runners }, (_, n) => addressOf(n))
  )

const assign = (ring: Ring, shards: number): ReadonlyArray<RunnerAddress.RunnerAddress> =>
  HashRing.getShards(ring, shards)!

const percent = (part: number, whole: number): string => `${(100 * part / whole).toFixed(2)} %`

const simulate = (runners: number, counts: ReadonlyArray<number>): ReadonlyArray<string> => {
  const shards = counts.length
  const before = heap()
  const ring = ringOf(runners)
  const start = performance.now()
  const assigned = assign(ring, shards)
  const millis = performance.now() - start
  // the map of a runner, as Effect keeps it
  const assignments = MutableHashMap.empty<ShardId.ShardId | string, RunnerAddress.RunnerAddress>()
  for (const [shard, runner] of assigned.entries()) MutableHashMap.set(assignments, `default:${shard}`, runner)
  const memory = heap() - before
  const loads = new Map<string, number>()
  for (const [shard, { host }] of assigned.entries()) loads.set(host, (loads.get(host) ?? 0) + counts[shard]!)
  const sizes = Array.from({ length: runners }, (_, n) => loads.get(addressOf(n).host) ?? 0)
  const mean = actors / runners
  const moved = (other: Ring): number => {
    let sum = 0
    for (const [shard, { host }] of assign(other, shards).entries()) {
      if (host !== assigned[shard]!.host) sum += counts[shard]!
    }
    return sum
  }
  const lost = moved(HashRing.remove(ringOf(runners), addressOf(Math.floor(runners / 2))))
  const added = moved(HashRing.add(ringOf(runners), addressOf(runners)))
  const lostHere = sizes[Math.floor(runners / 2)]!
  // keeps what was measured alive
  if (MutableHashMap.size(assignments) !== shards) throw new Error("an assignment is missing")
  return [
    runners,
    shards,
    `${(Math.min(...sizes) / mean).toFixed(2)} to ${(Math.max(...sizes) / mean).toFixed(2)}`,
    `${percent(lost, actors)} (its own: ${percent(lostHere, actors)})`,
    `${percent(added, actors)} (its share: ${percent(1, runners + 1)})`,
    `${millis.toFixed(millis < 10 ? 1 : 0)} ms`,
    `${(memory / 2 ** 20).toFixed(1)} MiB`
  ].map(String)
}

const row = (cells: ReadonlyArray<string>): void => console.log(`| ${cells.join(" | ")} |`)

row(["runners", "shards", "actors a runner, of the mean", "moved: one lost", "moved: one added", "time", "memory"])
row(["---", "---", "---", "---", "---", "---", "---"])
for (const shards of shardNumbers) {
  const counts = await countShards(shards)
  for (const runners of sizes) row(simulate(runners, counts))
}

class Cell extends Actor.Service<Cell>()("Cell", {
  args: Schema.String,
  protocol: { touch: Actor.method({ success: Schema.Int }) }
}) {}

const CellLive = Cell.toLayer(() => {
  let n = 0
  return Effect.succeed(Cell.handlers({ touch: () => Effect.sync(() => ++n) }))
})

const measureActor = (hosts: Layer.Layer<never, never, Sharding.Sharding>) =>
  Effect.gen(function*() {
    const cell = yield* ActorCluster.client(Cell)
    const touch = (from: number, to: number) =>
      Effect.forEach(Array.from({ length: to - from }, (_, i) => `user-${from + i}`), (id) => cell(id).touch(), {
        concurrency: 16,
        discard: true
      })
    yield* touch(0, 500)
    const before = heap()
    yield* touch(500, 5_500)
    return (heap() - before) / 5_000
  }).pipe(Effect.provide(Layer.provideMerge(hosts, ActorCluster.layerMemory)), quiet, Effect.runPromise)

const inSystem = await measureActor(Layer.provide(ActorCluster.layer(Cell), ActorSystem.layer(CellLive)))
const inline = await measureActor(ActorCluster.layerInline(Cell, CellLive))
console.log(
  `\nmemory of an actor that runs: ${(inSystem / 1_024).toFixed(1)} KiB, inline ${(inline / 1_024).toFixed(1)} KiB`
)
