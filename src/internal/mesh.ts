/**
 * The channels between a worker and other workers, as the worker sees them. Only
 * objects that were handed from the one to the other are served on them.
 */
import type { Exports } from "./exports.ts"
import type { Channels, Ends, ImportTable } from "./handles.ts"
import type { Channel, Link, LinkEnd } from "./link.ts"
import type * as Wire from "./wire.ts"

/** What talks with another worker. */
interface Party {
  readonly ends: Ends
  readonly onBatch: (batch: Wire.Batch) => void
  readonly end: (end: LinkEnd) => void
}

interface Connected {
  readonly peer: Party
  readonly channel: Channel
}

/** The channels of one worker. */
export class Mesh implements Channels {
  private readonly connected = new Map<number, Connected>()
  private readonly open: NonNullable<Link["openChannel"]>
  private readonly makePeer: (link: Link, channel: number) => Party
  /** what is handed out to the process that started the worker */
  private readonly exports: Exports

  constructor(
    open: NonNullable<Link["openChannel"]>,
    makePeer: (link: Link, channel: number) => Party,
    exports: Exports
  ) {
    this.open = open
    this.makePeer = makePeer
    this.exports = exports
  }

  importsOf(channel: number): ImportTable | undefined {
    return this.connected.get(channel)?.peer.ends.imports
  }

  introduce(number: number, port: unknown): void {
    const channel = this.open(port, (batch: Wire.Batch) => peer.onBatch(batch))
    const peer = this.makePeer(channel.link, number)
    this.connected.set(number, { peer, channel })
  }

  pass(channel: number, id: number, from: number): void {
    const peer = this.connected.get(channel)?.peer
    const exports = peer?.ends.exports as Exports | undefined
    if (from < 0) exports?.adopt(id, (found) => this.exports.whenKnown(from, found))
    else exports?.adoptResult(id, this.exports.resultOf(from), peer!.ends)
  }

  unpass(channel: number, id: number): void {
    this.exportsOf(channel)?.release(id)
  }

  end(owner: object): void {
    for (const { peer } of this.connected.values()) (peer.ends.exports as Exports).end(owner)
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

  gone(number: number, end: LinkEnd): void {
    const connected = this.connected.get(number)
    if (connected === undefined) return
    connected.channel.drain()
    this.connected.delete(number)
    connected.peer.end(end)
    connected.channel.close()
  }

  private exportsOf(channel: number): Exports | undefined {
    return this.connected.get(channel)?.peer.ends.exports as Exports | undefined
  }
}
