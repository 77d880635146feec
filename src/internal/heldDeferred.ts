/**
 * A result that was made elsewhere, as it is held here: what every such handle can do, and all there is to one whose result came with
 * it.
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import type * as Exit from "effect/Exit"
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

  get isOver(): boolean {
    return this.result !== undefined
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

/** Decodes a completion. */
export const decode = (status: number, value: unknown, codec: Codec.ResultCodec, by: Receiver): Result => {
  const { error, success } = codec
  const { owner } = by
  switch (status) {
    case Wire.CompleteSuccess:
      return orMisfit(success.handles ? Handles.decode(by.importer, success, value) : success.decode(value), owner)
    case Wire.CompleteError:
      return Effect.flatMap(orMisfit(error.decode(value), owner), Effect.fail)
    case Wire.CompleteRelayed:
      return Effect.flatMap(orMisfit(Codec.relayed.decode(value), owner), Effect.fail)
    case Wire.CompleteCause:
      return Effect.flatMap(
        orMisfit(Codec.decodeCauseWith(value as Wire.EncodedCause, error.decode, Codec.decodeDefect), owner),
        (cause) => Effect.failCause(cause as Cause.Cause<unknown>)
      )
    case Wire.CompleteStopped:
      return Effect.fail(
        owner.exited("Stopped", "Unknown", `${owner.address} was stopped before a result it had promised was there`)
      )
    default:
      return Effect.die(new TypeError(`a result of ${owner.address} cannot be sent: ${String(value)}`))
  }
}

const orMisfit = (decoded: Result, owner: Handles.Owner): Result =>
  Codec.isSuccess(decoded)
    ? decoded
    : Effect.catchCause(
      decoded,
      (cause) =>
        Effect.die(new TypeError(`a result of ${owner.address} does not fit its schema: ${Codec.issueText(cause)}`))
    )
