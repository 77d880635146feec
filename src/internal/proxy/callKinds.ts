/**
 * The three kinds of outgoing call: a unary call, a tell, and a stream.
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { ActorError, HandleReleased } from "../../ActorError.ts"
import * as Causes from "../codec/causes.ts"
import { decodeDefect } from "../codec/defects.ts"
import * as Identity from "../codec/identity.ts"
import { isSuccess } from "../effect/completed.ts"
import { known } from "../handles/completedDeferred.ts"
import * as Marshal from "../handles/marshal.ts"
import * as Snapshot from "../handles/snapshot.ts"
import * as Events from "../monitor/events.ts"
import { messageOf, textOf } from "../runtime/describe.ts"
import { notify } from "../runtime/notify.ts"
import * as Frames from "../wire/frames.ts"
import type { ActorProxy } from "./actorProxy.ts"
import { OutgoingCall } from "./outgoingCall.ts"

/** Resumes the waiting fiber. */
export type Resume = (effect: Effect.Effect<unknown, unknown>) => void

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

/** A call whose results are a stream. */
export class StreamCall extends OutgoingCall {
  private readonly chunks: Array<ReadonlyArray<unknown>> = []
  private done: Effect.Effect<never, unknown> | undefined
  private waiter: Resume | undefined
  private consumed = 0
  private hasItems = false
  /** the failure of an item that could not be decoded; the reader gets no later item */
  private itemFailure: Effect.Effect<never, unknown> | undefined

  // the fiber that reads the items may be another one
  override get isAwaited(): boolean {
    return false
  }

  // a replay starts at the beginning, so a reader would get the items that it has got already twice
  override get isReplayable(): boolean {
    return super.isReplayable && !this.hasItems
  }

  succeed(): void {
    this.fail(Cause.done())
  }

  fail(failure: Effect.Effect<never, unknown>): void {
    this.done ??= failure
    this.wake()
  }

  override chunk(values: ReadonlyArray<unknown>): void {
    if (this.onAcknowledged !== undefined) return values.forEach((value) => this.releaseValue(value))
    this.hasItems = true
    if (this.method.success.handles) { for (const value of values) Marshal.expect(this.connection.ends, value) }
    this.chunks.push(values)
    this.wake()
  }

  /** The reader has stopped: releases the handles in the items that it has not read. */
  releaseChunks(): void {
    for (const chunk of this.chunks.splice(0)) for (const value of chunk) this.releaseValue(value)
  }

  private wake(): void {
    const waiter = this.waiter
    if (waiter === undefined) return
    this.waiter = undefined
    notify(waiter, this.take())
  }

  /** Waits for the next chunk. The producer gets credit for the items that have been taken. */
  take(): Effect.Effect<any, any> {
    if (this.itemFailure !== undefined) return this.itemFailure
    const chunk = this.chunks.shift()
    if (chunk !== undefined) {
      this.consumed += chunk.length
      if (this.done === undefined && this.consumed * 2 >= (this.extras?.window ?? Frames.defaultWindow)) {
        this.connection.outbox.push(Frames.Credit, this.id, this.consumed)
        this.consumed = 0
      }
      return this.decodeChunk(chunk)
    }
    if (this.done !== undefined) return this.done
    return Effect.callback((resume) => {
      this.waiter = resume as Resume
      return Effect.sync(() => {
        this.waiter = undefined
      })
    })
  }

  private decodeChunk(chunk: ReadonlyArray<unknown>): Effect.Effect<any, any> {
    const { decode, handles, isIdentity } = this.method.success
    if (handles) return this.decodeSlowly([], chunk)
    if (isIdentity !== undefined && Identity.areIdentities(isIdentity, chunk)) return Exit.succeed(chunk)
    const out: Array<unknown> = []
    for (let i = 0; i < chunk.length; i++) {
      const decoded = decode(chunk[i])
      if (!isSuccess(decoded)) return this.decodeSlowly(out, chunk.slice(i))
      out.push(decoded.value)
    }
    return Exit.succeed(out)
  }

  // the items ahead of an item that cannot be decoded are delivered first
  private decodeSlowly(out: Array<unknown>, rest: ReadonlyArray<unknown>): Effect.Effect<any, any> {
    const { success } = this.method
    const decode = (item: unknown) =>
      Effect.map(this.decodeWith(success, item, "an item of the stream"), (value) => void out.push(value))
    return Effect.catchCause(
      Effect.as(Effect.forEach(rest, decode, { discard: true }), out),
      (cause) => {
        this.itemFailure = Effect.failCause(cause)
        return out.length === 0 ? this.itemFailure : Effect.succeed(out)
      }
    )
  }
}
