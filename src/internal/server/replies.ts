/**
 * The replies to calls: results, failures, and reports of values that cannot be sent, as frames.
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { HandleError } from "../../ActorError.ts"
import * as Causes from "../codec/causes.ts"
import * as Codec from "../codec/codec.ts"
import * as Defects from "../codec/defects.ts"
import { isSuccess } from "../effect/completed.ts"
import { missingService } from "../effect/missingService.ts"
import { LocalDeferred } from "../handles/exports.ts"
import type * as Handles from "../handles/handle.ts"
import * as Marshal from "../handles/marshal.ts"
import * as WireHandles from "../handles/wireHandle.ts"
import { textOf } from "../runtime/describe.ts"
import { interrupt } from "../runtime/notify.ts"
import * as Frames from "../wire/frames.ts"
import type { Outbox } from "../wire/outbox.ts"
import type { ActorCell } from "./actorCell.ts"
import { Decoded, type IncomingCall, Undecodable } from "./incomingCall.ts"

/** An encoded reply: a result or a failure. */
class EncodedReply {
  readonly value: unknown
  readonly transfer: ReadonlyArray<unknown> | undefined
  readonly failure: Frames.FailureCode | undefined
  readonly transaction: Marshal.EncodeTransaction | undefined

  constructor(
    value: unknown,
    transfer: ReadonlyArray<unknown> | undefined,
    failure: Frames.FailureCode | undefined,
    transaction: Marshal.EncodeTransaction | undefined
  ) {
    this.value = value
    this.transfer = transfer
    this.failure = failure
    this.transaction = transaction
  }
}

const toReply = (
  encoded: Effect.Effect<unknown, unknown>,
  failure: Frames.FailureCode | undefined,
  transaction: Marshal.EncodeTransaction | undefined
): Effect.Effect<EncodedReply> =>
  Effect.matchCause(Codec.collect(encoded), {
    onSuccess: ([value, transfer]) => new EncodedReply(value, transfer, failure, transaction),
    onFailure: (cause) => new EncodedReply(Codec.issueText(cause), undefined, Frames.FailureUnencodable, transaction)
  })

/** Whether the encoding of a reply is uninterruptible. A result with a compensation must not be lost. */
export const isEncodingUninterruptible = (call: IncomingCall): boolean =>
  call.uninterruptible || call.method.undo !== undefined

// a value that cannot be inspected belongs to none of these classes; a function that tests for one class is faster than a shared one

/** Whether a value is a Deferred. Data that looks like a Deferred has no methods. */
export const isDeferred = (value: unknown): value is Deferred.Deferred<unknown, unknown> => {
  try {
    return Deferred.isDeferred(value) && typeof value.pipe === "function"
  } catch {
    return false
  }
}

const isEncodedReply = (value: unknown): value is EncodedReply => {
  try {
    return value instanceof EncodedReply
  } catch {
    return false
  }
}

/** Whether a value is the handle of a pending result. */
const isPending = (value: unknown): value is LocalDeferred => {
  try {
    return value instanceof LocalDeferred && value.exit === undefined
  } catch {
    return false
  }
}

/** Whether a call was forwarded, and failed at its target with an error of the engine. */
const isEngineError = ({ isRelay }: ActorCell, { reasons }: Cause.Cause<unknown>): boolean => {
  const only = isRelay && reasons.length === 1 ? reasons[0] : undefined
  return only?._tag === "Fail" && HandleError.is(only.error)
}

/** Writes the replies of one connection. */
export class ReplyWriter {
  private readonly outbox: Outbox
  private readonly ends: Handles.LinkEnds
  private readonly callOf: (id: number) => IncomingCall | undefined

  /** `callOf`: finds a running call */
  constructor(outbox: Outbox, ends: Handles.LinkEnds, callOf: (id: number) => IncomingCall | undefined) {
    this.outbox = outbox
    this.ends = ends
    this.callOf = callOf
  }

  /** The exporter of the handles that an actor returns. */
  exporting(actor: ActorCell): Handles.Exporting {
    return { ends: this.ends, owner: actor.id < 0 ? actor.owner : actor }
  }

  /** Encodes a reply early, so that a received handle in the reply is exported before the received handles are released. */
  encodeEarly(call: IncomingCall, exit: Exit.Exit<unknown, unknown>): Effect.Effect<unknown, unknown> {
    if (call.discard) return exit
    const reply = Exit.isSuccess(exit) ? this.encodeResult(call, exit.value) : this.encodeErrors(call, exit.cause)
    return reply === undefined ? exit : isEncodingUninterruptible(call) ? reply : Effect.interruptible(reply)
  }

  private encodeResult({ actor, method }: IncomingCall, value: unknown): Effect.Effect<EncodedReply> | undefined {
    if (!method.success.handles || method.stream) return undefined
    if (isDeferred(value) || isPending(value) || Decoded.is(value)) return undefined
    const transaction = new Marshal.EncodeTransaction(this.exporting(actor))
    return toReply(Marshal.encode(transaction, method.success, value), undefined, transaction)
  }

  private encodeErrors(call: IncomingCall, cause: Cause.Cause<unknown>): Effect.Effect<EncodedReply> | undefined {
    const { actor, interrupted, method, producer } = call
    if (!method.error.handles || interrupted || producer?.unencodable !== undefined) return undefined
    return isEngineError(actor, cause) || !Cause.hasFails(cause) ? undefined : this.encodeCause(call, cause)
  }

  // encodes the errors of a cause one after another, with their handles in one transaction
  private encodeCause({ actor, method }: IncomingCall, cause: Cause.Cause<unknown>): Effect.Effect<EncodedReply> {
    const { error } = method
    const transaction = error.handles ? new Marshal.EncodeTransaction(this.exporting(actor)) : undefined
    const encode = ({ error: value }: Cause.Fail<unknown>) =>
      transaction === undefined ? error.encode(value) : Marshal.encode(transaction, error, value)
    const [first, ...others] = cause.reasons
    if (first?._tag === "Fail" && others.length === 0) return toReply(encode(first), Frames.FailureError, transaction)
    const encoded = Effect.map(Effect.forEach(cause.reasons.filter(Cause.isFailReason), encode), (values) => {
      let at = 0
      return Causes.encodeCause(cause, () => values[at++], method.encodeDefect)
    })
    return toReply(encoded, Frames.FailureCause, transaction)
  }

  /** Discards a reply that has been encoded early, and is not sent. */
  discard(exit: Exit.Exit<unknown, unknown>): void {
    if (Exit.isSuccess(exit) && isEncodedReply(exit.value)) exit.value.transaction?.rollback()
  }

  /** Sends a result. If encoding it takes an effect, returns that effect, whose exit is sent instead. */
  succeed(call: IncomingCall, value: unknown): Effect.Effect<unknown> | void {
    if (isEncodedReply(value)) return this.send(call, value)
    const { actor, id, method } = call
    if (method.stream || call.discard) {
      call.producer?.end()
      return this.settle(call, undefined, undefined, undefined)
    }
    const { success } = method
    const result = success.handleCodec?.result
    if (result !== undefined && isPending(value)) {
      this.ends.exports.answer(id, value, result, this.exporting(actor))
      return call.closeLent()
    }
    const transaction = success.handles ? new Marshal.EncodeTransaction(this.exporting(actor)) : undefined
    const encoded = transaction === undefined ? success.encode(value) : Marshal.encode(transaction, success, value)
    if (!isSuccess(encoded)) return toReply(encoded, undefined, transaction)
    const packed = transaction === undefined ? encoded.value : transaction.packed(encoded.value)
    this.settle(call, success.isFresh ? packed : this.outbox.isolate(packed), undefined, transaction)
    transaction?.commit()
  }

  private send(call: IncomingCall, { failure, transaction, transfer, value }: EncodedReply): void {
    call.producer?.end()
    let packed = transaction === undefined ? value : transaction.packed(value)
    if (transfer === undefined) packed = this.outbox.isolate(packed)
    if (failure === undefined) {
      this.settle(call, packed, transfer, transaction)
    } else {
      this.outbox.push(Frames.carrying(Frames.Failed, transaction?.flag ?? 0), call.id, failure, packed)
      call.closeLent()
    }
    transaction?.commit()
  }

  // the handles lent to a call are released after its answer, which may contain them
  private settle(
    call: IncomingCall,
    packed: unknown,
    transfer: ReadonlyArray<unknown> | undefined,
    transaction: Marshal.EncodeTransaction | undefined
  ): void {
    const { id } = call
    const op = transaction === undefined ? Frames.Settled : Frames.carrying(Frames.Settled, transaction.flag)
    const content = transaction === undefined ? undefined : WireHandles.contentOf(packed)
    if (content?.[0] === WireHandles.WireDeferred && content[2] === undefined) {
      this.outbox.push(Frames.DeferredPending, id, content[1], undefined)
    } else if (content?.[0] === WireHandles.WireKnown) {
      const [, completion, value, isPacked] = content
      this.outbox.push(
        Frames.carrying(Frames.DeferredDone, isPacked === true ? Frames.CarriesHandles : 0),
        id,
        completion,
        value
      )
    } else if (transfer === undefined) this.outbox.push(op, id, packed)
    else this.outbox.pushTransfer([op, id, packed], transfer)
    call.closeLent()
  }

  /** Sends any other end of a call, or returns the effect that encodes it. */
  fail(call: IncomingCall, cause: Cause.Cause<unknown>): Effect.Effect<unknown> | void {
    const { actor, id, method, producer } = call
    producer?.end()
    if (call.interrupted) return this.outbox.push(Frames.Failed, id, Frames.FailureInterrupted, undefined)
    const only = cause.reasons.length === 1 ? cause.reasons[0] : undefined
    const defect = only?._tag === "Die" ? only.defect : undefined
    if (Undecodable.is(defect)) {
      return this.outbox.push(Frames.Failed, id, Frames.FailureUndecodable, defect.text)
    }
    if (producer?.unencodable !== undefined) {
      return this.outbox.push(Frames.Failed, id, Frames.FailureUnencodable, producer.unencodable)
    }
    // a forwarded tell that fails was not accepted by its target
    if (call.discard && !actor.isRelay) {
      if (Cause.hasInterruptsOnly(cause)) return this.outbox.push(Frames.Settled, id, undefined)
      // the tell was accepted and no caller waits for its end: the log reports the failure, and the host its error reporters
      Effect.runForkWith(actor.context)(
        Effect.logWarning(`${actor.name}.${method.tag} (discarded call) failed`, Causes.received(cause))
      )
      // a result would be compensated
      const why = method.undo === undefined
        ? Causes.encodeCause(cause, (error) => Defects.encodeDefect(error), (defect) => Defects.encodeDefect(defect))
        : undefined
      return this.outbox.push(Frames.Settled, id, why)
    }
    if (actor.isClosing && Cause.hasInterruptsOnly(cause)) {
      return this.outbox.push(Frames.Failed, id, Frames.FailureStoppedRunning, actor.endedBy)
    }
    if (only?._tag === "Fail") {
      if (isEngineError(actor, cause)) {
        return toReply(Codec.relayed.encode(only.error), Frames.FailureRelayed, undefined)
      }
      const { error } = method
      const encoded = error.handles ? undefined : error.encode(only.error)
      if (encoded !== undefined) {
        if (!isSuccess(encoded)) return toReply(encoded, Frames.FailureError, undefined)
        const value = error.isFresh ? encoded.value : this.outbox.isolate(encoded.value)
        return this.outbox.push(Frames.Failed, id, Frames.FailureError, value)
      }
    }
    return this.encodeCause(call, cause)
  }

  /** Reports why an actor could not be started. */
  startFailed(
    { behaviour: { definition: { error, name } }, context, id }: ActorCell,
    cause: Cause.Cause<unknown>
  ): void {
    const spawned = (status: Frames.SpawnStatus, value: unknown): void =>
      this.outbox.push(Frames.Spawned, id, status, this.outbox.isolate(value))
    const failed = (text: string): void => spawned(Frames.SpawnDied, unencodable(`the start error of ${name}`, text))
    const only = cause.reasons.length === 1 ? cause.reasons[0] : undefined
    const defect = only?._tag === "Die" ? only.defect : undefined
    if (Undecodable.is(defect)) return spawned(Frames.SpawnArgsInvalid, defect.text)
    const missing = missingService(defect)
    if (missing !== undefined) return spawned(Frames.SpawnLacksService, missing)
    if (only?._tag === "Fail") {
      return Codec.whenEncoded(error.encode(only.error), context, (value) => spawned(Frames.SpawnFailed, value), failed)
    }
    Codec.whenEncoded(
      Effect.forEach(cause.reasons.filter(Cause.isFailReason), (reason) => error.encode(reason.error)),
      context,
      (values) => {
        const errors = Array.from(values as ReadonlyArray<unknown>)
        spawned(Frames.SpawnDied, Causes.encodeCause(cause, () => errors.shift(), Defects.encodeDefect))
      },
      failed
    )
  }

  /** A frame of an answer could not be sent. */
  onUnsendable(frame: Frames.Frame, error: unknown): void {
    const text = textOf(error)
    switch (frame[0]) {
      case Frames.Settled:
      case Frames.Failed:
      case Frames.DeferredDone:
        return this.outbox.push(Frames.Failed, frame[1], Frames.FailureUnencodable, text)
      case Frames.Complete:
        return this.outbox.push(Frames.Complete, frame[1], Frames.CompleteUnencodable, text)
      case Frames.Chunk: {
        // ahead of all frames that were pushed after the chunk, above all the end of the stream
        const [, id, items] = frame
        if (items.length > 1) {
          // the items before the one that cannot be sent arrive
          return void items.every((item: unknown) => this.outbox.sendNow([Frames.Chunk, id, [item]]))
        }
        this.outbox.sendNow([Frames.Failed, id, Frames.FailureUnencodable, text])
        const call = this.callOf(id)
        call?.producer?.refuse(text)
        // the producer may wait for another event than its reader
        if (call?.fiber !== undefined) interrupt(call.fiber)
        return
      }
      case Frames.Spawned:
        return this.outbox.push(Frames.Spawned, frame[1], Frames.SpawnDied, unencodable("the start error", text))
      default:
        throw error
    }
  }
}

/** An encoded cause that says what could not be sent. */
const unencodable = (what: string, text: string): Frames.EncodedCause => [
  ["Die", Defects.encodeDefect(new TypeError(`${what} cannot be sent: ${text}`))]
]
