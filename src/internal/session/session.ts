/**
 * One end of a link, wired from its parts: the client makes calls, the server runs calls, and the two tables hold the exported and the
 * imported handles. All of them share one stream of batches in each direction. The two ends of a link are equal but for one thing: the
 * host has started the worker.
 */
import * as Context from "effect/Context"
import { Client, type ClientEvents } from "../client/client.ts"
import * as LostTells from "../client/lostTells.ts"
import { Exports, type ExportServices, type ResultExport } from "../handles/exports.ts"
import type * as Handles from "../handles/handle.ts"
import * as Marshal from "../handles/marshal.ts"
import * as WireHandles from "../handles/wireHandle.ts"
import { ChannelTable } from "../handoff/channelTable.ts"
import { WorkerIntroducer } from "../handoff/introducer.ts"
import { RouteTable } from "../handoff/routeTable.ts"
import type { ServedFacts as ActorFacts } from "../metrics/actorFacts.ts"
import * as Durations from "../metrics/durations.ts"
import type { Relay } from "../observe/relay.ts"
import * as HostObject from "../remote/hostObject.ts"
import { Imports } from "../remote/imports.ts"
import { EventLoopBudget } from "../runtime/eventLoopBudget.ts"
import { atomically, uncaught } from "../runtime/notify.ts"
import * as Realm from "../runtime/realm.ts"
import type { ActorCell } from "../server/actorCell.ts"
import { Server, type ServerRole } from "../server/server.ts"
import * as Frames from "../wire/frames.ts"
import { dispatch, type Handlers, Inbox } from "../wire/inbox.ts"
import * as InProcessLink from "../wire/inProcessLink.ts"
import type { Channel, Link, LinkEnd, Notes } from "../wire/link.ts"
import { Outbox } from "../wire/outbox.ts"
import * as Inspection from "./inspection.ts"
import type { NestedSystems } from "./nestedSystems.ts"
import * as ServedFacts from "./servedFacts.ts"

/** The tables of a session. */
interface SessionEnds extends Handles.LinkEnds {
  readonly exports: Exports
  readonly imports: Imports
}

/** One end of a link. */
export class Session {
  readonly client: Client
  readonly server: Server
  readonly ends: SessionEnds
  /** the direct routes of a channel to the actors, the objects and the results of the peer */
  readonly routes: RouteTable | undefined
  private readonly group: SessionGroup
  private readonly channels: ChannelTable<Session> | undefined
  private readonly outbox: Outbox
  private readonly inbox = new Inbox()
  private readonly handlers: Handlers
  private readonly onGap: () => void
  private readonly read: (batch: () => void) => void
  private framesReceived = 0

  private constructor(
    group: SessionGroup,
    link: Link,
    notes: { readonly caller?: Notes | undefined; readonly runner?: Notes | undefined },
    behaviours: Context.Context<never>,
    events: ClientEvents,
    interruptTimeout: number,
    onGap: (session: Session) => void,
    role: "host" | "worker" | "channel"
  ) {
    const isChannel = role === "channel"
    this.group = group
    const outbox = this.outbox = new Outbox(
      link,
      (frame, error) => {
        if (frame[0] >= Frames.CarriesHandles) this.takeBack(frame)
        if (Frames.isAnswer(frame[0])) this.server.dispatcher.replies.onUnsendable(frame, error)
        else this.client.onUnsendable(frame, error)
      }
    )
    const { isLoop = false, makeChannel, openChannel } = link
    const exports = new Exports(outbox, {
      // the owner of an object is an `ActorCell`, which `handles/` cannot import
      serve: (id, object, owner) => this.server.objects.serve(id, object, owner as ActorCell | undefined),
      close: (id, isDrained) => this.server.objects.release(id, isDrained),
      forward: (exportTo, handleKind, from) => group.forward(exportTo, handleKind, from)
    })
    const introducer = makeChannel === undefined ? undefined : new WorkerIntroducer(
      outbox,
      makeChannel,
      interruptTimeout,
      (address) => events.onUnresponsive({ address })
    )
    const channels = this.channels = openChannel === undefined ? undefined : new ChannelTable<Session>(openChannel, {
      make: (channel, number, timeout) => Session.direct(group, channel.link, channel, number, timeout, outbox),
      makeLoop: (number, timeout) => {
        const make = (link: Link) => Session.direct(group, link, {}, number, timeout, outbox)
        const { holder, owner } = group.makeLoop(make, make)
        return { serving: owner, calling: holder }
      }
    })
    const ends: SessionEnds = this.ends = {
      exports,
      imports: new Imports(outbox, {
        open: (id, name, address, methods) => this.client.proxies.addObject(id, name, address, methods),
        close: (id) => this.client.proxies.removeObject(id),
        discard: (value) => Marshal.releaseAll(this.ends, value)
      }, { introducer, channels }),
      introducer,
      isLoop,
      channels
    }
    this.routes = isChannel ? new RouteTable(() => this.client) : undefined
    this.client = new Client(outbox, ends, notes.caller, this.routes, events, interruptTimeout)
    this.server = new Server(outbox, ends, notes.runner, behaviours, group.budget, this.serverRole(role))
    this.handlers = { ...this.client.handlers, ...this.server.handlers }
    this.onGap = () => onGap(this)
    // on the host's end, a caller that gets its answer may send its next call before the rest of the batch is read
    this.read = notes.caller === undefined || isChannel
      ? (batch) => this.server.dispatcher.read(batch)
      : (batch) => batch()
  }

  // the actors of a worker call their host
  private serverRole(role: "host" | "worker" | "channel"): ServerRole {
    switch (role) {
      case "host":
        return { hostObject: HostObject.source((id) => this.client.proxies.actors.get(id)) }
      case "worker":
        return {
          host: HostObject.remote(() =>
            this.client.proxies.addObject(Frames.hostTarget, "host", "the host of this worker", HostObject.methods)
          )
        }
      default:
        return {}
    }
  }

  /** The host's end. The objects of the program that it serves run with `services`. */
  static host(
    group: SessionGroup,
    link: Link,
    services: Context.Context<never>,
    events: ClientEvents,
    interruptTimeout: number
  ): Session {
    return new Session(
      group,
      link,
      { caller: link },
      services,
      events,
      interruptTimeout,
      (session) => session.client.onGap(),
      "host"
    )
  }

  /** The worker's end. `relay`: sends what the code of the worker logs. */
  static worker(group: SessionGroup, link: Link, behaviours: Context.Context<never>, relay?: Relay): Session {
    const session = new Session(
      group,
      link,
      { runner: link },
      behaviours,
      noEvents,
      Infinity,
      (session) => session.outbox.push(Frames.Gap, "a message to it was lost"),
      "worker"
    )
    relay?.open(session.outbox)
    return session
  }

  /** One end of a channel between two workers, or inside one worker. `host` is the outbox to the host of the workers. */
  private static direct(
    group: SessionGroup,
    link: Pick<Link, "send" | "flushAt">,
    notes: Partial<Pick<Channel, "caller" | "runner">>,
    channel: number,
    interruptTimeout: number,
    host: Outbox
  ): Session {
    return new Session(
      group,
      link,
      notes,
      Context.empty(),
      {
        ...noEvents,
        onUnresponsive: ({ address }) => host.push(Frames.Unresponsive, channel, address),
        onBroken: () => host.push(Frames.Severed, channel)
      },
      interruptTimeout,
      (session) => session.client.onGap(),
      "channel"
    )
  }

  /** Reports that the worker can build actors: its behaviours have been loaded. */
  announceReady(): void {
    this.outbox.push(Frames.Ready)
  }

  /**
   * Answers the questions of observers, as the worker with this id on this placement. `nested`: the systems that the worker makes; in
   * memory, the observer reads them itself.
   */
  answerAs(worker: string, placement: string, nested?: NestedSystems): void {
    this.group.name ??= worker
    this.server.placement = placement
    this.server.readActors = (targets) => this.factsOf(targets)
    if (nested !== undefined) this.server.observe = nested.observe
    this.server.inspect = (answer) => {
      const own = Inspection.read([
        this.source(`${worker}^`, `${worker}:`),
        ...this.channels?.all.flatMap(([channel, serving, calling]) =>
          serving === calling
            // the two ends of a channel join their calls by its number; each end is the caller of its own
            ? [serving.source(`${channel}!`, `${channel}?`)]
            : [calling.source(`${channel}=`, `${channel}~`), serving.source(`${channel}~`, `${channel}=`)]
        ) ?? [],
        ...this.group.sources
      ])
      if (nested === undefined) answer(own)
      else nested.extend(own, answer)
    }
  }

  /** What only this end knows of actors, by their ids. */
  factsOf(ids: ReadonlyArray<number>): ReadonlyArray<ActorFacts | undefined> {
    return ServedFacts.read(ids.map((id) => this.server.actorOf(id)), [this.ends, ...this.group.ends])
  }

  /** What the link has carried, for observers. */
  get traffic(): Record<"transmit" | "receive", { readonly frames: number; readonly batches: number }> {
    const { framesReceived, inbox, outbox: { framesSent, sent } } = this
    return {
      transmit: { frames: framesSent, batches: sent },
      receive: { frames: framesReceived, batches: inbox.received }
    }
  }

  /** This end for an observer. `made`, `served`: what the keys of the calls start with that this end makes, and serves. */
  source(made: string, served: string): Inspection.Source {
    const { client, ends: { imports }, server } = this
    return { client, server, imports, made, served }
  }

  /** A message was lost, in either direction: the state of the calls in progress is unknown. */
  onSevered(): void {
    this.client.evidence.hasGap = true
  }

  /** Serves an actor, an object or a pending result of another session to this peer, too; `undefined`: it is gone. */
  provide(id: number, target: object | undefined): void {
    if (target !== undefined && "source" in target) this.ends.exports.provide(id, target as ResultExport, this.ends)
    else this.server.provide(id, target as ActorCell | undefined)
  }

  /** Notifies the peer that all calls which it sent ahead of `Disembargo` have been read. */
  disembargo(id: number): void {
    this.server.disembargo(id)
  }

  /** The peer has released an export, or does not use a route that was provided to it. */
  release(id: number): void {
    this.server.release(id)
  }

  /** whether this session or a channel of its worker runs calls, computes results, or has used up its event loop budget */
  get isBusy(): boolean {
    const { dispatcher } = this.server
    return dispatcher.isBusy || dispatcher.budget.isSpent || this.ends.exports.isPending ||
      this.ends.channels?.isBusy === true
  }

  /** whether a call or a result of the peer is awaited */
  get isAwaiting(): boolean {
    return this.client.inFlight > 0 || this.ends.imports.isPending
  }

  /** Reads a batch from the peer. */
  onBatch(batch: Frames.Batch): void {
    if (Realm.isForeign) Realm.adopt(batch)
    const order = this.inbox.check(batch)
    if (order === "repeated") return
    if (order === "early") return this.onGap()
    if (!Durations.isOn) return this.readFrames(batch)
    const isInner = Durations.enter()
    try {
      this.readFrames(batch)
    } finally {
      Durations.leave(isInner)
    }
  }

  private readFrames(batch: Frames.Batch): void {
    this.read(() => {
      for (let i = 1; i < batch.length;) {
        this.framesReceived++
        if (batch[i] as number >= Frames.CarriesHandles) this.open(batch, i)
        // an exception in one frame must not affect the following frames
        try {
          dispatch(this.handlers, batch, i)
        } catch (error) {
          uncaught(error)
        }
        i += Frames.sizes[batch[i] as number]!
      }
    })
  }

  // opens the value of a frame and marks its handles; afterwards the frame is like any other
  private open(batch: Frames.Batch, i: number): void {
    const op = batch[i] = (batch[i] as number) - Frames.CarriesHandles
    const at = i + Frames.valueAt[op]!
    const value = batch[at]
    batch[at] = op === Frames.Chunk ? (value as ReadonlyArray<unknown>).map(WireHandles.open) : WireHandles.open(value)
  }

  // revokes the handles exported in a frame that cannot be sent
  private takeBack(frame: Frames.Batch): void {
    const op = frame[0] = (frame[0] as number) - Frames.CarriesHandles
    const at = Frames.valueAt[op]!
    const value = frame[at]
    if (op === Frames.Chunk) (value as ReadonlyArray<unknown>).forEach((item) => Marshal.revokeAll(this.ends, item))
    else Marshal.revokeAll(this.ends, value)
    frame[at] = op === Frames.Chunk ? [] : undefined
  }

  /**
   * The link has ended: settles all calls and results of the peer, and closes all that was served to the peer. Calls back when the calls
   * that the peer made have ended.
   */
  end(end: LinkEnd, onLeft: () => void = () => undefined): void {
    atomically(() => {
      // other workers read the last calls of this worker before they learn that its handles are released
      this.ends.introducer?.end(end)
      this.client.end(end, this.inbox.received)
      this.ends.exports.endAll()
      this.server.disconnected(onLeft)
    })
  }
}

/** The two ends of a link inside this thread: one actor owns an object, and another actor of the thread holds its handle. */
interface Loop {
  readonly owner: Session
  readonly holder: Session
}

/** What the sessions of one system, or of one worker, share in this thread. */
export class SessionGroup {
  readonly budget = new EventLoopBudget()
  private loop: Loop | undefined
  /** tells the links inside this thread apart from those of other groups, for observers */
  name: string | undefined

  /** the tables of the ends of the link inside this thread, for observers */
  get ends(): ReadonlyArray<SessionEnds> {
    const { loop } = this
    return loop === undefined ? [] : [loop.holder.ends, loop.owner.ends]
  }

  /** the ends of the link inside this thread, for observers */
  get sources(): ReadonlyArray<Inspection.Source> {
    const { loop, name } = this
    return loop === undefined
      ? []
      : [loop.holder.source(`${name}/`, `${name}\\`), loop.owner.source(`${name}\\`, `${name}/`)]
  }

  /** Makes a link inside this thread, with a session at each end. */
  makeLoop(makeOwner: (link: Link) => Session, makeHolder: (link: Link) => Session): Loop {
    const link = (to: () => Session): Link => ({
      send: InProcessLink.to(this.budget, (batch) => to().onBatch(batch)).send,
      flushAt: Infinity,
      isLoop: true
    })
    const owner: Session = makeOwner(link(() => holder))
    const holder: Session = makeHolder(link(() => owner))
    return { owner, holder }
  }

  /** Exports a handle to another actor of this thread, which imports it as from any other link. */
  readonly forward: ExportServices["forward"] = (exportTo, handleKind, from) => {
    const loop = this.loop ??= this.makeLoop(
      (link) => Session.worker(this, link, Context.empty()),
      (link) => Session.host(this, link, Context.empty(), noEvents, Infinity)
    )
    return Marshal.receive(exportTo(loop.owner.ends), handleKind, { ...from, ends: loop.holder.ends })
  }
}

const noEvents: ClientEvents = {
  onReady: () => undefined,
  onBootFailed: () => undefined,
  onEnded: () => undefined,
  onPong: () => undefined,
  onLogs: () => undefined,
  onSpans: () => undefined,
  onMetrics: () => undefined,
  onInspected: () => undefined,
  onActorsRead: () => undefined,
  onObserved: () => undefined,
  onHeap: () => undefined,
  onBroken: () => undefined,
  onTellLost: LostTells.others.add,
  onTellFailed: () => undefined,
  onUnresponsive: () => undefined
}
