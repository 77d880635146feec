/**
 * A call that its caller has made: what every kind of call has, the unary call, and the tell. Also the connection that carries them.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { type ActorError, ActorExited, type CallTimedOut, type HandleReleased, type Outcome } from "../../ActorError.ts"
import { type Actor, CurrentActor } from "../actor/currentActor.ts"
import * as Causes from "../codec/causes.ts"
import * as Codec from "../codec/codec.ts"
import { decodeDefect } from "../codec/defects.ts"
import type * as Methods from "../codec/methods.ts"
import { isSuccess } from "../effect/completed.ts"
import { known } from "../handles/completedDeferred.ts"
import type * as Handles from "../handles/handle.ts"
import * as Marshal from "../handles/marshal.ts"
import * as Snapshot from "../handles/snapshot.ts"
import * as WireHandles from "../handles/wireHandle.ts"
import * as Counts from "../metrics/counts.ts"
import * as Durations from "../metrics/durations.ts"
import * as Events from "../monitor/events.ts"
import { messageOf, textOf } from "../runtime/describe.ts"
import { notify } from "../runtime/notify.ts"
import type * as Frames from "../wire/frames.ts"
import type { Outbox } from "../wire/outbox.ts"
import type { ActorProxy } from "./actorProxy.ts"
import * as CallErrors from "./callErrors.ts"

/** The connection to which a proxy is bound, as the proxy uses it. */
export interface Connection {
  /** the id of the worker at the other end, if this end has started it */
  readonly worker?: string | undefined
  /** the placement of this worker */
  readonly placement?: string | undefined
  /** which spans the system of this worker makes */
  readonly tracing?: Methods.Tracing | undefined
  readonly outbox: Outbox
  readonly ends: Handles.Ends
  /** assigns an id to a call and pushes its frame; `false` if the call has settled immediately */
  readonly send: (call: OutgoingCall) => boolean
  /** interrupts a call that has been sent; completes with the acknowledgement */
  readonly interrupt: (call: OutgoingCall) => Effect.Effect<void>
  /** like `interrupt`: calls back with the acknowledgement, or `onOverdue` if the acknowledgement takes too long */
  readonly cancel: (call: OutgoingCall, onAcknowledged: () => void, onOverdue: () => void) => void
  /** the handle of an object is released: cancels the calls of the object whose results would have to be compensated */
  readonly cancelCompensable: (proxy: ActorProxy, why: () => HandleReleased) => void
  /** an accepted tell did not run, or may not have run to completion */
  readonly onTellLost: (tell: OutgoingCall, cause: Cause.Cause<unknown>) => void
  /** the handler of an accepted tell has failed */
  readonly onTellFailed: (cause: Cause.Cause<unknown>) => void
}

/** Resumes the waiting fiber. */
export type Resume = (effect: Effect.Effect<unknown, unknown>) => void

/** The queue of a pool, as its calls use it. */
export interface PoolQueue {
  /** Queues a call again that its member has not run. Returns `false` if the call fails instead. */
  readonly takeBack: (call: OutgoingCall) => boolean
}

/** A call that has not settled. The call is also the effect that cancels it, which saves an object for each call. */
export abstract class OutgoingCall extends Effectable.Class<void> {
  /** the id on the connection; -1 until the call has been sent */
  id = -1
  /** the position of the call in the order of sending on its connection */
  sequence = 0
  started = false
  /** an earlier incarnation may have run the call, which runs again because its method is idempotent */
  mayHaveRun = false
  /** `true`: the call is known to have started, in this incarnation or an earlier one */
  everStarted: true | undefined = undefined
  forked = false
  uninterruptible = false
  onAcknowledged: (() => void) | undefined
  /** repeats a call that may go to any of several actors; repeats an accepted `tell` as it was at its acceptance */
  retry: ((tell?: OutgoingCall) => Effect.Effect<unknown, unknown>) | undefined
  /** the tell is in a mailbox, and its sender no longer waits */
  isAccepted = false
  /** the call was sent to an incarnation that ended first, and is to be sent again */
  isReplay = false
  /** the number of the interruption of this call among the interruptions that this thread has sent (interruption.ts); 0: none */
  interruption = 0
  /** the queue of the pool through which the call was made */
  queue: PoolQueue | undefined
  /** orders the call among the waiting calls of this queue */
  priority = 0
  /** the context of the caller, if the call carries handles; with the follower of the call, if it has one */
  context: Context.Context<never> = Context.empty()
  /** the fiber that makes the call, which observers ask for its actor */
  caller: Fiber.Fiber<unknown, unknown> | undefined = undefined
  /** the actor, or the pool while the call waits in the queue of the pool */
  proxy: ActorProxy
  /** the connection on which the call was sent; the actor may have another connection by now */
  connection: Connection
  readonly index: number
  readonly method: Methods.Method
  /** the time of the call in its epoch, while durations are measured; 0: none */
  readonly madeAt: number = Durations.isOn ? Durations.now() : 0
  readonly madeIn: number = Durations.epoch
  /** encoded, unless the payload may contain handles, which are exported when the call is sent */
  payload: unknown
  readonly extras: Frames.Extras | undefined
  readonly transfer: ReadonlyArray<unknown> | undefined

  constructor(
    proxy: ActorProxy,
    index: number,
    payload: unknown,
    extras: Frames.Extras | undefined,
    transfer: ReadonlyArray<unknown> | undefined
  ) {
    super()
    this.proxy = proxy
    this.connection = proxy.connection
    this.index = index
    this.method = proxy.methods[index]!
    this.payload = payload
    this.extras = extras
    this.transfer = transfer
  }

  /** Removes the call from the waiting calls if it was never sent; else interrupts it and awaits the acknowledgement (C3). */
  asEffect(): Effect.Effect<void> {
    if (this.id !== -1) return this.connection.interrupt(this)
    if (this.proxy.removeWaiting(this)) this.count(Counts.interrupted)
    return Effect.void
  }

  /** Whether the call can be sent again, to another incarnation, as if it had never been sent. */
  get isReplayable(): boolean {
    return this.transfer === undefined
  }

  /** Whether the next incarnation runs the call, although the ended incarnation may have run it. */
  get mayRunTwice(): boolean {
    return this.method.idempotent && (this.proxy.repeatedItems === 0 || this.queue !== undefined || this.isAccepted)
  }

  /** Resets the state that belongs to the ended incarnation. `outcome`: whether that incarnation may have run the call. */
  reset(outcome: Outcome): void {
    this.id = -1
    this.isReplay = true
    if (outcome === "Unknown") this.mayHaveRun = true
    this.started = this.forked = this.uninterruptible = false
  }

  /** The call has settled, for its caller. */
  count(outcome: Counts.Outcome): void {
    const { kind } = this.proxy.count(this.index, outcome)
    if (this.madeAt === 0) return
    const { connection: { placement }, proxy: { tallied } } = this
    const durations = tallied.durations ??= new Durations.ActorDurations(kind, placement)
    durations.ended(this.index, outcome, this.madeAt, this.madeIn)
  }

  private countError(error: ActorError | HandleReleased): void {
    const isRejected = error._tag === "MailboxFull"
    const mayHaveRun = "outcome" in error && error.outcome === "Unknown"
    this.count(isRejected ? Counts.rejected : mayHaveRun ? Counts.unknown : Counts.notRun)
  }

  /** Resets the call, which has not run, and returns it to the queue of its pool. */
  returnTo(queue: ActorProxy): void {
    this.reset("NotRun")
    this.proxy = queue
  }

  get owner(): ActorProxy {
    return this.proxy
  }

  /** the actor that makes the call, and owns the handles that the payload exports */
  get sender(): Actor | undefined {
    return Context.get(this.context, CurrentActor)
  }

  // a handle lives as long as the scope that receives it, if there is one, else as long as its actor (H5)
  get importer(): Handles.Importing {
    const { connection: { ends }, context, sender: receiver, proxy: owner } = this
    return { ends, owner, receiver, context, scope: Context.getOrUndefined(context, Scope.Scope) }
  }

  /** Releases the handles in a value of an answer that came too late. */
  releaseValue(value: unknown): void {
    if (this.method.success.handles) Marshal.releaseAll(this.connection.ends, value)
  }

  /** Compensates the call, and releases the handles in its result. Calls `done` afterwards. */
  compensate(value: unknown, done: () => void): void {
    this.releaseValue(value)
    done()
  }

  /** The call has succeeded with the value of `Settled`. */
  abstract succeed(value: unknown): void
  /** The call has succeeded with the completed result of `DeferredDone`. */
  known(status: Frames.CompletionCode, value: unknown): void {
    this.succeed(WireHandles.known(status, value))
  }
  /** The call has failed. `failure`: an effect that fails in the same way. */
  abstract fail(failure: Effect.Effect<never, unknown>): void

  lose(error: ActorError | HandleReleased): void {
    const { queue } = this
    if (queue !== undefined && error instanceof ActorExited && error.outcome === "NotRun" && queue.takeBack(this)) {
      return
    }
    this.fail(this.failing(error))
  }

  /** The failure with an error, unless the call is repeated on another actor. */
  failing(error: ActorError | HandleReleased): Effect.Effect<never, unknown> {
    const { retry } = this
    if (retry !== undefined && this.canReroute(error)) return Effect.suspend(retry) as Effect.Effect<never, unknown>
    this.countError(error)
    return Effect.fail(error)
  }

  protected canReroute(error: unknown): boolean {
    return this.isReplayable && this.proxy.shouldReroute(error)
  }

  /** A timeout is over: cancels the call, and fails it as soon as it is known whether it has run. */
  expire(timeout: number, limit: CallTimedOut["limit"]): void {
    // the call is being cancelled already
    if (limit === "run" && this.onAcknowledged !== undefined) return
    let isOver = false
    const fail = (): void => {
      if (isOver) return
      isOver = true
      if (this.started) this.everStarted = true
      const error = CallErrors.callTimedOut(this, timeout, limit)
      this.countError(error)
      this.fail(Effect.fail(error))
    }
    if (this.id === -1) {
      this.proxy.removeWaiting(this)
      return fail()
    }
    this.connection.cancel(this, fail, () => {
      this.mayHaveRun = true
      fail()
    })
  }

  /** Whether the fiber of the caller waits for this call and for nothing else. */
  get isAwaited(): boolean {
    return true
  }

  accepted(): void {}

  chunk(_values: ReadonlyArray<unknown>): void {}

  /** The call can no longer be made. */
  refused(refusal: ActorExited | HandleReleased): void {
    this.lose("reason" in refusal ? CallErrors.exited(this, refusal.reason, "NotRun", refusal.message) : refusal)
  }

  decodeWith(codec: Codec.Codec, value: unknown, what: string): Effect.Effect<unknown, unknown> {
    const decoded = codec.handles ? Marshal.decode(this.importer, codec, value) : codec.decode(value)
    return isSuccess(decoded)
      ? decoded
      : Effect.catchCause(
        decoded,
        (cause) =>
          Effect.fail(
            CallErrors.protocolError(this, "Unknown", `${what} does not fit its schema: ${Codec.issueText(cause)}`)
          )
      )
  }
}

/** A call with a result. */
export class UnaryCall extends OutgoingCall {
  resume: Resume = undefined as never

  succeed(value: unknown): void {
    const { method: { success, undo }, proxy } = this
    const decoded = this.decodeWith(success, value, "the result")
    if (undo === undefined || success.handles || isSuccess(decoded)) return notify(this.resume, decoded)
    // a decoding that takes time may be interrupted; the call is compensated then
    const undone = Effect.onInterrupt(
      decoded,
      () => Effect.callback((resume) => this.compensate(value, () => resume(Exit.void)))
    )
    // defers the release of the object until then
    const endRetention = proxy.retain()
    notify(this.resume, Effect.onExit(undone, () => Effect.sync(endRetention)))
  }

  override compensate(value: unknown, done: () => void): void {
    const { method: { success, undo }, proxy: { relayed: proxy } } = this
    const index = undo === undefined ? -1 : proxy.methods.findIndex(({ tag }) => tag === undo)
    if (index === -1) return super.compensate(value, done)
    const sendBack = (payload: unknown, done: () => void): void => {
      const call = new UnaryCall(proxy, index, payload, undefined, undefined)
      call.resume = done
      call.context = this.context
      proxy.connection.send(call)
    }
    // the value goes back as it was received; a single field is sent without its struct if it needs no encoding
    if (!success.handles) return sendBack(success.isIdentity === undefined ? { value } : value, done)
    const undoing = Effect.contextWith((context: Context.Context<never>) => {
      // the scope holds the handles in the value until the value has been sent back
      this.context = context
      return Effect.flatMap(
        this.decodeWith(success, value, "the result"),
        (value) => Effect.callback<void>((resume) => sendBack({ value }, () => resume(Exit.void)))
      )
    })
    Effect.runForkWith(this.context)(Effect.scoped(undoing)).addObserver(done)
  }

  override known(status: Frames.CompletionCode, value: unknown): void {
    const handleKind = this.method.success.handleCodec?.result
    if (handleKind === undefined) super.known(status, value)
    else notify(this.resume, Exit.succeed(known(status, value, handleKind, this)))
  }

  fail(failure: Effect.Effect<never, unknown>): void {
    notify(this.resume, failure)
  }
}

/** A call whose result no caller awaits. */
export class TellCall extends UnaryCall {
  /** the tell has been made, and counts as unfinished until it ends */
  isUnfinished = false
  /** the reason why no snapshot of the payload could be made, for sending the tell again */
  private snapshotFailure: unknown
  /** releases the handles in the snapshot of the payload */
  private releaseSnapshot: (() => void) | undefined

  // the acceptance of a tell that has been sent may be on its way
  override get isAwaited(): boolean {
    return this.id === -1
  }

  // `failure`: the encoded cause, if the handler has failed
  override succeed(failure?: unknown): void {
    if (Array.isArray(failure)) {
      this.failed(Causes.decodeCause(failure as Frames.EncodedCause, decodeDefect, decodeDefect))
    }
    if (!this.isAccepted) notify(this.resume, Exit.void)
    this.ended()
  }

  private failed(cause: Cause.Cause<unknown>): void {
    const { connection, method: { tag: method }, proxy } = this
    Events.ofCallee(proxy, () => ({ _tag: "TellFailed", method, message: messageOf(Cause.squash(cause)) }))
    connection.onTellFailed(cause)
  }

  override accepted(): void {
    // a started tell is sent again only if its method is idempotent
    const isOver = this.started && !this.method.idempotent
    if (this.isAccepted) {
      if (isOver) this.releaseSnapshot?.()
      return
    }
    this.isAccepted = true
    if (!isOver && this.isReplayable && this.proxy.resends) this.takeSnapshot()
    notify(this.resume, Exit.void)
  }

  // replaces the payload by a snapshot, because the sender may now change the payload or release its handles
  private takeSnapshot(): void {
    const { payload } = this.method
    if (payload.handles) {
      const exit = Effect.runSyncExitWith(this.context)(Snapshot.take(payload, this.payload))
      if (Exit.isSuccess(exit)) {
        this.payload = exit.value.value
        this.releaseSnapshot = exit.value.release
        return
      }
      this.snapshotFailure = Cause.squash(exit.cause)
      if (Cause.isAsyncFiberError(this.snapshotFailure)) this.snapshotFailure.fiber.interruptUnsafe()
    } else if (!payload.isFresh) {
      try {
        this.payload = Snapshot.copyOf(this.payload)
      } catch (error) {
        this.snapshotFailure = error
      }
    }
  }

  /** Replaces a tell that another actor has accepted. */
  replace(tell: TellCall): void {
    this.isAccepted = true
    this.retry = tell.retry
    this.context = tell.context
    this.mayHaveRun = tell.mayHaveRun
    this.releaseSnapshot = tell.releaseSnapshot
    tell.releaseSnapshot = undefined
  }

  override get isReplayable(): boolean {
    return super.isReplayable && this.snapshotFailure === undefined
  }

  override failing(error: ActorError | HandleReleased): Effect.Effect<never, unknown> {
    const { retry } = this
    return this.isAccepted && retry !== undefined && this.canReroute(error)
      ? Effect.suspend(() => retry(this)) as Effect.Effect<never, unknown>
      : super.failing(error)
  }

  override fail(failure: Effect.Effect<never, unknown>): void {
    if (this.isAccepted) {
      Effect.runForkWith(this.context)(failure).addObserver((exit) => {
        if (Exit.isFailure(exit)) this.connection.onTellLost(this, exit.cause)
      })
    } else super.fail(failure)
    this.ended()
  }

  /** The reason why the tell has not been sent again, if it could have been. */
  get whyNotResent(): string {
    if (this.transfer !== undefined) return "; what it has moved cannot be sent again"
    return this.snapshotFailure === undefined ? "" : `; it cannot be sent again: ${textOf(this.snapshotFailure)}`
  }

  override asEffect(): Effect.Effect<void> {
    return Effect.andThen(super.asEffect(), Effect.sync(() => this.ended()))
  }

  override returnTo(queue: ActorProxy): void {
    this.finish()
    super.returnTo(queue)
  }

  private ended(): void {
    this.releaseSnapshot?.()
    this.finish()
  }

  // the tell no longer counts as an unfinished tell of its actor
  private finish(): void {
    if (!this.isUnfinished) return
    this.isUnfinished = false
    this.proxy.tellEnded()
  }
}
