/**
 * Objects that stay where they are: how a handle is made around one here, and the
 * schema with which handles of its kind travel.
 */
import * as Context from "effect/Context"
import type * as Rpc from "effect/rpc/Rpc"
import type * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import * as Scope from "effect/Scope"
import * as Codec from "./codec.ts"
import { LocalObject, type Served } from "./exports.ts"
import * as Handles from "./handles.ts"
import * as Ref from "./ref.ts"

/** How handles of a kind travel. */
interface Carriage<H extends object> {
  readonly expected: string
  /** what an object is called on the wire */
  readonly kind?: string
  /** whether nothing that travels with a handle is an object of someone else */
  readonly fresh: boolean
  readonly is: (u: object) => boolean
  readonly encode: (handle: H, to: Handles.Exporting) => Handles.WireHandle
  readonly decode: (wire: Handles.WireHandle, from: Handles.Importing) => object
  /** how the result behind a handle is carried */
  readonly result?: Codec.ResultCodec
}

/** A schema for handles. */
export const schemaOf = <H extends object>(
  { decode, encode, expected, fresh, is, kind, result }: Carriage<H>
): Schema.declare<H> => {
  const isOne = (u: unknown): u is H => typeof u === "object" && u !== null && is(u)
  const carries = Handles.isWireOf(kind)
  const toWire: typeof encode = (handle, to) => {
    const wire = encode(handle, to)
    if (kind !== undefined) wire.kind = kind
    return wire
  }
  const link = Schema.link<H>()(
    Schema.declare(carries, { [Codec.freshAnnotation]: fresh }),
    SchemaTransformation.transform<H, Handles.WireHandle>({
      decode: (wire) => decode(wire, Handles.takingIn()) as H,
      encode: (handle) => Handles.handedOut(toWire(handle, Handles.handingOut()))
    })
  )
  const direct: Codec.Direct = { is: isOne, carries, encode: toWire, decode, result }
  return Schema.declare(isOne, {
    expected,
    [Codec.handleAnnotation]: true,
    [Codec.directAnnotation]: direct,
    toCodecJson: () => link
  })
}

/** Puts what stands behind a handle into it. */
export const attach = <H extends object>(handle: H, carrier: Handles.Carrier): H =>
  Object.defineProperty(handle, Handles.HandleTypeId, { value: carrier })

/** A kind of object that is called: `shape` makes the handle that users see around the client of its methods. */
export interface Kind<C, H extends object> {
  readonly kind: string
  /** what it is called in messages and traces; the same as `kind` where that is left out */
  readonly name?: string
  readonly shape: (client: C) => H
}

/** A schema for the handles of a kind, whose methods are those of a protocol. */
export const schema = <C, H extends object, Rpcs extends Rpc.Any>(
  { kind, name = kind, shape }: Kind<C, H>,
  protocol: RpcGroup.RpcGroup<Rpcs>
): Schema.declare<H> => {
  const methods = Codec.methods(protocol)
  const how = {
    kind,
    methods,
    shape: (object: Ref.Holder & Handles.Carrier) => attach(shape(Ref.makeHeld(methods, object) as C), object)
  }
  return schemaOf<H>({
    expected: `a handle of kind ${name}`,
    kind: name,
    fresh: true,
    is: (u) => Handles.isHandle(u, kind),
    encode: (handle, to) => Handles.toWire(handle, how, to),
    decode: (wire, from) => Handles.receive(wire, how, from)
  })
}

/** A handle of something here. Each holder gets handlers of its own; here they are used as they are. */
export const make = <C extends object, H extends object>(
  { kind, name = kind, shape }: Kind<C, H>,
  open: (holder: Scope.Scope) => C,
  context: Context.Context<never> = Context.empty(),
  direct: (open: () => C) => C = (open) => open()
): H => {
  const object = new LocalObject(kind, name, context, open as unknown as Served["open"])
  const handle = attach(shape(direct(() => open(Scope.makeUnsafe()))), object)
  object.handle = handle
  return handle
}
