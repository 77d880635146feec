/**
 * The methods of a protocol, compiled once for each protocol.
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Rpc from "effect/rpc/Rpc"
import * as RpcSchema from "effect/rpc/RpcSchema"
import * as Schema from "effect/Schema"
import { attempt } from "../runtime/describe.ts"
import { type Codec, compile } from "./codec.ts"
import { decodeDefect, encodeDefect } from "./defects.ts"
import { lower } from "./lowering.ts"
import { fieldsOf, payloadCodec } from "./positional.ts"

/** A method, compiled for the call path. */
export interface Method {
  readonly rpc: Rpc.AnyWithProps
  readonly tag: string
  /** the tag and the field names that the encoded payload omits, as JSON; identifies the method, as the versions of the two ends may differ */
  readonly signature: string
  readonly stream: boolean
  readonly payload: Codec
  /** the result, or one item of a stream */
  readonly success: Codec
  readonly error: Codec
  /** whether the method may run twice (`Actor.Idempotent`) */
  readonly idempotent: boolean
  /** the method of the same protocol that compensates for a result that arrives too late; its payload is `{ value }` */
  readonly undo: string | undefined
  /** which spans the calls have; `undefined`: those of the system */
  readonly tracing: Tracing | undefined
  readonly encodeDefect: (defect: unknown) => unknown
  readonly decodeDefect: (defect: unknown) => unknown
}

/** Which spans calls have: of the caller and of the handler, of the handler alone, or none. */
export type Tracing = "full" | "server" | "off"

const tracings: ReadonlyArray<unknown> = ["full", "server", "off"] satisfies ReadonlyArray<Tracing>

/** Checks an option. Throws a `RangeError` that names the option. */
export const checkTracing = (option: string, tracing: Tracing | undefined): Tracing | undefined => {
  if (tracing === undefined || tracings.includes(tracing)) return tracing
  throw new RangeError(`${option} must be "full", "server" or "off", not ${JSON.stringify(tracing)}`)
}

/** Which spans the calls of a method have. */
export const Tracing: Context.Reference<Tracing | undefined> = Context.Reference<Tracing | undefined>(
  "uactor/Tracing",
  { defaultValue: () => undefined }
)

/** Annotates a method that may run twice. */
export const Idempotent: Context.Reference<boolean> = Context.Reference("uactor/Idempotent", {
  defaultValue: () => false
})

/** The timeout of the calls of a method, or of the actors that a fiber spawns. */
export const CallTimeout: Context.Reference<Duration.Input | undefined> = Context.Reference<Duration.Input | undefined>(
  "uactor/CallTimeout",
  { defaultValue: () => undefined }
)

/** The limit of the runs of a method, or of the actors that a fiber spawns. */
export const RunTimeout: Context.Reference<Duration.Input | undefined> = Context.Reference<Duration.Input | undefined>(
  "uactor/RunTimeout",
  { defaultValue: () => undefined }
)

/** Annotates a method with the method that compensates for it if the caller is interrupted while the answer is on its way. */
export const Undo: Context.Reference<string | undefined> = Context.Reference<string | undefined>("uactor/Undo", {
  defaultValue: () => undefined
})

// a defect that does not match the protocol's defect schema is encoded without it
const defectCodec = (schema: Schema.Codec<unknown, unknown>): Pick<Method, "encodeDefect" | "decodeDefect"> => {
  const encode = Schema.encodeUnknownSync(schema)
  const decode = Schema.decodeUnknownSync(schema)
  return {
    encodeDefect: (defect) => attempt<unknown>(() => encode(defect), undefined) ?? encodeDefect(defect),
    decodeDefect: (encoded) => attempt<unknown>(() => decode(encoded), undefined) ?? decodeDefect(encoded)
  }
}

const methodOf = (rpc: Rpc.AnyWithProps): Method => {
  try {
    return compileMethod(rpc)
  } catch (error) {
    if (error instanceof TypeError) error.message = `${rpc._tag}: ${error.message}`
    throw error
  }
}

const compileMethod = (rpc: Rpc.AnyWithProps): Method => {
  const stream = RpcSchema.isStreamSchema(rpc.successSchema) ? rpc.successSchema : undefined
  const errors: Array<Schema.Top> = [rpc.errorSchema, ...Array.from(rpc.middlewares, (m) => m.error)]
  if (stream !== undefined) errors.push(stream.error)
  const declared = errors.filter((schema) => schema.ast._tag !== "Never")
  const custom = rpc.defectSchema.ast === Schema.Defect().ast
    ? undefined
    : Schema.make<Schema.Codec<unknown, unknown>>(lower(rpc.defectSchema.ast))
  const fields = fieldsOf(rpc.payloadSchema.ast)
  return {
    rpc,
    tag: rpc._tag,
    signature: JSON.stringify([rpc._tag, ...fields.map(([name]) => name)]),
    stream: stream !== undefined,
    idempotent: Context.get(rpc.annotations, Idempotent),
    undo: Context.get(rpc.annotations, Undo),
    tracing: checkTracing(`${rpc._tag}: Tracing`, Context.get(rpc.annotations, Tracing)),
    payload: payloadCodec(rpc.payloadSchema, fields),
    success: compile(stream === undefined ? rpc.successSchema : stream.success),
    error: compile(declared.length === 1 ? declared[0]! : Schema.Union(declared)),
    ...(custom === undefined ? { encodeDefect, decodeDefect } : defectCodec(custom))
  }
}

/** Whether the payload or an answer of a method may contain handles. */
export const carriesHandles = ({ error, payload, success }: Method): boolean =>
  payload.handles || success.handles || error.handles

const protocols = new WeakMap<object, ReadonlyArray<Method>>()

/** The methods of a protocol, compiled once, in the order of their definition. */
export const methods = (group: { readonly requests: ReadonlyMap<string, Rpc.Any> }): ReadonlyArray<Method> => {
  let out = protocols.get(group)
  if (!out) {
    out = Array.from(group.requests.values(), (rpc) => methodOf(rpc as Rpc.AnyWithProps))
    protocols.set(group, out)
  }
  return out
}
