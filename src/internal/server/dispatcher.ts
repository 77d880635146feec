/**
 * Running the calls of a worker's actors: starts handlers as fibers, in the order of each mailbox, and answers each call.
 *
 * A handler that finishes at once is answered in the same turn and costs one fiber, or none if it returns its result as it is or
 * starts a pending result. A handler that suspends is entered into the tables below, and is announced as started when the turn ends.
 *
 * To enter a handler is to start its call: from then on nothing proves that the call never ran (C1). Therefore a handler is entered
 * when its call has its turn (C2). Whether a call runs concurrently (`Rpc.fork`) must be known before that. The dispatcher enters the
 * handler of the first call of a method when the call arrives, and does so again for later calls unless a handler has returned
 * without `Rpc.fork`. A stream begins in its turn, too. From then on it does not count towards
 * `concurrency`, unless the behaviour has its streams in order.
 */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Interruption from "../actor/interruption.ts"
import { IntMap } from "../collections/intMap.ts"
import { runFork } from "../effect/userEffect.ts"
import { ForkedResult } from "../handles/forkedResult.ts"
import type * as Handles from "../handles/handle.ts"
import * as Marshal from "../handles/marshal.ts"
import * as Counts from "../metrics/counts.ts"
import * as Durations from "../metrics/durations.ts"
import type { EventLoopBudget } from "../runtime/eventLoopBudget.ts"
import { interrupt } from "../runtime/notify.ts"
import * as Frames from "../wire/frames.ts"
import type { Notes } from "../wire/link.ts"
import type { Outbox } from "../wire/outbox.ts"
import { type ActorCell, type CellCall, running } from "./actorCell.ts"
import { Announcements } from "./announcements.ts"
import { type CallDispatcher, Decoded, IncomingCall } from "./incomingCall.ts"
import { Invocation } from "./invocation.ts"
import { isDeferred, isEncodingUninterruptible, ReplyWriter } from "./replies.ts"
import type { StreamProducer } from "./streamProducer.ts"

/** Follows the calls that wait in a mailbox. */
class Marker implements CellCall {
  readonly fiber = undefined
  readonly uninterruptible = false
  readonly interrupts = undefined
  slot = -1
  readonly start: () => void

  constructor(onReached: () => void) {
    this.start = onReached
  }

  accept(): void {}

  reject(): void {
    this.start()
  }
}

/** Runs calls. */
export class Dispatcher implements CallDispatcher {
  readonly outbox: Outbox
  readonly budget: EventLoopBudget
  readonly replies: ReplyWriter
  readonly interrupts: Int32Array | undefined
  private readonly ends: Handles.LinkEnds
  private readonly invocation: Invocation
  readonly announcements: Announcements
  /** the calls that wait or have suspended, and the streams */
  private readonly calls = new IntMap<IncomingCall>()
  /** the streams with items that wait for the end of the turn */
  private staged: Array<StreamProducer> = []
  private isReading = false
  /** the actors in which a call has ended while a batch is read, so that the next call may start */
  private readonly freed = new Set<ActorCell>()
  /** the actors whose calls wait for the next turn of the event loop, with the calls that may turn out to run concurrently */
  private readonly deferred = new Map<ActorCell, Array<IncomingCall>>()
  /** the actor in which the last call started */
  private lastActor: ActorCell | undefined
  /** called when all calls of a peer that has gone have ended */
  private onEnded: (() => void) | undefined

  constructor(outbox: Outbox, ends: Handles.LinkEnds, notes: Notes | undefined, budget: EventLoopBudget) {
    this.outbox = outbox
    this.ends = ends
    this.budget = budget
    this.replies = new ReplyWriter(outbox, ends, (id) => this.calls.get(id))
    this.invocation = new Invocation(
      outbox,
      this.budget,
      ends,
      this.replies,
      (producer) => {
        if (this.staged.push(producer) === 1) outbox.beforeFlush(this.flushStaged)
      },
      (call) => this.hold(call)
    )
    this.announcements = new Announcements(outbox, this.calls, notes)
    this.interrupts = notes?.interrupts
  }

  /**
   * Reads a batch. The whole batch is read before a waiting call starts, so that a call that the same batch interrupts never runs
   * (C3).
   */
  read(batch: () => void): void {
    this.budget.run(this.outbox, () => {
      this.isReading = true
      try {
        batch()
      } finally {
        this.isReading = false
        if (this.freed.size > 0) {
          for (const actor of this.freed) this.advance(actor)
          this.freed.clear()
        }
      }
    })
  }

  // the waiting calls of the actor start in the next turn of the event loop
  private defer(actor: ActorCell, undecided: Array<IncomingCall>): void {
    this.deferred.set(actor, undecided)
    this.budget.deferToNextLoop(this.outbox, this.resume)
  }

  private readonly resume = (): void => {
    // round-robin: the actor that ran last goes to the back, and the replies are flushed before it runs
    const { deferred, lastActor } = this
    const waiting = lastActor && deferred.get(lastActor)
    if (waiting !== undefined && deferred.delete(lastActor!)) deferred.set(lastActor!, waiting)
    for (const [actor, undecided] of deferred) {
      if (this.budget.isOverBudget) return this.defer(actor, undecided)
      deferred.delete(actor)
      if (actor === lastActor) this.outbox.flush()
      this.advance(actor, undecided)
    }
  }

  /** Whether a handler is suspended or a call waits. */
  get isBusy(): boolean {
    return this.calls.size > 0
  }

  /** The calls that wait or have suspended, for observers. */
  get openCalls(): ReadonlyArray<IncomingCall> {
    return this.calls.values()
  }

  // ---- arrival ----

  /** Takes a call that has arrived. */
  receive(
    id: number,
    actor: ActorCell | undefined,
    index: number,
    wire: unknown,
    extras: Frames.Extras | undefined
  ): void {
    if (actor === undefined || actor.state !== running) return this.rejectArrival(id, wire)
    if (this.isInterrupted(id)) return this.rejectArrival(id, wire, Frames.FailureRemoved)
    const { mailbox } = actor
    if (index >= actor.methods.length) {
      Marshal.releaseAll(this.ends, wire)
      return this.outbox.push(Frames.Failed, id, Frames.FailureUndecodable, "there is no such method")
    }
    const { isOverBudget } = this.budget
    const call = new IncomingCall(this, id, actor, index, wire, extras)
    if (Durations.isOn && actor.id > 0 && !actor.isRelay) Durations.arrived(call, this.budget.now)
    if (mailbox.isOpen && !isOverBudget) {
      this.run(call)
      return this.budget.pace()
    }
    const waits = !mailbox.isFull && (isOverBudget || mailbox.hasNext && actor.forks[index] === undefined)
    if (actor.forks[index] !== false && !waits && this.isForked(call)) {
      if (this.run(call)) this.startNext(actor)
      return
    }
    if (mailbox.isFull && !actor.behaviour.suspends) {
      call.discardPayload(this.ends)
      return this.outbox.push(Frames.Failed, id, Frames.FailureMailboxFull, mailbox.capacity)
    }
    this.calls.set(id, call)
    if (call.effect === undefined && call.method.payload.handles) Marshal.expect(this.ends, wire)
    if (mailbox.add(call)) this.accept(call)
    if (!waits) return
    const undecided = this.deferred.get(actor) ?? []
    if (actor.forks[index] !== false) undecided.push(call)
    this.defer(actor, undecided)
  }

  /** Rejects a call that has arrived. It does not run. */
  rejectArrival(id: number, wire: unknown, failure: Frames.FailureCode = Frames.FailureStopped): void {
    Marshal.releaseAll(this.ends, wire)
    this.outbox.push(Frames.Failed, id, failure, undefined)
  }

  // The caller may have interrupted the call long ago, in a message that has not been read yet. Each link is read at a different
  // time, so only shared memory reports the interruption in time.
  private isInterrupted(id: number): boolean {
    return this.interrupts !== undefined && Interruption.isNoted(this.interrupts, id)
  }

  /** A call is in the mailbox. A tell to a relay is accepted when the target accepts it. */
  accept(call: IncomingCall): void {
    if (call.discard && !call.actor.isRelay) this.outbox.push(Frames.Accepted, call.id)
  }

  // moves calls that arrived at a full mailbox into it, as far as there is room now
  private admit({ mailbox }: ActorCell): void {
    for (let call = mailbox.admit(); call !== undefined; call = mailbox.admit()) call.accept()
  }

  // enters the handler of a call that has not started, and returns whether the call runs concurrently (`Rpc.fork`)
  private isForked(call: IncomingCall): boolean {
    this.announcements.enter(call.id)
    const isEntered = this.invocation.prepare(call)
    this.announcements.leaveUnstarted(call.id)
    return isEntered ? call.forked : this.decode(call)
  }

  // decodes a payload that takes an effect while the call waits; the handler is entered after that
  private decode(call: IncomingCall): boolean {
    const { actor, id } = call
    const decoding = call.decoding = Effect.runForkWith(actor.context)(call.effect!)
    const isForked = (exit: Exit.Exit<unknown, unknown>): boolean => {
      call.decoded = Exit.isSuccess(exit) ? (exit.value as Decoded).exit : exit
      return this.isForked(call)
    }
    const exit = decoding.pollUnsafe()
    if (exit !== undefined) return isForked(exit)
    decoding.addObserver((exit) => {
      if (call.fiber !== undefined || this.calls.get(id) !== call || !isForked(exit)) return
      actor.mailbox.remove(call)
      this.start(call)
      this.startNext(actor)
    })
    call.effect = Effect.onInterrupt(Fiber.join(decoding), () => Fiber.interrupt(decoding))
    return false
  }

  // ---- interruption ----

  /**
   * The peer has gone: interrupts all calls of actors that others own. Calls back when these and all others have ended, except for
   * those that cannot be interrupted.
   */
  cancelAll(isOwnedElsewhere: (cell: ActorCell) => boolean, onEnded: () => void): void {
    this.onEnded = onEnded
    const calls = this.calls.values().filter((call) => isOwnedElsewhere(call.actor))
    // waiting calls first: they must not start when the running ones have ended
    for (const call of calls) if (call.fiber === undefined) this.interrupt(call.id)
    for (const call of calls) this.interrupt(call.id)
    this.checkEnded()
  }

  private checkEnded(): void {
    const { onEnded } = this
    if (onEnded === undefined || this.calls.values().some((call) => !call.uninterruptible)) return
    this.onEnded = undefined
    onEnded()
  }

  /** The caller has interrupted a call. */
  interrupt(id: number): void {
    const call = this.calls.get(id)
    // the reply has been sent
    if (call === undefined) return
    if (call.fiber === undefined) {
      call.actor.mailbox.remove(call)
      this.reject(call, Frames.FailureRemoved)
      this.admit(call.actor)
      return call.actor.checkIdle()
    }
    const isRepeated = call.interrupted
    call.interrupted = true
    if (call.uninterruptible) return this.outbox.push(Frames.Started, id, call.flags)
    if (!isRepeated) {
      call.sentBefore = Interruption.countSent()
      interrupt(call.fiber)
      if (this.calls.get(id) !== call) return
    }
    this.announcements.interrupted(call)
  }

  /** Fails a call that has waited, and never runs. */
  reject(call: IncomingCall, failure: Frames.FailureCode): void {
    this.remove(call)
    call.discardPayload(this.ends)
    this.outbox.push(Frames.Failed, call.id, failure, undefined)
  }

  /** The reader of a stream has consumed this number of items. */
  credit(id: number, items: number): void {
    this.calls.get(id)?.producer?.credit(items)
  }

  // ---- running ----

  /** Starts a call that has waited. */
  start(call: IncomingCall): void {
    if (call.fiber === undefined && this.isInterrupted(call.id)) return this.reject(call, Frames.FailureRemoved)
    if (this.run(call)) this.startNext(call.actor)
  }

  // starts a call; returns whether the handler has ended
  private run(call: IncomingCall): boolean {
    const { actor, id } = call
    this.lastActor = actor
    if (call.time > 0) actor.timed.begun(call, this.budget.now)
    this.announcements.enter(id)
    const isEntered = call.effect === undefined ? this.invocation.prepare(call) : call.isEntered
    if (actor.isRelay && !isEntered) this.hold(call)
    const effect = call.effect!
    call.effect = undefined
    // a stream begins in its turn, and runs beside the calls behind it
    if (call.producer !== undefined && !actor.behaviour.streamsInOrder) call.forked = true
    if (!call.forked) actor.mailbox.running++
    if (effect instanceof ForkedResult) return this.settle(call, Exit.succeed(effect.start(actor.context)))
    if (Exit.isExit(effect) && effect._tag === "Success") return this.settle(call, effect)
    const scope = Scope.makeUnsafe()
    let context = Context.add(actor.context, Scope.Scope, scope)
    if (this.interrupts !== undefined) context = Interruption.within(context, call)
    if (call.uninterruptible) {
      // the caller waits for this call, and must know before the handler may compute for long
      call.announced = true
      this.outbox.push(Frames.Started, id, call.flags)
      this.outbox.flush()
    }
    // an item that cannot be sent is reported as soon as the stream runs
    if (call.producer !== undefined) this.calls.set(id, call)
    const fiber = runFork(context, effect, call.uninterruptible ? { uninterruptible: true } : undefined)
    const exit = fiber.pollUnsafe()
    if (exit === undefined || scope.state._tag !== "Empty") {
      if (call.forked && call.announced) this.outbox.push(Frames.Started, id, call.flags)
      this.awaitEnd(call, fiber, scope)
      this.announcements.leave()
      return false
    }
    Scope.closeUnsafe(scope, exit)
    return this.settle(call, exit)
  }

  private settle(call: IncomingCall, exit: Exit.Exit<unknown, unknown>): true {
    this.finish(call, exit)
    this.announcements.leave()
    return true
  }

  // waits for the handler, then for the finalizers of its scope, then replies
  private awaitEnd(call: IncomingCall, fiber: Fiber.Fiber<unknown, unknown>, scope: Scope.Closeable | undefined): void {
    const { actor } = call
    if (call.fiber === undefined) call.since = this.budget.now
    call.fiber = fiber
    this.calls.set(call.id, call)
    actor.add(call)
    this.announcements.suspended(call)
    if (call.producer?.unencodable !== undefined) interrupt(fiber)
    fiber.addObserver((exit) => {
      if (scope !== undefined && scope.state._tag !== "Empty") {
        const closing = Effect.runForkWith(actor.context)(
          Effect.flatMap(Effect.exit(this.replies.encodeEarly(call, exit)), (encoded) =>
            Effect.andThen(
              Effect.onError(Scope.close(scope, exit), () => Effect.sync(() => this.replies.discard(encoded))),
              encoded
            )),
          { uninterruptible: true }
        )
        return this.awaitEnd(call, closing, undefined)
      }
      if (scope !== undefined) Scope.closeUnsafe(scope, exit)
      this.announcements.reenter(call.id)
      this.settle(call, exit)
      this.startNext(actor)
    })
  }

  private finish(call: IncomingCall, exit: Exit.Exit<unknown, unknown>): void {
    const { actor } = call
    this.remove(call)
    if (!call.forked) actor.mailbox.running--
    if (actor.forwarding === call) this.release(actor)
    if (exit._tag === "Success" && Decoded.is(exit.value)) {
      // the payload is decoded: the handler starts in the turn of the call
      call.decoded = exit.value.exit
      return this.start(call)
    }
    if (exit._tag === "Success" && isDeferred(exit.value)) {
      // the next call may start; the reply follows when the Deferred completes
      call.forked = true
      if (call.announced) this.outbox.push(Frames.Started, call.id, call.flags)
      return this.awaitEnd(call, Effect.runForkWith(actor.context)(Deferred.await(exit.value)), undefined)
    }
    if (call.time < 0) actor.timed.answered(call, Counts.outcomeOf(exit), this.budget.measure())
    const encoding = exit._tag === "Success"
      ? this.replies.succeed(call, exit.value)
      : this.replies.fail(call, exit.cause)
    if (encoding === undefined) {
      if (exit._tag === "Failure") call.closeLent()
      return
    }
    // the call counts as running until its reply is encoded
    if (!call.forked) actor.mailbox.running++
    const fiber = Effect.runForkWith(actor.context)(encoding, { uninterruptible: isEncodingUninterruptible(call) })
    const encoded = fiber.pollUnsafe()
    if (encoded === undefined) return this.awaitEnd(call, fiber, undefined)
    this.finish(call, encoded)
  }

  // removes a call from the tables
  private remove(call: IncomingCall): void {
    this.calls.delete(call.id)
    call.actor.remove(call)
    if (this.onEnded !== undefined) this.checkEnded()
  }

  // ---- relays ----

  // a relay takes time to forward a call: the calls that follow wait
  private hold(call: IncomingCall): () => void {
    const { actor } = call
    actor.forwarding = call
    actor.mailbox.hold()
    return () => {
      if (actor.forwarding !== call) return
      this.release(actor)
      this.startNext(actor)
    }
  }

  private release(actor: ActorCell): void {
    actor.forwarding = undefined
    actor.mailbox.release()
  }

  // ---- the next call ----

  // a call has ended: the next one may start
  private startNext(actor: ActorCell): void {
    this.budget.pace()
    if (this.isReading) this.freed.add(actor)
    else if (!actor.isAdvancing) this.advance(actor)
  }

  // starts the undecided calls that are known to run concurrently, then the calls of the mailbox, then the other undecided calls
  private advance(actor: ActorCell, undecided: ReadonlyArray<IncomingCall> = []): void {
    const { mailbox } = actor
    if (mailbox.size > 0) {
      if (this.deferred.has(actor)) return
      if (!this.budget.isOpen) return this.budget.run(this.outbox, () => this.advance(actor))
      actor.isAdvancing = true
      const others = this.startForked(undecided, true)
      if (others.length < undecided.length) this.outbox.flush()
      for (let call = this.take(actor); call !== undefined; call = this.take(actor)) {
        call.start()
        this.budget.pace()
      }
      const left = this.startForked(others)
      this.admit(actor)
      actor.isAdvancing = false
      if (mailbox.hasNext || left.length > 0) this.defer(actor, left)
    }
    actor.checkIdle()
  }

  // starts the waiting calls that run concurrently; `known`: only those known to. Returns the calls that remain undecided.
  private startForked(calls: ReadonlyArray<IncomingCall>, known = false): Array<IncomingCall> {
    return calls.filter((call) => {
      if (call.fiber !== undefined || this.calls.get(call.id) !== call) return false
      if (this.budget.isOverBudget || known && call.actor.forks[call.index] !== true) return true
      if (!this.isForked(call)) return false
      call.actor.mailbox.remove(call)
      this.start(call)
      this.budget.pace()
      return false
    })
  }

  private take(actor: ActorCell): ReturnType<ActorCell["mailbox"]["take"]> {
    if (this.budget.isOverBudget) return undefined
    this.admit(actor)
    return actor.mailbox.take()
  }

  /** Starts the calls that wait for the event loop immediately. Calls back when all calls that the object has received have started. */
  drainQueued(object: ActorCell, onStarted: () => void = () => undefined): void {
    // the dispatcher of a channel defers the calls from the channel
    this.deferred.delete(object)
    for (let call = object.mailbox.take(); call !== undefined; call = object.mailbox.take()) call.start()
    if (object.mailbox.isHeld) object.mailbox.add(new Marker(onStarted))
    else onStarted()
  }

  private readonly flushStaged = (): void => {
    const { staged } = this
    this.staged = []
    for (const producer of staged) producer.flush()
  }
}
