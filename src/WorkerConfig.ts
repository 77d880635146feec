/**
 * Values for the layer of a module of behaviours, such as the address of a collector or the name of a tenant. A class made by
 * {@link Service} is the tag of a service with a schema. The option `config` of a system gives the value, and the layer of the class
 * provides the value in each worker.
 *
 * @module
 * @since 0.2.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Codec from "./internal/codec/codec.ts"
import * as EffectCopies from "./internal/effect/effectCopies.ts"
import * as Values from "./internal/workers/configValues.ts"

/**
 * The value of a {@link Service} in the option `config` of a system. The layer of the service requires it.
 *
 * @category models
 * @since 0.2.0
 */
export interface Given<in out Self> {
  /** Marks the value of a service. */
  readonly "~uactor/WorkerConfig": Self
}

/**
 * The class of a configuration: its service tag, its schema and its layer.
 *
 * @category models
 * @since 0.2.0
 */
export interface ConfigService<Self, Id extends string, Type> extends Context.ServiceClass<Self, Id, Type> {
  /** The schema of the value. */
  readonly schema: Schema.Codec<Type, unknown>
  /**
   * Provides the value that the option `config` of the system contains, decoded by the schema. Provide it to the layer of the module:
   * `Actor.module(CounterLive.pipe(Layer.provide(Settings.layer)))`.
   *
   * If the value does not fit the schema in the worker, or if `config` does not contain the service, each `spawn` fails with a `SpawnError`
   * that names the module, the service and the wrong fields. In memory, the first is a defect of the layer, and the second does not compile.
   */
  readonly layer: Layer.Layer<Self, never, Given<Self>>
  /**
   * A value for the option `config` of a system. `Context.merge` joins the values of several services. The value is encoded at once: a later
   * change of an object in it has no effect. Throws a `TypeError` that names the service and each wrong field if the value does not fit the
   * schema or cannot be sent.
   */
  config(value: Type): Context.Context<Given<Self>>
}

/** The fields of a configuration. */
type Fields = { readonly [field: string]: Schema.Codec<any, any> }

/** The type of a value with this schema, or with these fields. */
type TypeOf<S extends Schema.Codec<any, any> | Fields> = S extends Schema.Codec<infer Type, any> ? Type
  : S extends Schema.Struct.Fields ? Schema.Struct<S>["Type"]
  : never

/**
 * Defines a configuration. The second argument is a schema, or the fields of a struct. The values may be of every type that a payload may
 * have, except handles. Throws a `TypeError` if the schema cannot be compiled, contains handles, or belongs to another copy of Effect.
 *
 * @example
 * ```ts
 * import { Effect, Layer, Schema } from "effect"
 * import { Actor, ActorSystem, WorkerConfig } from "uactor"
 * import assert from "node:assert"
 *
 * class Settings extends WorkerConfig.Service<Settings>()("Settings", {
 *   tenant: Schema.String,
 *   since: Schema.Date
 * }) {}
 *
 * class Greeter extends Actor.Service<Greeter>()("Greeter", {
 *   protocol: { greet: Actor.method({ success: Schema.String }) }
 * }) {}
 *
 * const GreeterLive = Greeter.toLayer(Effect.fn(function*() {
 *   const { since, tenant } = yield* Settings
 *   return Greeter.handlers({ greet: () => Effect.succeed(`hello ${tenant}, since ${since.getUTCFullYear()}`) })
 * }))
 *
 * // the default export of the module of behaviours
 * const live = Actor.module(GreeterLive.pipe(Layer.provide(Settings.layer)))
 *
 * // the same option of NodeActorSystem.layerThreads and layerProcesses reaches each worker
 * const system = ActorSystem.layer(live, {
 *   config: Settings.config({ tenant: "acme", since: new Date(0) })
 * })
 *
 * const program = Effect.gen(function*() {
 *   const greeter = yield* Greeter.spawn()
 *   return yield* greeter.greet()
 * }).pipe(Effect.scoped, Effect.provide(system))
 *
 * assert.strictEqual(await Effect.runPromise(program), "hello acme, since 1970")
 * ```
 *
 * @category constructors
 * @since 0.2.0
 */
export const Service = <Self>() =>
<const Id extends string, const S extends Schema.Codec<any, any> | Fields>(
  id: Id,
  schema: S
): ConfigService<Self, Id, TypeOf<S>> => {
  type Type = TypeOf<S>
  const name = `WorkerConfig.Service("${id}")`
  const struct = (Schema.isSchema(schema) ? schema : Schema.Struct(schema)) as Schema.Codec<Type, unknown>
  EffectCopies.checkSchema(`${name}: the schema`, struct)
  const codec = Codec.compile(struct)
  if (codec.handles) throw new TypeError(`${name}: a configuration cannot contain handles`)
  const tag = Context.Service<Self, Type>()(id)
  const given = Context.Service<Given<Self>, unknown>(Values.keyOf(id))
  const layer = Layer.effect(
    tag,
    Effect.flatMap(
      given,
      (encoded) =>
        Effect.catchCause(
          codec.decode(encoded) as Effect.Effect<Type, unknown>,
          (cause) => Effect.die(new TypeError(`the config ${id} does not fit its schema: ${Codec.issueText(cause)}`))
        )
    )
  )
  const config = (value: Type): Context.Context<Given<Self>> =>
    Context.make(given, Values.encode(`${id}.config`, codec, value))
  return Object.assign(tag, { schema: struct, layer, config })
}
