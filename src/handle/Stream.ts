/**
 * A stream that stays in the actor and is read from anywhere.
 *
 * @since 0.1.0
 */
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as Streams from "effect/Stream"
import type { HandleError } from "../ActorError.ts"
import * as Objects from "../internal/objects.ts"
import type { AnyHandle } from "./AnyHandle.ts"

/**
 * A handle of a stream (uActor: the proxy of `Iterator`). It runs in the actor, once for each reader, no further ahead than the
 * reader's credit; a reader that leaves ends it.
 *
 * @category models
 * @since 0.1.0
 */
export interface StreamHandle<out A, out E = never> extends AnyHandle {
  readonly stream: Streams.Stream<A, E | HandleError>
}

interface Methods<A, E> {
  readonly run: () => Streams.Stream<A, E | HandleError>
}

const kindOf = <A, E>(): Objects.Kind<Methods<A, E>, StreamHandle<A, E>> => ({
  kind: "Stream",
  shape: (client) => ({ stream: Streams.suspend(() => client.run()) } as StreamHandle<A, E>)
})

/**
 * A schema for handles of streams.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Stream = <A extends Schema.Top, E extends Schema.Top = Schema.Never>(options: {
  readonly success: A
  readonly error?: E | undefined
}): Schema.declare<StreamHandle<A["Type"], E["Type"]>> =>
  Objects.schema(
    kindOf<A["Type"], E["Type"]>(),
    RpcGroup.make(
      Rpc.make("run", { success: options.success, error: (options.error ?? Schema.Never) as E, stream: true })
    )
  )

/**
 * Hands out a stream as a handle.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromStream = <A, E>(stream: Streams.Stream<A, E>): StreamHandle<A, E> =>
  Objects.make(kindOf<A, E>(), () => ({ run: () => stream }))
