/**
 * The actors' side of a connection: builds actors, closes them, and passes their calls to the {@link Dispatcher}.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scheduler from "effect/Scheduler"
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import type { ActorHost } from "../actor/currentActor.ts"
import * as Definitions from "../actor/definition.ts"
import * as Causes from "../codec/causes.ts"
import * as Codec from "../codec/codec.ts"
import * as Defects from "../codec/defects.ts"
import * as Exits from "../codec/exits.ts"
import type { Tracing } from "../codec/methods.ts"
import { IntMap } from "../collections/intMap.ts"
import { IntrusiveSet } from "../collections/intrusiveSet.ts"
import { isSuccess } from "../effect/completed.ts"
import { runFork } from "../effect/userEffect.ts"
import * as Handles from "../handles/handle.ts"
import * as Marshal from "../handles/marshal.ts"
import type { ServedFacts } from "../metrics/actorFacts.ts"
import type { Answer, Question } from "../monitor/rows.ts"
import { SystemTracing } from "../observe/clientSpan.ts"
import type { EventLoopBudget } from "../runtime/eventLoopBudget.ts"
import { queueMicrotask } from "../runtime/globals.ts"
import { interrupt } from "../runtime/notify.ts"
import { nothing, type Reading } from "../waits/calls.ts"
import * as Frames from "../wire/frames.ts"
import type { Handlers } from "../wire/inbox.ts"
import type { Notes } from "../wire/link.ts"
import type { Outbox } from "../wire/outbox.ts"
import {
  ActorCell,
  type Building,
  type CellServer,
  type CellState,
  type Closing,
  type ProvidedCell,
  running
} from "./actorCell.ts"
import { Dispatcher } from "./dispatcher.ts"
import { Undecodable } from "./incomingCall.ts"
import { ServedObjects } from "./objects.ts"

/** What the actors of one behaviour share. */
interface ServedKind {
  readonly services: Context.Context<never>
  /** the services include a tracer */
  readonly isTraced: boolean
  /** which spans the system makes */
  readonly tracing: Tracing
  /** the handlers, if all actors of the behaviour have the same */
  readonly handlers: ReadonlyArray<Definitions.Handler> | undefined
}

const closed: CellState = { _tag: "Closed" }

/** The life of a server. */
type ServerState =
  | { readonly _tag: "Serving" }
  /** closes its actors, and then calls back */
  | { readonly _tag: "Ending"; readonly onEnded: () => void }
  | { readonly _tag: "Ended" }

const isEmpty = (items: { readonly size: number } | undefined): boolean => items === undefined || items.size === 0

/** What a server has beside the actors that it serves. */
export interface ServerRole {
  /** the host of the actors, if the server is in a worker */
  readonly host?: ActorHost
  /** the host that the actors of the peer call, if the peer is a worker */
  readonly hostObject?: Handles.ObjectSource
}

/** Serves the actors of one connection, and the objects whose handles the peer holds. */
export class Server implements CellServer {
  readonly dispatcher: Dispatcher
  readonly objects: ServedObjects
  private readonly ends: Handles.LinkEnds
  private readonly behaviours: Context.Context<never>
  private readonly actors = new IntMap<ActorCell>()
  /** the actors of other connections that also take calls on this one */
  private readonly provided = new IntMap<ProvidedCell>()
  private readonly kinds = new Map<Definitions.Behaviour, ServedKind>()
  private readonly announcedInfos = new Set<string>()
  private readonly scheduler: Scheduler.Scheduler
  readonly host: ActorHost | undefined
  private readonly hostObject: Handles.ObjectSource | undefined
  private state: ServerState = { _tag: "Serving" }

  constructor(
    outbox: Outbox,
    ends: Handles.LinkEnds,
    notes: Notes | undefined,
    behaviours: Context.Context<never>,
    budget: EventLoopBudget,
    role: ServerRole
  ) {
    this.host = role.host
    this.hostObject = role.hostObject
    this.ends = ends
    this.behaviours = behaviours
    this.dispatcher = new Dispatcher(outbox, ends, notes, budget)
    // one dispatcher for all handler fibers, so that the replies of one turn leave as one message
    const scheduler = new Scheduler.MixedScheduler("async", (run) => budget.soon(outbox, run))
    const dispatcher = scheduler.makeDispatcher()
    this.scheduler = {
      executionMode: scheduler.executionMode,
      shouldYield: (fiber) => scheduler.shouldYield(fiber),
      makeDispatcher: () => dispatcher
    }
    this.objects = new ServedObjects(
      this,
      this.actors,
      this.dispatcher,
      behaviours,
      this.scheduler,
      (id, isDrained) => this.close(id, isDrained, undefined)
    )
  }

  private get exports(): Handles.LinkExports {
    return this.ends.exports
  }

  /** The handlers of requests. */
  readonly handlers: Handlers<Frames.Request> = {
    [Frames.Call]: (id, target, method, payload) =>
      this.dispatcher.receive(id, this.calleeOf(target), method, payload, undefined),
    [Frames.CallWith]: (id, target, method, payload, extras) =>
      this.dispatcher.receive(id, this.calleeOf(target), method, payload, extras),
    [Frames.Interrupt]: (id) => this.dispatcher.interrupt(id),
    [Frames.Credit]: (id, consumed) => this.dispatcher.credit(id, consumed),

    [Frames.Spawn]: (id, definition, args, number) => this.spawn(id, definition, args, number),
    [Frames.Start]: (id, definition, number) => {
      const behaviour = Definitions.find(this.behaviours, definition)
      if (behaviour === undefined) this.reportNotServed(id)
      else this.start(id, behaviour, number)
    },
    [Frames.Close]: (id, drain, exit) => this.close(id, drain, exit),
    [Frames.Vote]: (id, exit) => this.vote(id, exit),

    [Frames.Cancel]: (id) => this.exports.interrupt(id),
    [Frames.Release]: (id) => this.release(id),
    [Frames.Share]: (shared, id) => this.exports.share(shared, id),
    [Frames.ResolveRoute]: (id, channel, target) => {
      const relay = this.actors.get(id)
      const resolve = () => this.exports.resolveRoute(id, channel, target)
      // the calls relayed so far have to be ahead of the route
      if (relay === undefined) resolve()
      else this.dispatcher.drainQueued(relay, resolve)
    },

    [Frames.Introduce]: (channel, end, interruptTimeout) =>
      this.ends.channels?.introduce(channel, end, interruptTimeout),
    [Frames.Provide]: (channel, provided, target, isResult) =>
      this.ends.channels?.provide(
        channel,
        provided,
        isResult ? this.exports.resultOf(target) : this.actors.get(target)
      ),
    [Frames.Unprovide]: (channel, provided) => this.ends.channels?.unprovide(channel, provided),
    [Frames.Disembargo]: (channel, id) =>
      channel === 0 ? this.disembargo(id) : this.ends.channels?.disembargo(channel, id),
    [Frames.PeerDied]: (channel, reason, message) =>
      this.ends.channels?.gone(channel, { reason, message }, () => this.dispatcher.outbox.push(Frames.Left, channel)),
    [Frames.Severed]: (channel) => {
      this.ends.channels?.severed(channel, () => this.dispatcher.outbox.push(Frames.Left, channel))
      this.ends.introducer?.severed(channel)
    },
    [Frames.Unresponsive]: (channel, address) => this.ends.introducer?.peerOf(channel)?.onUnresponsive(address),

    [Frames.Ping]: () => this.dispatcher.outbox.push(Frames.Pong),
    [Frames.MeasureHeap]: () => this.dispatcher.outbox.push(Frames.Heap, this.heapUsed()),
    [Frames.Inspect]: (inspection) =>
      this.inspect((reading) => this.dispatcher.outbox.push(Frames.Inspected, inspection, reading)),
    [Frames.ReadActors]: (inspection, targets) =>
      this.dispatcher.outbox.push(Frames.ActorsRead, inspection, this.readActors(targets)),
    [Frames.Observe]: (inspection, question) =>
      this.observe(inspection, question, (answer) => this.dispatcher.outbox.push(Frames.Observed, inspection, answer)),
    [Frames.End]: () => this.end()
  }

  /** The actor with an id, for observers. */
  actorOf(id: number): ActorCell | undefined {
    return this.actors.get(id)
  }

  /** The objects that are served, for observers. */
  get servedObjects(): ReadonlyArray<ActorCell> {
    return this.actors.values().filter(({ id }) => id < 0)
  }

  private calleeOf(target: number): ActorCell | undefined {
    return this.actors.get(target) ?? this.provided.get(target)?.actor ?? this.hostFor(target)
  }

  // serves the host to the peer from the first call on
  private hostFor(target: number): ActorCell | undefined {
    if (target !== Frames.hostTarget || this.hostObject === undefined || this.state._tag !== "Serving") return undefined
    this.objects.serve(target, this.hostObject, undefined)
    return this.actors.get(target)
  }

  // ---- actors and objects of other connections ----

  /** Lets an actor or an object take calls on this connection, until it ends or the peer releases it, and notifies the peer. */
  provide(id: number, actor: ActorCell | undefined): void {
    if (actor === undefined || actor.state !== running) {
      return this.dispatcher.outbox.push(Frames.Exported, id, false)
    }
    const end = (): void => {
      this.provided.delete(id)
      this.dispatcher.outbox.push(Frames.Closed, id, undefined)
    }
    const cell: ProvidedCell = { actor, slot: -1, end }
    this.provided.set(id, cell)
    const provided = actor.provided ??= new IntrusiveSet()
    provided.add(cell)
    this.dispatcher.outbox.push(Frames.Exported, id, true)
  }

  /** Notifies the peer, which calls an actor, that all calls made before have been read. */
  disembargo(id: number): void {
    if (this.provided.get(id) !== undefined) this.dispatcher.outbox.push(Frames.Disembargoed, id)
  }

  // the peer has interrupted the calls that were in progress
  private revoke(id: number): boolean {
    const cell = this.provided.delete(id)
    cell?.actor.provided?.delete(cell)
    return cell !== undefined
  }

  /** The peer has released an actor or an object. */
  release(id: number): void {
    if (!this.revoke(id)) this.exports.release(id)
  }

  // ---- life cycle ----

  private spawn(id: number, name: string, wire: unknown, number: number): void {
    const behaviour = Definitions.find(this.behaviours, name)
    if (behaviour === undefined) {
      Marshal.releaseAll(this.ends, wire)
      return this.reportNotServed(id)
    }
    const { args, methods } = behaviour.definition
    if (behaviour.handlers !== undefined && !args.handles && isSuccess(args.decode(wire))) {
      return this.announce(this.start(id, behaviour, number))
    }
    const actor = this.addCell(id, behaviour, number)
    const building: Building = { _tag: "Building", fiber: undefined, crash: undefined }
    actor.state = building
    const decoding = Effect.catchCause(
      args.handles ? Marshal.decode(this.importing(actor), args, wire) : args.decode(wire),
      (cause) => Effect.die(new Undecodable(Codec.issueText(cause)))
    )
    const build = Effect.map(
      Effect.flatMap(decoding, behaviour.build),
      (handlers) => methods.map((method) => handlers[method.tag]!)
    )
    const fiber = building.fiber = runFork(actor.context, build)
    fiber.addObserver((exit) => {
      const { state } = actor
      if (state._tag === "Closing") {
        // the actor has been closed meanwhile, and the close waits for this fiber
        state.building = undefined
        this.advanceClose(actor)
      } else if (Exit.isSuccess(exit) && building.crash === undefined) {
        actor.handlers = exit.value
        actor.state = running
        this.announce(actor)
      } else {
        actor.state = closed
        const failed = building.crash ?? (exit as Exit.Failure<unknown, unknown>).cause
        this.releaseScope(actor, Exit.failCause(failed), (cause) => {
          this.actors.delete(id)
          const all = cause === undefined ? failed : Cause.combine(failed, cause)
          this.dispatcher.replies.startFailed(actor, all)
          this.checkEnded()
        })
      }
    })
  }

  private reportNotServed(id: number): void {
    this.dispatcher.outbox.push(Frames.Spawned, id, Frames.SpawnNotServed, Definitions.names(this.behaviours))
  }

  private addCell(id: number, behaviour: Definitions.Behaviour, number: number): ActorCell {
    const { isTraced, services, tracing } = this.kindOf(behaviour)
    const actor = new ActorCell(this, id, behaviour, services)
    actor.number = number
    actor.isTraced = isTraced
    actor.tracing = tracing
    this.actors.set(id, actor)
    return actor
  }

  // starts an actor without a build step
  private start(id: number, behaviour: Definitions.Behaviour, number: number): ActorCell {
    const actor = this.addCell(id, behaviour, number)
    actor.handlers = this.kindOf(behaviour).handlers!
    return actor
  }

  private kindOf(behaviour: Definitions.Behaviour): ServedKind {
    let kind = this.kinds.get(behaviour)
    if (kind === undefined) {
      const { definition: { methods }, handlers } = behaviour
      const services = Context.add(behaviour.context, Scheduler.Scheduler, this.scheduler)
      kind = {
        // flat, because each call adds to it: a context made by many additions is copied with each further addition
        services: Context.makeUnsafe(new Map(services.mapUnsafe)),
        isTraced: services.mapUnsafe.has(Tracer.TracerKey),
        tracing: Context.get(services, SystemTracing),
        handlers: handlers === undefined ? undefined : methods.map((method) => handlers[method.tag]!)
      }
      this.kinds.set(behaviour, kind)
    }
    return kind
  }

  private announce(actor: ActorCell): void {
    this.dispatcher.outbox.push(Frames.Spawned, actor.id, Frames.SpawnOk, this.mailboxInfo(actor.behaviour))
  }

  private importing(actor: ActorCell): Handles.Importing {
    return { ends: this.ends, owner: Handles.caller, receiver: actor, context: actor.context, scope: actor.scope }
  }

  private mailboxInfo(behaviour: Definitions.Behaviour): Frames.MailboxInfo | undefined {
    const { methods, name } = behaviour.definition
    if (this.announcedInfos.has(name)) return undefined
    this.announcedInfos.add(name)
    return {
      actor: name,
      methods: methods.map((method) => method.signature),
      capacity: behaviour.mailboxCapacity === Infinity ? -1 : behaviour.mailboxCapacity,
      concurrency: behaviour.concurrency === Infinity ? -1 : behaviour.concurrency,
      suspends: behaviour.suspends,
      ready: behaviour.handlers !== undefined && behaviour.definition.args === Codec.voidCodec,
      supervision: behaviour.supervision,
      callTimeout: behaviour.callTimeout,
      runTimeout: behaviour.runTimeout
    }
  }

  // L4: takes no more calls; finishes or interrupts the running ones; runs finalizers
  private close(
    id: number,
    drain: boolean | typeof Frames.killed | typeof Frames.restarted,
    encoded: Frames.EncodedExit
  ): void {
    const actor = this.actors.get(id)
    if (actor === undefined) return this.dispatcher.outbox.push(Frames.Closed, id, undefined)
    const isDrained = drain === true
    const endedBy = typeof drain === "string" ? drain : undefined
    const { state } = actor
    if (state._tag === "Closed") return
    if (state._tag === "Crashed" || state._tag === "Closing") {
      state.endedBy = endedBy ?? state.endedBy
      return
    }
    const exit = Exits.decodeExit(encoded, actor.behaviour.definition)
    // the calls that the objects of the actor have accepted are finished, too, unless they wait for another event
    if (isDrained) actor.objects?.values().forEach((object) => object.host!.drainQueued(object))
    if (isDrained && state === running && !actor.isIdle) {
      actor.state = { _tag: "Draining", exit }
      return
    }
    this.closeNow(actor, exit, endedBy)
  }

  /**
   * Ends an actor as crashed. No further call of it starts: the calls of its mailbox, which have not run, may go to another incarnation.
   * While the actor is being built, the crash is a defect of its spawn.
   */
  crash(actor: ActorCell, cause: Cause.Cause<unknown>): void {
    const { id, state } = actor
    if (state._tag === "Building") {
      state.crash ??= Cause.fromReasons(
        cause.reasons.map((reason) => reason._tag === "Fail" ? Cause.makeDieReason(reason.error) : reason)
      )
      if (state.fiber !== undefined) interrupt(state.fiber)
      return
    }
    if (actor.isClosing || this.actors.get(id) !== actor) return
    actor.state = { _tag: "Crashed", endedBy: Frames.crashed }
    const encoded = Causes.encodeCause(cause, Defects.encodeDefect, Defects.encodeDefect)
    this.dispatcher.outbox.push(Frames.Crashed, id, encoded)
    for (const call of actor.mailbox.drain()) call.reject(Frames.FailureStopped)
    // the handler that crashes its actor still runs
    queueMicrotask(() => this.closeNow(actor, Exit.failCause(cause), actor.endedBy))
  }

  private closeNow(actor: ActorCell, exit: Exit.Exit<void, unknown>, endedBy: Closing["endedBy"]): void {
    const { state } = actor
    const building = state._tag === "Building" ? state.fiber : undefined
    actor.state = { _tag: "Closing", exit, building, endedBy }
    for (const call of actor.mailbox.drain()) call.reject(Frames.FailureStopped)
    actor.objects?.values().forEach((object) => object.host!.stop(object))
    if (building !== undefined) interrupt(building)
    for (const { fiber } of actor.calls?.values() ?? []) if (fiber !== undefined) interrupt(fiber)
    this.advanceClose(actor)
  }

  /** Calls or objects of an actor that takes no more calls have ended. */
  advanceClose(actor: ActorCell): void {
    const { state } = actor
    if (state._tag === "Draining") {
      if (actor.isIdle) this.closeNow(actor, state.exit, undefined)
    } else if (state._tag === "Closing") {
      if (isEmpty(actor.calls) && isEmpty(actor.objects) && state.building === undefined) this.finish(actor, state.exit)
    }
  }

  // closes the scope of an actor whose last call has ended
  private finish(actor: ActorCell, exit: Exit.Exit<void, unknown>): void {
    actor.state = closed
    this.exports.end(actor)
    this.ends.channels?.end(actor)
    actor.provided?.drain().forEach((cell) => cell.end())
    this.releaseScope(actor, exit, (cause) => {
      this.actors.delete(actor.id)
      actor.durations?.end()
      if (actor.id < 0) this.exports.closed(actor.id)
      // the holder has released the object itself
      if (!actor.isReleased) {
        this.dispatcher.outbox.push(
          Frames.Closed,
          actor.id,
          cause === undefined ? undefined : Causes.encodeCause(cause, Defects.encodeDefect, Defects.encodeDefect)
        )
      }
      actor.owner?.objects?.delete(actor)
      actor.owner?.checkIdle()
      this.checkEnded()
    })
  }

  private releaseScope(
    actor: ActorCell,
    exit: Exit.Exit<unknown, unknown>,
    done: (cause: Cause.Cause<never> | undefined) => void
  ): void {
    const closing = Scope.closeUnsafe(actor.scope, exit)
    if (closing === undefined) return done(undefined)
    Effect.runForkWith(actor.context)(closing).addObserver((closed) =>
      done(Exit.isSuccess(closed) ? undefined : closed.cause)
    )
  }

  private vote(id: number, encoded: Frames.EncodedExit): void {
    const actor = this.actors.get(id)
    const onExit = actor?.behaviour.onExit
    if (actor === undefined || onExit === undefined) return this.dispatcher.outbox.push(Frames.Voted, id, false)
    const exit = Exits.decodeExit(encoded, actor.behaviour.definition)
    runFork(actor.context, Effect.suspend(() => onExit(exit))).addObserver((vote) =>
      this.dispatcher.outbox.push(
        Frames.Voted,
        id,
        // only types keep a behaviour from answering with another value
        Exit.isSuccess(vote)
          ? (vote.value as unknown) === true
          : Causes.encodeCause(vote.cause, Defects.encodeDefect, Defects.encodeDefect)
      )
    )
  }

  /** The peer has gone: closes all actors and interrupts all calls. Calls back when the calls have ended. */
  disconnected(onEnded: () => void): void {
    for (const [id] of this.provided.entries()) this.revoke(id)
    this.end(() => undefined)
    this.dispatcher.cancelAll((cell) => this.actors.get(cell.id) !== cell, onEnded)
  }

  /**
   * Closes all actors, and calls back when they have closed. The peer may ask again, for each actor and for the worker; a request that
   * comes after the actors have closed is ignored, because the layer of the worker is being released.
   */
  end(onEnded: () => void = () => {
    this.dispatcher.outbox.push(Frames.Ended)
    this.dispatcher.outbox.flush()
  }): void {
    if (this.state._tag === "Ended") return
    this.state = { _tag: "Ending", onEnded }
    for (const actor of this.actors.values()) {
      if (!actor.isClosing) this.closeNow(actor, Exit.interrupt(), undefined)
    }
    this.checkEnded()
  }

  private checkEnded(): void {
    const { state } = this
    if (state._tag !== "Ending" || this.actors.size > 0) return
    this.state = { _tag: "Ended" }
    this.onEnd(state.onEnded)
  }

  /** replaced by the entry of the worker, which releases the layer of the worker before it answers */
  onEnd: (answer: () => void) => void = (answer) => answer()

  /** Returns the calls in progress in this worker. */
  inspect: (answer: (reading: Reading) => void) => void = (answer) => answer(nothing)

  /** the placement of the worker; `undefined`: the calls of other workers arrive here */
  placement: string | undefined

  /** Returns the facts of actors. */
  readActors: (targets: ReadonlyArray<number>) => ReadonlyArray<ServedFacts | undefined> = () => []

  /** Answers a question about the systems that this worker has made, or cancels the question with this number. */
  observe: (inspection: number, question: Question, answer: (answer: Answer) => void) => void = (_, __, answer) =>
    answer(["rows", undefined])

  /** Returns the used size of the heap of this worker, in bytes. */
  heapUsed: () => number = () => 0
}
