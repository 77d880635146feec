/**
 * Workers that can talk to each other without the process that started them. It
 * opens a channel between two of them when the first handle of the one, or
 * reference to an actor there, is handed to the other, and tells each when the other
 * has ended. Actors of one worker are connected with each other in the same way.
 */
import * as Interruption from "./interruption.ts"
import type { ChannelEnd, Link, LinkEnd, Notes } from "./link.ts"
import type { Outbox } from "./outbox.ts"
import * as Wire from "./wire.ts"

let channelCount = 0
let passCount = 0

const hasBegun = ({ begun, interrupts }: Notes): boolean => begun![0]! > 0 || Interruption.isRunning(interrupts!)

/** A worker that others can be connected with, as the process that started it sees it; `Ends`: the link between the two. */
export class Neighbour<Ends> {
  private readonly endsOf: () => Ends
  private readonly outbox: Outbox
  private readonly makeChannel: NonNullable<Link["makeChannel"]>
  private readonly interruptTimeout: number
  /** it does not react to an interruption by another one; to be told with the address of who does not */
  readonly stuck: (address: string) => void
  private readonly channels = new Map<Neighbour<Ends>, number>()
  private readonly others = new Map<number, Neighbour<Ends>>()
  /** of the calls that it makes on a channel */
  private readonly notes = new Map<number, Notes>()
  /** the channels whose other ends have died with calls under way */
  private readonly leaving = new Map<number, ReturnType<typeof setTimeout>>()
  private ended = false

  constructor(
    ends: () => Ends,
    outbox: Outbox,
    makeChannel: NonNullable<Link["makeChannel"]>,
    interruptTimeout: number,
    stuck: (address: string) => void
  ) {
    this.endsOf = ends
    this.outbox = outbox
    this.makeChannel = makeChannel
    this.interruptTimeout = interruptTimeout
    this.stuck = stuck
  }

  /** the link between it and this process */
  get ends(): Ends {
    return this.endsOf()
  }

  /**
   * Has the worker serve one of its objects to another worker directly, or tell it one of its results. Returns the channel between
   * them and the number there; nothing if one of them is gone.
   */
  pass(id: number, to: Neighbour<Ends>): readonly [channel: number, id: number] | undefined {
    if (this === to || this.ended || to.ended) return undefined
    const channel = this.channels.get(to) ?? this.connect(to)
    passCount++
    // the even numbers are for those who share
    const passed = id < 0 ? -(2 * passCount + 1) : passCount
    this.outbox.push4(Wire.Pass, channel, passed, id)
    return [channel, passed]
  }

  /** Has one of its actors take calls of another worker's actors, or of its own, directly; the same is returned. */
  admit(actor: number, to: Neighbour<Ends>): readonly [channel: number, id: number] | undefined {
    if (this.ended || to.ended) return undefined
    const channel = this.channels.get(to) ?? this.connect(to)
    passCount++
    this.outbox.push4(Wire.Admit, channel, passCount, actor)
    return [channel, passCount]
  }

  /** A result is not to be told there any more, or calls of an actor are not to be taken. */
  unpass(channel: number, id: number): void {
    this.outbox.push3(Wire.Unpass, channel, id)
  }

  /** Who is at the other end of a channel. */
  across(channel: number): Neighbour<Ends> | undefined {
    return this.others.get(channel)
  }

  private connect(other: Neighbour<Ends>): number {
    const channel = ++channelCount
    if (other === this) this.introduce(this, channel, { end: undefined, transfer: [] })
    else {
      const [mine, its] = this.makeChannel()
      this.introduce(other, channel, mine)
      other.introduce(this, channel, its)
    }
    return channel
  }

  private introduce(other: Neighbour<Ends>, channel: number, { caller, end, transfer }: ChannelEnd): void {
    this.channels.set(other, channel)
    this.others.set(channel, other)
    if (caller !== undefined) this.notes.set(channel, caller)
    this.outbox.pushTransfer([Wire.Introduce, channel, end, other.interruptTimeout], transfer)
  }

  /** It has ended: those that were connected with it are told. */
  end(end: LinkEnd): void {
    this.ended = true
    for (const timer of this.leaving.values()) clearTimeout(timer)
    this.leaving.clear()
    this.channels.delete(this)
    for (const [other, channel] of this.channels) {
      other.gone(this, channel, end, this.notes.get(channel))
    }
    this.channels.clear()
    this.others.clear()
    this.notes.clear()
  }

  // another one has ended, and may have called something here, which is interrupted like everything whose caller goes away (C3)
  private gone(other: Neighbour<Ends>, channel: number, { message, reason }: LinkEnd, notes: Notes | undefined): void {
    this.channels.delete(other)
    this.others.delete(channel)
    this.notes.delete(channel)
    this.outbox.push4(Wire.Gone, channel, reason, message)
    if (notes !== undefined && Interruption.noteAll(notes.interrupts!) && this.interruptTimeout !== Infinity) {
      this.expectReaction(channel, notes)
    }
  }

  // what has not begun waits rightly for what blocks the worker, and never will; or has its time once it has
  private expectReaction(channel: number, notes: Notes): void {
    const isDue = hasBegun(notes)
    const timer = setTimeout(() =>
      // what has come meanwhile is read first, also where this side was blocked itself
      setImmediate(() => {
        if (this.leaving.get(channel) !== timer) return
        if (isDue && hasBegun(notes)) this.stuck("what was called by a worker that has ended")
        else this.expectReaction(channel, notes)
      }), this.interruptTimeout)
    this.leaving.set(channel, timer)
  }

  /** What one that has ended had called has ended, too. */
  left(channel: number): void {
    clearTimeout(this.leaving.get(channel))
    this.leaving.delete(channel)
  }
}
