/**
 * Tests of programs on a cluster of actors. {@link make} starts runners in this process, without a database, connected by real sockets. A
 * test stops and adds runners, and cuts their connections.
 *
 * @module
 * @since 0.1.0
 */
import type { MessageStorage } from "effect/cluster/MessageStorage"
import type { Runners } from "effect/cluster/Runners"
import type { RunnerStorage } from "effect/cluster/RunnerStorage"
import type { Sharding } from "effect/cluster/Sharding"
import type { ShardingConfig } from "effect/cluster/ShardingConfig"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { layerStorageMemory } from "../ActorCluster.ts"
import * as TestNetwork from "./cluster/testNetwork.ts"
import * as NodeActorCluster from "./NodeActorCluster.ts"

/**
 * A runner of a test.
 *
 * @category models
 * @since 0.1.0
 */
export interface TestRunner {
  /** The number of the runner, from 1, in the order of their start. */
  readonly number: number
  /**
   * Stops the runner, as a rolling restart does: it finishes its running calls, and the other runners take over its actors. Returns when the
   * runner has stopped.
   */
  readonly stop: Effect.Effect<void>
  /** Ends all connections to the runner, and refuses new ones. The runner itself continues. */
  readonly cut: Effect.Effect<void>
  /** Accepts connections again after `cut`. */
  readonly restore: Effect.Effect<void>
}

/**
 * A cluster of a test.
 *
 * @category models
 * @since 0.1.0
 */
export interface TestCluster {
  /** A program that calls the actors of the cluster, and hosts none. */
  readonly client: Layer.Layer<Sharding | Runners | MessageStorage>
  /** The runners that `make` has started. */
  readonly runners: ReadonlyArray<TestRunner>
  /** Starts one more runner with the same hosts. */
  readonly add: Effect.Effect<TestRunner>
}

/**
 * The options of a cluster of a test.
 *
 * @category models
 * @since 0.1.0
 */
export interface TestOptions<E> {
  /** The number of runners to start, an integer of at least 0. */
  readonly runners: number
  /** The layers of `ActorCluster.layer` with their systems, for the runner with a number from 1. Each runner builds its own. */
  readonly hosts: (runner: number) => Layer.Layer<never, E, Sharding>
  /** Changes of the configuration, whose intervals are short by default. */
  readonly config?: NodeActorCluster.ClientOptions["config"]
}

const quick: Partial<ShardingConfig["Service"]> = {
  shardsPerGroup: 20,
  refreshAssignmentsInterval: "100 millis",
  entityMessagePollInterval: "200 millis",
  entityReplyPollInterval: "50 millis",
  runnerHealthCheckInterval: "2 seconds",
  shardLockRefreshInterval: "5 seconds",
  shardLockExpiration: "1 minute",
  entityTerminationTimeout: "10 seconds",
  sendRetryInterval: "20 millis"
}

/**
 * Starts the runners of a cluster in this process. They end with the scope. The storage is in memory. The runners use the clock of the
 * machine: run the test with `it.live`. A failure to start a runner is a defect.
 *
 * Throws a `RangeError` if `runners` is not an integer of at least 0.
 *
 * @example
 * ```ts
 * import { Actor, ActorSystem } from "uactor"
 * import * as ActorCluster from "uactor/ActorCluster"
 * import * as ActorClusterTest from "uactor/testing/ActorClusterTest"
 * import { Effect, Layer, Schema } from "effect"
 * import assert from "node:assert"
 *
 * class Echo extends Actor.Service<Echo>()("Echo", {
 *   protocol: { say: Actor.method({ payload: { text: Schema.String }, success: Schema.String }) }
 * }) {}
 * const EchoLive = Echo.toLayer({ say: ({ text }) => Effect.succeed(text) })
 *
 * const test = Effect.gen(function*() {
 *   const cluster = yield* ActorClusterTest.make({
 *     runners: 2,
 *     hosts: () => ActorCluster.layer(Echo).pipe(Layer.provide(ActorSystem.layer(EchoLive)))
 *   })
 *   const echo = yield* Effect.provide(ActorCluster.ref(Echo, "a"), yield* Layer.build(cluster.client))
 *   yield* cluster.runners[0]!.stop
 *   assert.strictEqual(yield* echo.say({ text: "still here" }), "still here")
 * }).pipe(Effect.scoped)
 *
 * await Effect.runPromise(test)
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <E>(options: TestOptions<E>): Effect.Effect<TestCluster, never, Scope.Scope> => {
  const { hosts, runners } = options
  if (!(Number.isInteger(runners) && runners >= 0)) {
    throw new RangeError(`ActorClusterTest.make: runners must be an integer of at least 0, not ${runners}`)
  }
  const config = { ...quick, ...options.config }
  return Effect.gen(function*() {
    const storage: Layer.Layer<MessageStorage | RunnerStorage> = Layer.succeedContext(
      yield* Layer.build(layerStorageMemory)
    )
    const clusterScope = yield* Effect.scope
    let started = 0
    const add: Effect.Effect<TestRunner> = Effect.gen(function*() {
      const number = ++started
      const port = yield* TestNetwork.freePort
      // lives longer than the runner
      const { cut, port: address, restore } = yield* Scope.provide(TestNetwork.make(port), clusterScope)
      const scope = yield* Scope.fork(clusterScope)
      const runner = NodeActorCluster.layer({
        address: { host: TestNetwork.host, port: address },
        listen: { host: TestNetwork.host, port },
        storage: "given",
        linger: "300 millis",
        config
      })
      yield* Layer.buildWithScope(
        // each runner is built, although all have the same layers
        hosts(number).pipe(Layer.provide(runner), Layer.provide(storage), Layer.fresh, Layer.orDie),
        scope
      )
      return { number, cut, restore, stop: Scope.close(scope, Exit.void) }
    })
    return {
      client: NodeActorCluster.layerClient({ storage: "given", config }).pipe(Layer.provide(storage), Layer.fresh),
      runners: yield* Effect.replicateEffect(add, runners),
      add
    }
  })
}
