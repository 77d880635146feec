/**
 * The entity of Effect Cluster for a definition of an actor. The protocol of the entity is the protocol of the actor, whose methods may
 * also fail with an `ActorError`.
 */
import * as ClusterSchema from "effect/cluster/ClusterSchema"
import * as Entity from "effect/cluster/Entity"
import * as Context from "effect/Context"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as RpcSchema from "effect/rpc/RpcSchema"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import { ActorError } from "../../ActorError.ts"
import type { Definition } from "../actor/definition.ts"
import * as Methods from "../codec/methods.ts"
import { attempt, messageOf } from "../runtime/describe.ts"
import { Delivery } from "./delivery.ts"

/** An entity whose methods are known by name only. */
export type AnyEntity = Entity.Entity<string, any>

/** The tags of the methods that end the actor of an entity. */
export const stopTag = "~uactor/stop"
export const killTag = "~uactor/kill"

const Stop = Rpc.make(stopTag, {
  payload: { drain: Schema.Union([Schema.Boolean, Schema.Number]) },
  error: ActorError
}).annotate(Delivery, "again")
const Kill = Rpc.make(killTag, { error: ActorError }).annotate(Delivery, "again")

// the widths of the columns of Effect's message storage
const maxTag = 50
const maxType = 150
const maxId = 255
// a shard is stored with its number
const maxShardGroup = 40

/** Whether the storage of the cluster keeps the calls of a method. */
export const isPersisted = ({ rpc }: Methods.Method): boolean => Context.get(rpc.annotations, ClusterSchema.Persisted)

/** Whether a call of the method may run twice. */
export const mayRunTwice = (method: Methods.Method): boolean => method.idempotent || isPersisted(method)

/** Whether the method runs in a transaction of the message storage. */
export const isTransactional = ({ rpc }: Methods.Method): boolean =>
  Context.get(rpc.annotations, ClusterSchema.WithTransaction)

const toJson = (u: unknown): Schema.Json =>
  JSON.parse(JSON.stringify(u, (_, value) => typeof value === "bigint" ? String(value) : value) ?? "null")

// a defect keeps what it keeps between a worker and its host
const defectSchema = ({ decodeDefect, encodeDefect }: Methods.Method): Rpc.DefectSchema =>
  Schema.Json.pipe(Schema.decodeTo(Schema.Unknown, {
    decode: SchemaGetter.transform(decodeDefect),
    encode: SchemaGetter.transform((defect) => {
      const encoded = encodeDefect(defect)
      return attempt(() => toJson(encoded), messageOf(defect))
    })
  }))

const orActorError = (errors: ReadonlyArray<Schema.Top>): Schema.Top =>
  Schema.Union([...errors.filter(({ ast }) => ast._tag !== "Never"), ...ActorError.members])

const widen = (method: Methods.Method): Rpc.Any => {
  const { rpc } = method
  const stream = RpcSchema.isStreamSchema(rpc.successSchema) ? rpc.successSchema : undefined
  // the middleware runs where the handlers run
  const errors = [rpc.errorSchema, ...Array.from(rpc.middlewares, ({ error }) => error)]
  const widened = Rpc.make(rpc._tag, {
    payload: rpc.payloadSchema,
    success: stream === undefined ? rpc.successSchema : stream.success,
    error: orActorError(stream === undefined ? errors : [...errors, stream.error]),
    defect: defectSchema(method),
    stream: stream !== undefined
  })
  const annotated = widened.annotateMerge(rpc.annotations).annotate(Delivery, mayRunTwice(method) ? "again" : "once")
  // With Effect's default, a timeout of the caller would be the stored result of the call, for every later call with its key.
  return isPersisted(method) && !rpc.annotations.mapUnsafe.has(ClusterSchema.Uninterruptible.key)
    ? annotated.annotate(ClusterSchema.Uninterruptible, "client")
    : annotated
}

const checkLength = (what: string, text: string, max: number): void => {
  if (text.length <= max) return
  throw new RangeError(`${what} must have at most ${max} characters, not ${text.length}`)
}

const check = ({ methods, name }: Definition): void => {
  checkLength(`ActorCluster: the name of the actor ${name}`, name, maxType)
  for (const method of methods) {
    const where = `ActorCluster: ${name}.${method.tag}`
    checkLength(`${where}: the name of the method`, method.tag, maxTag)
    if (Methods.carriesHandles(method)) {
      throw new TypeError(`${where}: its schemas contain handles, which cannot leave their runner`)
    }
  }
}

/** Throws a `RangeError` if an id, or the group of its shard, does not fit the storage of the cluster; a `TypeError` if it has no group. */
export const checkId = ({ name, shardGroup }: Definition, id: string): void => {
  checkLength(`ActorCluster: the id of ${name}`, id, maxId)
  if (shardGroup === undefined) return
  const group: unknown = shardGroup(id)
  const what = `ActorCluster: the shard group of ${name}/${id}`
  if (typeof group !== "string") throw new TypeError(`${what} must be a string, not ${String(group)}`)
  checkLength(what, group, maxShardGroup)
}

const make = ({ name, shardGroup }: Definition, rpcs: ReadonlyArray<Rpc.Any>): AnyEntity => {
  const entity: AnyEntity = Entity.fromRpcGroup(name, RpcGroup.make(...rpcs, Stop, Kill))
  return shardGroup === undefined ? entity : entity.annotate(ClusterSchema.ShardGroup, shardGroup)
}

const entities = new WeakMap<Definition, AnyEntity>()

/**
 * The entity of a definition. Throws if the definition cannot be an entity: a `TypeError` if a method carries handles, a `RangeError` if a
 * name is too long for the storage of the cluster.
 */
export const entityOf = (definition: Definition): AnyEntity => {
  let entity = entities.get(definition)
  if (entity === undefined) {
    check(definition)
    entity = make(definition, definition.methods.map(widen))
    entities.set(definition, entity)
  }
  return entity
}

/** The entity of a definition, with the middlewares of its methods: for handlers that run in the fiber of the entity. */
export const inlineEntityOf = (definition: Definition): AnyEntity => {
  const entity = entityOf(definition)
  const rpcs = definition.methods.map(({ rpc, tag }) => {
    let inline = entity.protocol.requests.get(tag) as Rpc.Rpc<string>
    for (const middleware of rpc.middlewares) inline = inline.middleware(middleware as never)
    return inline
  })
  return make(definition, rpcs)
}
