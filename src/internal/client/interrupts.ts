/**
 * The interruptions of the calls of one connection (C3).
 *
 * An interruption is noted in shared memory, where the link has any, and sent as a frame. The worker acknowledges the interruption by
 * the end of the call. The timeout for the acknowledgement applies only to calls known to have started. A queued call waits for the
 * work that occupies the worker, so its caller waits for one timeout at most. A handler that itself awaits an acknowledgement
 * answers `Waits`, and is asked again after each timeout.
 */
import type { HandleReleased } from "../../ActorError.ts"
import * as Interruption from "../actor/interruption.ts"
import * as StartedCalls from "../actor/startedCalls.ts"
import * as Events from "../monitor/events.ts"
import type { ActorProxy } from "../proxy/actorProxy.ts"
import type { OutgoingCall } from "../proxy/outgoingCall.ts"
import { Deadline, Deadlines } from "../runtime/deadlines.ts"
import { performance } from "../runtime/globals.ts"
import * as Frames from "../wire/frames.ts"
import type { Notes } from "../wire/link.ts"
import type { Outbox } from "../wire/outbox.ts"

// the time in milliseconds after which an acknowledgement is late
const late = 100

/** The deadline for the acknowledgement of the interruption of one call. */
class InterruptDeadline extends Deadline {
  /** the call is known to have started, so a missed deadline means that the worker does not react */
  isDue = false
  /** the handler waits for another call, which has its own deadline */
  waits = false
  /** resumes the caller, which waits no longer than this deadline for a call that has not started */
  resumeCaller: (() => void) | undefined
  readonly call: OutgoingCall
  private readonly onOverdue: (deadline: InterruptDeadline) => void

  constructor(call: OutgoingCall, onOverdue: (deadline: InterruptDeadline) => void) {
    super()
    this.call = call
    this.onOverdue = onOverdue
  }

  missed(): void {
    this.onOverdue(this)
  }
}

/** Interrupts the calls of one connection. */
export class Interrupts {
  private readonly outbox: Outbox
  private readonly notes: Notes | undefined
  private readonly deadlines: Deadlines
  /** the deadlines of the interrupted calls, except for calls whose end is awaited without a timeout */
  private readonly awaited = new Map<OutgoingCall, InterruptDeadline>()
  private readonly onUnresponsive: (proxy: ActorProxy) => void
  /** when each call was interrupted, while somebody observes */
  private times: Map<OutgoingCall, number> | undefined

  /** `onUnresponsive`: an interruption was not acknowledged in time; `timeout` in milliseconds */
  constructor(
    outbox: Outbox,
    notes: Notes | undefined,
    timeout: number,
    onUnresponsive: (proxy: ActorProxy) => void
  ) {
    this.outbox = outbox
    this.notes = notes
    this.deadlines = new Deadlines(timeout)
    this.onUnresponsive = onUnresponsive
  }

  /**
   * Interrupts a call that has been sent, and calls back with the acknowledgement. `resumeCaller` is called instead if the caller need
   * no longer wait.
   */
  interrupt(call: OutgoingCall, onAcknowledged: () => void, resumeCaller?: () => void): void {
    this.send(call, onAcknowledged)
    let deadline = this.awaited.get(call)
    if (deadline === undefined) {
      if (call.uninterruptible || this.deadlines.timeout === Infinity) return
      deadline = new InterruptDeadline(call, this.onOverdue)
      this.awaited.set(call, deadline)
      this.start(deadline)
    }
    if (resumeCaller !== undefined) deadline.resumeCaller = resumeCaller
  }

  /** Interrupts a call, and fails it with the acknowledgement, for which no deadline is set. */
  cancel(call: OutgoingCall, why: () => HandleReleased): void {
    this.send(call, () => call.lose(why()))
  }

  private send(call: OutgoingCall, onAcknowledged: () => void): void {
    const { method, onAcknowledged: before, proxy } = call
    // the compensation of the call follows its acknowledgement, and the release of the object follows the compensation
    const first = before ?? (method.undo === undefined ? undefined : proxy.retain())
    call.onAcknowledged = first === undefined ? onAcknowledged : () => {
      first()
      onAcknowledged()
    }
    if (before !== undefined) return
    call.interruption = Interruption.sent()
    if (Events.areObserved()) (this.times ??= new Map()).set(call, performance.now())
    const interrupts = this.notes?.interrupts
    if (interrupts !== undefined) Interruption.note(interrupts, call.id, this.hasStarted(call))
    // calls interrupted in the same turn are removed together, before a call after them starts
    this.outbox.pushDeferred(Frames.Interrupt, call.id)
  }

  private start(deadline: InterruptDeadline, waits = false): void {
    deadline.waits = waits
    deadline.isDue = !waits && this.hasStarted(deadline.call)
    this.deadlines.delete(deadline)
    this.deadlines.add(deadline)
  }

  // called when the interruption of a call has not been acknowledged in time
  private readonly onOverdue = (deadline: InterruptDeadline): void => {
    const { isDue, call, waits } = deadline
    if (isDue) return this.onUnresponsive(call.proxy)
    // asks the worker to confirm that the handler still waits
    if (waits) this.outbox.pushDeferred(Frames.Interrupt, call.id)
    // Other work, possibly legitimate, keeps the worker from reading the interruption. The interruption removes the call before the
    // call can start, so the caller need not wait. A call that starts nevertheless, or has started meanwhile, gets a new deadline.
    else if (!this.hasStarted(call)) {
      Interruption.acknowledged(call.interruption)
      deadline.resumeCaller?.()
    }
    this.start(deadline)
  }

  /** A call has started (`isNew`), or its handler itself awaits an acknowledgement (`waits`): restarts the timeout. */
  started(call: OutgoingCall, isNew: boolean, waits: boolean): void {
    if (call.onAcknowledged === undefined) return
    const deadline = this.awaited.get(call)
    if (deadline !== undefined && (isNew || waits)) this.start(deadline, waits)
  }

  /** The handler of a call is uninterruptible: its end is awaited without a timeout. */
  detach(call: OutgoingCall): void {
    call.uninterruptible = true
    this.clear(call)
  }

  private clear(call: OutgoingCall): void {
    this.deadlines.delete(this.awaited.get(call))
    this.awaited.delete(call)
  }

  /** An interrupted call has settled, which acknowledges the interruption. */
  settled(call: OutgoingCall): void {
    this.clear(call)
    if (this.times !== undefined) this.report(call, this.times)
    Interruption.acknowledged(call.interruption)
    const interrupts = this.notes?.interrupts
    if (interrupts !== undefined) Interruption.forget(interrupts, call.id)
  }

  // an event for observers, if the acknowledgement was late
  private report(call: OutgoingCall, times: Map<OutgoingCall, number>): void {
    const since = times.get(call)
    if (since === undefined) return
    times.delete(call)
    const forMillis = Math.round(performance.now() - since)
    const { method: { tag: method }, proxy } = call
    if (forMillis > late) Events.ofCallee(proxy, () => ({ _tag: "CallInterruptedLate", method, forMillis }))
  }

  private hasStarted(call: OutgoingCall): boolean {
    const startedCalls = this.notes?.startedCalls
    return call.started || startedCalls !== undefined && StartedCalls.ids(startedCalls).includes(call.id)
  }
}
