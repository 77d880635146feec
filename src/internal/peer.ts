/**
 * One end of a link, whole: the calls that are made from here and the actors and
 * objects that are served from here share one stream of messages in each
 * direction. The two ends differ only in who started whom.
 */
import * as Context from "effect/Context"
import { Client, type ClientEvents } from "./client.ts"
import { copyBatch } from "./copy.ts"
import { Exports, type Services } from "./exports.ts"
import * as Handles from "./handles.ts"
import { Imports } from "./imports.ts"
import type { Link, LinkEnd } from "./link.ts"
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
    notes: { readonly caller: Link | undefined; readonly runner: Link | undefined },
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
      { before: () => this.server.runner.announce(), after: () => this.server.runner.announced() }
    )
    const { makeChannel, openChannel } = link
    const exports = new Exports(outbox, {
      whenEncoded: (encoded, context, done, failed) =>
        this.server.runner.answers.whenEncoded(encoded, context, done, failed),
      serve: (id, object, owner) => this.server.serve(id, object, owner),
      close: (id) => this.server.release(id),
      passOn: (hand, how, from) => passOn(hand, how, from)
    })
    const neighbour = makeChannel === undefined ? undefined : new Neighbour(() => this.ends, outbox, makeChannel)
    const ends: Handles.Ends = this.ends = {
      exports,
      imports: new Imports(outbox, {
        open: (id, name, address, methods, awaited) => this.client.attach(id, name, address, methods, awaited),
        close: (id) => this.client.detach(id),
        discard: (value) => Handles.releaseAll(this.ends, value),
        refuse: (id) => this.client.refuse(id),
        served: (id) => this.client.served(id),
        onServed: (target, listener) => this.client.onServed(target, listener)
      }, { neighbour, channel }),
      neighbour,
      mesh: openChannel === undefined
        ? undefined
        : new Mesh(openChannel, (link, channel) => Peer.direct(link, channel), exports)
    }
    this.client = new Client(outbox, ends, notes.caller, events, interruptTimeout)
    this.server = new Server(outbox, ends, notes.runner, behaviours)
    this.onGap = () => onGap(this)
    // the calls that callers make when they are answered do not wait until all are
    this.read = notes.caller === undefined ? (batch) => this.server.runner.read(batch) : (batch) => batch()
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
      { caller: link, runner: undefined },
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
      { caller: undefined, runner: link },
      behaviours,
      noEvents,
      Infinity,
      (peer) => peer.outbox.push2(Wire.Broken, "a message to it was lost")
    )
  }

  /** One end of a channel between two workers. */
  private static direct(link: Link, channel: number): Peer {
    return new Peer(
      link,
      { caller: undefined, runner: undefined },
      Context.empty(),
      noEvents,
      Infinity,
      () => undefined,
      channel
    )
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

  /** The link has ended: everything that waits for the other end settles, and everything served to it is closed. */
  end(end: LinkEnd): void {
    this.client.end(end)
    ;(this.ends.exports as Exports).endAll()
    this.server.end(() => undefined)
    this.ends.neighbour?.end(end)
  }
}

// the two ends of a link inside this process, for what one actor owns and another in the same process holds
let loop: { readonly owner: Peer; readonly holder: Peer } | undefined

const makeLoop = (): NonNullable<typeof loop> => {
  const link = (to: () => Peer): Link => ({
    send: (batch, transfer) => {
      const copy = copyBatch(batch, transfer)
      queueMicrotask(() => to().onBatch(copy))
    },
    flushAt: Infinity
  })
  const owner: Peer = Peer.worker(link(() => holder), Context.empty())
  const holder: Peer = Peer.host(link(() => owner), Context.empty(), noEvents, Infinity)
  return { owner, holder }
}

/** Hands something out to another actor of this process, which is a holder like any other. */
const passOn: Services["passOn"] = (hand, how, from) => {
  loop ??= makeLoop()
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
