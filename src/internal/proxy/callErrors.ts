/**
 * The errors with which calls fail: each names the call, says whether the call has run, and gives the reason.
 */
import * as Effect from "effect/Effect"
import {
  type ActorError,
  ActorExited,
  CallTimedOut,
  type HandleReleased,
  MailboxFull,
  type Outcome,
  ProtocolError
} from "../../ActorError.ts"
import * as Causes from "../codec/causes.ts"
import * as Codec from "../codec/codec.ts"
import type * as Methods from "../codec/methods.ts"
import * as WireHandles from "../handles/wireHandle.ts"
import * as Counts from "../metrics/counts.ts"
import * as Frames from "../wire/frames.ts"

// The errors are made when an answer arrives. The stack frames there belong to the engine; the fiber of the caller adds its own.
const withoutFrames = <A>(make: () => A): A => {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 0
  try {
    return make()
  } finally {
    Error.stackTraceLimit = limit
  }
}

/** A call that fails. */
interface FailingCall {
  readonly method: Methods.Method
  readonly proxy: {
    readonly name: string
    readonly address: string
    /** the name of the mailbox, for messages */
    readonly mailbox: string
    /** the reason why the actor has ended, unless the actor was stopped */
    readonly ended: Pick<ActorExited, "message" | "reason"> | undefined
    /** no later call runs */
    readonly isOver: boolean
    /** the error of a released handle */
    readonly released: HandleReleased | undefined
  }
  /** an earlier incarnation may have run the call */
  readonly mayHaveRun: boolean
  /** `true`: an incarnation has started the call */
  everStarted: true | undefined
  /** decodes a value of the answer; `what` names the value in an error */
  readonly decodeWith: (codec: Codec.Codec, value: unknown, what: string) => Effect.Effect<unknown, unknown>
  /** fails with an error, unless the call is repeated on another actor */
  readonly failing: (error: ActorError | HandleReleased) => Effect.Effect<never, unknown>
}

/** The end of an actor, for its watchers. */
export const actorExited = (
  actor: string,
  reason: ActorExited["reason"],
  outcome: Outcome,
  message: string
): ActorExited => withoutFrames(() => new ActorExited({ actor, reason, outcome, message }))

// a call is `NotRun` only if no incarnation can have started it
const outcomeOf = ({ mayHaveRun }: FailingCall, outcome: Outcome): Outcome => mayHaveRun ? "Unknown" : outcome

const report = ({ method, proxy }: FailingCall, outcome: Outcome, retry: string, why: string): string =>
  `${proxy.address}.${method.tag} ${outcome === "NotRun" ? `has not run${retry}` : "may have run"}: ${why}`

// what becomes of a retry; without members, a pool fails calls until it has another member
const retryOf = ({ proxy }: FailingCall, reason: ActorExited["reason"]): string => {
  if (reason === "GivenUp") return ""
  return proxy.isOver ? ", and a retry fails, too" : ", and is safe to retry"
}

/** The actor has ended before the call, or during the call. */
export const exited = (call: FailingCall, reason: ActorExited["reason"], known: Outcome, why: string): ActorExited => {
  const { method, proxy } = call
  const outcome = outcomeOf(call, known)
  const message = report(call, outcome, retryOf(call, reason), why)
  const begun = call.everStarted && { begun: call.everStarted }
  return withoutFrames(() =>
    new ActorExited({ actor: proxy.name, method: method.tag, reason, outcome, ...begun, message })
  )
}

type EndedBy = typeof Frames.killed | typeof Frames.crashed | typeof Frames.restarted | undefined

const endingOf = (address: string, endedBy: EndedBy): Pick<ActorExited, "message" | "reason"> => {
  switch (endedBy) {
    case Frames.killed:
      return { message: `${address} was killed`, reason: "Killed" }
    case Frames.crashed:
      return { message: `${address} crashed`, reason: "Crashed" }
    case Frames.restarted:
      return { message: `${address} was restarted by its group`, reason: "Restarted" }
    default:
      return { message: `${address} was stopped`, reason: "Stopped" }
  }
}

/** The actor was stopped, killed or restarted, or has crashed by itself, before the end of the call. */
const stopped = (call: FailingCall, known: Outcome, when: string, endedBy?: EndedBy): ActorExited => {
  const { address, ended } = call.proxy
  const { message, reason } = ended ?? endingOf(address, endedBy)
  return exited(call, reason, known, `${message} ${when}`)
}

/** The two sides of the connection disagree about the protocol of the actor. */
export const protocolError = (call: FailingCall, known: Outcome, why: string): ProtocolError => {
  const { method, proxy } = call
  const outcome = outcomeOf(call, known)
  const message = report(call, outcome, "", why)
  return withoutFrames(() => new ProtocolError({ actor: proxy.name, method: method.tag, outcome, message }))
}

/** The mailbox is full, and its behaviour does not let callers wait. */
export const mailboxFull = (call: FailingCall, capacity: number): MailboxFull => {
  const { method, proxy } = call
  const outcome = outcomeOf(call, "NotRun")
  const message = report(call, outcome, ", and is safe to retry", `${proxy.mailbox} is full (${capacity} calls)`)
  return withoutFrames(() => new MailboxFull({ actor: proxy.name, method: method.tag, capacity, outcome, message }))
}

/** The queue of a pool is full, and an item of `submit` is not to wait. */
export const queueFull = ({ address, name }: FailingCall["proxy"], capacity: number): MailboxFull => {
  const message =
    `an item of submit for ${address} has not run, and is safe to retry: the queue is full (${capacity} calls)`
  return withoutFrames(() => new MailboxFull({ actor: name, method: "submit", capacity, outcome: "NotRun", message }))
}

/** The call, or its run, did not end within its timeout, in milliseconds. */
export const callTimedOut = (call: FailingCall, timeout: number, limit: CallTimedOut["limit"]): CallTimedOut => {
  const { method, proxy } = call
  const outcome = outcomeOf(call, call.everStarted === true || limit === "run" ? "Unknown" : "NotRun")
  const what = limit === "run" ? "its run" : "it"
  const message = report(call, outcome, ", and is safe to retry", `${what} did not end within ${timeout} ms`)
  return withoutFrames(() =>
    new CallTimedOut({ actor: proxy.name, method: method.tag, limit, timeout, outcome, message })
  )
}

// The error of a forwarded call. The call may have run before.
const relayed = (call: FailingCall, error: ActorError | HandleReleased): ActorError | HandleReleased => {
  if (!call.mayHaveRun) return error
  switch (error._tag) {
    case "ActorExited":
      call.everStarted ??= error.begun
      return exited(call, error.reason, error.outcome, error.message)
    case "MailboxFull":
      return mailboxFull(call, error.capacity)
    case "CallTimedOut":
      return callTimedOut(call, error.timeout, error.limit)
    case "ProtocolError":
      return protocolError(call, error.outcome, error.message)
    default:
      return error
  }
}

/** The outcome of a call whose actor reports this failure, for the counters; `undefined`: `failing` counts the call. */
export const outcomeOfFailure = (
  call: FailingCall,
  failure: Frames.FailureCode,
  value: unknown
): Counts.Outcome | undefined => {
  switch (failure) {
    case Frames.FailureError:
      return Counts.error
    case Frames.FailureCause: {
      const tags = new Set((WireHandles.valueOf(value) as Frames.EncodedCause).map(([tag]) => tag))
      return tags.has("Fail") ? Counts.error : tags.has("Die") ? Counts.defect : Counts.interrupted
    }
    case Frames.FailureRelayed: {
      const { _tag, outcome } = value as { readonly _tag?: unknown; readonly outcome?: unknown }
      return _tag === "MailboxFull" ? Counts.rejected : outcome === "NotRun" ? Counts.notRun : Counts.unknown
    }
    case Frames.FailureUndecodable:
      return call.mayHaveRun ? Counts.unknown : Counts.notRun
    case Frames.FailureMailboxFull:
      return Counts.rejected
    case Frames.FailureStopped:
    case Frames.FailureRemoved:
      return undefined
    default:
      return Counts.unknown
  }
}

/** The failure that the actor reports of a call, with one of the `Failure…` codes. */
export const failureOf = (
  call: FailingCall,
  failure: Frames.FailureCode,
  value: unknown
): Effect.Effect<never, unknown> => {
  const { method, proxy } = call
  switch (failure) {
    case Frames.FailureError:
      return Effect.flatMap(call.decodeWith(method.error, value, "the error"), Effect.fail)
    case Frames.FailureCause:
      return Effect.flatMap(
        Causes.decodeCauseWith(
          WireHandles.valueOf(value) as Frames.EncodedCause,
          (error) => call.decodeWith(method.error, error, "the error"),
          method.decodeDefect
        ),
        Effect.failCause
      )
    case Frames.FailureRelayed:
      return Effect.flatMap(
        call.decodeWith(Codec.relayed, value, "the error"),
        (error) => Effect.fail(relayed(call, error as ActorError | HandleReleased))
      )
    case Frames.FailureUndecodable:
      return Effect.fail(protocolError(call, "NotRun", `the actor cannot read the call: ${String(value)}`))
    case Frames.FailureUnencodable:
      return Effect.fail(protocolError(call, "Unknown", `the answer cannot be sent: ${String(value)}`))
    case Frames.FailureMailboxFull:
      return Effect.fail(mailboxFull(call, value as number))
    case Frames.FailureStopped:
    case Frames.FailureRemoved:
      return call.failing(proxy.released ?? stopped(call, "NotRun", "before it ran"))
    // FailureInterrupted, FailureStoppedRunning
    default:
      call.everStarted = true
      return Effect.fail(proxy.released ?? stopped(call, "Unknown", "while it ran", value as EndedBy))
  }
}
