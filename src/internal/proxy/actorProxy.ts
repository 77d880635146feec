/**
 * One actor as its caller sees it: its address, the room in its mailbox, the calls that wait for room, and its exit. A proxy outlives
 * the incarnations of its actor: a restart binds the proxy to another connection. Calls known never to have run are sent there in
 * their old order (F3).
 */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import { ActorExited, type HandleReleased, type Outcome } from "../../ActorError.ts"
import * as ActorId from "../actor/actorId.ts"
import type * as Methods from "../codec/methods.ts"
import { Fifo } from "../collections/fifo.ts"
import { Tally } from "../metrics/actorFacts.ts"
import * as Counts from "../metrics/counts.ts"
import * as Events from "../monitor/events.ts"
import * as Mailboxes from "../monitor/mailboxes.ts"
import { notify } from "../runtime/notify.ts"
import type { LinkEnd } from "../wire/link.ts"
import { type ActorKind, objectKindOf, unknownKind, withCallTimeout, withRunTimeout } from "./actorKind.ts"
import * as CallErrors from "./callErrors.ts"
import type { Connection, OutgoingCall, TellCall } from "./outgoingCall.ts"
import {
  type ActorOwner,
  closing,
  type Incarnation,
  open,
  paused,
  type PauseReason,
  type ProxyState,
  type Watcher
} from "./proxyState.ts"

/** The pool of an actor, as the proxy of the actor uses it. */
export interface PoolMembership {
  /** the name of the pool: that of its actors */
  readonly name: string
  /** the maximum number of members */
  readonly limit: number
  /** whether a member takes calls now or later */
  readonly hasFuture: boolean
  /** the error of each call, if no member takes calls now or later */
  readonly refusal: ActorExited | undefined
  /** A member may have room for another call, or has ended. */
  readonly advance: () => void
  /** for observers: the proxies of the members */
  readonly proxies: ReadonlyArray<ActorProxy>
  /** for observers: the calls that wait in the queue of the pool, each with the number of calls and items ahead of it */
  readonly waitingCalls: ReadonlyArray<readonly [call: OutgoingCall, ahead: number]>
}

/** Returns the address of the actor with a name and an id. */
export type Locate = (name: string, id: number) => string

/** Describes what happened to the peer of an ended link. */
export const became = ({ reason }: LinkEnd): string => reason === "Disconnected" ? "was disconnected" : "ended"

/** An actor, as its callers see it. */
export class ActorProxy {
  readonly name: string
  readonly methods: ReadonlyArray<Methods.Method>
  connection: Connection
  /** the id of the actor on the connection */
  id: number
  private location: string | Locate
  /**
   * The number of a spawned actor among the actors of its name, or the id of the actor behind a reference; 0 for an object, and for an
   * actor whose id is not known.
   */
  identity: number | string = 0
  private incarnationNumber = 1
  private previous: ActorExited | undefined
  /** the common properties of the actors of this kind */
  kind: ActorKind = unknownKind
  /** the number of calls that have been sent and are not known to have left the mailbox */
  queued = 0
  /** the number of calls known to run and to count towards `concurrency` */
  running = 0
  /** the number of calls known to run concurrently (`Rpc.fork`), which do not count towards `concurrency` */
  forked = 0
  /** the calls that wait for room in the mailbox or for the end of a pause, in order */
  readonly waiting = new Fifo<OutgoingCall>()
  /** the number of running items of the pool that run again as a whole if the worker dies, so that their calls do not */
  repeatedItems = 0
  /** the number of unfinished tells */
  private unfinishedTells = 0
  /** the tells waiting for fewer unfinished tells, in order; calls do not queue after them, since the tells may depend on a call */
  private waitingTells: Fifo<TellCall> | undefined
  private isStartingTells = false
  /** how the incarnation ends, while the actor is paused as leaving */
  private leaving: ActorExited | undefined
  /** the calls of a leaving incarnation that go to the next incarnation */
  private held: Array<OutgoingCall> | undefined
  /** called when the calls of a leaving and closed incarnation have settled */
  private onSettled: (() => void) | undefined
  private state: ProxyState = open
  /** the timeout of calls that the spawner has set, in milliseconds */
  callTimeout: number | undefined
  /** the timeout of runs that the spawner has set, in milliseconds */
  runTimeout: number | undefined
  /** the death of another actor for which this one is stopped: it ends with a failure */
  stoppedBecause: string | undefined
  /** the owner, of a spawned actor */
  owner: ActorOwner | undefined
  /** the pool whose member the actor is; another member can take the calls that this actor will never run */
  pool: PoolMembership | undefined
  /** the counters of the calls, of all actors of this kind or of this one; made by the first call that settles */
  counts: Counts.CallCounts | undefined
  /** the calls of this actor alone; made by its first call */
  tally: Tally | undefined
  private watchers: Set<Watcher> | undefined

  constructor(
    connection: Connection,
    id: number,
    name: string,
    location: string | Locate,
    methods: ReadonlyArray<Methods.Method>
  ) {
    this.connection = connection
    this.id = id
    this.name = name
    this.location = location
    this.methods = methods
  }

  get address(): string {
    return typeof this.location === "string" ? this.location : this.location(this.name, this.id)
  }

  /** the id of the actor, in all its incarnations */
  get actorId(): string | undefined {
    const { identity, name } = this
    if (typeof identity === "string") return identity
    return identity === 0 ? undefined : ActorId.of(name, identity)
  }

  /** whether this is an actor, or a pool of actors, and not the object behind another handle */
  get isActor(): boolean {
    return this.identity !== 0
  }

  get mailbox(): string {
    return "the mailbox"
  }

  /** the number of the incarnation */
  get life(): number {
    return this.incarnationNumber
  }

  get incarnation(): Incarnation {
    return { number: this.incarnationNumber, address: this.address, previous: this.previous }
  }

  /** the deadlines of the calls of each method */
  get callTimeouts(): ActorKind["callTimeouts"] {
    return this.kind.callTimeouts
  }

  /** the number of calls that are in progress or wait to be sent */
  get load(): number {
    return this.queued + this.running + this.forked + this.waiting.size + (this.waitingTells?.size ?? 0)
  }

  /** Whether a call that has failed with this error is repeated on another actor, and never on this one. */
  shouldReroute(error: unknown): boolean {
    return error instanceof ActorExited && error.actor === this.name && error.outcome === "NotRun" && this.closing &&
      this.pool?.hasFuture === true
  }

  /** Whether calls can be made and sent. */
  get isAvailable(): boolean {
    return this.state === open
  }

  /** Why calls wait, if they do. */
  get paused(): PauseReason | undefined {
    const { state } = this
    return state._tag === "Paused" ? state.reason : state._tag === "Closing" ? state.paused : undefined
  }

  /** Whether calls wait. */
  get isPaused(): boolean {
    return this.paused !== undefined
  }

  /** Whether calls can no longer be made. */
  get closing(): boolean {
    const { _tag } = this.state
    return _tag === "Closing" || _tag === "Ended"
  }

  /** Whether no later call runs: the actor takes no more calls, and neither does another member of its pool. */
  get isOver(): boolean {
    return this.closing && this.pool?.hasFuture !== true
  }

  /** the exit of the actor, once the actor has ended for good */
  get exit(): Exit.Exit<void, ActorExited> | undefined {
    return this.state._tag === "Ended" ? this.state.exit : undefined
  }

  /** Pauses the actor: calls wait in the proxy. */
  pause(reason: PauseReason): void {
    const { state } = this
    if (state._tag === "Closing") this.state = { ...state, paused: reason }
    else if (state._tag !== "Ended") this.state = paused[reason]
  }

  /** Ends a pause. Call {@link advance} afterwards to send the waiting calls. */
  resume(): void {
    const { state } = this
    if (state._tag === "Paused") this.state = open
    else if (state._tag === "Closing") this.state = { ...state, paused: undefined }
  }

  /** the number of calls that have been sent and have not settled */
  get inFlight(): number {
    return this.queued + this.running + this.forked
  }

  /** The incarnation closes while its worker lives, and another incarnation follows: calls wait. */
  leaveIncarnation(end: ActorExited): void {
    this.leaving = end
    this.pause("leaving")
  }

  /** Holds a call of a leaving incarnation, until the incarnation has closed. */
  hold(call: OutgoingCall): void {
    ;(this.held ??= []).push(call)
  }

  /**
   * Carries calls over from the last incarnation to the next incarnation, with the held calls and in the order of sending. They precede
   * the calls that wait already.
   */
  carry(calls: ReadonlyArray<OutgoingCall>): void {
    const { held } = this
    if (held === undefined) return this.waiting.prepend(calls)
    this.held = undefined
    this.waiting.prepend([...held, ...calls].toSorted((a, b) => a.sequence - b.sequence))
  }

  /** A leaving incarnation has closed: calls back when its calls have settled, or are held. */
  whenSettled(listener: () => void): void {
    this.onSettled = listener
    this.checkSettled()
  }

  /** Called when a call of a leaving incarnation has settled. */
  checkSettled(): void {
    const { onSettled } = this
    if (onSettled === undefined || this.inFlight > 0) return
    this.onSettled = undefined
    onSettled()
  }

  /** The actor has been built for the first time. */
  built(kind: ActorKind): void {
    const { callTimeout, methods, name, runTimeout } = this
    this.kind = callTimeout === undefined ? kind : withCallTimeout(name, methods, kind, callTimeout)
    if (runTimeout !== undefined) this.kind = withRunTimeout(name, methods, this.kind, runTimeout)
    if (this.paused === "building") this.resume()
  }

  /** Binds the proxy to the connection of the next incarnation. */
  rebind(connection: Connection, id: number, location: string | Locate): void {
    this.connection = connection
    this.id = id
    this.location = location
  }

  /** The incarnation has ended, and another one follows: notifies the watchers. */
  incarnationEnded(end: ActorExited): void {
    for (const { onEnd } of Array.from(this.watchers ?? [])) if (onEnd !== undefined) notify(onEnd, end)
  }

  /** The next incarnation has been built. */
  reopened(previous: ActorExited): void {
    this.resume()
    this.incarnationNumber++
    this.previous = previous
    const { incarnation } = this
    for (const { onIncarnation } of Array.from(this.watchers ?? [])) {
      if (onIncarnation !== undefined) notify(onIncarnation, incarnation)
    }
    this.advance()
    this.pool?.advance()
  }

  exited(reason: ActorExited["reason"], outcome: Outcome, message: string): ActorExited {
    return CallErrors.actorExited(this.name, reason, outcome, message)
  }

  /** The error with which each new call fails, if calls cannot be made. */
  refusal(): ActorExited | HandleReleased | undefined {
    const { state } = this
    if (state === open || state._tag === "Paused" || state._tag === "Open") return undefined
    if (state.why !== undefined) return state.why()
    const refusal = this.pool?.refusal
    if (refusal !== undefined) return refusal
    const { message, reason } = this.ended ?? { message: `${this.address} has been stopped`, reason: "Stopped" }
    return this.exited(reason, "NotRun", message)
  }

  /** the reason why the actor has ended, unless the actor was stopped */
  get ended(): Pick<ActorExited, "message" | "reason"> | undefined {
    if (this.paused === "leaving") return this.leaving
    const { exit } = this
    return exit === undefined || Exit.isSuccess(exit) ? undefined : Cause.squash(exit.cause) as ActorExited
  }

  /** Whether calls that the actor has accepted may be sent again: to its next incarnation, to another actor, or on another route. */
  get resends(): boolean {
    return this.owner?.isSupervised === true || this.pool !== undefined
  }

  /** Refuses new calls from now on. The calls that were never sent settle now. */
  close(): void {
    this.stopCalls(undefined)
    if (this.paused === "leaving") {
      this.resume()
      this.carry([])
    }
    this.refuseWaiting()
    this.pool?.advance()
  }

  /**
   * Like `close`, but the calls carried over from an incarnation that had accepted them still wait. Returns whether any call waits.
   */
  closeToNew(): boolean {
    this.stopCalls(undefined)
    const waiting = this.waiting.drain()
    this.waiting.prepend(waiting.filter(({ isReplay }) => isReplay))
    this.refuseAll(waiting.filter(({ isReplay }) => !isReplay))
    return this.waiting.size > 0 || this.paused === "leaving"
  }

  private stopCalls(why: (() => HandleReleased) | undefined): void {
    const { state } = this
    switch (state._tag) {
      case "Open":
        this.state = why === undefined ? closing : { _tag: "Closing", paused: undefined, why }
        break
      case "Paused":
        this.state = { _tag: "Closing", paused: state.reason, why }
        break
      default:
        if (why !== undefined) this.state = { ...state, why }
    }
  }

  private refuseWaiting(): void {
    if (this.waiting.size > 0 || this.waitingTells !== undefined) this.refuseAll(this.waiting.drain())
  }

  private refuseAll(waiting: ReadonlyArray<OutgoingCall>): void {
    const refusal = this.refusal()!
    for (const call of [...waiting, ...this.waitingTells?.drain() ?? []]) {
      call.refused(refusal)
    }
  }

  /** The calls of the actor behind a handle have a timeout, in milliseconds. */
  limitCalls(callTimeout: number): void {
    this.kind = withCallTimeout(this.name, this.methods, this.kind, callTimeout)
  }

  /** Makes this the proxy of the object behind a handle, which takes any number of concurrent calls. */
  attached(): void {
    this.kind = objectKindOf(this.name, this.methods)
  }

  /** the error of a released handle */
  get released(): HandleReleased | undefined {
    const { state } = this
    return state._tag === "Closing" || state._tag === "Ended" ? state.why?.() : undefined
  }

  /** the proxy whose calls are relayed, if it is called on a direct route, too */
  get relayed(): ActorProxy {
    return this
  }

  /** Defers the release of the object, until the returned function is called. */
  retain(): () => void {
    const { connection, id } = this.relayed
    return connection.ends.imports.pin(id)
  }

  /** The handle of the object has been released. */
  release(why: () => HandleReleased): void {
    this.stopCalls(why)
    this.refuseWaiting()
  }

  /** The actor has ended for good: notifies the watchers. */
  end(exit: Exit.Exit<void, ActorExited>): void {
    const { address, state, stoppedBecause } = this
    if (state._tag === "Ended") return
    if (stoppedBecause !== undefined && Exit.isSuccess(exit)) {
      exit = Exit.fail(this.exited("Stopped", "NotRun", `${address} was stopped: ${stoppedBecause}`))
    }
    this.state = { _tag: "Ended", exit, why: state._tag === "Closing" ? state.why : undefined }
    this.carry([])
    this.refuseWaiting()
    this.pool?.advance()
    const { watchers } = this
    this.watchers = undefined
    this.owner?.ended()
    Counts.ended(this)
    this.tally?.durations?.end()
    if (watchers !== undefined) { for (const watcher of Array.from(watchers)) notify(watcher.onExit, exit) }
  }

  /** The link has ended, and the actor or the object with it. */
  endWith(end: LinkEnd): void {
    const { message, reason } = end
    this.end(
      reason === "Stopped"
        ? Exit.void
        : Exit.fail(this.exited(reason, "NotRun", `${this.address} ${became(end)}: ${message}`))
    )
  }

  /** Notifies a watcher of the actor's end, immediately if the actor has ended. Returns the function that detaches the watcher. */
  watch(watcher: Watcher): () => void {
    if (this.state._tag === "Ended") {
      notify(watcher.onExit, this.state.exit)
      return () => undefined
    }
    if (this.watchers === undefined) this.watchers = new Set([watcher])
    else this.watchers.add(watcher)
    return () => {
      this.watchers?.delete(watcher)
    }
  }

  hasRoom(): boolean {
    const { capacity, concurrency, suspends } = this.kind
    return (this.state === open || !this.isPaused) &&
      (!suspends || this.queued < capacity + Math.max(0, concurrency - this.running))
  }

  /** Whether a call may be sent now. No other call waits ahead of it. */
  protected canSend(_call: OutgoingCall): boolean {
    return this.hasRoom()
  }

  /** Takes a call, or refuses it. Returns `false` if the call has settled immediately. */
  submit(call: OutgoingCall, isTell: boolean): boolean {
    const refusal = this.refusal()
    if (refusal === undefined) return isTell ? this.tell(call as TellCall) : this.accept(call)
    this.tallied.made++
    call.refused(refusal)
    return false
  }

  /** Sends a call, or queues the call until the mailbox has room. Returns `false` if the call has settled immediately. */
  accept(call: OutgoingCall): boolean {
    this.tallied.made++
    return this.enter(call)
  }

  private enter(call: OutgoingCall): boolean {
    if (this.waiting.size === 0 && this.canSend(call)) return this.connection.send(call)
    const { capacity, suspends } = this.kind
    if (!suspends && this.waiting.size >= capacity) {
      this.reportFull()
      call.lose(CallErrors.mailboxFull(call, capacity))
      return false
    }
    if (this.waiting.size === 0 && !this.isPaused) this.reportFull()
    this.waiting.add(call)
    return true
  }

  /** The mailbox is full: an event for observers. */
  reportFull(): void {
    if (!Mailboxes.isFullDue(this)) return
    const { kind: { capacity }, queued, waiting } = this
    Events.ofCallee(this, () => ({ _tag: "MailboxFull", size: queued + waiting.size, capacity }))
  }

  /** Like `accept`, for a tell. No caller awaits the end of a tell, so the tell waits while too many tells are unfinished (C7). */
  tell(pending: TellCall): boolean {
    const { suspends, tells } = this.kind
    this.tallied.made++
    this.tallied.tells++
    if (this.unfinishedTells < tells) return this.startTell(pending)
    if (!suspends) {
      this.reportFull()
      pending.lose(CallErrors.mailboxFull(pending, tells))
      return false
    }
    this.waitingTells ??= new Fifo()
    this.waitingTells.add(pending)
    return true
  }

  private startTell(pending: TellCall): boolean {
    this.unfinishedTells++
    pending.isUnfinished = true
    return this.enter(pending)
  }

  /** Called when a tell has ended. */
  tellEnded(): void {
    this.unfinishedTells--
    const { waitingTells } = this
    // a tell that ends as soon as it starts calls this method recursively
    if (waitingTells === undefined || this.isStartingTells) return
    this.isStartingTells = true
    while (waitingTells.size > 0 && this.unfinishedTells < this.kind.tells) this.startTell(waitingTells.take()!)
    this.isStartingTells = false
  }

  /** Removes a call from the waiting calls. Returns whether it waited. */
  removeWaiting(call: OutgoingCall): boolean {
    return this.waiting.remove(call) || this.waitingTells?.remove(call as TellCall) === true
  }

  /** A call of the method with this index has settled. Returns its counters. */
  count(method: number, outcome: Counts.Outcome): Counts.CallCounts {
    const counts = this.counts ??= Counts.of(this.name, this.methods, this.isActor)
    counts.count(method, outcome)
    this.tallied.ended[outcome]!++
    return counts
  }

  /** where the calls of this actor are counted */
  get tallied(): Tally {
    return this.tally ??= new Tally()
  }

  /** Sends calls that waited for room, as far as there is room. */
  advance(): void {
    while (this.waiting.size > 0 && this.hasRoom()) this.connection.send(this.waiting.take()!)
  }
}
