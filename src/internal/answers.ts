/**
 * Telling callers what became of their calls: results, failures and what cannot
 * be sent, as frames.
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { isRelayable } from "../ActorError.ts"
import * as Codec from "./codec.ts"
import { type Exports, LocalDeferred } from "./exports.ts"
import * as Handles from "./handles.ts"
import { Decoded, type LocalActor, type ServerCall, Undecodable } from "./localActor.ts"
import type { Outbox } from "./outbox.ts"
import * as Wire from "./wire.ts"

/** An answer that has been encoded: a result, or what is told of a failure. */
class Sealed {
  readonly value: unknown
  readonly transfer: ReadonlyArray<unknown> | undefined
  readonly failure: number | undefined
  readonly parcel: Handles.Parcel | undefined

  constructor(
    value: unknown,
    transfer: ReadonlyArray<unknown> | undefined,
    failure: number | undefined,
    parcel: Handles.Parcel | undefined
  ) {
    this.value = value
    this.transfer = transfer
    this.failure = failure
    this.parcel = parcel
  }
}

const seal = (
  encoded: Effect.Effect<unknown, unknown>,
  failure: number | undefined,
  parcel: Handles.Parcel | undefined
): Effect.Effect<Sealed> =>
  Effect.matchCause(Codec.collect(encoded), {
    onSuccess: ([value, transfer]) => new Sealed(value, transfer, failure, parcel),
    onFailure: (cause) => new Sealed(Codec.issueText(cause), undefined, Wire.FailureUnencodable, parcel)
  })

/** Whether the encoding of an answer goes on when it is interrupted; what can be taken back must not be lost. */
export const isFirm = (call: ServerCall): boolean => call.uninterruptible || call.method.undo !== undefined

// what cannot be looked at is none of these; each asks for itself, because V8 is quick only where the class is always the same

/** Whether a value is a Deferred. */
export const isDeferred = (value: unknown): value is Deferred.Deferred<unknown, unknown> => {
  try {
    return Deferred.isDeferred(value)
  } catch {
    return false
  }
}

/** Whether a result is a payload that has been decoded. */
export const isDecoded = (value: unknown): value is Decoded => {
  try {
    return value instanceof Decoded
  } catch {
    return false
  }
}

const isSealed = (value: unknown): value is Sealed => {
  try {
    return value instanceof Sealed
  } catch {
    return false
  }
}

/** Whether a value is the handle of a result that is still in the making. */
const isPending = (value: unknown): value is LocalDeferred => {
  try {
    return value instanceof LocalDeferred && value.exit === undefined
  } catch {
    return false
  }
}

/** The answers of a worker's actors. */
export class Answers {
  private readonly outbox: Outbox
  private readonly ends: Handles.Ends
  private readonly callOf: (id: number) => ServerCall | undefined

  /** `callOf`: a call that runs */
  constructor(outbox: Outbox, ends: Handles.Ends, callOf: (id: number) => ServerCall | undefined) {
    this.outbox = outbox
    this.ends = ends
    this.callOf = callOf
  }

  /** Who hands out what an actor returns. */
  exporting(actor: LocalActor): Handles.Exporting {
    return { ends: this.ends, owner: actor.id < 0 ? actor.owner : actor }
  }

  /** Encodes a result early: a handle that the handler received and passes on is handed out before what it received is let go. */
  seal(call: ServerCall, exit: Exit.Exit<unknown, unknown>): Effect.Effect<unknown, unknown> {
    const { actor, method } = call
    if (!method.success.handles || method.stream || call.discard || Exit.isFailure(exit)) return exit
    const { value } = exit
    if (isDeferred(value) || isPending(value) || isDecoded(value)) return exit
    const parcel = new Handles.Parcel(this.exporting(actor))
    const sealed = seal(Handles.encode(parcel, method.success, value), undefined, parcel)
    return isFirm(call) ? sealed : Effect.interruptible(sealed)
  }

  /** What has been encoded early is not sent. */
  unseal(exit: Exit.Exit<unknown, unknown>): void {
    if (Exit.isSuccess(exit) && isSealed(exit.value)) exit.value.parcel?.abandon()
  }

  /** Tells of a result; where that has to be encoded first and cannot be at once, returns what does so, to be told of in its place. */
  succeed(
    actor: LocalActor,
    id: number,
    method: Codec.Method,
    extras: Wire.Extras | undefined,
    call: ServerCall | undefined,
    value: unknown
  ): Effect.Effect<unknown> | void {
    if (isSealed(value)) return this.open(id, method, call, value)
    if (method.stream || extras?.discard === true) {
      call?.writer?.end()
      return this.settle(id, method, call, undefined, undefined)
    }
    const { success } = method
    const result = success.direct?.result
    if (result !== undefined && isPending(value)) {
      ;(this.ends.exports as Exports).answer(id, value, result, this.exporting(actor))
      return call?.giveBack()
    }
    const parcel = success.handles ? new Handles.Parcel(this.exporting(actor)) : undefined
    const encoded = parcel === undefined ? success.encode(value) : Handles.encode(parcel, success, value)
    if (!Codec.isSuccess(encoded)) return seal(encoded, undefined, parcel)
    if (!success.isolated) this.outbox.isolate(encoded.value)
    this.settle(id, method, call, encoded.value, undefined)
    parcel?.sent()
  }

  private open(id: number, method: Codec.Method, call: ServerCall | undefined, sealed: Sealed): void {
    const { failure, parcel, transfer, value } = sealed
    if (transfer === undefined) this.outbox.isolate(value)
    if (failure === undefined) {
      this.settle(id, method, call, value, transfer)
    } else {
      this.outbox.push4(Wire.Failed, id, failure, value)
      call?.giveBack()
    }
    parcel?.sent()
  }

  // what was lent to a call is given back behind its answer, in which it may be
  private settle(
    id: number,
    method: Codec.Method,
    call: ServerCall | undefined,
    value: unknown,
    transfer: ReadonlyArray<unknown> | undefined
  ): void {
    const content = method.success.handles ? Handles.contentOf(value) : undefined
    if (content?.[0] === Handles.WireDeferred) this.outbox.push4(Wire.Promised, id, content[1], undefined)
    else if (content?.[0] === Handles.WireKnown) this.outbox.push4(Wire.Known, id, content[1], content[2])
    else if (transfer === undefined) this.outbox.push3(Wire.Settled, id, value)
    else this.outbox.pushTransfer([Wire.Settled, id, value], transfer)
    call?.giveBack()
  }

  /** Tells of any other end, or returns what encodes it. */
  fail(
    actor: LocalActor,
    id: number,
    method: Codec.Method,
    extras: Wire.Extras | undefined,
    call: ServerCall | undefined,
    cause: Cause.Cause<unknown>
  ): Effect.Effect<unknown> | void {
    call?.writer?.end()
    if (call?.interrupted === true) return this.outbox.push4(Wire.Failed, id, Wire.FailureRemoved, undefined)
    const only = cause.reasons.length === 1 ? cause.reasons[0] : undefined
    const defect = only?._tag === "Die" ? only.defect : undefined
    if (Undecodable.is(defect)) {
      return this.outbox.push4(Wire.Failed, id, Wire.FailureUndecodable, defect.text)
    }
    if (call?.writer?.unencodable !== undefined) {
      return this.outbox.push4(Wire.Failed, id, Wire.FailureUnencodable, call.writer.unencodable)
    }
    // one that is passed on and fails was not accepted there
    if (extras?.discard === true && !actor.isRelay) {
      // it was accepted, and nobody waits for its end: the log is the only one to tell
      if (!Cause.hasInterruptsOnly(cause)) {
        Effect.runForkWith(actor.context)(
          Effect.logWarning(`${actor.behaviour.definition.name}.${method.tag} (discarded call) failed`, cause)
        )
      }
      return this.outbox.push3(Wire.Settled, id, undefined)
    }
    if (actor.state === "Closing" && Cause.hasInterruptsOnly(cause)) {
      return this.outbox.push4(Wire.Failed, id, Wire.FailureStoppedRunning, actor.killed)
    }
    if (actor.isRelay && only?._tag === "Fail" && isRelayable(only.error)) {
      return seal(Codec.relayed.encode(only.error), Wire.FailureRelayed, undefined)
    }
    if (only?._tag === "Fail") {
      const encoded = method.error.encode(only.error)
      if (!Codec.isSuccess(encoded)) return seal(encoded, Wire.FailureError, undefined)
      if (!method.error.isolated) this.outbox.isolate(encoded.value)
      return this.outbox.push4(Wire.Failed, id, Wire.FailureError, encoded.value)
    }
    const errors = cause.reasons.filter(Cause.isFailReason)
    const encodeAll = Effect.forEach(errors, (reason) => method.error.encode(reason.error))
    const encoded = Effect.map(encodeAll, (values) => {
      let at = 0
      return Codec.encodeCause(cause, () => values[at++], method.encodeDefect)
    })
    return seal(encoded, Wire.FailureCause, undefined)
  }

  /** A frame of an answer could not be sent. */
  onUnsendable(frame: Wire.Batch, error: unknown): void {
    const text = Codec.textOf(error)
    switch (frame[0]) {
      case Wire.Settled:
      case Wire.Failed:
        Handles.takeBack(this.ends, frame[2])
        return this.outbox.push4(Wire.Failed, frame[1], Wire.FailureUnencodable, text)
      case Wire.Known:
        Handles.takeBack(this.ends, frame[3])
        return this.outbox.push4(Wire.Failed, frame[1], Wire.FailureUnencodable, text)
      case Wire.Complete:
        Handles.takeBack(this.ends, frame[3])
        return this.outbox.push4(Wire.Complete, frame[1], Wire.CompleteUnencodable, text)
      case Wire.Chunk: {
        // ahead of anything that was pushed behind the chunk, the end of its stream above all
        const [, id, items] = frame as [op: number, id: number, items: ReadonlyArray<unknown>]
        if (items.length > 1) {
          // those before the one that cannot be sent arrive
          const refused = items.findIndex((item) => !this.outbox.sendNow([Wire.Chunk, id, [item]]))
          return Handles.takeBack(this.ends, refused === -1 ? [] : items.slice(refused + 1))
        }
        Handles.takeBack(this.ends, items)
        this.outbox.sendNow([Wire.Failed, id, Wire.FailureUnencodable, text])
        const call = this.callOf(id)
        call?.writer?.refuse(text)
        // it may wait for something else than its reader
        return call?.fiber?.interruptUnsafe()
      }
      case Wire.Spawned:
        return this.outbox.push4(Wire.Spawned, frame[1], Wire.SpawnDied, unencodable("the start error", text))
      default:
        throw error
    }
  }
}

/** An encoded cause that says what could not be sent. */
export const unencodable = (what: string, text: string): Wire.EncodedCause => [
  ["Die", Codec.encodeDefect(new TypeError(`${what} cannot be sent: ${text}`))]
]
