/**
 * Announces the calls that have started to the callers' side, and notes them in shared memory until the announcement has been sent.
 * With these notes, the callers' side proves that any other call never ran (C1).
 */
import * as Context from "effect/Context"
import * as Interruption from "../actor/interruption.ts"
import * as StartedCalls from "../actor/startedCalls.ts"
import * as Methods from "../codec/methods.ts"
import type { IntMap } from "../collections/intMap.ts"
import * as Frames from "../wire/frames.ts"
import type { Notes } from "../wire/link.ts"
import type { Outbox } from "../wire/outbox.ts"
import type { IncomingCall } from "./incomingCall.ts"

// the caller measures the time from the announcement; a relay does not run its calls
const hasRunTimeout = ({ actor, method }: IncomingCall): boolean =>
  !actor.isRelay && Context.get(method.rpc.annotations, Methods.RunTimeout) !== undefined

/** Announces the started calls of one connection. */
export class Announcements {
  private readonly outbox: Outbox
  /** the calls that wait or have suspended */
  private readonly calls: IntMap<IncomingCall>
  private readonly notes: Int32Array | undefined
  private readonly onStop: (() => void) | undefined
  /** the suspended calls that the next flush announces */
  private unannounced: Array<IncomingCall> = []
  /** the calls that have been interrupted, once or again, in this turn and have not ended */
  private interrupting: Array<IncomingCall> = []
  /** the ids of the calls whose handlers are being entered or whose answers are being encoded, innermost last */
  private readonly entering: Array<number> = []
  /** the worker has sent its last words; listeners of its exit may still start calls */
  private isDying = false

  constructor(outbox: Outbox, calls: IntMap<IncomingCall>, notes: Notes | undefined) {
    this.outbox = outbox
    this.calls = calls
    this.notes = notes?.startedCalls
    this.onStop = notes?.onStop
    if (notes?.startedCalls !== undefined) outbox.onFlushed = () => this.flushed(notes.startedCalls!)
  }

  /** Notes a call whose handler is entered next. */
  enter(id: number): void {
    this.entering.push(id)
    const { notes, outbox } = this
    if (notes === undefined) return
    if (!StartedCalls.hasRoom(notes)) outbox.flush()
    StartedCalls.add(notes, id)
    if (this.onStop !== undefined && !StartedCalls.mayStart(notes)) StartedCalls.park(notes, id, this.onStop)
    if (!this.isDying) return
    outbox.push(Frames.Started, id, Frames.FlagUnaccepted)
    outbox.flush()
  }

  /** The answer of a suspended call is encoded next. */
  reenter(id: number): void {
    this.entering.push(id)
  }

  /** The call entered last has been answered or has suspended. */
  leave(): void {
    this.entering.pop()
  }

  /** The handler entered last has only shown how its call runs. The call has not started. */
  leaveUnstarted(id: number): void {
    this.entering.pop()
    if (this.notes !== undefined) StartedCalls.remove(this.notes, id)
  }

  /** Announces a suspended call with the flush that ends the turn, at the latest. */
  suspended(call: IncomingCall): void {
    if (call.announced) return
    if (this.unannounced.push(call) === 1) this.outbox.beforeFlush(this.announceSuspended)
    // a worker flushes after each batch that it reads; the host, whose objects take calls, flushes only what it pushes
    if (this.notes === undefined && hasRunTimeout(call)) this.outbox.schedule()
  }

  /** Reports with the next flush whether an interrupted call waits for another acknowledgement. */
  interrupted(call: IncomingCall): void {
    if (this.interrupting.push(call) === 1) this.outbox.beforeFlush(this.announceWaiting)
    this.outbox.schedule()
  }

  private readonly announceSuspended = (): void => {
    const { unannounced } = this
    // a push may flush: the calls that the loop has not reached yet stay noted
    for (const call of unannounced) {
      if (call.announced || this.calls.get(call.id) === undefined) continue
      call.announced = true
      this.outbox.push(Frames.Started, call.id, call.flags)
    }
    this.unannounced = []
  }

  private readonly announceWaiting = (): void => {
    const { interrupting } = this
    this.interrupting = []
    for (const call of interrupting) {
      call.sentAfter ??= Interruption.countSent()
      if (this.calls.get(call.id) === undefined || !Interruption.isAnyPending(call.sentBefore, call.sentAfter)) continue
      this.outbox.push(Frames.Started, call.id, call.flags | Frames.FlagWaits)
    }
  }

  /**
   * Runs after every flush: updates the notes. All started calls have been announced or answered to the peer, except for calls being entered
   * and calls whose frames were refused by the link and are pushed again.
   */
  private flushed(notes: Int32Array): void {
    const { entering, outbox, unannounced } = this
    StartedCalls.sent(notes, outbox.sent)
    if (entering.length === 0 && unannounced.length === 0 && outbox.isEmpty) {
      return StartedCalls.clear(notes, this.onStop !== undefined)
    }
    const silent = unannounced.flatMap(({ announced, id }) => announced ? [] : [id])
    StartedCalls.replace(notes, [...entering, ...silent, ...outbox.pending])
  }

  /**
   * Sends the last words of a dying worker: announces all started calls, so that no other call has started. A call that starts
   * nevertheless after that is announced first.
   */
  sendLastWords(message: string): void {
    this.isDying = true
    for (const id of this.entering) this.outbox.push(Frames.Started, id, Frames.FlagUnaccepted)
    this.outbox.flush()
    this.outbox.push(Frames.LastWords, message)
    this.outbox.flush()
  }
}
