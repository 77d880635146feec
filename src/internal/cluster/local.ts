/**
 * A cluster of one runner, in memory.
 */
import type { MessageStorage } from "effect/cluster/MessageStorage"
import * as RunnerHealth from "effect/cluster/RunnerHealth"
import type { Runners } from "effect/cluster/Runners"
import * as Sharding from "effect/cluster/Sharding"
import * as ShardingConfig from "effect/cluster/ShardingConfig"
import * as Layer from "effect/Layer"
import * as MemoryStorage from "./memoryStorage.ts"
import * as Runners_ from "./runners.ts"

/**
 * What this library configures differently from Effect. The failure of a runner is known after 10 instead of 35 seconds. The calls of local
 * entities are not encoded once more: the host of an actor encodes them.
 */
export const defaults: Partial<ShardingConfig.ShardingConfig["Service"]> = {
  shardLockExpiration: "10 seconds",
  shardLockRefreshInterval: "3 seconds",
  runnerHealthCheckInterval: "2 seconds",
  refreshAssignmentsInterval: "1 second",
  simulateRemoteSerialization: false
}

/** A cluster of one runner, in memory. */
export const layer: Layer.Layer<Sharding.Sharding | Runners | MessageStorage> = Sharding.layer.pipe(
  Layer.provideMerge(Runners_.layerLocal),
  Layer.provideMerge(MemoryStorage.layer),
  Layer.provide(RunnerHealth.layerNoop),
  Layer.provide(ShardingConfig.layer(defaults))
)
