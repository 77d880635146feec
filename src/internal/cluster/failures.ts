/**
 * The failures of calls to actors of a cluster, as the typed errors of a call.
 */
import * as Cause from "effect/Cause"
import * as ClusterError from "effect/cluster/ClusterError"
import * as Effect from "effect/Effect"
import { type ActorError, ActorExited, MailboxFull, type Outcome, ProtocolError } from "../../ActorError.ts"
import { defectText } from "../codec/defects.ts"
import { messageOf } from "../runtime/describe.ts"
import { OversizedMessage } from "./connections.ts"
import { Lost, Undelivered, Waiting } from "./delivery.ts"

/** A call that fails. */
interface FailingCall {
  readonly actor: string
  readonly id: string
  readonly method: string
}

const report = ({ actor, id, method }: FailingCall, outcome: Outcome, why: string): string =>
  `${actor}/${id}.${method} ${outcome === "NotRun" ? "has not run" : "may have run"}: ${why}`

const exited = (call: FailingCall, reason: ActorExited["reason"], outcome: Outcome, why: string): ActorExited => {
  const { actor, method } = call
  const retry = outcome === "NotRun" ? ", and is safe to retry" : ""
  return new ActorExited({ actor, method, reason, outcome, message: report(call, outcome, why) + retry })
}

const protocolError = (call: FailingCall, outcome: Outcome, why: string): ProtocolError => {
  const { actor, method } = call
  return new ProtocolError({ actor, method, outcome, message: report(call, outcome, why) })
}

// the errors that the cluster adds to those of the entity
const ofError = (call: FailingCall, error: unknown): ActorError | undefined => {
  const { actor, method } = call
  if (ClusterError.MailboxFull.is(error)) {
    const message = `${report(call, "NotRun", "its mailbox or its runner is full")}, and is safe to retry`
    return new MailboxFull({ actor, method, capacity: 0, outcome: "NotRun", message })
  }
  if (ClusterError.EntityNotAssignedToRunner.is(error)) {
    return exited(call, "Stopped", "NotRun", "this program is leaving the cluster")
  }
  if (ClusterError.AlreadyProcessingMessage.is(error)) {
    return exited(call, "Disconnected", "Unknown", "a runner is processing the call")
  }
  if (error instanceof ClusterError.PersistenceError) {
    return exited(call, "Disconnected", "Unknown", `the message storage failed: ${messageOf(error.cause)}`)
  }
  return undefined
}

/** The names of the defects of an answer that cannot be sent. */
const unsendable: ReadonlySet<string> = new Set(["OversizedMessage", "MalformedMessage"])

const ofDefect = (call: FailingCall, defect: unknown): ActorError | undefined => {
  if (defect instanceof Undelivered) {
    const outcome = defect.mayHaveRun ? "Unknown" : "NotRun"
    return exited(call, "Disconnected", outcome, `no runner took the call within ${defect.limit} ms`)
  }
  if (defect instanceof Waiting) {
    const why = `the cluster has had no runner for ${defect.limit} ms; the call is stored, and runs when there is one`
    return exited(call, "Disconnected", "Unknown", why)
  }
  if (defect instanceof Lost) return exited(call, defect.reason, "Unknown", defect.message)
  // the class of an error is lost on the way from the runner
  if (defect instanceof OversizedMessage) return protocolError(call, "NotRun", defect.message)
  if (ClusterError.MalformedMessage.is(defect)) return protocolError(call, "NotRun", messageOf(defect.cause))
  if (defect instanceof Error && unsendable.has(defect.name)) return protocolError(call, "Unknown", defect.message)
  return undefined
}

/** Fails with the typed error of a call, if its cause has one; otherwise with the cause. */
export const fail = (call: FailingCall) => (cause: Cause.Cause<unknown>): Effect.Effect<never, unknown> => {
  for (const reason of cause.reasons) {
    const error = Cause.isFailReason(reason)
      ? ofError(call, reason.error)
      : Cause.isDieReason(reason)
      ? ofDefect(call, reason.defect)
      : undefined
    if (error !== undefined) return Effect.fail(error)
  }
  // The fiber of the caller is not interrupted: it would not run this.
  return Cause.hasInterruptsOnly(cause)
    ? Effect.fail(exited(call, "Stopped", "Unknown", "it was interrupted on its runner"))
    : Effect.failCause(cause)
}

/** The defect of a payload that does not fit its schema. */
export const invalidPayload = ({ actor, id, method }: FailingCall, error: unknown): TypeError => {
  const issue = error instanceof Error ? error.cause ?? error : error
  return new TypeError(`${actor}/${id}.${method}: the payload does not fit its schema: ${defectText(issue)}`)
}
