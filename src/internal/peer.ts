/**
 * One end of a link, whole: the calls that are made from here and the actors and
 * objects that are served from here share one stream of messages in each
 * direction. The two ends differ only in who started whom.
 */
import type * as Context from "effect/Context"
import { Client, type ClientEvents } from "./client.ts"
import { Exports } from "./exports.ts"
import type { Ends } from "./handles.ts"
import { Imports } from "./imports.ts"
import type { Link, LinkEnd } from "./link.ts"
import { Inbox, Outbox } from "./outbox.ts"
import { Server } from "./server.ts"
import * as Wire from "./wire.ts"

/** One end of a link. */
export class Peer {
  readonly client: Client
  readonly server: Server
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
    onGap: (peer: Peer) => void
  ) {
    const outbox = this.outbox = new Outbox(
      link,
      (frame, error) =>
        Wire.isAnswer(frame[0] as number)
          ? this.server.runner.onUnsendable(frame, error)
          : this.client.onUnsendable(frame, error),
      { before: () => this.server.runner.announce(), after: () => this.server.runner.announced() }
    )
    const ends: Ends = {
      exports: new Exports(outbox, {
        whenEncoded: (encoded, context, done, failed) => this.server.runner.whenEncoded(encoded, context, done, failed),
        serve: (id, object, owner) => this.server.serve(id, object, owner),
        close: (id) => this.server.release(id)
      }),
      imports: new Imports(outbox, {
        open: (id, name, address, methods) => this.client.attach(id, name, address, methods),
        close: (id) => this.client.detach(id)
      })
    }
    this.client = new Client(outbox, ends, notes.caller, events, interruptTimeout)
    this.server = new Server(outbox, ends, notes.runner, behaviours)
    this.onGap = () => onGap(this)
    this.read = notes.runner === undefined ? (batch) => batch() : (batch) => this.server.runner.read(batch)
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
    this.server.end(() => undefined)
  }
}

const noEvents: ClientEvents = {
  onReady: () => undefined,
  onBootFailed: () => undefined,
  onEnded: () => undefined,
  onPong: () => undefined,
  onBroken: () => undefined,
  onUnresponsive: () => undefined
}
