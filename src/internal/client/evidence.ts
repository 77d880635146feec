/**
 * The evidence about the calls of one connection. At the end of the link it decides for each call whether the call has provably not run
 * (C1).
 */
import type { Outcome } from "../../ActorError.ts"
import * as StartedCalls from "../actor/startedCalls.ts"
import type { OutgoingCall } from "../proxy/outgoingCall.ts"
import type { LinkEnd, Notes } from "../wire/link.ts"

/** What is known of the calls of one connection, beside their answers. */
export class Evidence {
  private readonly notes: Notes | undefined
  /** the worker has announced its started calls, and dies with this message */
  lastWords: string | undefined
  /** a message of this connection was lost */
  hasGap = false

  constructor(notes: Notes | undefined) {
    this.notes = notes
  }

  /** The end of the link, with the last words of the worker. */
  describe(end: LinkEnd): LinkEnd {
    const { lastWords } = this
    // a worker that runs out of memory sends no last words, so this end only looked like `OutOfMemory`
    if (end.reason === "OutOfMemory" && lastWords !== undefined) return { reason: "Crashed", message: lastWords }
    const words = lastWords ?? end.detail
    return words ? { reason: end.reason, message: `${end.message}: ${words}` } : end
  }

  /**
   * The outcome of each call in progress after the end of the link, in the order of sending. `received`: the number of received batches.
   */
  outcomes(
    calls: ReadonlyArray<OutgoingCall>,
    received: number
  ): ReadonlyArray<readonly [call: OutgoingCall, outcome: Outcome]> {
    const isProof = this.isProof(received)
    const startedCalls = this.notes?.startedCalls
    const noted = new Set(startedCalls && StartedCalls.ids(startedCalls))
    return calls.toSorted((a, b) => a.sequence - b.sequence).map((call) => {
      const hasStarted = call.started || noted.has(call.id)
      if (hasStarted) call.everStarted = true
      return [call, isProof && !hasStarted && !call.mayHaveRun ? "NotRun" : "Unknown"]
    })
  }

  // Whether a call that is neither noted nor announced has provably not started. Started calls are noted in shared memory, or are
  // announced with the last words. A process killed from outside leaves neither. After a lost message, nothing is proved.
  private isProof(received: number): boolean {
    const startedCalls = this.notes?.startedCalls
    if (this.hasGap) return false
    return startedCalls === undefined ? this.lastWords !== undefined : StartedCalls.isProof(startedCalls, received)
  }
}
