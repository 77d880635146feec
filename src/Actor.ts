/**
 * Actors as scoped services. A class made by {@link Service} is three things at
 * once: the definition of an actor (its protocol, arguments and start error), the
 * tag of a service whose shape is the typed client, and the home of its layers.
 * `spawn` acquires an actor that lives in the current scope; `toLayer` gives its
 * behaviour, which runs where the `ActorSystem` puts it.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { SpawnError } from "./ActorError.ts"
import type { ActorRef, Client } from "./ActorRef.ts"
import { ActorSystem } from "./ActorSystem.ts"
import * as Behaviours from "./internal/behaviour.ts"
import * as Codec from "./internal/codec.ts"
import * as Interruption from "./internal/interruption.ts"
import * as Ref from "./internal/ref.ts"
import * as References from "./internal/reference.ts"
import * as Supervision from "./internal/supervision.ts"
import * as Pools from "./internal/system/pool.ts"
import * as Votes from "./internal/system/votes.ts"

/**
 * What `spawn` takes: nothing for an actor without arguments.
 *
 * @category models
 * @since 0.1.0
 */
export type ArgsInput<Args extends Schema.Top> = Args extends Schema.Void ? readonly [] : readonly [args: Args["Type"]]

/**
 * A behaviour as a service of a worker's layer: what `toLayer` provides.
 *
 * @category models
 * @since 0.1.0
 */
export interface Behaviour<in out Self> {
  readonly "~uactor/Behaviour": Self
}

/**
 * How a behaviour takes its calls.
 *
 * @category models
 * @since 0.1.0
 */
export interface BehaviourOptions {
  /**
   * how many calls run at once; 1 by default: one at a time, in order. `Rpc.fork` lets one handler out of line. That is a property of
   * the method: where its first answer has not been `Rpc.fork`, its calls wait in line from then on, and one that would be is not asked.
   */
  readonly concurrency?: number | "unbounded" | undefined
  /** how many calls may wait; 4096 by default */
  readonly mailboxCapacity?: number | "unbounded" | undefined
  /** what happens to a call that finds the mailbox full: it waits (`suspend`, the default), or it fails with `MailboxFull` */
  readonly onFull?: "suspend" | "fail" | undefined
  /** how the actor is restarted when its worker dies; not at all by default. Goes after `Supervision.supervised`. */
  readonly supervision?: Supervision.Policy | undefined
  /**
   * asked when `Actor.use` or `ActorPool.use` ends, with the exit of the body: `true` absorbs its failure (what uActor's
   * `__exit__` says by returning true)
   */
  readonly onExit?: ((exit: Exit.Exit<unknown, unknown>) => Effect.Effect<boolean>) | undefined
}

/**
 * The class of an actor: its definition, its service tag, and its layers.
 *
 * @category models
 * @since 0.1.0
 */
export interface ActorService<
  Self,
  Id extends string,
  Args extends Schema.Top,
  StartError extends Schema.Top,
  Rpcs extends Rpc.Any
> extends Context.ServiceClass<Self, Id, Client<Rpcs>> {
  readonly id: Id
  readonly protocol: RpcGroup.RpcGroup<Rpcs>
  readonly args: Args
  readonly error: StartError
  /**
   * Starts an actor that lives until the scope closes (L1). Fails with the behaviour's own start error, or with `SpawnError`.
   * Completes when the behaviour has been built; where nothing is to be built, because it is an object of handlers and there are no
   * arguments, it need not wait for a worker that has one of its kind already.
   */
  spawn(
    ...args: ArgsInput<Args>
  ): Effect.Effect<ActorRef<Rpcs>, SpawnError | StartError["Type"], Scope.Scope | ActorSystem>
  /** The same as a layer: the actor is a service of the program. */
  layer(...args: ArgsInput<Args>): Layer.Layer<Self, SpawnError | StartError["Type"], ActorSystem>
  /** The service backed by a pool of identical actors. */
  layerPool(options: Pools.PoolOptions<Args>): Layer.Layer<Self, SpawnError | StartError["Type"], ActorSystem>
  /**
   * The behaviour: handlers, or a function of the arguments that builds them. It runs in the worker, once for each actor, in the
   * actor's own scope. What else it requires is built once in each worker and shared by the actors there.
   *
   * A handler does its work inside the effect that it returns. The function around it may be entered while another call runs, to see
   * whether it answers with `Rpc.fork`, and also for a call that is then taken back and never runs.
   */
  toLayer<Handlers extends RpcGroup.HandlersFrom<Rpcs>, RX = never>(
    build: Handlers | ((args: Args["Type"]) => Effect.Effect<Handlers, StartError["Type"], RX>),
    options?: BehaviourOptions
  ): Layer.Layer<
    Behaviour<Self>,
    never,
    | Exclude<RX, Scope.Scope>
    | RpcGroup.HandlersServices<Rpcs, Handlers>
    | Rpc.Middleware<Rpcs>
    | Rpc.ServicesServer<Rpcs>
  >
  /** Types an object of handlers, for a behaviour that builds them in several steps. */
  handlers<const Handlers extends RpcGroup.HandlersFrom<Rpcs>>(handlers: Handlers): Handlers
  /**
   * A schema for references to this actor, so that they travel in payloads, results and arguments. Who receives one uses it like
   * the reference that `spawn` returned, for as long as the actor lives (H4).
   */
  readonly ref: Schema.declare<ActorRef<Rpcs>>
}

/**
 * Defines an actor. `protocol` are its methods, as `Rpc.make` definitions; `args` is the schema of what `spawn` takes; `error` the
 * schema of what its behaviour may fail with while it is built.
 *
 * @example
 * ```ts
 * import { Actor, ActorSystem } from "uactor"
 * import { Effect, Ref, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import assert from "node:assert"
 *
 * class Counter extends Actor.Service<Counter>()("Counter", {
 *   args: Schema.Struct({ start: Schema.Int }),
 *   protocol: [Rpc.make("increment", { payload: { by: Schema.Int }, success: Schema.Int })]
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
 * @category constructors
 * @since 0.1.0
 */
export const Service = <Self>() =>
<
  const Id extends string,
  const Rpcs extends ReadonlyArray<Rpc.Any>,
  Args extends Schema.Top = Schema.Void,
  StartError extends Schema.Top = Schema.Never
>(
  id: Id,
  options: { readonly protocol: Rpcs; readonly args?: Args | undefined; readonly error?: StartError | undefined }
): ActorService<Self, Id, Args, StartError, Rpcs[number]> => {
  const protocol = RpcGroup.make(...options.protocol)
  if (protocol.requests.size !== options.protocol.length) {
    const tags = options.protocol.map((rpc) => rpc._tag)
    const twice = tags.find((tag, i) => tags.indexOf(tag) !== i)
    throw new TypeError(`Actor.Service("${id}"): the protocol defines ${twice} twice`)
  }
  const args = options.args ?? Schema.Void
  const error = options.error ?? Schema.Never
  const methods = whenDefined(() => Codec.methods(protocol))
  const argsCodec = whenDefined(() => Codec.compile(args))
  const errorCodec = whenDefined(() => Codec.compile(error))
  const definition: Behaviours.Definition = {
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
  const tag = Context.Service<Self, Client<Rpcs[number]>>()(id)
  const reference = (actor: Ref.Referent): object => Ref.make(definition.methods, actor)
  // one step, because many actors may be started at once
  const spawn = (input: unknown) =>
    Effect.callback<object, unknown, ActorSystem | Scope.Scope>((resume) => {
      const { context } = Fiber.getCurrent()!
      const { "~uactor/ActorSystem": system } = Context.getUnsafe(context, ActorSystem)
      return system.begin(context, definition, input, undefined, reference, resume)
    })
  const members = {
    id,
    protocol,
    args,
    error,
    spawn,
    layer: (input: unknown) =>
      Layer.effect(tag, spawn(input) as Effect.Effect<Client<Rpcs[number]>, unknown, ActorSystem>),
    layerPool: (options: Parameters<typeof Pools.make>[2]) =>
      Layer.effect(
        tag,
        Effect.flatMap(ActorSystem, (service) =>
          Effect.map(
            Pools.make(service["~uactor/ActorSystem"], definition, options),
            (pool) => pool.client as Client<Rpcs[number]>
          ))
      ),
    toLayer: (
      build: Handlers | ((args: unknown) => Effect.Effect<Handlers, unknown>),
      options?: BehaviourOptions
    ) => behaviourLayer(definition, build, options),
    handlers: (handlers: unknown) => handlers,
    ref: References.schema<ActorRef<Rpcs[number]>>(definition)
  }
  // the members are typed by the interface; here is the one place where their types are erased
  return Behaviours.attach(Object.assign(tag, members), definition) as unknown as ActorService<
    Self,
    Id,
    Args,
    StartError,
    Rpcs[number]
  >
}

// now, so that what is wrong is said where it stands; or later, where a schema refers by `Schema.suspend` to what stands below it
const whenDefined = <A>(make: () => A): () => A => {
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
 * Runs `body` with an actor, then asks the actor's `onExit`; if it answers `true`, a failure of the body is absorbed and the
 * result is `Option.none` (L5). Without a vote, failures pass through unchanged.
 *
 * @category combinators
 * @since 0.1.0
 */
export const use = <
  Self,
  Id extends string,
  Args extends Schema.Top,
  E1 extends Schema.Top,
  Rpcs extends Rpc.Any,
  A,
  E,
  R
>(
  actor: ActorService<Self, Id, Args, E1, Rpcs>,
  args: ArgsInput<Args>,
  body: (ref: ActorRef<Rpcs>) => Effect.Effect<A, E, R>
): Effect.Effect<Option.Option<A>, E | SpawnError | E1["Type"], Exclude<R, Scope.Scope> | ActorSystem> =>
  Votes.run(actor.spawn(...args), (ref) => [Votes.voterOf(ref)], body)

/**
 * Annotates a method that may run twice, so that a supervised actor runs it again after a crash in which it may have run (F3):
 * `Rpc.make("get", …).annotate(Actor.Idempotent, true)`.
 *
 * @category annotations
 * @since 0.1.0
 */
export const Idempotent: Context.Reference<boolean> = Codec.Idempotent

/**
 * For handlers that compute for long without yielding: ends the handler, as interrupted, if its caller has been interrupted. It
 * reads shared memory, which costs some nanoseconds and does not yield; call it in the loop. Where the handler cannot be
 * interrupted, as in a finalizer or while it acquires something, it does nothing. On threads only: in a child process and in memory
 * nothing can reach a loop that does not yield, and there it does nothing; the process is killed when `interruptTimeout` has passed.
 * So is a thread in which more than 8192 calls of one caller's thread run when they are interrupted together, if it is one of the
 * first of them that computes.
 *
 * @category combinators
 * @since 0.1.0
 */
export const checkInterrupt: () => void = Interruption.check

type Handlers = Readonly<Record<string, Behaviours.Handler>>

const bound = (name: string, option: string, value: number | "unbounded" | undefined, byDefault: number): number => {
  if (value === undefined) return byDefault
  if (value === "unbounded") return Infinity
  if (Number.isInteger(value) && value >= 1) return value
  throw new RangeError(`${name}.toLayer: ${option} must be an integer of at least 1 or "unbounded", not ${value}`)
}

const behaviourLayer = (
  definition: Behaviours.Definition,
  build: Handlers | ((args: unknown) => Effect.Effect<Handlers, unknown>),
  options: BehaviourOptions | undefined
): Layer.Layer<Behaviour<unknown>> => {
  const { name } = definition
  const behaviour = {
    definition,
    handlers: typeof build === "function" ? undefined : build,
    build: typeof build === "function" ? build : () => Effect.succeed(build),
    concurrency: bound(name, "concurrency", options?.concurrency, 1),
    mailboxCapacity: bound(name, "mailboxCapacity", options?.mailboxCapacity, 4096),
    suspends: options?.onFull !== "fail",
    onExit: options?.onExit
  }
  const policy = options?.supervision
  return Layer.effectContext(
    Effect.contextWith((context: Context.Context<never>) =>
      Effect.map(
        policy === undefined ? Effect.undefined : Supervision.plan(policy),
        (supervision) =>
          Context.makeUnsafe<Behaviour<unknown>>(
            new Map([[Behaviours.keyOf(name), { ...behaviour, context, supervision } satisfies Behaviours.Behaviour]])
          )
      )
    )
  )
}
