/**
 * The methods of a protocol that is a record.
 */
import * as Rpc from "effect/rpc/Rpc"
import type * as Schema from "effect/Schema"
import type * as Struct from "effect/Struct"
import type * as Protocol from "../internal/codec/protocol.ts"

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
 * `Actor.Idempotent`.
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
