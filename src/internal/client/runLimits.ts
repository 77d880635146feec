/**
 * The timeouts of the runs of calls on one connection: of the time between the start of a handler and the answer.
 *
 * The time is measured here, by the caller of the actor, because a handler that computes blocks the timers of its worker. The worker
 * announces a started call at the end of its turn. A call of a thread that is noted in shared memory, and not announced, is found by a timer.
 * The watcher of a process announces such a call.
 */
import * as StartedCalls from "../actor/startedCalls.ts"
import type { OutgoingCall } from "../proxy/outgoingCall.ts"
import { Deadline, Deadlines } from "../runtime/deadlines.ts"
import * as Frames from "../wire/frames.ts"
import type { Notes } from "../wire/link.ts"

// the longest interval in milliseconds at which the notes are read, and the part of the shortest timeout that it is otherwise
const longestInterval = 250
const intervals = 4

/** The timeout of one run. */
class RunDeadline extends Deadline {
  /** the active deadlines with this timeout */
  readonly deadlines: Deadlines
  private readonly call: OutgoingCall

  constructor(call: OutgoingCall, deadlines: Deadlines) {
    super()
    this.call = call
    this.deadlines = deadlines
  }

  missed(): void {
    this.call.expire(this.deadlines.timeout, "run")
  }
}

/** The timeouts of the runs of calls on one connection. */
export class RunLimits {
  private readonly notes: Notes | undefined
  private readonly find: (id: number) => OutgoingCall | undefined
  private readonly runs = new Map<OutgoingCall, RunDeadline>()
  private readonly deadlines = new Map<number, Deadlines>()
  /** the calls that are not known to have started */
  private readonly waiting = new Set<OutgoingCall>()
  private interval = longestInterval
  private readings: Deadlines | undefined
  private reading: Deadline | undefined

  /** `find`: returns the call with an id, unless it has settled */
  constructor(notes: Notes | undefined, find: (id: number) => OutgoingCall | undefined) {
    this.notes = notes
    this.find = find
  }

  /** A call has been sent, whose run has a timeout in milliseconds. */
  sent(call: OutgoingCall, timeout: number): void {
    let deadlines = this.deadlines.get(timeout)
    if (deadlines === undefined) {
      deadlines = new Deadlines(timeout)
      this.deadlines.set(timeout, deadlines)
      this.interval = Math.min(this.interval, timeout / intervals)
    }
    this.runs.set(call, new RunDeadline(call, deadlines))
    this.waiting.add(call)
    this.readLater()
  }

  /** A call has started. A relay does not run it, and a handler that cannot be interrupted has no timeout. */
  started(call: OutgoingCall, flags: number): void {
    if ((flags & (Frames.FlagRelay | Frames.FlagUninterruptible)) !== 0) this.settled(call)
    else this.start(call)
  }

  private start(call: OutgoingCall): void {
    const run = this.runs.get(call)
    if (run === undefined || !this.waiting.delete(call)) return
    run.deadlines.add(run)
  }

  private readLater(): void {
    if (this.reading !== undefined || this.notes?.startedCalls === undefined) return
    if (this.readings?.timeout !== this.interval) this.readings = new Deadlines(this.interval)
    this.reading = this.readings.start(() => this.read())
  }

  private read(): void {
    this.reading = undefined
    for (const id of StartedCalls.ids(this.notes!.startedCalls!)) {
      const call = this.find(id)
      if (call !== undefined) this.start(call)
    }
    if (this.waiting.size > 0) this.readLater()
  }

  /** A call has settled. */
  settled(call: OutgoingCall): void {
    const run = this.runs.get(call)
    if (run === undefined) return
    this.runs.delete(call)
    run.deadlines.delete(run)
    this.waiting.delete(call)
    if (this.waiting.size > 0) return
    this.readings?.delete(this.reading)
    this.reading = undefined
  }
}
