/** An actor whose finalizer and whose vote note the class of each error of an exit. */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as fs from "node:fs"
import * as Actor from "../../../../src/Actor.ts"
import { ActorExited, SpawnError } from "../../../../src/ActorError.ts"

export class Amount extends Schema.Class<Amount>("Amount")({ cents: Schema.BigInt }) {}

/** the error of a method */
export class Overdrawn extends Schema.TaggedError<Overdrawn>()("Overdrawn", { by: Amount, at: Schema.Date }) {
  override get message(): string {
    return `overdrawn by ${this.by.cents}`
  }
}

/** the error of the items of a stream */
export class Torn extends Schema.TaggedError<Torn>()("Torn", { line: Schema.Int }) {}

/** the start error */
export class Locked extends Schema.TaggedError<Locked>()("Locked", { owner: Schema.String }) {}

/** an error of no definition */
export class Foreign extends Schema.TaggedError<Foreign>()("Foreign", { code: Schema.Int }) {}

export class Ledger extends Actor.Service<Ledger>()("Ledger", {
  args: Schema.Struct({ journal: Schema.String, isLocked: Schema.optionalKey(Schema.Boolean) }),
  error: Locked,
  protocol: {
    // its schema fits every error, and keeps the class of none
    any: Actor.method({ error: Schema.Unknown }),
    withdraw: Actor.method({ error: Overdrawn }),
    lines: Actor.method({ success: Schema.String, error: Torn, stream: true })
  }
}) {}

const known = { Overdrawn, Torn, Locked, ActorExited, SpawnError }

const show = (reason: Cause.Reason<unknown>): string => {
  if (reason._tag === "Interrupt") return "Interrupt"
  const error = reason._tag === "Fail" ? reason.error : reason.defect
  const [name] = Object.entries(known).find(([, Class]) => error instanceof Class) ?? ["no known class"]
  const detail = error instanceof Overdrawn
    ? error.by instanceof Amount && error.at.getTime() === 0
    : (error as Error).message
  const stack = error instanceof Error && error.stack?.includes(".test.ts") === true ? "" : " without its stack"
  return `${reason._tag} of ${name} (${String(detail)})${stack}`
}

const showExit = (exit: Exit.Exit<unknown, unknown>): string =>
  Exit.isSuccess(exit) ? "success" : exit.cause.reasons.map(show).join(", ")

export default Ledger.toLayer(
  Effect.fn(function*({ isLocked, journal }) {
    if (isLocked === true) return yield* new Locked({ owner: "someone" })
    yield* Effect.addFinalizer((exit) =>
      Effect.sync(() => fs.appendFileSync(journal, `finalizer: ${showExit(exit)}\n`))
    )
    yield* Effect.onExit(
      Effect.void,
      (exit) => Effect.sync(() => fs.appendFileSync(journal, `start: ${showExit(exit)}\n`))
    )
    return Ledger.handlers({
      any: () => Effect.void,
      withdraw: () => new Overdrawn({ by: new Amount({ cents: 5n }), at: new Date(0) }),
      lines: () => Stream.never
    })
  }),
  // absorbs what is overdrawn
  {
    onExit: (exit) =>
      Effect.succeed(
        Exit.isFailure(exit) &&
          exit.cause.reasons.some((reason) => reason._tag === "Fail" && reason.error instanceof Overdrawn)
      )
  }
)
