/**
 * Lost tells: accepted tells that did not run, or may not have run to completion. Their senders no longer wait, so only a count and
 * the log report the loss (C4).
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Events from "../monitor/events.ts"
import { type OutgoingCall, TellCall } from "../proxy/outgoingCall.ts"
import { messageOf } from "../runtime/describe.ts"
import { queueMicrotask } from "../runtime/globals.ts"

/** Writes a log line with annotations, and reports a failure. */
type Log = (
  line: Effect.Effect<void>,
  annotations: Readonly<Record<string, string>>,
  failure: Cause.Cause<unknown>
) => void

/** The tells of one method of one actor that were lost in the same turn. */
interface Lost {
  readonly actor: string
  readonly method: string
  readonly why: string
  readonly cause: Cause.Cause<unknown>
  times: number
}

/** Counts lost tells, and logs one line per turn for each method of each actor with lost tells. */
export class LostTells {
  private readonly log: Log
  private readonly lost = new Map<string, Lost>()
  /** the number of lost tells so far */
  count = 0

  constructor(log: Log) {
    this.log = log
  }

  readonly add = (tell: OutgoingCall, cause: Cause.Cause<unknown>): void => {
    this.count++
    const { method: { tag: method }, proxy: { address: actor } } = tell
    const messageOfCause = (): string => messageOf(Cause.squash(cause))
    Events.ofCallee(tell.proxy, () => ({ _tag: "TellFailed", method, message: messageOfCause() }))
    const key = `${actor}.${method}`
    const before = this.lost.get(key)
    if (before !== undefined) {
      before.times++
      return
    }
    const why = messageOfCause()
    if (this.lost.size === 0) queueMicrotask(() => this.write())
    this.lost.set(key, {
      actor,
      method,
      why: tell instanceof TellCall ? why + tell.whyNotResent : why,
      cause,
      times: 1
    })
  }

  private write(): void {
    const lost = Array.from(this.lost.values())
    this.lost.clear()
    for (const { actor, cause, method, times, why } of lost) {
      const what = times === 1 ? "an accepted tell is lost" : `${times} accepted tells are lost; the first`
      this.log(Effect.logWarning(`${what}: ${why}`), { actor, method, tells: String(times) }, cause)
    }
  }
}

/** The lost tells of links that belong to no system. */
export const others = new LostTells((line, annotations) => {
  Effect.runFork(Effect.annotateLogs(line, annotations))
})
