/**
 * The storage of the runners of one process. The runners exclude each other by locks, as with a database. The storage of Effect
 * (`RunnerStorage.layerMemory`) has no locks, and serves one runner.
 */
import * as MessageStorage from "effect/cluster/MessageStorage"
import * as RunnerStorage from "effect/cluster/RunnerStorage"
import type { ShardingConfig } from "effect/cluster/ShardingConfig"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

const runnerStorage: Layer.Layer<RunnerStorage.RunnerStorage> = Layer.sync(RunnerStorage.RunnerStorage, () => {
  const runners = new Map<string, { readonly runner: string; healthy: boolean }>()
  /** the owners of shards */
  const owners = new Map<string, string>()
  let machineId = 0
  const ownedBy = (address: string, shards: ReadonlyArray<string>): Array<string> =>
    shards.filter((shard) => owners.get(shard) === address)
  return RunnerStorage.makeEncoded({
    getRunners: Effect.sync(() => Array.from(runners.values(), ({ healthy, runner }) => [runner, healthy] as const)),
    register: (address, runner, healthy) =>
      Effect.sync(() => {
        runners.set(address, { runner, healthy })
        return ++machineId
      }),
    unregister: (address) => Effect.sync(() => void runners.delete(address)),
    setRunnerHealth: (address, healthy) =>
      Effect.sync(() => {
        const entry = runners.get(address)
        if (entry !== undefined) entry.healthy = healthy
      }),
    acquire: (address, shards) =>
      Effect.sync(() => {
        for (const shard of shards) if (!owners.has(shard)) owners.set(shard, address)
        return ownedBy(address, shards)
      }),
    refresh: (address, shards) => Effect.sync(() => ownedBy(address, shards)),
    release: (address, shard) =>
      Effect.sync(() => {
        if (owners.get(shard) === address) owners.delete(shard)
      }),
    releaseAll: (address) =>
      Effect.sync(() => {
        for (const shard of ownedBy(address, Array.from(owners.keys()))) owners.delete(shard)
      })
  })
})

/** The storage of messages, runners and locks in the memory of one process. */
export const layer: Layer.Layer<
  MessageStorage.MessageStorage | RunnerStorage.RunnerStorage,
  never,
  ShardingConfig
> = Layer.merge(MessageStorage.layerMemory, runnerStorage)
