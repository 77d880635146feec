/**
 * The protocol that `uactor` and `effect-rpc` serve, and the actor's definition.
 */
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import * as Transferable from "effect/workers/Transferable"
import * as Actor from "../../src/Actor.ts"
import { HandleReleased } from "../../src/ActorError.ts"
import * as Handle from "../../src/Handle.ts"
import * as SharedBuffer from "../../src/SharedBuffer.ts"

/** A declared failure. */
export class Refused extends Schema.TaggedError<Refused>()("Refused", {
  id: Schema.Int,
  why: Schema.String
}) {}

/** Five fields, one of which is no plain data. */
export const Purchase = Schema.Struct({
  id: Schema.Int,
  customer: Schema.String,
  at: Schema.Date,
  amount: Schema.Finite,
  express: Schema.Boolean
})

/** What all actors of the benchmark can do. */
export const rpcs = [
  Rpc.make("add", { payload: { n: Schema.Int }, success: Schema.Int, error: Refused }),
  Rpc.make("buy", { payload: Purchase, success: Purchase, error: Refused }),
  Rpc.make("bounce", {
    payload: { bytes: Transferable.Uint8Array },
    success: Transferable.Uint8Array,
    error: Refused
  }),
  Rpc.make("ints", { payload: { count: Schema.Int }, success: Schema.Int, error: Refused, stream: true }),
  Rpc.make("work", { payload: { rounds: Schema.Int }, success: Schema.Int, error: Refused }),
  Rpc.make("heap", { success: Schema.Int })
] as const

/** The actor. */
export class Bench extends Actor.Service<Bench>()("Bench", {
  protocol: [
    ...rpcs,
    Rpc.make("ends", { payload: { bytes: Schema.Uint8Array }, success: Schema.Int, error: Refused }),
    Rpc.make("endsShared", {
      payload: { data: SharedBuffer.schema },
      success: Schema.Int,
      error: Schema.Union([Refused, HandleReleased])
    }),
    Rpc.make("later", { payload: { n: Schema.Int }, success: Handle.Deferred({ success: Schema.Int, error: Refused }) })
  ]
}) {}
