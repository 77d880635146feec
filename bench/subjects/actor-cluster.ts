/**
 * This library on Effect Cluster: the actors of one runner, in this process or in another one.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ActorCluster from "../../src/ActorCluster.ts"
import * as NodeActorCluster from "../../src/node/NodeActorCluster.ts"
import { acquire, effects, type Subject } from "../subject.ts"
import { actors, config, quiet, runnerProcess, Sum } from "../workers/cluster.ts"

/** the number of actors that are called */
const ids = 16

const remote = Layer.unwrap(
  Effect.map(runnerProcess("actor"), (database) => Layer.provide(NodeActorCluster.layerClient({ config }), database))
)

const client = ActorCluster.client(Sum)

export const subject: Subject = {
  clusterLocal: async () => {
    const { close, value: sum } = await acquire(
      Layer.provideMerge(actors, ActorCluster.layerMemory).pipe(Layer.provide(quiet)),
      client
    )
    return effects((n) => sum(String(n % ids)).add({ n }), close)
  },
  clusterRemote: async () => {
    const { close, value: sum } = await acquire(Layer.provide(remote, quiet), client)
    return effects((n) => sum(String(n % ids)).add({ n }), close)
  },
  clusterPersisted: async () => {
    const { close, value: sum } = await acquire(Layer.provide(remote, quiet), client)
    return effects((n) => sum(String(n % ids)).store({ n }), close)
  }
}
