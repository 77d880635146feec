/**
 * A latch that stays in the actor: a gate that is open or closed.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Latches from "effect/Latch"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import type { HandleError } from "../ActorError.ts"
import * as HandleSchema from "../internal/remote/handleSchema.ts"
import type { AnyHandle } from "./AnyHandle.ts"

/**
 * A handle of a latch. In uActor: the proxy of `Event`, and, by `release`, the proxy of `Condition`.
 *
 * @category models
 * @since 0.1.0
 */
export interface LatchHandle extends AnyHandle {
  /** Opens the latch. Returns `false` if it was open already. */
  readonly open: Effect.Effect<boolean, HandleError>
  /** Closes the latch. Returns `false` if it was closed already. */
  readonly close: Effect.Effect<boolean, HandleError>
  /** Wakes the fibers that wait now; the latch stays closed. Returns `false` if the latch is open. */
  readonly release: Effect.Effect<boolean, HandleError>
  /** Waits until the latch is open, or until `release`. */
  readonly await: Effect.Effect<void, HandleError>
  /** Whether the latch is open. */
  readonly isOpen: Effect.Effect<boolean, HandleError>
  /** Runs an effect after `await`. */
  readonly whenOpen: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | HandleError, R>
}

interface Methods {
  readonly open: () => Effect.Effect<boolean, HandleError>
  readonly close: () => Effect.Effect<boolean, HandleError>
  readonly release: () => Effect.Effect<boolean, HandleError>
  readonly await: () => Effect.Effect<void, HandleError>
  readonly isOpen: () => Effect.Effect<boolean, HandleError>
}

const kind: HandleSchema.HandleKind<Methods, LatchHandle> = {
  kind: "Latch",
  waits: (method) => method === "await" ? "the latch to open" : undefined,
  shape: (client) => {
    const opened = Effect.suspend(() => client.await())
    return {
      open: Effect.suspend(() => client.open()),
      close: Effect.suspend(() => client.close()),
      release: Effect.suspend(() => client.release()),
      await: opened,
      isOpen: Effect.suspend(() => client.isOpen()),
      whenOpen: (effect) => Effect.andThen(opened, effect)
    } as LatchHandle
  }
}

/**
 * The schema for handles of latches.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Latch: Schema.declare<LatchHandle> = HandleSchema.schema(
  kind,
  RpcGroup.make(
    Rpc.make("open", { success: Schema.Boolean }),
    Rpc.make("close", { success: Schema.Boolean }),
    Rpc.make("release", { success: Schema.Boolean }),
    Rpc.make("await"),
    Rpc.make("isOpen", { success: Schema.Boolean })
  )
)

/**
 * Exports an Effect `Latch` as a handle.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromLatch = (latch: Latches.Latch): LatchHandle =>
  HandleSchema.make(kind, () => ({
    open: () => latch.open,
    close: () => latch.close,
    release: () => latch.release,
    await: () => latch.await,
    isOpen: () => Effect.sync(() => latch.isOpen())
  }))

/**
 * Makes a latch and its handle. The latch is closed by default.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeLatch = (open?: boolean): Effect.Effect<LatchHandle> => Effect.map(Latches.make(open), fromLatch)
