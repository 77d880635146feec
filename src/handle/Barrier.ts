/**
 * A barrier that stays in the actor. A fixed number of parties wait at it for each other.
 *
 * @since 0.1.0
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import type { HandleError } from "../ActorError.ts"
import * as HandleSchema from "../internal/remote/handleSchema.ts"
import type { AnyHandle } from "./AnyHandle.ts"

/**
 * A handle of a barrier. In uActor: the proxy of `Barrier`.
 *
 * @category models
 * @since 0.1.0
 */
export interface BarrierHandle extends AnyHandle {
  /**
   * Waits until all parties wait. Returns the position of this party in the order of arrival, from 0. A party that is interrupted while
   * it waits no longer counts.
   */
  readonly await: Effect.Effect<number, HandleError>
  /** The number of parties. */
  readonly parties: Effect.Effect<number, HandleError>
  /** The number of parties that wait now. */
  readonly waiting: Effect.Effect<number, HandleError>
}

interface Methods {
  readonly await: () => Effect.Effect<number, HandleError>
  readonly state: () => Effect.Effect<{ readonly parties: number; readonly waiting: number }, HandleError>
}

// for what a party waits
const others = "the other parties"

const kind: HandleSchema.HandleKind<Methods, BarrierHandle> = {
  kind: "Barrier",
  waits: (method) => method === "await" ? others : undefined,
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
export const Barrier: Schema.declare<BarrierHandle> = HandleSchema.schema(
  kind,
  RpcGroup.make(
    Rpc.make("await", { success: Schema.Int }),
    Rpc.make("state", { success: Schema.Struct({ parties: Schema.Int, waiting: Schema.Int }) })
  )
)

/**
 * Makes a barrier and its handle. `parties` is an integer of at least 1; the effect dies with a `RangeError` otherwise. When all parties
 * have arrived, the barrier starts a new round.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeBarrier = (parties: number): Effect.Effect<BarrierHandle> =>
  Effect.sync(() => {
    if (!Number.isInteger(parties) || parties < 1) {
      throw new RangeError(`Handle.makeBarrier: parties must be an integer of at least 1, not ${parties}`)
    }
    // `waiting` is in the order of arrival; `all` completes when the last party arrives
    const makeRound = () => ({ waiting: new Set<object>(), all: Deferred.makeUnsafe<ReadonlyArray<object>>() })
    let current = makeRound()
    const waits = (method: string): string | undefined =>
      method === "await" ? `${others}, ${current.waiting.size} of ${parties} have arrived` : undefined
    return HandleSchema.make({ ...kind, waits }, () => ({
      await: () =>
        Effect.suspend(() => {
          const round = current
          const party = {}
          round.waiting.add(party)
          if (round.waiting.size === parties) {
            current = makeRound()
            Deferred.doneUnsafe(round.all, Effect.succeed(Array.from(round.waiting)))
          }
          return Effect.map(
            Effect.onInterrupt(Deferred.await(round.all), () => Effect.sync(() => round.waiting.delete(party))),
            (all) => all.indexOf(party)
          )
        }),
      state: () => Effect.sync(() => ({ parties, waiting: current.waiting.size }))
    }))
  })
