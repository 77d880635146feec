/**
 * One end of a link, whole: the calls that are made from here and the actors and
 * objects that are served from here share one stream of messages in each
 * direction. The two ends differ only in who started whom.
 */
import * as Context from "effect/Context"
import { Client, type ClientEvents } from "./client.ts"
import * as Delivery from "./delivery.ts"
import { Exports, type Services } from "./exports.ts"
import * as Handles from "./handles.ts"
import { Imports } from "./imports.ts"
import type { Channel, Link, LinkEnd, Notes } from "./link.ts"
import type { LocalActor } from "./localActor.ts"
import { Mesh } from "./mesh.ts"
import { Neighbour } from "./neighbour.ts"
import { Inbox, Outbox } from "./outbox.ts"
import { Server } from "./server.ts"
import * as Wire from "./wire.ts"

/** One end of a link. */
export class Peer {
  readonly client: Client
  readonly server: Server
  readonly ends: Handles.Ends
  private readonly outbox: Outbox
  private readonly inbox = new Inbox()
  private readonly onGap: () => void
  private readonly read: (batch: () => void) => void

  private constructor(
    link: Link,
    notes: { readonly caller?: Notes; readonly runner?: Notes },
    behaviours: Context.Context<never>,
    events: ClientEvents,
    interruptTimeout: number,
    onGap: (peer: Peer) => void,
    channel?: number
  ) {
    const outbox = this.outbox = new Outbox(
      link,
      (frame, error) =>
        Wire.isAnswer(frame[0] as number)
          ? this.server.runner.answers.onUnsendable(frame, error)
          : this.client.onUnsendable(frame, error),
      {
        before: () => {
          exports.fillIn()
          this.server.runner.announce()
        },
        after: () => this.server.runner.announced()
      }
    )
    const { makeChannel, openChannel } = link
    const exports = new Exports(outbox, {
      serve: (id, object, owner) => this.server.serve(id, object, owner),
      close: (id) => this.server.release(id),
      passOn: (hand, how, from) => passOn(hand, how, from)
    })
    const neighbour = makeChannel === undefined ? undefined : new Neighbour(
      () => this.ends,
      outbox,
      makeChannel,
      interruptTimeout,
      (address) => events.onUnresponsive({ address })
    )
    const ends: Handles.Ends = this.ends = {
      exports,
      imports: new Imports(outbox, {
        open: (id, name, address, methods, awaited) => this.client.callees.attach(id, name, address, methods, awaited),
        close: (id) => this.client.callees.detach(id),
        discard: (value) => Handles.releaseAll(this.ends, value),
        refuse: (id) => this.client.callees.refuse(id),
        served: (id) => this.client.callees.served(id),
        onServed: (target, listener) => this.client.callees.onServed(target, listener),
        caller: {
          enter: (target, id, info) => this.client.callees.enter(target, id, info),
          leave: (target, why) => this.client.leave(target, why)
        }
      }, { neighbour, channel }),
      neighbour,
      mesh: openChannel === undefined ? undefined : new Mesh(openChannel, {
        make: (channel, number, timeout) => Peer.direct(channel.link, channel, number, timeout, outbox),
        makeLoop: (number, timeout) => {
          const make = (link: Link) => Peer.direct(link, {}, number, timeout, outbox)
          const { holder, owner } = makeLoop(make, make)
          return { serving: owner, calling: holder }
        }
      }, exports)
    }
    this.client = new Client(outbox, ends, notes.caller, channel !== undefined, events, interruptTimeout)
    this.server = new Server(outbox, ends, notes.runner, behaviours)
    this.onGap = () => onGap(this)
    // the calls that callers make when they are answered do not wait until all are
    this.read = notes.caller === undefined || channel !== undefined
      ? (batch) => this.server.runner.read(batch)
      : (batch) => batch()
  }

  /** The end that started the worker; `services` are those that what it serves, objects of the program, runs with. */
  static host(
    link: Link,
    services: Context.Context<never>,
    events: ClientEvents,
    interruptTimeout: number
  ): Peer {
    return new Peer(
      link,
      { caller: link },
      services,
      events,
      interruptTimeout,
      (peer) => peer.client.onGap()
    )
  }

  /** The end in the worker. */
  static worker(link: Link, behaviours: Context.Context<never>): Peer {
    return new Peer(
      link,
      { runner: link },
      behaviours,
      noEvents,
      Infinity,
      (peer) => peer.outbox.push2(Wire.Broken, "a message to it was lost")
    )
  }

  /** One end of a channel between two workers, or in one; `host` leads to the process that started them. */
  private static direct(
    link: Pick<Link, "send" | "flushAt">,
    notes: Partial<Pick<Channel, "caller" | "runner">>,
    channel: number,
    interruptTimeout: number,
    host: Outbox
  ): Peer {
    return new Peer(
      link,
      notes,
      Context.empty(),
      { ...noEvents, onUnresponsive: ({ address }) => host.push3(Wire.Stuck, channel, address) },
      interruptTimeout,
      () => undefined,
      channel
    )
  }

  /** Has an actor take calls here as well. */
  admit(id: number, actor: object | undefined): void {
    this.server.admit(id, actor as LocalActor | undefined)
  }

  /** The other end has let go of what it has under a number, or does not know of it yet. */
  release(id: number): void {
    this.server.letGo(id)
  }

  /** whether something is in the making here that the other end has been promised */
  get isPromised(): boolean {
    return (this.ends.exports as Exports).isPending
  }

  /** whether the other end owes an answer */
  get isAwaiting(): boolean {
    return this.client.inFlight > 0 || (this.ends.imports as Imports).isPending
  }

  /** Reads a batch from the other end. */
  onBatch(batch: Wire.Batch): void {
    const order = this.inbox.check(batch)
    if (order === "repeated") return
    if (order === "early") return this.onGap()
    this.read(() => {
      for (let i = 1; i < batch.length;) {
        const op = batch[i] as number
        if (Wire.isAnswer(op)) this.client.onFrame(op, batch, i)
        else this.server.onFrame(op, batch, i)
        i += Wire.sizes[op]!
      }
    })
  }

  /**
   * The link has ended: everything that waits for the other end settles, and everything served to it is closed; calls back when
   * what that had called has ended.
   */
  end(end: LinkEnd, onLeft: () => void = () => undefined): void {
    this.client.end(end)
    ;(this.ends.exports as Exports).endAll()
    this.server.abandon(onLeft)
    this.ends.neighbour?.end(end)
  }
}

/** The two ends of a link inside this process, for what one actor owns and another in the same process holds. */
interface Loop {
  readonly owner: Peer
  readonly holder: Peer
}

let loop: Loop | undefined

const makeLoop = (makeOwner: (link: Link) => Peer, makeHolder: (link: Link) => Peer): Loop => {
  const link = (to: () => Peer): Link => ({ send: Delivery.to((batch) => to().onBatch(batch)).send, flushAt: Infinity })
  const owner: Peer = makeOwner(link(() => holder))
  const holder: Peer = makeHolder(link(() => owner))
  return { owner, holder }
}

/** Hands something out to another actor of this process, which is a holder like any other. */
const passOn: Services["passOn"] = (hand, how, from) => {
  loop ??= makeLoop(
    (link) => Peer.worker(link, Context.empty()),
    (link) => Peer.host(link, Context.empty(), noEvents, Infinity)
  )
  return Handles.receive(hand(loop.owner.ends), how, { ...from, ends: loop.holder.ends })
}

const noEvents: ClientEvents = {
  onReady: () => undefined,
  onBootFailed: () => undefined,
  onEnded: () => undefined,
  onPong: () => undefined,
  onBroken: () => undefined,
  onUnresponsive: () => undefined
}
