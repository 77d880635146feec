/**
 * A result that was made elsewhere, as it is held here: what every such handle can do, and all there is to one whose result came with
 * it.
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Option from "effect/Option"
import * as Codec from "./codec.ts"
import type { Exports, Source } from "./exports.ts"
import * as Handles from "./handles.ts"
import { released } from "./leases.ts"
import * as Wire from "./wire.ts"

/** A result, decoded when it came. */
export type Result = Effect.Effect<unknown, unknown>

/** Whose result it is, and who takes it in. */
interface Receiver {
  readonly owner: Handles.Owner
  readonly importer: Handles.Importing
}

/** The awaiting of a result, as an effect that is no more than one object. */
class Awaiting extends Effectable.Class<unknown, unknown> {
  private readonly deferred: HeldDeferred

  constructor(deferred: HeldDeferred) {
    super()
    this.deferred = deferred
  }

  override asEffect(): Result {
    return this.deferred.outcome
  }
}

/** A result of the other end of a link. */
export class HeldDeferred implements Handles.Carrier, Source {
  readonly owner: Handles.Owner
  /** what it has come to, if that is known */
  protected result: Result | undefined
  protected isReleased = false

  constructor(owner: Handles.Owner, result: Result | undefined) {
    this.owner = owner
    this.result = result
  }

  get [Handles.HandleTypeId](): this {
    return this
  }

  get kind(): string {
    return "Deferred"
  }

  /** Awaiting any number of times gives the same result, and takes nothing away (H1). */
  get await(): Result {
    return new Awaiting(this)
  }

  /** what awaiting it comes to */
  get outcome(): Result {
    return this.now!
  }

  get poll(): Effect.Effect<Option.Option<Exit.Exit<unknown, unknown>>> {
    return Effect.suspend(() => {
      const { now } = this
      return now === undefined ? Effect.succeedNone : Effect.asSome(Effect.exit(now))
    })
  }

  get isDone(): Effect.Effect<boolean, unknown> {
    return Effect.suspend(() =>
      this.isReleased ? Effect.as(this.now!, true) : Effect.succeed(this.result !== undefined)
    )
  }

  get interrupt(): Effect.Effect<void> {
    return Effect.void
  }

  release(): void {
    this.isReleased = true
  }

  /** what awaiting it comes to at this moment, if anything */
  protected get now(): Result | undefined {
    return this.isReleased ? Effect.fail(released(this.owner)) : this.result
  }

  // ---- handing it on ----

  reclaim(from: Handles.Importing): object {
    return new HeldDeferred(from.owner, this.result)
  }

  get exit(): Exit.Exit<unknown, unknown> | undefined {
    return this.result !== undefined && (Codec.isSuccess(this.result) || Codec.isFailure(this.result))
      ? this.result
      : undefined
  }

  subscribe(listener: (exit: Exit.Exit<unknown, unknown>) => void): () => void {
    return Effect.runFork(this.result!).addObserver(listener)
  }

  export(to: Handles.Exporting, how: unknown): Handles.WireHandle {
    if (this.isReleased) throw released(this.owner)
    return (to.ends.exports as Exports).addResult(this, how as Codec.ResultCodec, to)
  }
}

/** Takes in a result that is there. */
export const known = (
  status: number,
  value: unknown,
  codec: Codec.ResultCodec,
  by: Receiver
): HeldDeferred => new HeldDeferred(by.owner, decode(status, value, codec, by))

/** Decodes a completion, once. */
export const decode = (status: number, value: unknown, codec: Codec.ResultCodec, by: Receiver): Result => {
  const decoded = decodeCompletion(status, value, codec, by)
  return Codec.isSuccess(decoded) || Codec.isFailure(decoded)
    ? decoded
    : Fiber.join(Effect.runForkWith(by.importer.context)(decoded))
}

const decodeCompletion = (status: number, value: unknown, codec: Codec.ResultCodec, by: Receiver): Result => {
  const { error, success } = codec
  const { owner } = by
  switch (status) {
    case Wire.CompleteSuccess:
      return orMisfit(success.handles ? Handles.decode(by.importer, success, value) : success.decode(value), owner)
    case Wire.CompleteError:
    case Wire.CompleteRelayed: {
      const codec = status === Wire.CompleteError ? error : Codec.relayed
      return failing(orMisfit(codec.decode(value), owner), Exit.fail)
    }
    case Wire.CompleteCause:
      return failing(
        orMisfit(Codec.decodeCauseWith(value as Wire.EncodedCause, error.decode, Codec.decodeDefect), owner),
        (cause) => Exit.failCause(cause as Cause.Cause<unknown>)
      )
    case Wire.CompleteStopped:
      return Exit.fail(
        owner.exited("Stopped", "Unknown", `${owner.address} was stopped before a result it had promised was there`)
      )
    default:
      return Exit.die(new TypeError(`a result of ${owner.address} cannot be sent: ${String(value)}`))
  }
}

// at once if it can, so that it is known to be there
const failing = (decoded: Result, fail: (value: unknown) => Exit.Exit<never, unknown>): Result =>
  Codec.isSuccess(decoded) ? fail(decoded.value) : Effect.flatMap(decoded, fail)

const orMisfit = (decoded: Result, owner: Handles.Owner): Result =>
  Codec.isSuccess(decoded)
    ? decoded
    : Effect.catchCause(
      decoded,
      (cause) =>
        Effect.die(new TypeError(`a result of ${owner.address} does not fit its schema: ${Codec.issueText(cause)}`))
    )
