/**
 * The protocol that `uactor` and `effect-rpc` serve, and the actor's definition.
 */
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
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

/** Five fields; one field is not plain data. */
export const Purchase = Schema.Struct({
  id: Schema.Int,
  customer: Schema.String,
  at: Schema.Date,
  amount: Schema.Finite,
  express: Schema.Boolean
})

/** The methods of all actors of the benchmark. */
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

const Result = Handle.Deferred({ success: Schema.Int, error: Refused })

const add = Rpc.make("add", { payload: { n: Schema.Int }, success: Schema.Int })

/** An object that another worker may call directly. */
export const Adder = Handle.object(RpcGroup.make(add), { name: "Adder" })

/** A method that may carry a handle, so that its calls go through the main thread. */
const relayedAdd = Rpc.make("add", {
  payload: { n: Schema.Int, adder: Schema.optional(Adder) },
  success: Schema.Int
})

/** The same with a method that may carry a handle. */
export const RelayedAdder = Handle.object(RpcGroup.make(relayedAdd), { name: "RelayedAdder" })

/** An actor that other actors have references to. */
export class Adding extends Actor.Service<Adding>()("Adding", { protocol: [add] }) {}

/** The same with a method that may carry a handle. */
export class RelayedAdding extends Actor.Service<RelayedAdding>()("RelayedAdding", { protocol: [relayedAdd] }) {}

/** An object or actor of another worker that adds. */
export const Elsewhere = Schema.Union([Adder, RelayedAdder, Adding.ref, RelayedAdding.ref])

/** An actor that runs many calls at once. */
export class Wide extends Actor.Service<Wide>()("Wide", { protocol: [rpcs[0]] }) {}

/** The actor. */
export class Bench extends Actor.Service<Bench>()("Bench", {
  protocol: [
    ...rpcs,
    Rpc.make("watchTimers"),
    Rpc.make("lateness", { success: Schema.Finite }),
    // the result completes one turn later
    Rpc.make("later", { payload: { n: Schema.Int }, success: Result }),
    // at most four results are computed concurrently
    Rpc.make("limited", { payload: { n: Schema.Int }, success: Result }),
    Rpc.make("adder", { success: Adder }),
    Rpc.make("relayedAdder", { success: RelayedAdder }),
    // makes `n` sequential calls to the adder
    Rpc.make("use", { payload: { adder: Elsewhere, n: Schema.Int }, success: Schema.Int }),
    // makes concurrent calls to the adder; returns the sum of the answers
    Rpc.make("useAtOnce", {
      payload: { adder: Elsewhere, n: Schema.Int, width: Schema.Int },
      success: Schema.Int
    }),
    Rpc.make("ends", { payload: { bytes: Schema.Uint8Array }, success: Schema.Int, error: Refused }),
    Rpc.make("endsShared", {
      payload: { data: SharedBuffer.schema },
      success: Schema.Int,
      error: Schema.Union([Refused, HandleReleased])
    })
  ]
}) {}
