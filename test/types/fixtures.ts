/**
 * Definitions that the type tests share. Nothing here is run.
 */
import { Context, type Effect, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Actor } from "../../src/index.ts"

export class Overflow extends Schema.TaggedError<Overflow>()("Overflow", { max: Schema.Int }) {}
export class Refused extends Schema.TaggedError<Refused>()("Refused", { why: Schema.String }) {}
export class Torn extends Schema.TaggedError<Torn>()("Torn", { at: Schema.Int }) {}

/** With everything: arguments, a start error, and a method of each kind. */
export class Counter extends Actor.Service<Counter>()("Counter", {
  args: Schema.Struct({ start: Schema.Int, step: Schema.optionalKey(Schema.Int) }),
  error: Refused,
  protocol: [
    Rpc.make("increment", { payload: { by: Schema.Int }, success: Schema.Int, error: Overflow }),
    Rpc.make("reset"),
    Rpc.make("ticks", { payload: { upTo: Schema.Int }, success: Schema.BigInt, error: Torn, stream: true }),
    Rpc.make("at", { success: Schema.Date })
  ]
}) {}

/** Without arguments and without errors. */
export class Getpid extends Actor.Service<Getpid>()("Getpid", {
  protocol: [Rpc.make("getpid", { success: Schema.Int })]
}) {}

/** A service that a behaviour may need. */
export class Database extends Context.Service<Database, { readonly get: Effect.Effect<number> }>()("test/Database") {}
export class Clockwork extends Context.Service<Clockwork, { readonly tick: Effect.Effect<number> }>()(
  "test/Clockwork"
) {}
