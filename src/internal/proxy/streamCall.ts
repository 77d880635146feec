/**
 * A call whose results are a stream: reads the chunks of the producer, and gives the producer credit.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Identity from "../codec/identity.ts"
import { isSuccess } from "../effect/completed.ts"
import * as Marshal from "../handles/marshal.ts"
import { notify } from "../runtime/notify.ts"
import * as Frames from "../wire/frames.ts"
import { OutgoingCall, type Resume } from "./outgoingCall.ts"

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
