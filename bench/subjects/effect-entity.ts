/**
 * The entities of Effect Cluster without this library, on the same storage and with the same configuration.
 */
import * as NodeClusterSocket from "@effect/platform-node/NodeClusterSocket"
import * as MessageStorage from "effect/cluster/MessageStorage"
import * as RunnerHealth from "effect/cluster/RunnerHealth"
import * as Runners from "effect/cluster/Runners"
import * as RunnerStorage from "effect/cluster/RunnerStorage"
import * as Sharding from "effect/cluster/Sharding"
import * as ShardingConfig from "effect/cluster/ShardingConfig"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { acquire, effects, type Subject } from "../subject.ts"
import { config, entities, quiet, runnerProcess, SumEntity } from "../workers/cluster.ts"

/** the number of entities that are called */
const ids = 16

const local = Sharding.layer.pipe(
  Layer.provideMerge(Runners.layerNoop),
  Layer.provideMerge(MessageStorage.layerMemory),
  Layer.provide(RunnerStorage.layerMemory),
  Layer.provide(RunnerHealth.layerNoop),
  Layer.provide(ShardingConfig.layer(config))
)

const remote = Layer.unwrap(Effect.map(runnerProcess("entity"), (database) =>
  NodeClusterSocket.layer({
    clientOnly: true,
    storage: "sql",
    shardingConfig: { ...config, runnerAddress: Option.none() }
  }).pipe(Layer.provide(database))))

export const subject: Subject = {
  clusterLocal: async () => {
    const { close, value: sum } = await acquire(
      Layer.provideMerge(entities, local).pipe(Layer.provide(quiet)),
      SumEntity.client
    )
    return effects((n) => sum(String(n % ids)).add({ n }), close)
  },
  clusterRemote: async () => {
    const { close, value: sum } = await acquire(Layer.provide(remote, quiet), SumEntity.client)
    return effects((n) => sum(String(n % ids)).add({ n }), close)
  },
  clusterPersisted: async () => {
    const { close, value: sum } = await acquire(Layer.provide(remote, quiet), SumEntity.client)
    return effects((n) => sum(String(n % ids)).store({ n }), close)
  }
}
