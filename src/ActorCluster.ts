/**
 * Actors on Effect Cluster. The same definition and the same behaviour become entities of a cluster: an id names an actor, and the cluster
 * decides on which runner the actor lives. A call starts the actor if it does not run. Each runner hosts its actors in its own
 * `ActorSystem`: in memory, on threads or in child processes.
 *
 * This module is not part of the index of `uactor`, because it loads `effect/cluster`.
 *
 * @module
 * @since 0.1.0
 */
import type { PersistenceError } from "effect/cluster/ClusterError"
import type * as Entity from "effect/cluster/Entity"
import type { MessageStorage } from "effect/cluster/MessageStorage"
import type { Runners } from "effect/cluster/Runners"
import type { RunnerStorage } from "effect/cluster/RunnerStorage"
import type { Sharding } from "effect/cluster/Sharding"
import * as ShardingConfig from "effect/cluster/ShardingConfig"
import type * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Rpc from "effect/rpc/Rpc"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { ActorService, Behaviour } from "./Actor.ts"
import type { ActorError, SpawnError } from "./ActorError.ts"
import type { ActorRef, AnyActorRef } from "./ActorRef.ts"
import type { ActorSystem } from "./ActorSystem.ts"
import * as Definitions from "./internal/actor/definition.ts"
import * as Durations from "./internal/actor/durations.ts"
import * as ClusterClient from "./internal/cluster/clusterClient.ts"
import * as Entities from "./internal/cluster/entities.ts"
import * as Hosting from "./internal/cluster/hosting.ts"
import * as Local from "./internal/cluster/local.ts"
import * as MemoryStorage from "./internal/cluster/memoryStorage.ts"
import type * as Protocol from "./internal/codec/protocol.ts"

/**
 * The options of a host.
 *
 * @category models
 * @since 0.1.0
 */
export interface HostOptions {
  /**
   * The time after which an actor that is not called ends. Its finalizers run, and the next call starts it again. By default
   * `entityMaxIdleTime` of the cluster: 1 minute. The cluster checks it every 5 seconds.
   */
  readonly maxIdleTime?: Duration.Input | undefined
  /**
   * The maximum number of calls at one actor, running calls included. A call beyond it fails with `MailboxFull`. By default
   * `entityMailboxCapacity` of the cluster: 4096.
   */
  readonly mailboxCapacity?: number | undefined
}

/**
 * The option `args` of a host: the arguments of the actor with an id. It is evaluated on the runner, at each start of the actor. It is
 * required unless the actor has no arguments, or a string: then the argument is the id.
 *
 * @category models
 * @since 0.1.0
 */
export type ArgsOption<Args extends Schema.Top, R> = Args extends Schema.Void ? {
    /** The actor has no arguments. */
    readonly args?: undefined
  }
  : string extends Args["Type"] ? {
      /** The arguments of the actor with an id. The id itself by default. */
      readonly args?: ArgsOf<Args, R> | undefined
    }
  : {
    /** The arguments of the actor with an id. */
    readonly args: ArgsOf<Args, R>
  }

/**
 * Returns the arguments of the actor with an id.
 *
 * @category models
 * @since 0.1.0
 */
export type ArgsOf<Args extends Schema.Top, R> = (id: string) => Args["Type"] | Effect.Effect<Args["Type"], never, R>

/**
 * The parameters of a host after the definition: its options. They may be left out if no option is required.
 *
 * @category models
 * @since 0.1.0
 */
export type HostParameters<Args extends Schema.Top, R> = {} extends ArgsOption<Args, R>
  ? readonly [options?: HostOptions & ArgsOption<Args, R>]
  : readonly [options: HostOptions & ArgsOption<Args, R>]

/**
 * The options of a client.
 *
 * @category models
 * @since 0.1.0
 */
export interface ClientOptions {
  /**
   * The time in which a runner must take a call. After it, the call fails with `ActorExited`: reason `Disconnected`, outcome `NotRun`. 30
   * seconds by default.
   *
   * A call of a persisted method waits for its runner in the storage. It fails with the outcome `Unknown` if the cluster has had no runner
   * for this time; the call then runs when there is a runner. So does a call that has a key, if the storage cannot be reached for this
   * time. A persisted tell succeeds when the storage has it.
   */
  readonly deliveryTimeout?: Duration.Input | undefined
}

const argsFor = (
  actor: { readonly args: Schema.Top },
  options: { readonly args?: ArgsOf<Schema.Top, any> | undefined } | undefined
) =>
(id: string): Effect.Effect<unknown, never, any> => {
  if (actor.args.ast._tag === "Void") return Effect.void
  return Effect.suspend(() => {
    const args: unknown = options?.args === undefined ? id : options.args(id)
    return Effect.isEffect(args) ? args as Effect.Effect<unknown> : Effect.succeed(args)
  })
}

/**
 * Hosts the actors of a definition that the cluster places on this runner. They run in the `ActorSystem` of the runner, which must have the
 * behaviour.
 *
 * Give the system a fixed number of workers (`workers: n`): otherwise each actor has a worker of its own, up to the limit
 * `maxResidentEntities` of the cluster.
 *
 * Throws a `TypeError` if a method has handles in its schemas, or runs in a transaction of the message storage; a `RangeError` if an option
 * is out of range, or a name does not fit the storage of the cluster.
 *
 * @example
 * ```ts
 * import { Actor, ActorSystem } from "uactor"
 * import * as ActorCluster from "uactor/ActorCluster"
 * import { Effect, Layer, Ref, Schema } from "effect"
 * import assert from "node:assert"
 *
 * class Counter extends Actor.Service<Counter>()("Counter", {
 *   args: Schema.Struct({ start: Schema.Int }),
 *   protocol: { increment: Actor.method({ payload: { by: Schema.Int }, success: Schema.Int }) }
 * }) {}
 *
 * const CounterLive = Counter.toLayer(({ start }) =>
 *   Effect.map(Ref.make(start), (n) => Counter.handlers({
 *     increment: ({ by }) => Ref.updateAndGet(n, (x) => x + by)
 *   }))
 * )
 *
 * const Runner = ActorCluster.layer(Counter, { args: () => ({ start: 40 }) }).pipe(
 *   Layer.provide(ActorSystem.layer(CounterLive)),
 *   Layer.provideMerge(ActorCluster.layerMemory)
 * )
 *
 * const program = Effect.gen(function*() {
 *   const counter = yield* ActorCluster.ref(Counter, "a")
 *   return yield* counter.increment({ by: 2 })
 * }).pipe(Effect.provide(Runner))
 *
 * assert.strictEqual(await Effect.runPromise(program), 42)
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = <
  Self,
  Id extends string,
  Args extends Schema.Top,
  StartError extends Schema.Top,
  Methods extends Protocol.Any,
  R = never
>(
  actor: ActorService<Self, Id, Args, StartError, Methods>,
  ...[options]: HostParameters<Args, R>
): Layer.Layer<never, never, Sharding | ActorSystem | R> => {
  const argsOf = argsFor(actor, options)
  const { spawn } = actor as unknown as {
    readonly spawn: (
      args: unknown
    ) => Effect.Effect<object, SpawnError | StartError["Type"], Scope.Scope | ActorSystem>
  }
  return Hosting.layer<ActorSystem | R>(
    Definitions.definitionOf(actor),
    (id) => Effect.flatMap(argsOf(id), spawn),
    options ?? {}
  )
}

/**
 * Hosts the actors of a definition in the fibers of their entities, without an `ActorSystem`: for handlers that run in a transaction of
 * the message storage (`ClusterSchema.WithTransaction`), and for actors that do very little. `behaviour` is the layer of `toLayer`. Its
 * `concurrency` and `mailboxCapacity` apply; its `supervision` does not.
 *
 * Throws like {@link layer}, but allows transactions. Throws a `TypeError` if a method has a timeout (`Actor.CallTimeout` or
 * `Actor.RunTimeout`); the layer dies with one if the behaviour has a timeout. Use `Effect.timeout` in the handlers.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerInline = <
  Self,
  Id extends string,
  Args extends Schema.Top,
  StartError extends Schema.Top,
  Methods extends Protocol.Any,
  E,
  RX,
  R = never
>(
  actor: ActorService<Self, Id, Args, StartError, Methods>,
  behaviour: Layer.Layer<Behaviour<Self>, E, RX>,
  ...[options]: HostParameters<Args, R>
): Layer.Layer<never, E, Sharding | RX | R> => {
  const definition = Definitions.definitionOf(actor)
  const argsOf = argsFor(actor, options)
  const host = (built: Context.Context<Behaviour<Self>>) =>
    Effect.map(Effect.context<R>(), (context) =>
      Hosting.layerInline(
        definition,
        Definitions.find(built as unknown as Context.Context<never>, definition.name)!,
        (id) => Effect.provideContext(argsOf(id) as Effect.Effect<unknown, never, R>, context),
        options ?? {}
      ))
  // the definition is checked now, not when the layer is built
  Entities.entityOf(definition)
  Hosting.checkInline(definition)
  return Layer.unwrap(Effect.flatMap(Layer.build(behaviour), host))
}

/**
 * References to the actors of a definition, by their ids or by the values of `clusterRef`. A reference costs nothing: the first call starts its actor. A reference has the
 * type and the methods of the reference that `spawn` returns. `ActorRef.stop` and `ActorRef.kill` end the actor, and the next call starts
 * it again. Therefore `ActorRef.awaitExit` never completes.
 *
 * A call fails like a call of any actor. A call of a volatile method runs at most once: if its runner is lost, it fails with the outcome
 * `Unknown`. A method with `Actor.Idempotent` or `ClusterSchema.Persisted` is repeated on another runner.
 *
 * A call of a persisted method runs at least once. A later call with the same key (`primaryKey`) attaches to it, or returns its stored
 * result. A tell of a persisted method completes when the storage has it. An interrupted caller stops waiting; the call itself runs,
 * unless the method has the annotation `ClusterSchema.Uninterruptible` with the value `false`.
 *
 * Dies with a `TypeError` if the cluster has another transport than those of `ActorCluster` and `NodeActorCluster`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const client = <
  Self,
  Id extends string,
  Args extends Schema.Top,
  StartError extends Schema.Top,
  Methods extends Protocol.Any
>(
  actor: ActorService<Self, Id, Args, StartError, Methods>,
  options?: ClientOptions
): Effect.Effect<(target: string | ClusterRef<Id>) => ActorRef<Methods>, never, Sharding> =>
  ClusterClient.make(
    Definitions.definitionOf(actor),
    Durations.timeout("ActorCluster.client: deliveryTimeout", options?.deliveryTimeout ?? "30 seconds", true)
  ) as Effect.Effect<(target: string | ClusterRef<Id>) => ActorRef<Methods>, never, Sharding>

/**
 * A reference to the actor with an id. See {@link client}.
 *
 * @category constructors
 * @since 0.1.0
 */
export const ref = <
  Self,
  Id extends string,
  Args extends Schema.Top,
  StartError extends Schema.Top,
  Methods extends Protocol.Any
>(
  actor: ActorService<Self, Id, Args, StartError, Methods>,
  target: string | ClusterRef<NoInfer<Id>>,
  options?: ClientOptions
): Effect.Effect<ActorRef<Methods>, never, Sharding> => Effect.map(client(actor, options), (refOf) => refOf(target))

/**
 * Provides the service of an actor with the reference to the actor with an id. Code that uses the service does not change.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerRef = <
  Self,
  Id extends string,
  Args extends Schema.Top,
  StartError extends Schema.Top,
  Methods extends Protocol.Any
>(
  actor: ActorService<Self, Id, Args, StartError, Methods>,
  target: string | ClusterRef<NoInfer<Id>>,
  options?: ClientOptions
): Layer.Layer<Self, never, Sharding> => Layer.effect(actor, ref(actor, target, options))

/**
 * The value of the schema `clusterRef` of an actor: it names an actor of a cluster, and may be part of any payload, result or argument.
 *
 * @category models
 * @since 0.1.0
 */
export interface ClusterRef<Id extends string> {
  /** The name of the actor's definition. */
  readonly actor: Id
  /** The id of the actor. */
  readonly id: string
}

/**
 * Removes the persisted calls of an actor and their results from the storage of the cluster, which keeps them for ever otherwise. A later
 * call with the same key runs again. Do not use it while persisted calls of the actor are running.
 *
 * @category combinators
 * @since 0.1.0
 */
export const forget = (ref: AnyActorRef): Effect.Effect<void, PersistenceError, MessageStorage> =>
  Effect.suspend(() => ClusterClient.forget(ref))

/**
 * The `Rpc`s of the entity of an actor: those of the actor, which may also fail with an `ActorError`.
 *
 * @category models
 * @since 0.1.0
 */
export type EntityRpcs<Methods extends Protocol.Any> = Rpc.AddError<Protocol.Rpcs<Methods>, typeof ActorError>

/**
 * The entity of Effect Cluster behind an actor, for `EntityProxy` and workflows. Throws like {@link layer}.
 *
 * @category getters
 * @since 0.1.0
 */
export const entity = <
  Self,
  Id extends string,
  Args extends Schema.Top,
  StartError extends Schema.Top,
  Methods extends Protocol.Any
>(
  actor: ActorService<Self, Id, Args, StartError, Methods>
): Entity.Entity<Id, EntityRpcs<Methods>> =>
  Entities.entityOf(Definitions.definitionOf(actor)) as unknown as Entity.Entity<Id, EntityRpcs<Methods>>

/**
 * A cluster of one runner, in memory: for tests, and for programs that may grow later. Nothing survives the layer.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerMemory: Layer.Layer<Sharding | Runners | MessageStorage> = Local.layer

/**
 * The storage of a cluster in memory, for several runners of one process. The runners exclude each other by locks.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerStorageMemory: Layer.Layer<MessageStorage | RunnerStorage> = Layer.provide(
  MemoryStorage.layer,
  ShardingConfig.layerDefaults
)
