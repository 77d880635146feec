/**
 * The handle of a result of the peer: the operations of every such handle, and the handle of a result that had completed before it was
 * sent.
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import * as Exit from "effect/Exit"
import type * as Option from "effect/Option"
import * as Causes from "../codec/causes.ts"
import * as Codec from "../codec/codec.ts"
import * as Defects from "../codec/defects.ts"
import { isFailure, isSuccess } from "../effect/completed.ts"
import { ExitLatch } from "../runtime/waiters.ts"
import * as Frames from "../wire/frames.ts"
import * as Handles from "./handle.ts"
import * as Marshal from "./marshal.ts"
import { released } from "./scopeLeases.ts"
import * as WireHandles from "./wireHandle.ts"

/** A result, decoded on arrival. */
export type Result = Effect.Effect<unknown, unknown>

/** The owner and the importer of a result. */
interface Receiver {
  readonly owner: Handles.Owner
  readonly importer: Handles.Importing
}

/** The effect that awaits a result, as a single object. */
class Awaiting extends Effectable.Class<unknown, unknown> {
  private readonly deferred: CompletedDeferred

  constructor(deferred: CompletedDeferred) {
    super()
    this.deferred = deferred
  }

  override asEffect(): Result {
    return this.deferred.outcome
  }
}

/** A result of the peer. */
export class CompletedDeferred implements Handles.HandleTarget, Handles.ResultSource {
  readonly owner: Handles.Owner
  /** the result, if it is known */
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

  /** Awaits the result. Each await gives the same result, and consumes nothing (H1). */
  get await(): Result {
    return new Awaiting(this)
  }

  /** the outcome of an await */
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

  /** the outcome of an await at this moment, if there is an outcome */
  protected get now(): Result | undefined {
    return this.isReleased ? Effect.fail(released(this.owner)) : this.result
  }

  // ---- forwarding ----

  reclaim(from: Handles.Importing): object {
    return new CompletedDeferred(from.owner, this.result)
  }

  get exit(): Exit.Exit<unknown, unknown> | undefined {
    return this.result !== undefined && (isSuccess(this.result) || isFailure(this.result))
      ? this.result
      : undefined
  }

  subscribe(listener: (exit: Exit.Exit<unknown, unknown>) => void): () => void {
    return Effect.runFork(this.result!).addObserver(listener)
  }

  export(to: Handles.Exporting, handleKind: unknown): WireHandles.WireHandle {
    if (this.isReleased) throw released(this.owner)
    return to.ends.exports.addResult(this, handleKind as Codec.ResultCodec, to)
  }
}

Object.defineProperties(CompletedDeferred.prototype, Handles.printed)

/** Imports a completed result. */
export const known = (
  status: Frames.CompletionCode,
  value: unknown,
  codec: Codec.ResultCodec,
  by: Receiver
): CompletedDeferred => new CompletedDeferred(by.owner, decode(status, value, codec, by))

/** Decodes a completion, once. */
export const decode = (
  status: Frames.CompletionCode,
  value: unknown,
  codec: Codec.ResultCodec,
  by: Receiver
): Result => {
  const decoded = decodeCompletion(status, value, codec, by)
  if (isSuccess(decoded) || isFailure(decoded)) return decoded
  const ending = new ExitLatch<unknown, unknown>()
  Effect.runForkWith(by.importer.context)(decoded).addObserver((exit) => ending.complete(exit))
  return ending.await
}

const decodeCompletion = (
  status: Frames.CompletionCode,
  value: unknown,
  codec: Codec.ResultCodec,
  by: Receiver
): Result => {
  const { error, success } = codec
  const { owner } = by
  const decodeWith = (codec: Codec.Codec, value: unknown): Result =>
    codec.handles ? Marshal.decode(by.importer, codec, value) : codec.decode(value)
  switch (status) {
    case Frames.CompleteSuccess:
      return orMisfit(decodeWith(success, value), owner)
    case Frames.CompleteError:
    case Frames.CompleteRelayed:
      return failing(
        orMisfit(decodeWith(status === Frames.CompleteError ? error : Codec.relayed, value), owner),
        Exit.fail
      )
    case Frames.CompleteCause:
      return failing(
        orMisfit(
          Causes.decodeCauseWith(
            WireHandles.valueOf(value) as Frames.EncodedCause,
            (value) => decodeWith(error, value),
            Defects.decodeDefect
          ),
          owner
        ),
        (cause) => Exit.failCause(cause as Cause.Cause<unknown>)
      )
    case Frames.CompleteStopped:
      return Exit.fail(
        owner.exited("Stopped", "Unknown", `${owner.address} was stopped before it completed a pending result`)
      )
    default:
      return Exit.die(new TypeError(`a result of ${owner.address} cannot be sent: ${String(value)}`))
  }
}

// synchronous if possible, so that the result is known to have completed
const failing = (decoded: Result, fail: (value: unknown) => Exit.Exit<never, unknown>): Result =>
  isSuccess(decoded) ? fail(decoded.value) : Effect.flatMap(decoded, fail)

const orMisfit = (decoded: Result, owner: Handles.Owner): Result =>
  isSuccess(decoded)
    ? decoded
    : Effect.catchCause(
      decoded,
      (cause) =>
        Effect.die(new TypeError(`a result of ${owner.address} does not fit its schema: ${Codec.issueText(cause)}`))
    )
