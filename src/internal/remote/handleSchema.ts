/**
 * Handles of objects: makes a handle of a local object, and the schema that exports and imports the handles of a kind.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Rpc from "effect/rpc/Rpc"
import type * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import * as Scope from "effect/Scope"
import * as Codec from "../codec/codec.ts"
import * as Methods from "../codec/methods.ts"
import { LocalObject, type Waits } from "../handles/exports.ts"
import * as Handles from "../handles/handle.ts"
import * as Marshal from "../handles/marshal.ts"
import * as WireHandles from "../handles/wireHandle.ts"
import * as ClientObject from "../proxy/clientObject.ts"
import * as Awaiting from "./awaiting.ts"

/** How a schema exports and imports the handles of a kind. */
interface HandleCodecOptions<H extends object> {
  readonly expected: string
  /** the kind of the handle on the wire; a result has none */
  readonly kind?: string
  /** whether the encoding of a handle contains no object of user code */
  readonly fresh: boolean
  readonly is: (u: object) => boolean
  readonly encode: (handle: H, to: Handles.Exporting) => WireHandles.WireHandle
  readonly decode: (wire: WireHandles.WireHandle, from: Handles.Importing) => object
  /** the codec of the result, for a handle of a pending result */
  readonly result?: Codec.ResultCodec
}

/** A schema for handles. */
export const schemaOf = <H extends object>(
  { decode, encode, expected, fresh, is, kind, result }: HandleCodecOptions<H>
): Schema.declare<H> => {
  const isOne = (u: unknown): u is H => typeof u === "object" && u !== null && is(u)
  const carries = WireHandles.isWireOf(kind)
  const toWire: typeof encode = (handle, to) => {
    const wire = encode(handle, to)
    if (kind !== undefined) wire.kind = kind
    return wire
  }
  const link = Schema.link<H>()(
    Schema.declare(carries, { [Codec.freshAnnotation]: fresh }),
    SchemaTransformation.transform<H, WireHandles.WireHandle>({
      decode: (wire) => decode(wire, Marshal.currentImporter()) as H,
      encode: (handle) => Marshal.addExport(toWire(handle, Marshal.currentTransaction()))
    })
  )
  const direct: Codec.HandleCodec = { is: isOne, carries, encode: toWire, decode, result }
  return Schema.declare(isOne, {
    expected,
    [Codec.handleAnnotation]: true,
    [Codec.handleCodecAnnotation]: direct,
    toCodecJson: () => link
  })
}

const prototype: object = Object.defineProperties({}, Handles.printed)

/** Adds the target of a handle to the handle. */
export const attach = <H extends object>(handle: H, target: Handles.HandleTarget): H => {
  // a client has a prototype of its own
  if (Object.getPrototypeOf(handle) === Object.prototype) Object.setPrototypeOf(handle, prototype)
  return Object.defineProperty(handle, Handles.HandleTypeId, { value: target })
}

/** A kind of object with methods. `shape` makes the handle that users see from the client of the methods. */
export interface HandleKind<C, H extends object> {
  readonly kind: string
  /** the name of the object in messages and traces; `kind` by default */
  readonly name?: string
  /** `object`: the imported object, or, for its creator, the local one */
  readonly shape: (client: C, object: object) => H
  /** for what the calls of a method wait, for observers */
  readonly waits?: Waits
}

/** A schema for the handles of a kind with the methods of a protocol. */
export const schema = <C, H extends object, Rpcs extends Rpc.Any>(
  { kind, name = kind, shape, waits }: HandleKind<C, H>,
  protocol: RpcGroup.RpcGroup<Rpcs>
): Schema.declare<H> => {
  const methods = Methods.methods(protocol)
  const handleKind = {
    kind,
    methods,
    waits,
    shape: (object: ClientObject.CallRoute & Handles.HandleTarget) =>
      attach(shape(ClientObject.makeHeld(methods, object) as C, object), object)
  }
  return schemaOf<H>({
    expected: `a handle of kind ${name}`,
    kind: name,
    fresh: true,
    is: (u) => Handles.isHandle(u, kind),
    encode: (handle, to) => Handles.toWire(handle, handleKind, to),
    decode: (wire, from) => Marshal.receive(wire, handleKind, from)
  })
}

// the methods for the creator; observers see the fibers inside a method that waits
const observed = <C extends object>(own: C, object: object, waits: Waits): C =>
  Object.fromEntries(
    Object.entries(own as Readonly<Record<string, (payload: unknown) => Effect.Effect<unknown, unknown>>>).map(
      ([method, run]) => [
        method,
        waits(method) === undefined ? run : (payload: unknown) => Awaiting.during(object, method, run(payload))
      ]
    )
  ) as unknown as C

/**
 * Makes a handle of a local object. `open` makes the handlers for each holder. `direct` makes the handlers for the calls of the creator,
 * which need no message.
 */
export const make = <C extends object, H extends object>(
  { kind, name = kind, shape, waits }: HandleKind<C, H>,
  open: (holder: Scope.Scope) => C,
  context: Context.Context<never> = Context.empty(),
  direct: (open: () => C) => C = (open) => open()
): H => {
  const object = new LocalObject(kind, name, context, open as unknown as Handles.ObjectSource["open"], waits)
  const own = direct(() => open(object.creator = Scope.makeUnsafe()))
  const handle = attach(shape(waits === undefined ? own : observed(own, object, waits), object), object)
  object.handle = handle
  return handle
}
