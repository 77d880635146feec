/**
 * The channels between a worker and other workers, in the worker. On a channel, each worker serves the actors, the objects and the
 * pending results that the host of the two workers provides to the other worker.
 */
import type { Exports } from "../handles/exports.ts"
import type { Channels, Ends } from "../handles/handle.ts"
import type * as Frames from "../wire/frames.ts"
import type { Channel, Link, LinkEnd } from "../wire/link.ts"
import type { RouteTable } from "./routeTable.ts"

/** One end of a channel. */
interface Party {
  readonly ends: Ends & { readonly exports: Exports }
  /** the routes on which this worker calls the peer */
  readonly routes: RouteTable | undefined
  readonly isBusy: boolean
  readonly onBatch: (batch: Frames.Batch) => void
  /** the peer has ended; calls back when the calls that it made have ended */
  readonly end: (end: LinkEnd, onLeft: () => void) => void
  /** a message on the channel was lost: the calls in progress may have run */
  readonly onSevered: () => void
  /** serves an actor, an object or a pending result here, too; `undefined`: it is gone */
  readonly provide: (id: number, target: object | undefined) => void
  /** notifies the peer that all relayed calls of a route have been read */
  readonly disembargo: (id: number) => void
  /** the host has revoked a route of the peer */
  readonly release: (id: number) => void
}

/** An open channel. A channel between actors of this worker has both ends here. */
interface Connected<P> {
  readonly serving: P
  readonly calling: P
  readonly channel?: Channel
}

/** Makes the ends of channels. */
interface Parties<P> {
  readonly make: (channel: Channel, number: number, interruptTimeout: number) => P
  readonly makeLoop: (number: number, interruptTimeout: number) => Connected<P>
}

/** The channels of one worker. */
export class ChannelTable<P extends Party = Party> implements Channels {
  private readonly connected = new Map<number, Connected<P>>()
  private readonly open: NonNullable<Link["openChannel"]>
  private readonly parties: Parties<P>

  constructor(open: NonNullable<Link["openChannel"]>, parties: Parties<P>) {
    this.open = open
    this.parties = parties
  }

  get isBusy(): boolean {
    for (const { serving } of this.connected.values()) if (serving.isBusy) return true
    return false
  }

  /** The ends of the channels here, for observers. A channel inside this worker has two. */
  get all(): ReadonlyArray<readonly [channel: number, serving: P, calling: P]> {
    return Array.from(this.connected, ([channel, { calling, serving }]) => [channel, serving, calling] as const)
  }

  /** The routes of a channel, for the calls that this worker makes. */
  routesOf(channel: number): RouteTable | undefined {
    return this.connected.get(channel)?.calling.routes
  }

  introduce(number: number, end: unknown, interruptTimeout: number): void {
    if (end === undefined) {
      this.connected.set(number, this.parties.makeLoop(number, interruptTimeout))
      return
    }
    const channel = this.open(end, (batch: Frames.Batch) => party.onBatch(batch))
    const party = this.parties.make(channel, number, interruptTimeout)
    this.connected.set(number, { serving: party, calling: party, channel })
  }

  provide(channel: number, id: number, target: object | undefined): void {
    this.connected.get(channel)?.serving.provide(id, target)
  }

  disembargo(channel: number, id: number): void {
    this.connected.get(channel)?.serving.disembargo(id)
  }

  unprovide(channel: number, id: number): void {
    this.connected.get(channel)?.serving.release(id)
  }

  end(owner: object): void {
    for (const { serving } of this.connected.values()) serving.ends.exports.end(owner)
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

  severed(number: number, onLeft: () => void): void {
    this.connected.get(number)?.calling.onSevered()
    this.gone(number, { reason: "Disconnected", message: "a message between the two workers was lost" }, onLeft)
  }
}
