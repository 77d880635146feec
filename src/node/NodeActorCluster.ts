/**
 * The runners of a cluster of actors, as Node processes that are connected by TCP: the layers of `NodeClusterSocket`, with a transport by
 * which a call never runs twice.
 *
 * The connections between runners have no key and no encryption: each program that reaches the port of a runner can call each actor. Give
 * the runners addresses of a private network.
 *
 * This module is not part of the index of `uactor/node`, because it loads `effect/cluster`.
 *
 * @module
 * @since 0.1.0
 */
import * as NodeClusterSocket from "@effect/platform-node/NodeClusterSocket"
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import * as MessageStorage from "effect/cluster/MessageStorage"
import * as RunnerAddress from "effect/cluster/RunnerAddress"
import * as RunnerHealth from "effect/cluster/RunnerHealth"
import * as Runners from "effect/cluster/Runners"
import * as RunnerServer from "effect/cluster/RunnerServer"
import * as RunnerStorage from "effect/cluster/RunnerStorage"
import * as Sharding from "effect/cluster/Sharding"
import * as ShardingConfig from "effect/cluster/ShardingConfig"
import * as SqlMessageStorage from "effect/cluster/SqlMessageStorage"
import * as SqlRunnerStorage from "effect/cluster/SqlRunnerStorage"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as RpcSerialization from "effect/rpc/RpcSerialization"
import * as RpcServer from "effect/rpc/RpcServer"
import type { SocketServerError } from "effect/socket/SocketServer"
import type { SqlClient } from "effect/sql/SqlClient"
import { millis } from "../internal/actor/durations.ts"
import * as Connections from "../internal/cluster/connections.ts"
import * as Local from "../internal/cluster/local.ts"
import * as GuardedRunners from "../internal/cluster/runners.ts"
import { isPrivate } from "./cluster/privateAddress.ts"
import * as Sqlite from "./cluster/sqlite.ts"

/**
 * A TCP address.
 *
 * @category models
 * @since 0.1.0
 */
export interface Address {
  /** A name, or an IP address. */
  readonly host: string
  /** The port. */
  readonly port: number
}

/**
 * Where the cluster keeps its runners, locks and persisted calls. `"sql"`: in the database of the `SqlClient`, whose tables the layer
 * creates. `"given"`: in the `MessageStorage` and the `RunnerStorage` that are provided.
 *
 * @category models
 * @since 0.1.0
 */
export type Storage = "sql" | "given"

/**
 * The options of a client of the cluster.
 *
 * @category models
 * @since 0.1.0
 */
export interface ClientOptions<S extends Storage = "sql"> {
  /** Where the cluster keeps its runners, locks and persisted calls. `"sql"` by default. */
  readonly storage?: S | undefined
  /**
   * The configuration of Effect Cluster. All programs of a cluster need the same `shardsPerGroup` and `availableShardGroups`. The defaults are those of Effect, except
   * `shardLockExpiration` (10 seconds), `shardLockRefreshInterval` (3 seconds), `runnerHealthCheckInterval` (2 seconds),
   * `refreshAssignmentsInterval` (1 second), and `simulateRemoteSerialization` (`false`). The environment is not read.
   */
  readonly config?:
    | Partial<Omit<ShardingConfig.ShardingConfig["Service"], "runnerAddress" | "runnerListenAddress">>
    | undefined
}

/**
 * The options of a runner.
 *
 * @category models
 * @since 0.1.0
 */
export interface RunnerOptions<S extends Storage = "sql"> extends ClientOptions<S> {
  /** The address at which the other programs of the cluster reach this runner. It identifies the runner. */
  readonly address: Address
  /** The address on which this runner listens, if it differs from `address`. */
  readonly listen?: Address | undefined
  /**
   * Allows an address that is not of a private network. `false` by default: connections between runners have no key and no encryption.
   * The address of a name is not checked.
   */
  readonly allowPublicAddress?: boolean | undefined
  /**
   * The time for which a runner that stops still answers that it does not have an actor, so that its callers turn to the next runner. By
   * default twice the `refreshAssignmentsInterval`.
   */
  readonly linger?: Duration.Input | undefined
}

/**
 * What a layer of this module requires of the storage.
 *
 * @category models
 * @since 0.1.0
 */
export type StorageServices<S extends Storage> = "given" extends S
  ? MessageStorage.MessageStorage | RunnerStorage.RunnerStorage
  : SqlClient

type Cluster = Sharding.Sharding | Runners.Runners | MessageStorage.MessageStorage

const storageLayer = (storage: Storage | undefined): Layer.Layer<
  MessageStorage.MessageStorage | RunnerStorage.RunnerStorage,
  never,
  ShardingConfig.ShardingConfig | SqlClient | MessageStorage.MessageStorage | RunnerStorage.RunnerStorage
> =>
  storage === "given"
    ? Layer.merge(
      Layer.effect(MessageStorage.MessageStorage, MessageStorage.MessageStorage),
      Layer.effect(RunnerStorage.RunnerStorage, RunnerStorage.RunnerStorage)
    )
    : Layer.merge(
      Layer.provide(SqlMessageStorage.layer, NodeCrypto.layerDigest),
      SqlRunnerStorage.layer
    ).pipe(Layer.orDie)

const serialization = RpcSerialization.layerSchemaBinary({ maxFrameSize: Connections.maxFrameSize })

const transport = GuardedRunners.layer.pipe(
  Layer.provide(Connections.layerClientProtocol),
  Layer.provide(NodeClusterSocket.layerClientProtocol)
)

// a failing ping closes its connection, which therefore carries no calls
const health = RunnerHealth.layerPing.pipe(
  Layer.provide(Runners.layerRpc),
  Layer.provide(NodeClusterSocket.layerClientProtocol)
)

const server = RunnerServer.layer.pipe(
  Layer.provide(Connections.layerServerProtocol),
  Layer.provide(RpcServer.layerProtocolSocketServer),
  Layer.provide(NodeClusterSocket.layerSocketServer)
)

const checkAddress = (option: string, { host, port }: Address, allowPublic: boolean | undefined): void => {
  const where = `NodeActorCluster.layer: ${option}`
  if (!(Number.isInteger(port) && port >= 1 && port <= 65_535)) {
    throw new RangeError(`${where}.port must be a port from 1 to 65535, not ${port}`)
  }
  if (allowPublic === true || isPrivate(host)) return
  throw new RangeError(
    `${where}.host must belong to a private network, not ${host}: connections between runners have no key and no encryption ` +
      "(`allowPublicAddress` allows it)"
  )
}

/**
 * A runner of a cluster: it hosts the actors of `ActorCluster.layer` and `ActorCluster.layerInline`, and can call all actors of the cluster.
 *
 * When its scope closes, the runner finishes the running calls (for up to `entityTerminationTimeout` of the cluster, 15 seconds), and the other runners
 * take over its actors.
 *
 * Throws a `RangeError` if the address does not belong to a private network, or an option is out of range.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = <S extends Storage = "sql">(
  options: RunnerOptions<S>
): Layer.Layer<Cluster, SocketServerError, StorageServices<S>> => {
  const { address, allowPublicAddress, listen } = options
  checkAddress("address", address, listen !== undefined || allowPublicAddress)
  if (listen !== undefined) checkAddress("listen", listen, allowPublicAddress)
  const config = { ...ShardingConfig.defaults, ...Local.defaults, ...options.config }
  const linger = options.linger === undefined
    ? 2 * Duration.toMillis(Duration.fromInputUnsafe(config.refreshAssignmentsInterval))
    : millis("NodeActorCluster.layer: linger", options.linger)
  return Layer.effectDiscard(Effect.addFinalizer(() => Effect.sleep(Duration.millis(linger)))).pipe(
    Layer.provideMerge(server),
    Layer.provideMerge(Sharding.layer),
    Layer.provideMerge(transport),
    Layer.provide(health),
    Layer.provideMerge(storageLayer(options.storage)),
    Layer.provide(ShardingConfig.layer({
      ...config,
      runnerAddress: Option.some(RunnerAddress.make(address.host, address.port)),
      runnerListenAddress: Option.map(
        Option.fromUndefinedOr(listen),
        ({ host, port }) => RunnerAddress.make(host, port)
      )
    })),
    Layer.provide(serialization)
  ) as Layer.Layer<Cluster, SocketServerError, StorageServices<S>>
}

/**
 * A client of a cluster: it can call all actors, and hosts none.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerClient = <S extends Storage = "sql">(
  options: ClientOptions<S> = {}
): Layer.Layer<Cluster, never, StorageServices<S>> =>
  Sharding.layer.pipe(
    Layer.provideMerge(transport),
    Layer.provide(RunnerHealth.layerNoop),
    Layer.provideMerge(storageLayer(options.storage)),
    Layer.provide(ShardingConfig.layer({ ...Local.defaults, ...options.config, runnerAddress: Option.none() })),
    Layer.provide(serialization)
  ) as Layer.Layer<Cluster, never, StorageServices<S>>

/**
 * A database in a file, by the SQLite of Node: for the runners of one machine, and for programs that need no database server. All runners
 * and clients of the machine use the same file, on a local disk. Also for the tables of the program itself.
 *
 * The transactions of the program run one at a time. A statement fails if another process writes for 10 seconds.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerSqlite = (options: {
  /** The path of the file, which is created if it does not exist. */
  readonly filename: string
}): Layer.Layer<SqlClient> => Sqlite.layer(options.filename)
