/**
 * The channels between a worker and other workers, as the worker sees them. Only
 * objects that were handed from the one to the other are served on them, and only
 * actors to which the one has a reference take the calls of the other.
 */
import type { Exports } from "./exports.ts"
import type { Channels, Ends, ImportTable } from "./handles.ts"
import type { Channel, Link, LinkEnd } from "./link.ts"
import type * as Wire from "./wire.ts"

/** What talks with another worker. */
interface Party {
  readonly ends: Ends
  readonly onBatch: (batch: Wire.Batch) => void
  /** the other end is gone; calls back when what it had called has ended */
  readonly end: (end: LinkEnd, onLeft: () => void) => void
  /** has an actor take calls here as well */
  readonly admit: (id: number, actor: object | undefined) => void
  /** the other end has let go of what was served under a number, or lets it go before it knows of it */
  readonly release: (id: number) => void
}

/** A channel; where it leads from this worker to itself, two parties talk with each other. */
interface Connected {
  readonly serving: Party
  readonly calling: Party
  readonly channel?: Channel
}

/** What makes parties. */
interface Parties {
  readonly make: (channel: Channel, number: number, interruptTimeout: number) => Party
  readonly makeLoop: (number: number, interruptTimeout: number) => Connected
}

/** The channels of one worker. */
export class Mesh implements Channels {
  private readonly connected = new Map<number, Connected>()
  private readonly open: NonNullable<Link["openChannel"]>
  private readonly parties: Parties
  /** what is handed out to the process that started the worker */
  private readonly exports: Exports

  constructor(
    open: NonNullable<Link["openChannel"]>,
    parties: Parties,
    exports: Exports
  ) {
    this.open = open
    this.parties = parties
    this.exports = exports
  }

  importsOf(channel: number): ImportTable | undefined {
    return this.connected.get(channel)?.calling.ends.imports
  }

  introduce(number: number, end: unknown, interruptTimeout: number): void {
    if (end === undefined) {
      this.connected.set(number, this.parties.makeLoop(number, interruptTimeout))
      return
    }
    const channel = this.open(end, (batch: Wire.Batch) => party.onBatch(batch))
    const party = this.parties.make(channel, number, interruptTimeout)
    this.connected.set(number, { serving: party, calling: party, channel })
  }

  admit(channel: number, id: number, actor: object | undefined): void {
    this.connected.get(channel)?.serving.admit(id, actor)
  }

  pass(channel: number, id: number, from: number): void {
    const ends = this.connected.get(channel)?.serving.ends
    const exports = ends?.exports as Exports | undefined
    if (from < 0) exports?.adopt(id, (found) => this.exports.whenKnown(from, found))
    else exports?.adoptResult(id, this.exports.resultOf(from), ends!)
  }

  unpass(channel: number, id: number): void {
    this.connected.get(channel)?.serving.release(id)
  }

  end(owner: object): void {
    for (const { serving } of this.connected.values()) (serving.ends.exports as Exports).end(owner)
  }

  recall(id: number, channel: number, shared: number, from: number): void {
    const exports = this.exportsOf(channel)
    this.exports.adopt(id, (found) => {
      if (exports === undefined) return found(undefined)
      exports.whenShared(shared, from, (entry) => {
        found(entry)
        exports.release(shared)
      })
    })
  }

  gone(number: number, end: LinkEnd, onLeft: () => void): void {
    const connected = this.connected.get(number)
    if (connected === undefined) return onLeft()
    const { channel, serving } = connected
    channel?.drain()
    this.connected.delete(number)
    serving.end(end, onLeft)
    channel?.close()
  }

  private exportsOf(channel: number): Exports | undefined {
    return this.connected.get(channel)?.serving.ends.exports as Exports | undefined
  }
}
