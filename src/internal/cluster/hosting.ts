/**
 * Hosts the actors that the cluster places on this runner: each is an entity with an actor behind it. The actor runs in the `ActorSystem` of
 * the runner, or its handlers run in the fibers of the entity.
 */
import * as Entity from "effect/cluster/Entity"
import type { Sharding } from "effect/cluster/Sharding"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Headers from "effect/http/Headers"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Behaviour, Definition } from "../actor/definition.ts"
import * as Durations from "../actor/durations.ts"
import * as Methods from "../codec/methods.ts"
import * as ClientObject from "../proxy/clientObject.ts"
import { Activation, type Running } from "./activation.ts"
import * as Entities from "./entities.ts"

/** The options of a host. */
interface HostOptions {
  readonly maxIdleTime?: Duration.Input | undefined
  readonly mailboxCapacity?: number | undefined
}

/** A request to an entity, as its handlers see it. */
interface Request {
  readonly payload: unknown
  readonly headers: Headers.Headers
}

/** The number of items that a runner reads ahead of its callers, for each stream: what Effect's client has room for. */
const streamBufferSize = 16

type EntityOptions = NonNullable<Parameters<Entities.AnyEntity["toLayer"]>[1]>

const entityOptions = (where: string, { mailboxCapacity, maxIdleTime }: HostOptions): EntityOptions => {
  if (mailboxCapacity !== undefined && !(Number.isInteger(mailboxCapacity) && mailboxCapacity >= 1)) {
    throw new RangeError(`${where}: mailboxCapacity must be an integer of at least 1, not ${mailboxCapacity}`)
  }
  return {
    ...(mailboxCapacity === undefined ? {} : { mailboxCapacity }),
    ...(maxIdleTime === undefined ? {} : { maxIdleTime: Durations.millis(`${where}: maxIdleTime`, maxIdleTime) }),
    // Effect delivers the call of a fatal defect again, without a limit
    disableFatalDefects: true
  }
}

/** Starts the actor of an entity in the current scope. */
type Start<R> = (id: string) => Effect.Effect<Running, unknown, Scope.Scope | R>

// the handlers of the two methods that end an actor
const controls = (activation: Activation): Record<string, (request: Request) => object> => ({
  [Entities.stopTag]: ({ payload }) =>
    activation.end((running) => running.stop((payload as { readonly drain: boolean | number }).drain)),
  [Entities.killTag]: () => activation.end((running) => running.kill)
})

const serve = <R>(
  entity: Entities.AnyEntity,
  definition: Definition,
  start: Start<R>,
  handle: (activation: Activation, method: Definition["methods"][number]) => (request: Request) => object,
  options: EntityOptions
): Layer.Layer<never, never, Sharding | R> =>
  entity.toLayer(
    Effect.gen(function*() {
      const { entityId } = yield* Entity.CurrentAddress
      // The scope is made before the server of the entity, and therefore closes after it. Closed before it, the actor would answer the
      // calls that the next owner of the entity is to run.
      const scope = yield* Scope.fork(yield* Effect.scope)
      const context = Context.add(yield* Effect.context<R>(), Scope.Scope, scope)
      const activation = new Activation(
        definition.name,
        entityId,
        Effect.provideContext(start(entityId), context),
        scope
      )
      // Calls that wait for a start keep their order only here. A failure is the failure of each call.
      yield* Effect.exit(activation.current)
      const handlers = controls(activation)
      for (const method of definition.methods) handlers[method.tag] = handle(activation, method)
      return handlers as never
    }),
    options
  ) as Layer.Layer<never, never, Sharding | R>

/** Hosts actors that `spawn` starts, each as the reference that it returns. */
export const layer = <R>(
  definition: Definition,
  spawn: (id: string) => Effect.Effect<object, unknown, Scope.Scope | R>,
  options: HostOptions
): Layer.Layer<never, never, Sharding | R> => {
  const where = `ActorCluster.layer: ${definition.name}`
  const transactional = definition.methods.find(Entities.isTransactional)
  if (transactional !== undefined) {
    throw new TypeError(
      `${where}.${transactional.tag}: the transaction of the message storage does not reach an actor (\`WithTransaction\`); ` +
        "use ActorCluster.layerInline"
    )
  }
  const start: Start<R> = (id) =>
    Effect.map(spawn(id), (ref) => {
      const actor = ClientObject.actorOf(ref)
      return {
        call: (tag, payload, options) =>
          (ref as Record<string, (payload: unknown, options: object) => object>)[tag]!(payload, options),
        ended: actor.awaitExit,
        stop: (drain) => actor.stop(drain),
        kill: actor.kill
      }
    })
  return serve(
    Entities.entityOf(definition),
    definition,
    start,
    (activation, method) => {
      const { stream, tag } = method
      const twice = Entities.mayRunTwice(method)
      if (!stream) return ({ headers, payload }) => activation.call(tag, payload, { headers }, twice)
      return ({ headers, payload }) => {
        const read = (running: Running) =>
          running.call(tag, payload, { headers, streamBufferSize }) as Stream.Stream<unknown, unknown>
        const now = activation.running
        // a stream that is unwrapped starts after the calls made behind it
        return now === undefined ? Stream.unwrap(Effect.map(activation.current, read)) : read(now)
      }
    },
    // the mailbox and its order belong to the actor
    { ...entityOptions(where, options), concurrency: "unbounded" }
  )
}

const refuseTimeout = (where: string, timeout: string, value: unknown): void => {
  if (value === undefined || value === Infinity) return
  throw new TypeError(
    `ActorCluster.layerInline: ${where}: handlers in the fiber of an entity have no timeout (${timeout}); ` +
      "use Effect.timeout in the handler, or ActorCluster.layer"
  )
}

/** Throws a `TypeError` if a method has a timeout, which handlers in the fiber of an entity do not have. */
export const checkInline = ({ methods, name }: Definition): void => {
  for (const { rpc: { annotations }, tag } of methods) {
    refuseTimeout(`${name}.${tag}`, "CallTimeout", Context.get(annotations, Methods.CallTimeout))
    refuseTimeout(`${name}.${tag}`, "RunTimeout", Context.get(annotations, Methods.RunTimeout))
  }
}

/** Hosts actors whose handlers run in the fibers of the entity. */
export const layerInline = (
  definition: Definition,
  behaviour: Behaviour,
  argsOf: (id: string) => Effect.Effect<unknown>,
  options: HostOptions
): Layer.Layer<never, never, Sharding> => {
  const where = `ActorCluster.layerInline: ${definition.name}`
  const { callTimeout, concurrency, context, mailboxCapacity, runTimeout } = behaviour
  refuseTimeout(definition.name, "callTimeout", callTimeout)
  refuseTimeout(definition.name, "runTimeout", runTimeout)
  const start: Start<never> = (id) =>
    Effect.gen(function*() {
      const scope = yield* Scope.fork(yield* Effect.scope)
      const handlers = yield* Effect.provideContext(
        Effect.flatMap(argsOf(id), behaviour.build),
        Context.add(context, Scope.Scope, scope) as Context.Context<never>
      ).pipe(Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause))))
      const close = Scope.close(scope, Exit.void)
      return {
        call: (tag, payload, options) => handlers[tag]!(payload, options),
        ended: Effect.callback<void>((resume) =>
          Effect.runSync(Scope.addFinalizer(scope, Effect.sync(() => resume(Effect.void))))
        ),
        stop: () => close,
        kill: close
      }
    })
  return serve(
    Entities.inlineEntityOf(definition),
    definition,
    start,
    (activation, { rpc, stream, tag }) => ({ headers, payload }) => {
      const enter = (running: Running): object => running.call(tag, payload, { headers, payload, rpc })
      const now = activation.running
      // the wrapper of a handler's effect, such as `Rpc.fork`, is visible only if the handler is called at once
      if (now !== undefined) return enter(now)
      const unwrapped = Effect.map(activation.current, (running) => {
        const answer = enter(running)
        return Rpc.isWrapper(answer) ? answer.value as object : answer
      })
      return stream
        ? Stream.unwrap(unwrapped as Effect.Effect<Stream.Stream<unknown, unknown>>)
        : Effect.flatten(unwrapped as Effect.Effect<Effect.Effect<unknown, unknown>>)
    },
    {
      mailboxCapacity: mailboxCapacity === Infinity ? "unbounded" : mailboxCapacity,
      ...entityOptions(where, options),
      concurrency: concurrency === Infinity ? "unbounded" : concurrency
    }
  ).pipe(Layer.provide(Layer.succeedContext(context)))
}
