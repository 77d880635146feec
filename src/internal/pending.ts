/**
 * The three kinds of call that wait for an answer: one with a result, a tell,
 * and a stream.
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Codec from "./codec.ts"
import * as Handles from "./handles.ts"
import { known } from "./heldDeferred.ts"
import { Pending } from "./target.ts"
import * as Wire from "./wire.ts"

/** Resumes the fiber that waits. */
export type Resume = (effect: Effect.Effect<unknown, unknown>) => void

/** A call with a result. */
export class PendingCall extends Pending {
  resume: Resume = undefined as never

  succeed(value: unknown): void {
    const { connection, method: { success, undo }, target } = this
    const decoded = this.decodeWith(success, value, "the result")
    if (undo === undefined || success.handles || Codec.isSuccess(decoded)) return this.resume(decoded)
    // what takes time to decode may be interrupted meanwhile; the handles in it are let go of then
    const undone = Effect.onInterrupt(
      decoded,
      () => Effect.callback((resume) => this.undo(value, () => resume(Exit.void)))
    )
    // until then, what it came from is not let go of
    const unhold = connection.ends.imports.sendBack(target.id)
    this.resume(Effect.onExit(undone, () => Effect.sync(unhold)))
  }

  override undo(value: unknown, done: () => void): void {
    const { connection, method: { success, undo }, target } = this
    const index = undo === undefined ? -1 : target.methods.findIndex(({ tag }) => tag === undo)
    if (index === -1) return super.undo(value, done)
    const giveBack = (payload: unknown, done: () => void): void => {
      const call = new PendingCall(target, index, payload, undefined, undefined)
      call.resume = done
      call.context = this.context
      connection.send(call)
    }
    // as it came; a single field travels alone where it needs no encoding
    if (!success.handles) return giveBack(success.passes === undefined ? { value } : value, done)
    const undoing = Effect.contextWith((context: Context.Context<never>) => {
      // what comes with it is held until it has gone back
      this.context = context
      return Effect.flatMap(
        this.decodeWith(success, value, "the result"),
        (value) => Effect.callback<void>((resume) => giveBack({ value }, () => resume(Exit.void)))
      )
    })
    Effect.runForkWith(this.context)(Effect.scoped(undoing)).addObserver(done)
  }

  override known(status: number, value: unknown): void {
    const how = this.method.success.direct?.result
    if (how === undefined) super.known(status, value)
    else this.resume(Exit.succeed(known(status, value, how, this)))
  }

  fail(failure: Effect.Effect<never, unknown>): void {
    this.resume(failure)
  }
}

/** A call whose result nobody waits for. */
export class PendingTell extends PendingCall {
  override succeed(): void {
    this.resume(Exit.void)
  }

  override accepted(): void {
    this.succeed()
  }
}

/** A call whose results are a stream. */
export class PendingStream extends Pending {
  private readonly chunks: Array<ReadonlyArray<unknown>> = []
  private done: Effect.Effect<never, unknown> | undefined
  private waiter: Resume | undefined
  private consumed = 0
  private hasItems = false
  /** why an item could not be read: what follows it is not for the reader */
  private broken: Effect.Effect<never, unknown> | undefined

  // from its beginning, which a reader who has seen items of it would see twice
  override get isCarriable(): boolean {
    return super.isCarriable && !this.hasItems
  }

  succeed(): void {
    this.fail(Cause.done())
  }

  fail(failure: Effect.Effect<never, unknown>): void {
    this.done ??= failure
    this.wake()
  }

  override chunk(values: ReadonlyArray<unknown>): void {
    if (this.onAcknowledged !== undefined) return values.forEach((value) => this.discard(value))
    this.hasItems = true
    if (this.method.success.handles) Handles.expect(this.connection.ends, values)
    this.chunks.push(values)
    this.wake()
  }

  /** The reader has left: lets go of what it has not read. */
  leave(): void {
    for (const chunk of this.chunks.splice(0)) for (const value of chunk) this.discard(value)
  }

  private wake(): void {
    const waiter = this.waiter
    if (waiter === undefined) return
    this.waiter = undefined
    waiter(this.take())
  }

  /** The next chunk, as soon as there is one; what has been taken is given back to the producer as credit. */
  take(): Effect.Effect<any, any> {
    if (this.broken !== undefined) return this.broken
    let chunk = this.chunks.shift()
    if (chunk !== undefined) {
      if (this.method.success.handles && chunk.length > 1) {
        // one by one, so that a reader who leaves holds only what it has seen
        this.chunks.unshift(chunk.slice(1))
        chunk = chunk.slice(0, 1)
      }
      this.consumed += chunk.length
      if (this.done === undefined && this.consumed * 2 >= (this.extras?.window ?? Wire.defaultWindow)) {
        this.connection.outbox.push3(Wire.Credit, this.id, this.consumed)
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
    const { decode, handles, passes } = this.method.success
    if (handles) return this.decodeSlowly([], chunk)
    if (passes !== undefined && Codec.allPass(passes, chunk)) return Exit.succeed(chunk)
    const out: Array<unknown> = []
    for (let i = 0; i < chunk.length; i++) {
      const decoded = decode(chunk[i])
      if (!Codec.isSuccess(decoded)) return this.decodeSlowly(out, chunk.slice(i))
      out.push(decoded.value)
    }
    return Exit.succeed(out)
  }

  // the items before one that cannot be read arrive first
  private decodeSlowly(out: Array<unknown>, rest: ReadonlyArray<unknown>): Effect.Effect<any, any> {
    const { success } = this.method
    const decode = (item: unknown) =>
      Effect.map(this.decodeWith(success, item, "an item of the stream"), (value) => void out.push(value))
    return Effect.catchCause(
      Effect.as(Effect.forEach(rest, decode, { discard: true }), out),
      (cause) => {
        this.broken = Effect.failCause(cause)
        return out.length === 0 ? this.broken : Effect.succeed(out)
      }
    )
  }
}
