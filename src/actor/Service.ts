/**
 * The class of an actor, and what it makes: spawns, layers, behaviours, references.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type * as Rpc from "effect/rpc/Rpc"
import type * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { SpawnError } from "../ActorError.ts"
import type { ActorRef, Client } from "../ActorRef.ts"
import { ActorSystem } from "../ActorSystem.ts"
import * as Behaviours from "../internal/actor/behaviour.ts"
import * as Definitions from "../internal/actor/definition.ts"
import * as Codec from "../internal/codec/codec.ts"
import * as Methods from "../internal/codec/methods.ts"
import * as Protocol from "../internal/codec/protocol.ts"
import * as EffectCopies from "../internal/effect/effectCopies.ts"
import type * as Pools from "../internal/pool/pool.ts"
import * as PoolObject from "../internal/pool/poolObject.ts"
import * as CallTimeouts from "../internal/proxy/callTimeouts.ts"
import * as ClientObject from "../internal/proxy/clientObject.ts"
import * as ActorReference from "../internal/remote/actorReference.ts"
import * as Votes from "../internal/system/votes.ts"
import type { Given } from "../WorkerConfig.ts"
import type { ActorPool } from "./Pool.ts"

/**
 * The parameters of `spawn`: the arguments of the actor, or none if the actor has no arguments.
 *
 * @category models
 * @since 0.1.0
 */
export type ArgsInput<Args extends Schema.Top> = Args extends Schema.Void ? readonly [] : readonly [args: Args["Type"]]

/**
 * The options of `spawn` and `layer`.
 *
 * @category models
 * @since 0.2.0
 */
export interface SpawnOptions {
  /**
   * The name of the actor among the actors of its class that the same `ActorSystem` has spawned. `named` of the class and `Actor.named` find
   * the actor by it. By default the actor has no name. `spawn` fails with `SpawnError` (`NameTaken`) while another actor has the name. The
   * name is free again when its actor has ended for good; a restart does not free it.
   */
  readonly name?: string | undefined
}

/**
 * The parameters of `spawn` and `layer`: the arguments of the actor, and options.
 *
 * @category models
 * @since 0.2.0
 */
export type SpawnInput<Args extends Schema.Top> = Args extends Schema.Void
  ? readonly [options?: SpawnOptions | undefined]
  : readonly [args: Args["Type"], options?: SpawnOptions | undefined]

/**
 * A behaviour as a service of a worker's layer. `toLayer` provides it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Behaviour<in out Self> {
  /** Marks a behaviour. */
  readonly "~uactor/Behaviour": Self
}

/**
 * A pool of actors of a class as a service. `layerPool` provides it under the tag `Pool` of the class.
 *
 * @category models
 * @since 0.1.0
 */
export interface Pool<in out Self> {
  /** Marks a pool. */
  readonly "~uactor/Pool": Self
}

/**
 * The options of a behaviour.
 *
 * @category models
 * @since 0.1.0
 */
export type BehaviourOptions = Behaviours.BehaviourOptions

/**
 * The class of an actor: its definition, its service tag and its layers.
 *
 * @category models
 * @since 0.1.0
 */
export interface ActorService<
  Self,
  Id extends string,
  Args extends Schema.Top,
  StartError extends Schema.Top,
  Methods extends Protocol.Any
> extends Context.ServiceClass<Self, Id, Client<Methods>> {
  /** The name of the actor in addresses, errors, logs and traces. */
  readonly id: Id
  /** The methods of the actor. */
  readonly protocol: RpcGroup.RpcGroup<Protocol.Rpcs<Methods>>
  /** The schema of the arguments of `spawn`. */
  readonly args: Args
  /** The schema of the start error. */
  readonly error: StartError
  /**
   * Starts an actor that lives until the scope closes. Fails with the start error of the behaviour or with `SpawnError`. Completes when
   * the behaviour has been built. A behaviour that is an object of handlers, of an actor without arguments, has no build step: `spawn`
   * does not wait for a worker that has built such an actor before.
   */
  spawn(
    ...input: SpawnInput<Args>
  ): Effect.Effect<ActorRef<Methods>, SpawnError | StartError["Type"], Scope.Scope | ActorSystem>
  /**
   * The actor of this class that was spawned with the option `name`, by the same `ActorSystem`. Waits until such an actor has been built. In
   * an actor, use `Actor.named`.
   */
  named(name: string): Effect.Effect<ActorRef<Methods>, never, ActorSystem>
  /** A layer that spawns the actor and provides its client as a service. The actor lives as long as the layer. */
  layer(...input: SpawnInput<Args>): Layer.Layer<Self, SpawnError | StartError["Type"], ActorSystem>
  /**
   * A layer that starts a pool of actors of this class. It provides the client of the pool as the service, and the pool itself under the tag
   * `Pool`.
   */
  layerPool(
    options: Pools.PoolOptions<Args, Methods>
  ): Layer.Layer<Self | Pool<Self>, SpawnError | StartError["Type"], ActorSystem>
  /**
   * The tag of the pool that `layerPool` provides: `const pool = yield* Counter.Pool`. The service `Counter` is the client of the same pool.
   */
  readonly Pool: Context.Service<Pool<Self>, ActorPool<Methods, StartError["Type"]>>
  /**
   * A layer that provides the behaviour: an object of handlers, or a function that builds the handlers from the arguments. The function
   * runs in the worker, once for each actor, in the scope of the actor. The other services that it requires are built once in each worker,
   * and all actors of the worker share them. Throws a `RangeError` if `concurrency`, `mailboxCapacity`,
   * `callTimeout`, `runTimeout` or `streams` is out of range.
   *
   * A handler does its work in the effect that it returns. The engine may call the handler function while another call runs, to find out
   * whether it returns `Rpc.fork`. It may also call the function for a call that is then interrupted and never runs.
   */
  toLayer<Handlers extends Protocol.Handlers<Methods>, E = never, RX = never>(
    this: Protocol.CheckedBuild<Methods, Handlers, E, StartError["Type"]>,
    build:
      | (Handlers & Protocol.Handlers<Methods>)
      | Protocol.HandlersFunction<Args["Type"], Effect.Effect<Handlers, E, RX>>,
    options?: BehaviourOptions
  ): Layer.Layer<
    Behaviour<Self>,
    never,
    | Exclude<RX, Scope.Scope>
    | RpcGroup.HandlersServices<Protocol.Rpcs<Methods>, Handlers>
    | Rpc.Middleware<Protocol.Rpcs<Methods>>
    | Rpc.ServicesServer<Protocol.Rpcs<Methods>>
  >
  /** Returns its argument, typed as the handlers of the protocol. For a behaviour that builds its handlers in several steps. */
  handlers<const Handlers extends Protocol.Handlers<Methods>>(
    this: Protocol.CheckedHandlers<Methods, Handlers>,
    handlers: Handlers & Protocol.Handlers<Methods>
  ): Handlers
  /**
   * A schema for references to actors of this class, in payloads, results and arguments. The receiver uses a reference like the reference
   * that `spawn` returns, for as long as the actor lives.
   */
  readonly ref: Schema.declare<ActorRef<Methods>>
  /**
   * A schema for the names of actors of this class in a cluster, in payloads, results and arguments: `Account.clusterRef.make({ id })`.
   * `ActorCluster.client(Account)` takes such a value in place of an id, in every program of the cluster.
   */
  readonly clusterRef: Schema.Struct<{
    /** the name of the class */
    readonly actor: Schema.tag<Id>
    /** the id of the actor in the cluster */
    readonly id: typeof Schema.String
  }>
}

/**
 * Defines an actor. `protocol` is the record of its methods, each made by `Actor.method`, or a list of `Rpc`s. `args` is the schema of the arguments of `spawn`; by
 * default the actor has no arguments. `error` is the schema of the start error: the error with which the behaviour may fail to build. By
 * default there is none. The start error cannot contain handles. `shardGroup` is for clusters only: the group of shards to which the actor
 * with an id belongs, `"default"` by default. The runners that serve the group host the actor. Throws a `TypeError` if a method is defined twice or has a reserved
 * name, such as `then`, if a schema cannot be compiled, or if a schema belongs to another copy of Effect.
 *
 * @example
 * ```ts
 * import { Actor, ActorSystem } from "uactor"
 * import { Effect, Ref, Schema } from "effect"
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
 * const program = Effect.gen(function*() {
 *   const counter = yield* Counter
 *   return yield* counter.increment({ by: 2 })
 * }).pipe(Effect.provide(Counter.layer({ start: 40 })), Effect.provide(ActorSystem.layer(CounterLive)))
 *
 * assert.strictEqual(await Effect.runPromise(program), 42)
 * ```
 *
 * @example
 * The protocol as a list of `Rpc`s, which an RPC server may share. An editor does not find a method of the list from its call.
 * ```ts
 * import { Actor } from "uactor"
 * import { Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 *
 * const increment = Rpc.make("increment", { payload: { by: Schema.Int }, success: Schema.Int })
 *
 * export class Counter extends Actor.Service<Counter>()("Counter", { protocol: [increment, Rpc.make("reset")] }) {}
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const Service = <Self>() =>
<
  const Id extends string,
  const Input extends Protocol.Input,
  Args extends Schema.Top = Schema.Void,
  StartError extends Schema.Top = Schema.Never
>(
  id: Id,
  options: {
    readonly protocol: Input & Protocol.Checked<Input>
    readonly args?: Args | undefined
    readonly error?: StartError | undefined
    readonly shardGroup?: ((id: string) => string) | undefined
  }
): ActorService<Self, Id, Args, StartError, Protocol.FromInput<Input>> => {
  type Methods = Protocol.FromInput<Input>
  const name = `Actor.Service("${id}")`
  const protocol = Protocol.groupOf(name, options.protocol)
  const args = options.args ?? Schema.Void
  const error = options.error ?? Schema.Never
  for (const rpc of protocol.requests.values() as Iterable<Rpc.AnyWithProps>) {
    EffectCopies.checkMethod(name, rpc)
    CallTimeouts.check(id, rpc)
  }
  EffectCopies.checkSchema(`${name}: the schema of args`, args)
  EffectCopies.checkSchema(`${name}: the schema of error`, error)
  const methods = eagerOrLazy(() => Methods.methods(protocol))
  const argsCodec = eagerOrLazy(() => Codec.compile(args))
  const errorCodec = eagerOrLazy(() => {
    const codec = Codec.compile(error)
    // the actor has ended when `spawn` fails, and its handles with it
    if (codec.handles) throw new TypeError(`Actor.Service("${id}"): the start error (\`error\`) cannot contain handles`)
    return codec
  })
  const definition: Definitions.Definition = {
    name: id,
    shardGroup: options.shardGroup,
    get methods() {
      return methods()
    },
    get args() {
      return argsCodec()
    },
    get error() {
      return errorCodec()
    }
  }
  const tag = Context.Service<Self, Client<Methods>>()(id)
  const poolTag = Context.Service<Pool<Self>, object>(`${id}/Pool`)
  const reference = (actor: ClientObject.ActorHandle): object => ClientObject.make(definition.methods, actor)
  // a single callback: a program may spawn thousands of actors at once
  const spawn = (first: unknown, second?: SpawnOptions) =>
    Effect.callback<object, unknown, ActorSystem | Scope.Scope>((resume) => {
      const { context } = Fiber.getCurrent()!
      const { "~uactor/ActorSystem": system } = Context.getUnsafe(context, ActorSystem)
      // an actor without arguments has the options first
      const takesNone = definition.args === Codec.voidCodec
      const name = (takesNone ? first as SpawnOptions | undefined : second)?.name
      const args = takesNone ? undefined : first
      return system.begin({ context, definition, args, policy: undefined, name, make: reference, resume })
    })
  const members = {
    id,
    protocol,
    args,
    error,
    spawn,
    named: (name: string) =>
      Effect.flatMap(
        ActorSystem,
        (service) => Effect.map(service["~uactor/ActorSystem"].names.find(id, name), reference)
      ),
    layer: (...input: Parameters<typeof spawn>) =>
      Layer.effect(tag, spawn(...input) as Effect.Effect<Client<Methods>, unknown, ActorSystem>),
    layerPool: (options: Parameters<typeof PoolObject.make>[2]) =>
      Layer.effectContext(
        Effect.flatMap(ActorSystem, (service) =>
          Effect.map(
            PoolObject.make(service["~uactor/ActorSystem"], definition, options),
            ({ pool }) => Context.add(Context.make(tag, pool.client as Client<Methods>), poolTag, pool)
          ))
      ),
    Pool: poolTag,
    toLayer: (
      build: Behaviours.Build,
      options?: BehaviourOptions
    ) => Behaviours.layer(definition, build, options),
    handlers: (handlers: unknown) => handlers,
    ref: ActorReference.schema<ActorRef<Methods>>(definition),
    clusterRef: Schema.Struct({ actor: Schema.tag(id), id: Schema.String })
  }
  // the interface types the members; their types are erased here and nowhere else
  return Definitions.attach(Object.assign(tag, members), definition) as unknown as ActorService<
    Self,
    Id,
    Args,
    StartError,
    Methods
  >
}

// Evaluates at once, so that the stack of an error shows the definition. Evaluates on first use if a schema refers, by
// `Schema.suspend`, to a constant that is defined below.
const eagerOrLazy = <A>(make: () => A): () => A => {
  let made: A | undefined
  const get = (): A => made ??= make()
  try {
    get()
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error
  }
  return get
}

/**
 * Checks the type of the default export of a module of behaviours, and returns it. The export is a layer that provides at least one
 * behaviour and requires nothing but values of the option `config` (`WorkerConfig`): the module itself provides the other services that its
 * behaviours require. Whether a system gives these values is known when it starts a worker: without them, `spawn` fails.
 *
 * @example
 * ```ts no-run
 * import { Actor } from "uactor"
 * import { Effect, Schema } from "effect"
 *
 * class Square extends Actor.Service<Square>()("Square", {
 *   protocol: { of: Actor.method({ payload: { n: Schema.Int }, success: Schema.Int }) }
 * }) {}
 *
 * export default Actor.module(Square.toLayer({ of: ({ n }) => Effect.succeed(n * n) }))
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const module = <Behaviours extends Layer.Layer<Behaviour<any>, unknown, Given<any>>>(
  layer: Behaviours
): Behaviours => layer

/**
 * Spawns an actor, runs `body` with it, runs the `onExit` of the behaviour with the exit of the body, and closes the actor. The
 * result of the body is `Option.some`. If `onExit` returns `true`, a failure of the body is absorbed, and the result is `Option.none`.
 * Otherwise the failure passes unchanged. An interruption is never absorbed.
 *
 * @category combinators
 * @since 0.1.0
 */
export const use = <
  Self,
  Id extends string,
  Args extends Schema.Top,
  E1 extends Schema.Top,
  Methods extends Protocol.Any,
  A,
  E,
  R
>(
  actor: ActorService<Self, Id, Args, E1, Methods>,
  args: ArgsInput<Args>,
  body: (ref: ActorRef<Methods>) => Effect.Effect<A, E, R>
): Effect.Effect<Option.Option<A>, E | SpawnError | E1["Type"], Exclude<R, Scope.Scope> | ActorSystem> =>
  Votes.run(actor.spawn(...args as unknown as SpawnInput<Args>), (ref) => [Votes.voterOf(ref)], body)
