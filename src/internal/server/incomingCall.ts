/**
 * A call as the actors' side sees it, from its arrival to its answer: one object for each call.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import type * as Methods from "../codec/methods.ts"
import * as Handles from "../handles/handle.ts"
import * as Marshal from "../handles/marshal.ts"
import type { TimedCall } from "../metrics/durations.ts"
import * as Frames from "../wire/frames.ts"
import type { ActorCell, CellCall } from "./actorCell.ts"
import type { StreamProducer } from "./streamProducer.ts"

/** Runs the calls of one connection. */
export interface CallDispatcher {
  /** the shared memory in which callers note interruptions, and which counts the suspended calls */
  readonly interrupts: Int32Array | undefined
  /** starts a call that has waited */
  readonly start: (call: IncomingCall) => void
  /** reports that a call is in the mailbox */
  readonly accept: (call: IncomingCall) => void
  /** fails a call that has waited, and never runs */
  readonly reject: (call: IncomingCall, failure: Frames.FailureCode) => void
}

/** A call. */
export class IncomingCall implements CellCall, TimedCall {
  readonly id: number
  readonly actor: ActorCell
  /** the index of the method */
  readonly index: number
  readonly method: Methods.Method
  /** the encoded payload; `undefined` once it has been decoded */
  wire: unknown
  readonly extras: Frames.Extras | undefined
  /** the decoded payload, if decoding took an effect */
  decoded: Exit.Exit<unknown, unknown> | undefined
  /** decodes the payload while the call waits in the mailbox */
  decoding: Fiber.Fiber<unknown, unknown> | undefined
  /** the effect to run; `undefined` until the handler is entered, and once the call has started */
  effect: Effect.Effect<unknown, unknown> | undefined
  /** the scope of the handles that the payload lends to the call; closed after the answer */
  readonly lent: Scope.Closeable | undefined
  /** the handles in the decoded payload */
  readonly taken: Array<object> | undefined
  // as in `TimedCall`, while durations are measured
  time = 0
  epoch = 0
  /** runs concurrently with the calls of the mailbox (`Rpc.fork`) */
  forked = false
  uninterruptible = false
  /** the handler's fiber, if it has suspended */
  fiber: Fiber.Fiber<unknown, unknown> | undefined
  /** the index among the suspended calls of the actor */
  slot = -1
  /** when the call has suspended first, by the clock of the turn */
  since = 0
  producer: StreamProducer | undefined
  /** the peer has been notified that the call has started */
  announced = false
  /** the caller has interrupted the call */
  interrupted = false
  /**
   * The number of interruptions that this thread had sent when it interrupted this call, and at the end of that turn. The handler has
   * sent the interruptions between the two.
   */
  sentBefore = 0
  sentAfter: number | undefined
  private readonly dispatcher: CallDispatcher

  constructor(
    dispatcher: CallDispatcher,
    id: number,
    actor: ActorCell,
    index: number,
    wire: unknown,
    extras: Frames.Extras | undefined
  ) {
    this.dispatcher = dispatcher
    this.id = id
    this.actor = actor
    this.index = index
    const method = this.method = actor.methods[index]!
    this.wire = wire
    this.extras = extras
    const { handles } = method.payload
    this.lent = handles ? Scope.makeUnsafe() : undefined
    this.taken = handles ? [] : undefined
  }

  /** whether the effect is that of the handler, and not the decoding of the payload */
  get isEntered(): boolean {
    return this.decoding === undefined || this.decoded !== undefined
  }

  get discard(): boolean {
    return this.extras?.discard === true
  }

  get flags(): number {
    return (this.forked ? Frames.FlagForked : 0) | (this.uninterruptible ? Frames.FlagUninterruptible : 0) |
      (this.actor.isRelay ? Frames.FlagRelay | (this.discard ? Frames.FlagUnaccepted : 0) : 0)
  }

  get interrupts(): Int32Array | undefined {
    return this.dispatcher.interrupts
  }

  start(): void {
    this.dispatcher.start(this)
  }

  accept(): void {
    this.dispatcher.accept(this)
  }

  reject(failure: Frames.FailureCode): void {
    this.dispatcher.reject(this, failure)
  }

  /** Releases the handles of a call that never runs, whose payload may have been decoded. */
  discardPayload(ends: Handles.Ends): void {
    if (this.effect === undefined) {
      if (this.method.payload.handles) Marshal.releaseAll(ends, this.wire)
      return
    }
    this.decoding?.interruptUnsafe()
    this.closeLent()
    this.taken?.forEach(Handles.releaseHandle)
  }

  /** Closes the scope of the lent handles. */
  closeLent(): void {
    const { lent } = this
    if (lent !== undefined && lent.state._tag !== "Empty") Effect.runFork(Scope.close(lent, Exit.void))
  }
}

/** The result of decoding a payload with an effect: the handler comes next. */
export class Decoded {
  readonly exit: Exit.Exit<unknown, unknown>

  constructor(exit: Exit.Exit<unknown, unknown>) {
    this.exit = exit
  }

  /** Whether a result is one. */
  static is(value: unknown): value is Decoded {
    try {
      return value instanceof Decoded
    } catch {
      return false
    }
  }
}

/** The defect of a payload that does not fit its schema. It never leaves the server. */
export class Undecodable {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  /** Whether a defect is one. The defect may be any value, even a proxy that throws when it is inspected. */
  static is(defect: unknown): defect is Undecodable {
    try {
      return defect instanceof Undecodable
    } catch {
      return false
    }
  }
}
