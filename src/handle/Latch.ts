/**
 * Gates that stay in the actor: a latch, which is open or closed, and a barrier,
 * at which a number of parties wait for each other.
 *
 * @since 0.1.0
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Latches from "effect/Latch"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import type { HandleError } from "../ActorError.ts"
import * as Objects from "../internal/objects.ts"
import type { AnyHandle } from "./AnyHandle.ts"

/**
 * A handle of a latch (uActor: the proxy of `Event`; `release`, which lets go of those who wait now, is what `Condition` is for).
 *
 * @category models
 * @since 0.1.0
 */
export interface LatchHandle extends AnyHandle {
  /** `false` if it was open already */
  readonly open: Effect.Effect<boolean, HandleError>
  /** `false` if it was closed already */
  readonly close: Effect.Effect<boolean, HandleError>
  /** lets those go on who wait now, and stays closed */
  readonly release: Effect.Effect<boolean, HandleError>
  /** waits until it is open */
  readonly await: Effect.Effect<void, HandleError>
  readonly isOpen: Effect.Effect<boolean, HandleError>
  readonly whenOpen: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | HandleError, R>
}

interface Methods {
  readonly open: () => Effect.Effect<boolean, HandleError>
  readonly close: () => Effect.Effect<boolean, HandleError>
  readonly release: () => Effect.Effect<boolean, HandleError>
  readonly await: () => Effect.Effect<void, HandleError>
  readonly isOpen: () => Effect.Effect<boolean, HandleError>
}

const kind: Objects.Kind<Methods, LatchHandle> = {
  kind: "Latch",
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
export const Latch: Schema.declare<LatchHandle> = Objects.schema(
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
 * Hands out an Effect `Latch` as a handle.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromLatch = (latch: Latches.Latch): LatchHandle =>
  Objects.make(kind, () => ({
    open: () => latch.open,
    close: () => latch.close,
    release: () => latch.release,
    await: () => latch.await,
    isOpen: () => Effect.sync(() => latch.isOpen())
  }))

/**
 * Makes a latch and its handle; closed unless it is told otherwise.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeLatch = (open?: boolean): Effect.Effect<LatchHandle> => Effect.map(Latches.make(open), fromLatch)

/**
 * A handle of a barrier (uActor: the proxy of `Barrier`).
 *
 * @category models
 * @since 0.1.0
 */
export interface BarrierHandle extends AnyHandle {
  /** waits until all parties wait; the order of arrival, from 0. Whoever is interrupted meanwhile does not count. */
  readonly await: Effect.Effect<number, HandleError>
  readonly parties: Effect.Effect<number, HandleError>
  /** how many wait now */
  readonly waiting: Effect.Effect<number, HandleError>
}

interface BarrierMethods {
  readonly await: () => Effect.Effect<number, HandleError>
  readonly state: () => Effect.Effect<{ readonly parties: number; readonly waiting: number }, HandleError>
}

const barrierKind: Objects.Kind<BarrierMethods, BarrierHandle> = {
  kind: "Barrier",
  shape: (client) => ({
    await: Effect.suspend(() => client.await()),
    parties: Effect.map(Effect.suspend(() => client.state()), ({ parties }) => parties),
    waiting: Effect.map(Effect.suspend(() => client.state()), ({ waiting }) => waiting)
  } as BarrierHandle)
}

/**
 * The schema for handles of barriers.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Barrier: Schema.declare<BarrierHandle> = Objects.schema(
  barrierKind,
  RpcGroup.make(
    Rpc.make("await", { success: Schema.Int }),
    Rpc.make("state", { success: Schema.Struct({ parties: Schema.Int, waiting: Schema.Int }) })
  )
)

/**
 * Makes a barrier for a number of parties, at least 1, and its handle. It can be used again and again.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeBarrier = (parties: number): Effect.Effect<BarrierHandle> =>
  Effect.sync(() => {
    if (!Number.isInteger(parties) || parties < 1) {
      throw new RangeError(`Handle.makeBarrier: parties must be an integer of at least 1, not ${parties}`)
    }
    // who waits, in the order of arrival; told of it when all are there
    const next = () => ({ waiting: new Set<object>(), all: Deferred.makeUnsafe<ReadonlyArray<object>>() })
    let round = next()
    return Objects.make(barrierKind, () => ({
      await: () =>
        Effect.suspend(() => {
          const mine = round
          const me = {}
          mine.waiting.add(me)
          if (mine.waiting.size === parties) {
            round = next()
            Deferred.doneUnsafe(mine.all, Effect.succeed(Array.from(mine.waiting)))
          }
          return Effect.map(
            Effect.onInterrupt(Deferred.await(mine.all), () => Effect.sync(() => mine.waiting.delete(me))),
            (all) => all.indexOf(me)
          )
        }),
      state: () => Effect.sync(() => ({ parties, waiting: round.waiting.size }))
    }))
  })
