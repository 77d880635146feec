/**
 * Actors as scoped services. A class made by {@link Service} has three roles. It is the definition of an actor: its protocol, arguments
 * and start error. It is the tag of a service; the service is the typed client of the actor. It has the layers of the actor. `spawn`
 * acquires an actor that lives in the current scope. `toLayer` provides the behaviour, which runs in the workers of the `ActorSystem`.
 *
 * @module
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import * as Rpc from "effect/rpc/Rpc"
import type * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Struct from "effect/Struct"
import type { SpawnError } from "./ActorError.ts"
import type { ActorPool } from "./ActorPool.ts"
import type { ActorRef, Client } from "./ActorRef.ts"
import { ActorSystem } from "./ActorSystem.ts"
import * as Behaviours from "./internal/actor/behaviour.ts"
import * as CurrentActor from "./internal/actor/currentActor.ts"
import * as Definitions from "./internal/actor/definition.ts"
import * as Interruption from "./internal/actor/interruption.ts"
import * as Codec from "./internal/codec/codec.ts"
import * as Methods from "./internal/codec/methods.ts"
import * as Protocol from "./internal/codec/protocol.ts"
import * as EffectCopies from "./internal/effect/effectCopies.ts"
import type * as Pools from "./internal/pool/pool.ts"
import * as PoolObject from "./internal/pool/poolObject.ts"
import * as CallTimeouts from "./internal/proxy/callTimeouts.ts"
import * as ClientObject from "./internal/proxy/clientObject.ts"
import * as ActorReference from "./internal/remote/actorReference.ts"
import * as Votes from "./internal/system/votes.ts"
import type { Given } from "./WorkerConfig.ts"

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
   * The name of the actor among the actors of its class that the same `ActorSystem` has spawned. `named` of the class and {@link named} find
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
 * Defines an actor. `protocol` is the record of its methods, each made by {@link method}, or a list of `Rpc`s. `args` is the schema of the arguments of `spawn`; by
 * default the actor has no arguments. `error` is the schema of the start error: the error with which the behaviour may fail to build. By
 * default there is none. The start error cannot contain handles. Throws a `TypeError` if a method is defined twice or has a reserved
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
      return system.begin(context, definition, takesNone ? undefined : first, undefined, reference, resume, name)
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

/**
 * A method of a protocol that is a record. Its name is the key in the record.
 *
 * @category models
 * @since 0.1.0
 */
export type Method = Protocol.Method

/**
 * Defines a method of a protocol that is a record: `protocol: { increment: Actor.method({ payload, success, error }) }`. The options are
 * those of `Rpc.make`. `payload` is a schema or the fields of a struct. With `stream: true` the method returns a stream: `success` is the
 * schema of an item, and `error` the schema of the error that ends the stream. `annotate` adds an annotation, such as
 * {@link Idempotent}.
 *
 * @category constructors
 * @since 0.1.0
 */
export const method = <
  Payload extends Schema.Top | Schema.Struct.Fields = Schema.Void,
  Success extends Schema.Top = Schema.Void,
  Error extends Schema.Top = Schema.Never,
  const Stream extends boolean = false
>(options?: {
  /** The schema of the payload, or the fields of the payload. By default the method has no payload. */
  readonly payload?: Payload
  /** The schema of the result, or of an item of the stream. By default the method has no result. */
  readonly success?: Success
  /** The schema of the error. By default the method declares no error. */
  readonly error?: Error
  /** The schema of the defects of the handler. By default an error keeps its name, message, stack, cause and plain fields. */
  readonly defect?: Rpc.DefectSchema
  /** Whether the method returns a stream. `false` by default. */
  readonly stream?: Stream
  /**
   * The key of a call, from its payload, which is given by its fields. In a cluster, a persisted method runs once for each key. By default a
   * call has no key.
   */
  readonly primaryKey?: [Payload] extends [Schema.Struct.Fields] ? ((
      payload: Payload extends Schema.Struct.Fields ? Struct.Simplify<Schema.Struct<Payload>["Type"]> : Payload["Type"]
    ) => string) :
    never
}): ReturnType<typeof Rpc.make<"", Payload, Success, Error, Stream>> => Rpc.make("", options)

/**
 * Annotates a method as idempotent: `Actor.method(…).annotate(Actor.Idempotent, true)`. When a supervised actor restarts after a
 * crash, a call of such a method runs again, although it may have run before. `false` by default.
 *
 * @category annotations
 * @since 0.1.0
 */
export const Idempotent: Context.Reference<boolean> = Methods.Idempotent

/**
 * An actor as it sees itself: see {@link self}.
 *
 * @category models
 * @since 0.1.0
 */
export interface Self<Methods extends Protocol.Any> {
  /** The reference to the actor, as `spawn` returns it. It stays valid when the actor restarts, also for the actors that receive it. */
  readonly ref: ActorRef<Methods>
  /** The address of this incarnation, such as `Counter#1@thread-2`. */
  readonly address: string
  /** The number of this incarnation: 1, and one more after each restart. */
  readonly incarnation: number
}

/**
 * The actor's own reference, address and incarnation, in its handlers, its behaviour and their fibers. The actor may send the reference to
 * other actors, which call it back. The first use asks the program that has spawned the actor; later uses of the same incarnation do not.
 *
 * A handler that waits for a call of its own actor waits for itself, unless the behaviour has a `concurrency` above 1. Send a tell
 * (`{ discard: true }`) instead.
 *
 * Dies with a `TypeError` in a fiber that does not run in an actor of this class.
 *
 * @example
 * ```ts
 * import { Actor, ActorSystem } from "uactor"
 * import { Effect, Ref, Schema } from "effect"
 * import assert from "node:assert"
 *
 * class Countdown extends Actor.Service<Countdown>()("Countdown", {
 *   protocol: {
 *     start: Actor.method({ payload: { from: Schema.Int } }),
 *     left: Actor.method({ success: Schema.Int })
 *   }
 * }) {}
 *
 * const CountdownLive = Countdown.toLayer(() =>
 *   Effect.map(Ref.make(0), (left) => Countdown.handlers({
 *     start: Effect.fnUntraced(function*({ from }) {
 *       yield* Ref.set(left, from)
 *       const { ref } = yield* Actor.self(Countdown)
 *       if (from > 0) yield* Effect.orDie(ref.start({ from: from - 1 }, { discard: true }))
 *     }),
 *     left: () => Ref.get(left)
 *   }))
 * )
 *
 * const program = Effect.gen(function*() {
 *   const countdown = yield* Countdown.spawn()
 *   yield* countdown.start({ from: 3 })
 *   while ((yield* countdown.left()) > 0) yield* Effect.yieldNow
 *   assert.strictEqual(yield* countdown.left(), 0)
 * }).pipe(Effect.scoped, Effect.provide(ActorSystem.layer(CountdownLive)))
 *
 * await Effect.runPromise(program)
 * ```
 *
 * @category accessors
 * @since 0.1.0
 */
export const self = <S, Id extends string, Args extends Schema.Top, E extends Schema.Top, Methods extends Protocol.Any>(
  actor: ActorService<S, Id, Args, E, Methods>
): Effect.Effect<Self<Methods>> =>
  CurrentActor.inActor(`Actor.self(${actor.id})`, ({ name, self }) =>
    name === actor.id
      ? self as Effect.Effect<Self<Methods>>
      : Effect.die(new TypeError(`Actor.self(${actor.id}): this fiber runs in an actor of ${name}`)))

/**
 * Runs an effect in a fiber of the actor, beside its calls. The close of the actor interrupts the fiber. A failure of the effect ends the
 * actor as {@link crash} does, so that the policy of the actor restarts it; an interruption alone does not. Use it for background work
 * without which the actor is of no use, such as a subscription. A fiber of `Effect.forkScoped` fails in silence.
 *
 * Dies with a `TypeError` in a fiber that does not run in an actor.
 *
 * @example
 * ```ts
 * import { Actor, ActorRef, ActorSystem, Supervision } from "uactor"
 * import { Effect, Logger, Ref, Schedule, Schema, Stream } from "effect"
 * import assert from "node:assert"
 *
 * class Feed extends Actor.Service<Feed>()("Feed", { protocol: { last: Actor.method({ success: Schema.Int }) } }) {}
 *
 * // fails after three items, and starts again with the next incarnation
 * const items = Stream.concat(Stream.range(1, 3), Stream.fail("disconnected"))
 *
 * const FeedLive = Feed.toLayer(() =>
 *   Effect.gen(function*() {
 *     const last = yield* Ref.make(0)
 *     yield* Actor.forkSupervised(Stream.runForEach(items, (item) => Ref.set(last, item)))
 *     return { last: () => Ref.get(last) }
 *   })
 * )
 *
 * const program = Effect.gen(function*() {
 *   const policy = Supervision.make({ schedule: Schedule.spaced("1 milli"), maxRestarts: 2 })
 *   const feed = yield* Feed.spawn().pipe(Supervision.supervised(policy))
 *   const exit = yield* ActorRef.awaitExit(feed) // after two restarts
 *   assert.strictEqual(exit._tag, "Failure")
 * }).pipe(Effect.scoped, Effect.provide(ActorSystem.layer(FeedLive)), Effect.provide(Logger.layer([])))
 *
 * await Effect.runPromise(program)
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const forkSupervised = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<Fiber.Fiber<A, E>, never, R> =>
  CurrentActor.inActor("Actor.forkSupervised", (actor) =>
    Effect.map(Effect.forkIn(effect, actor.scope), (fiber) => {
      fiber.addObserver((exit) => {
        if (Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause)) actor.crash(exit.cause)
      })
      return fiber
    }))

/**
 * Ends this actor as crashed. The actor takes no more calls. Its running calls are interrupted, this one included, and fail with
 * `ActorExited` (`Crashed`). Its finalizers run with the cause. Other actors of a shared worker are not affected. A supervised actor
 * restarts by its policy, like after the death of its worker: calls that have not run move to the next incarnation. A dedicated worker is
 * replaced. Without restarts left, the actor has ended for good.
 *
 * In the behaviour, while it is being built, a crash is a defect of `spawn`. Dies with a `TypeError` in a fiber that does not run in an
 * actor.
 *
 * @category combinators
 * @since 0.1.0
 */
export const crash = (cause: Cause.Cause<unknown>): Effect.Effect<never> =>
  CurrentActor.inActor(
    "Actor.crash",
    (actor) => Effect.andThen(Effect.sync(() => actor.crash(cause)), Effect.interrupt)
  )

/**
 * Stops this actor, as `ActorRef.stop` with `drain` does: the actor takes no more calls, finishes the accepted calls, this one included, and
 * ends for good. Completes when the stop has begun, so a handler may still return its result. The actor does not restart, unless its policy
 * has `restart: "always"`; then calls made meanwhile wait for the next incarnation.
 *
 * In the behaviour, while it is being built, a stop fails `spawn` with `SpawnError` (`WorkerFailed`): the build is interrupted, and its
 * finalizers run. In the build of a later incarnation, the actor ends for good, and the calls that wait fail as `Stopped`. No policy restarts it.
 *
 * Dies with a `TypeError` in a fiber that does not run in an actor.
 *
 * @category combinators
 * @since 0.1.0
 */
export const stopSelf: Effect.Effect<void> = CurrentActor.inActor("Actor.stopSelf", ({ stop }) => stop)

/**
 * The actor of a class that was spawned with the option `name`, in a handler, a behaviour or a fiber of an actor. Finds it among the actors of
 * the `ActorSystem` that has spawned this actor, and waits until it has been built. Bound the wait with `Effect.timeout`. The lifetime of the
 * reference is that of a reference in the payload of a call. A program uses `named` of the class instead, such as `Counter.named("main")`.
 *
 * Dies with a `TypeError` in a fiber that does not run in an actor.
 *
 * @example
 * ```ts
 * import { Actor, ActorSystem } from "uactor"
 * import { Effect, Layer, Ref, Schema } from "effect"
 * import assert from "node:assert"
 *
 * class Counter extends Actor.Service<Counter>()("Counter", { protocol: { next: Actor.method({ success: Schema.Int }) } }) {}
 * const CounterLive = Counter.toLayer(() =>
 *   Effect.map(Ref.make(0), (n) => ({ next: () => Ref.updateAndGet(n, (x) => x + 1) }))
 * )
 *
 * class Clerk extends Actor.Service<Clerk>()("Clerk", { protocol: { serve: Actor.method({ success: Schema.String }) } }) {}
 * const ClerkLive = Clerk.toLayer(() =>
 *   Effect.map(Actor.named(Counter, "tickets"), (tickets) => ({
 *     serve: () => Effect.map(Effect.orDie(tickets.next()), (n) => `ticket ${n}`)
 *   }))
 * )
 *
 * const program = Effect.gen(function*() {
 *   yield* Counter.spawn({ name: "tickets" })
 *   const clerk = yield* Clerk.spawn()
 *   assert.strictEqual(yield* clerk.serve(), "ticket 1")
 *   const tickets = yield* Counter.named("tickets")
 *   assert.strictEqual(yield* tickets.next(), 2)
 *   const error = yield* Effect.flip(Counter.spawn({ name: "tickets" }))
 *   assert.strictEqual(error.reason, "NameTaken")
 * }).pipe(Effect.scoped, Effect.provide(ActorSystem.layer(Layer.merge(CounterLive, ClerkLive))))
 *
 * await Effect.runPromise(program)
 * ```
 *
 * @category accessors
 * @since 0.2.0
 */
export const named = <
  S,
  Id extends string,
  Args extends Schema.Top,
  E extends Schema.Top,
  Methods extends Protocol.Any
>(
  actor: ActorService<S, Id, Args, E, Methods>,
  name: string
): Effect.Effect<ActorRef<Methods>> =>
  CurrentActor.inActor(
    `Actor.named(${actor.id})`,
    (current) => current.named(Definitions.definitionOf(actor), name) as Effect.Effect<ActorRef<Methods>>
  )

/**
 * The timeout of calls, a duration longer than 0. By default a call has no timeout. There are three places for it, of which the first in
 * this list counts:
 *
 * - the method: `Actor.method(…).annotate(Actor.CallTimeout, "1 second")`, also of a `Handle.object`; `Infinity` exempts the method;
 * - the spawn: `Counter.spawn(…).pipe(Effect.provideService(Actor.CallTimeout, "1 second"))`, for the actors that the effect spawns;
 * - the behaviour: `callTimeout` among the options of `toLayer`.
 *
 * The time runs from the call to its end, the wait in the mailbox and for a restart included. After it, the call is interrupted like a call
 * whose caller is interrupted, and fails with `CallTimedOut`, whose `outcome` says whether the call may have run. To know this, the caller
 * waits for the actor to acknowledge the interruption, for `interruptTimeout` at most. The timeout of a tell ends when the mailbox accepts
 * the tell. Streams have no timeout: use `Stream.timeout`.
 *
 * The time is measured by the clock of the machine, not by the `Clock` of the program. Throws a `RangeError` if the duration of a method
 * is out of range; a spawn fails with `SpawnError` (`OptionsInvalid`) if its duration is.
 *
 * @example
 * ```ts
 * import { Actor, ActorSystem } from "uactor"
 * import { Effect, Schema } from "effect"
 * import assert from "node:assert"
 *
 * class Weather extends Actor.Service<Weather>()("Weather", {
 *   protocol: {
 *     now: Actor.method({ success: Schema.String }).annotate(Actor.CallTimeout, "20 millis"),
 *     report: Actor.method({ success: Schema.String })
 *   }
 * }) {}
 *
 * const WeatherLive = Weather.toLayer(
 *   { now: () => Effect.never, report: () => Effect.succeed("rain") },
 *   { callTimeout: "10 seconds" }
 * )
 *
 * const program = Effect.gen(function*() {
 *   const weather = yield* Weather.spawn()
 *   assert.strictEqual(yield* weather.report(), "rain")
 *   const error = yield* Effect.flip(weather.now())
 *   assert.strictEqual(error._tag, "CallTimedOut")
 *   assert.strictEqual(error.outcome, "Unknown")
 * }).pipe(Effect.scoped, Effect.provide(ActorSystem.layer(WeatherLive)))
 *
 * await Effect.runPromise(program)
 * ```
 *
 * @category references
 * @since 0.1.0
 */
export const CallTimeout: Context.Reference<Duration.Input | undefined> = Methods.CallTimeout

/**
 * Which spans the calls of a method have, if the program has a tracer: a span of the caller and one of the handler (`"full"`), one of the
 * handler (`"server"`), or none (`"off"`). By default they have those of the option `tracing` of the system. With `"off"`, the spans of
 * the code of the handler are in the span of the caller. `Actor.Service` throws a `RangeError` if the annotation is another value.
 *
 * @example
 * ```ts
 * import { Actor, ActorSystem } from "uactor"
 * import { Effect, Layer, Schema, Tracer } from "effect"
 * import assert from "node:assert"
 *
 * class Gauge extends Actor.Service<Gauge>()("Gauge", {
 *   protocol: {
 *     set: Actor.method({ payload: { to: Schema.Int } }),
 *     get: Actor.method({ success: Schema.Int }).annotate(Actor.Tracing, "off")
 *   }
 * }) {}
 *
 * const GaugeLive = Gauge.toLayer({ set: () => Effect.void, get: () => Effect.succeed(7) })
 *
 * const names: Array<string> = []
 * const tracer = Tracer.make({
 *   span: (options) => {
 *     names.push(`${options.kind} ${options.name}`)
 *     return new Tracer.NativeSpan(options)
 *   }
 * })
 *
 * const program = Effect.gen(function*() {
 *   const gauge = yield* Gauge.spawn()
 *   yield* Effect.withSpan(Effect.andThen(gauge.set({ to: 7 }), gauge.get()), "request")
 * }).pipe(
 *   Effect.scoped,
 *   Effect.provide(ActorSystem.layer(GaugeLive, { tracing: "server" })),
 *   Effect.provide(Layer.succeed(Tracer.Tracer, tracer))
 * )
 *
 * await Effect.runPromise(program)
 * assert.deepStrictEqual(names, ["internal request", "server Gauge.set"])
 * ```
 *
 * @category references
 * @since 0.2.0
 */
export const Tracing: Context.Reference<"full" | "server" | "off" | undefined> = Methods.Tracing

/**
 * The timeout of the run of a call: of the time from the start of its handler to its answer, without the wait in the mailbox, in the queue of
 * a pool or for a restart. A duration longer than 0; by default a run has no timeout. The places are those of {@link CallTimeout}: the
 * annotation of a method, the spawn, and the behaviour with its option `runTimeout`.
 *
 * After the time, the handler is interrupted, and the call fails with `CallTimedOut`, the `limit` `run` and the outcome `Unknown`. A
 * handler that computes without yielding sees the interruption in {@link checkInterrupt}, on threads. One that does not react is ended with
 * its worker after `interruptTimeout`. In memory, such a handler cannot be ended.
 *
 * The run of a stream lasts until the stream has ended, the waits for its reader included. A stream has the timeout of its method alone,
 * because a stream may be endless. The run of a tell has the timeout, too, and only the log reports its end. A handler that returns
 * `Rpc.uninterruptible` has no timeout.
 *
 * The time is measured by the clock of the machine. Throws a `RangeError` if the duration of a method is out of range; a spawn fails with
 * `SpawnError` (`OptionsInvalid`) if its duration is.
 *
 * @example
 * ```ts
 * import { Actor, ActorSystem } from "uactor"
 * import { Effect, Schema } from "effect"
 * import assert from "node:assert"
 *
 * class Render extends Actor.Service<Render>()("Render", {
 *   protocol: { page: Actor.method({ payload: { n: Schema.Int }, success: Schema.String }) }
 * }) {}
 *
 * const RenderLive = Render.toLayer(
 *   { page: ({ n }) => n === 0 ? Effect.never : Effect.succeed(`page ${n}`) },
 *   { runTimeout: "20 millis" }
 * )
 *
 * const program = Effect.gen(function*() {
 *   const render = yield* Render.spawn()
 *   const calls = [0, 1].map((n) => Effect.result(render.page({ n })))
 *   const [first, second] = yield* Effect.all(calls, { concurrency: "unbounded" })
 *   assert(first?._tag === "Failure" && first.failure._tag === "CallTimedOut" && first.failure.limit === "run")
 *   // the wait behind the first page does not count
 *   assert.strictEqual(second?._tag, "Success")
 * }).pipe(Effect.scoped, Effect.provide(ActorSystem.layer(RenderLive)))
 *
 * await Effect.runPromise(program)
 * ```
 *
 * @category references
 * @since 0.2.0
 */
export const RunTimeout: Context.Reference<Duration.Input | undefined> = Methods.RunTimeout

/**
 * Ends the running handler as interrupted if its caller has been interrupted. Call it in the loop of a handler that computes for a long
 * time without yielding. It reads shared memory, takes a few nanoseconds and does not yield. It does nothing in an uninterruptible
 * region, such as a finalizer.
 *
 * It works on threads only. In a child process and in memory it does nothing, because no message reaches a loop that does not yield. The
 * child process is killed after `interruptTimeout`.
 *
 * The shared memory has room for 8192 calls of one caller's thread. If more calls run and are interrupted together, the interruption of
 * the first of them is not visible to `checkInterrupt`. If one of these computes, its thread is killed after `interruptTimeout`.
 *
 * @example
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { Actor } from "uactor"
 *
 * class Primes extends Actor.Service<Primes>()("Primes", {
 *   protocol: { count: Actor.method({ payload: { below: Schema.Int }, success: Schema.Int }) }
 * }) {}
 *
 * export const PrimesLive = Primes.toLayer({
 *   count: ({ below }) =>
 *     Effect.sync(() => {
 *       let count = 0
 *       for (let n = 2; n < below; n++) {
 *         Actor.checkInterrupt() // a plain function: no `yield*`
 *         let divisor = 2
 *         while (n % divisor !== 0) divisor++
 *         if (divisor === n) count++
 *       }
 *       return count
 *     })
 * })
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const checkInterrupt: () => void = Interruption.check

/**
 * Lets an interrupted caller continue at once. By default an interrupted caller waits until the actor has acknowledged the interruption.
 * `disconnect` runs the call in a detached fiber: when the caller is interrupted, that fiber is interrupted in the background, and the
 * handler's finalizers run as usual. Until the call has ended in the actor, it counts as a running call there.
 *
 * Wrap the call itself, inside `Effect.timeout` or a race. The outcome of the call is unchanged while the caller is not interrupted.
 *
 * @example
 * ```ts
 * import { Actor, ActorSystem } from "uactor"
 * import { Effect, Schema } from "effect"
 * import assert from "node:assert"
 *
 * class Report extends Actor.Service<Report>()("Report", {
 *   protocol: { make: Actor.method({ success: Schema.String }) }
 * }) {}
 *
 * // its finalizer takes a tenth of a second
 * const ReportLive = Report.toLayer({
 *   make: () => Effect.ensuring(Effect.never, Effect.sleep("100 millis"))
 * })
 *
 * const program = Effect.gen(function*() {
 *   const report = yield* Report.spawn()
 *   return yield* report.make().pipe(
 *     Actor.disconnect, // the timeout does not wait for the finalizer
 *     Effect.timeoutOrElse({ duration: "10 millis", orElse: () => Effect.succeed("no report") })
 *   )
 * }).pipe(Effect.scoped, Effect.provide(ActorSystem.layer(ReportLive)))
 *
 * assert.strictEqual(await Effect.runPromise(program), "no report")
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const disconnect = <A, E, R>(call: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(
      Effect.forkDetach(restore(call), { startImmediately: true }),
      (fiber) =>
        Effect.onInterrupt(restore(Fiber.join(fiber)), () =>
          Effect.withFiber((caller) => Effect.sync(() => fiber.interruptUnsafe(caller.id))))
    )
  )
