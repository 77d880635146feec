/**
 * A stream that stays in the actor. Every holder of its handle can read it.
 *
 * @since 0.1.0
 */
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as Streams from "effect/Stream"
import type { HandleError } from "../ActorError.ts"
import * as HandleSchema from "../internal/remote/handleSchema.ts"
import type { AnyHandle } from "./AnyHandle.ts"

/**
 * A handle of a stream. In uActor: the proxy of `Iterator`.
 *
 * @category models
 * @since 0.1.0
 */
export interface StreamHandle<out A, out E = never> extends AnyHandle {
  /**
   * Runs the stream in the actor, separately for each reader. The actor produces items only as far ahead as the credit of the reader
   * allows. The stream in the actor ends when its reader stops reading.
   */
  readonly stream: Streams.Stream<A, E | HandleError>
}

interface Methods<A, E> {
  readonly run: () => Streams.Stream<A, E | HandleError>
}

const kindOf = <A, E>(): HandleSchema.HandleKind<Methods<A, E>, StreamHandle<A, E>> => ({
  kind: "Stream",
  shape: (client) => ({ stream: Streams.suspend(() => client.run()) } as StreamHandle<A, E>)
})

/**
 * A schema for handles of streams. `success` is the schema of an item, and `error` the schema of the error; by default there is none.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Stream = <A extends Schema.Top, E extends Schema.Top = Schema.Never>(options: {
  readonly success: A
  readonly error?: E | undefined
}): Schema.declare<StreamHandle<A["Type"], E["Type"]>> =>
  HandleSchema.schema(
    kindOf<A["Type"], E["Type"]>(),
    RpcGroup.make(
      Rpc.make("run", { success: options.success, error: (options.error ?? Schema.Never) as E, stream: true })
    )
  )

/**
 * Exports a stream as a handle. The stream runs once for each reader.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromStream = <A, E>(stream: Streams.Stream<A, E>): StreamHandle<A, E> =>
  HandleSchema.make(kindOf<A, E>(), () => ({ run: () => stream }))
