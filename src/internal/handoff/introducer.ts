/**
 * The introducer of workers, in their host. The first handle of one worker that is forwarded to another worker opens a channel between
 * the two. When one of them ends, the introducer notifies the other. Actors of one worker are connected in the same way.
 */
import * as Interruption from "../actor/interruption.ts"
import * as StartedCalls from "../actor/startedCalls.ts"
import type { Introducer } from "../handles/handle.ts"
import { type Deadline, Deadlines } from "../runtime/deadlines.ts"
import * as Frames from "../wire/frames.ts"
import type { ChannelEnd, Link, LinkEnd, Notes } from "../wire/link.ts"
import type { Outbox } from "../wire/outbox.ts"

let channelCount = 0
let provideCount = 0

const hasStarted = ({ interrupts, startedCalls }: Notes): boolean =>
  !StartedCalls.isEmpty(startedCalls!) || Interruption.hasSuspended(interrupts!)

/** A worker that can be connected with other workers. */
export class WorkerIntroducer implements Introducer {
  private readonly outbox: Outbox
  private readonly makeChannel: NonNullable<Link["makeChannel"]>
  private readonly deadlines: Deadlines
  /** called with the address of an actor of this worker that does not react to an interruption by another worker */
  readonly onUnresponsive: (address: string) => void
  private readonly channels = new Map<WorkerIntroducer, number>()
  private readonly others = new Map<number, WorkerIntroducer>()
  /** the shared memory of the calls that this worker makes on each channel */
  private readonly notes = new Map<number, Notes>()
  /** the deadlines for the calls on channels whose callers have died */
  private readonly orphaned = new Map<number, Deadline>()
  private ended = false

  constructor(
    outbox: Outbox,
    makeChannel: NonNullable<Link["makeChannel"]>,
    interruptTimeout: number,
    onUnresponsive: (address: string) => void
  ) {
    this.outbox = outbox
    this.makeChannel = makeChannel
    this.deadlines = new Deadlines(interruptTimeout)
    this.onUnresponsive = onUnresponsive
  }

  /**
   * Provides an actor, an object or a pending result of this worker to another worker, or to another actor of this worker. Returns the
   * channel between the two and the id there; `undefined` if one of the workers has ended.
   */
  provide(target: number, isResult: boolean, to: WorkerIntroducer): readonly [channel: number, id: number] | undefined {
    if (this.ended || to.ended) return undefined
    const channel = this.channels.get(to) ?? this.connect(to)
    const id = ++provideCount
    this.outbox.push(Frames.Provide, channel, id, target, isResult)
    return [channel, id]
  }

  /**
   * Passes a marker to the worker, behind the calls relayed so far. The worker then notifies the caller on the channel. Returns `false` if
   * the worker has no such channel.
   */
  disembargo(channel: number, id: number): boolean {
    if (!this.others.has(channel)) return false
    this.outbox.push(Frames.Disembargo, channel, id)
    return true
  }

  /** Ends a {@link provide}. */
  unprovide(channel: number, id: number): void {
    this.outbox.push(Frames.Unprovide, channel, id)
  }

  /** The other worker of a channel. */
  peerOf(channel: number): WorkerIntroducer | undefined {
    return this.others.get(channel)
  }

  private connect(other: WorkerIntroducer): number {
    const channel = ++channelCount
    if (other === this) this.introduce(this, channel, { end: undefined, transfer: [] })
    else {
      const [mine, its] = this.makeChannel()
      this.introduce(other, channel, mine)
      other.introduce(this, channel, its)
    }
    return channel
  }

  private introduce(other: WorkerIntroducer, channel: number, { caller, end, transfer }: ChannelEnd): void {
    this.channels.set(other, channel)
    this.others.set(channel, other)
    if (caller !== undefined) this.notes.set(channel, caller)
    this.outbox.pushTransfer([Frames.Introduce, channel, end, other.deadlines.timeout], transfer)
  }

  /** The worker has ended: notifies the other worker of each channel. */
  end(end: LinkEnd): void {
    this.ended = true
    for (const deadline of this.orphaned.values()) this.deadlines.delete(deadline)
    this.orphaned.clear()
    this.channels.delete(this)
    for (const [other, channel] of this.channels) {
      other.peerDied(this, channel, end, this.notes.get(channel))
    }
    this.channels.clear()
    this.others.clear()
    this.notes.clear()
  }

  /**
   * A message on a channel was lost. Both workers stop using the channel, and a new channel is opened when one is required again.
   */
  severed(channel: number): void {
    const other = this.others.get(channel)
    if (other === undefined) return
    const its = other.notes.get(channel)
    other.outbox.push(Frames.Severed, channel)
    other.disconnect(this, channel, this.notes.get(channel))
    if (other === this) return
    this.outbox.push(Frames.Severed, channel)
    this.disconnect(other, channel, its)
  }

  private peerDied(
    other: WorkerIntroducer,
    channel: number,
    { message, reason }: LinkEnd,
    notes: Notes | undefined
  ): void {
    this.outbox.push(Frames.PeerDied, channel, reason, message)
    this.disconnect(other, channel, notes)
  }

  // the other worker may have calls in progress here, which are interrupted like all calls whose caller has died (C3)
  private disconnect(other: WorkerIntroducer, channel: number, notes: Notes | undefined): void {
    this.channels.delete(other)
    this.others.delete(channel)
    this.notes.delete(channel)
    if (notes !== undefined && Interruption.noteAll(notes.interrupts!) && this.deadlines.timeout !== Infinity) {
      this.startDeadline(channel, notes)
    }
  }

  // A call that has not started waits for whatever occupies the worker, and never starts. The deadline applies from the moment at which
  // a call is known to have started.
  private startDeadline(channel: number, notes: Notes): void {
    const isDue = hasStarted(notes)
    const deadline = this.deadlines.start(() => {
      if (isDue && hasStarted(notes)) this.onUnresponsive("a call of a worker that has ended")
      else this.startDeadline(channel, notes)
    })
    this.orphaned.set(channel, deadline)
  }

  /** All calls of a worker that has died have ended here. */
  left(channel: number): void {
    this.deadlines.delete(this.orphaned.get(channel))
    this.orphaned.delete(channel)
  }
}
