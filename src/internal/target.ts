/**
 * One actor as its caller sees it: where it lives now, how much room its mailbox
 * has, the calls that wait for room, and how it ended. It outlives the actor's
 * incarnations: a restart binds it to another connection, and what is known never
 * to have run goes there in its old order (F3).
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import {
  type ActorError,
  ActorExited,
  type HandleReleased,
  MailboxFull,
  type Outcome,
  ProtocolError
} from "../ActorError.ts"
import * as Codec from "./codec.ts"
import * as Handles from "./handles.ts"
import { Line } from "./line.ts"
import type { LinkEnd } from "./link.ts"
import { CurrentActor } from "./localActor.ts"
import type { Outbox } from "./outbox.ts"
import type { Plan } from "./supervision.ts"
import type * as Wire from "./wire.ts"

// these errors are made when an answer arrives: the frames there are ours, and those of the caller are added by its fiber
const withoutFrames = <A>(make: () => A): A => {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 0
  try {
    return make()
  } finally {
    Error.stackTraceLimit = limit
  }
}

/** What a target needs of the connection it is bound to. */
export interface Connection {
  readonly outbox: Outbox
  readonly ends: Handles.Ends
  /** gives a call its id and pushes its frame; `false` if it settled at once */
  readonly send: (pending: Pending) => boolean
  /** takes back a call that has been sent; completes with its acknowledgement */
  readonly interrupt: (pending: Pending) => Effect.Effect<void>
  /** the handle of an object is let go of: takes back those of its calls whose answers would have to go back */
  readonly recall: (target: Target, why: () => HandleReleased) => void
}

/** One life of an actor. */
export interface Incarnation {
  /** 1 for the first */
  readonly number: number
  readonly address: string
  /** how the one before ended */
  readonly previous: ActorExited | undefined
}

/** Says where the actor of a name and a number is. */
export type Locate = (name: string, id: number) => string

/** What the callers' side knows of all actors of one kind on a connection. */
export interface Kind {
  readonly wireMethods: ReadonlyArray<number>
  readonly capacity: number
  readonly concurrency: number
  readonly suspends: boolean
  /** nothing is to be built */
  readonly ready: boolean
  readonly supervision: Plan | undefined
}

const unknownKind: Kind = {
  wireMethods: [],
  capacity: Infinity,
  concurrency: 1,
  suspends: true,
  ready: false,
  supervision: undefined
}

const objectKinds = new WeakMap<ReadonlyArray<Codec.Method>, Kind>()

/** The kind of actor that a worker describes, to callers with these methods. */
export const kindOf = (methods: ReadonlyArray<Codec.Method>, info: Wire.MailboxInfo): Kind => ({
  wireMethods: methods.map((method) => info.methods.indexOf(method.signature)),
  capacity: info.capacity < 0 ? Infinity : info.capacity,
  concurrency: info.concurrency < 0 ? Infinity : info.concurrency,
  suspends: info.suspends,
  ready: info.ready,
  supervision: info.supervision
})

/** An actor, to its callers. */
export class Target {
  readonly name: string
  readonly methods: ReadonlyArray<Codec.Method>
  connection: Connection
  /** its number on the connection */
  id: number
  private place: string | Locate
  private life = 1
  private previous: ActorExited | undefined
  /** what the actors of its kind have in common */
  kind: Kind = unknownKind
  /** sent, and not known to have left the mailbox */
  queued = 0
  /** known to be running and to take a place of `concurrency` */
  running = 0
  /** known to run out of line, where it takes none */
  forked = 0
  /** the calls that found the mailbox full or the actor restarting, in order */
  readonly waiting = new Line<Pending>()
  /** between two incarnations: calls wait */
  restarting = false
  /** being closed: no call is made any more */
  closing = false
  /** how the actor ended, for good */
  exit: Exit.Exit<void, ActorExited> | undefined
  private whyReleased: (() => HandleReleased) | undefined
  /** told once of the answer to `Spawn`; a status below 0: there will be none */
  build: { readonly answered: (status: number, value: unknown) => void } | undefined
  /** told once of the answer to `Close`, or of the end of the link */
  onClosed: ((cause: Wire.EncodedCause | undefined) => void) | undefined
  /** told of the answer to `Vote` */
  onVoted: ((vote: boolean | Wire.EncodedCause) => void) | undefined
  /** asked when the worker has ended: whether there will be another incarnation */
  willRestart: ((end: LinkEnd) => boolean) | undefined
  /** told when the way is cut on which its calls go and no other's; they are to go another one then */
  onCut: (() => void) | undefined
  /** whether calls that it has not run, and never will, may go elsewhere, if they were meant for any of several */
  hasHeir: (() => boolean) | undefined
  /** told of its end before the watchers */
  keeper: Pick<Watcher, "onExit"> | undefined
  private watchers: Set<Watcher> | undefined

  constructor(
    connection: Connection,
    id: number,
    name: string,
    place: string | Locate,
    methods: ReadonlyArray<Codec.Method>
  ) {
    this.connection = connection
    this.id = id
    this.name = name
    this.place = place
    this.methods = methods
  }

  get address(): string {
    return typeof this.place === "string" ? this.place : this.place(this.name, this.id)
  }

  get incarnation(): Incarnation {
    return { number: this.life, address: this.address, previous: this.previous }
  }

  /** in the order of `methods`, what each is called on the wire; -1 where the actor does not serve it */
  get wireMethods(): ReadonlyArray<number> {
    return this.kind.wireMethods
  }

  get capacity(): number {
    return this.kind.capacity
  }

  get concurrency(): number {
    return this.kind.concurrency
  }

  get suspends(): boolean {
    return this.kind.suspends
  }

  /** the behaviour's own restart policy */
  get supervision(): Plan | undefined {
    return this.kind.supervision
  }

  /** how many calls are under way or wait to be sent */
  get load(): number {
    return this.queued + this.running + this.forked + this.waiting.size
  }

  /** Whether a call that has failed with this is to go elsewhere: never back to where it has been. */
  passesOn(error: unknown): boolean {
    return error instanceof ActorExited && error.actor === this.name && error.outcome === "NotRun" && this.closing &&
      this.hasHeir?.() === true
  }

  /** Whether calls can be sent to it now. */
  get isAvailable(): boolean {
    return !this.closing && !this.restarting
  }

  /** Its worker is gone and another incarnation follows; `carried` goes to it before anything that waits already. */
  interrupted(carried: ReadonlyArray<Pending>): void {
    this.restarting = true
    this.waiting.prepend(carried)
  }

  /** Is bound to the connection of its next incarnation. */
  rebind(connection: Connection, id: number, place: string | Locate): void {
    this.connection = connection
    this.id = id
    this.place = place
  }

  /** The next incarnation has been built. */
  reopened(previous: ActorExited): void {
    this.restarting = false
    this.life++
    this.previous = previous
    const { incarnation } = this
    if (this.watchers !== undefined) { for (const watcher of this.watchers) watcher.onIncarnation?.(incarnation) }
    this.advance()
  }

  exited(reason: ActorExited["reason"], outcome: Outcome, message: string): ActorExited {
    return withoutFrames(() => new ActorExited({ actor: this.name, reason, outcome, message }))
  }

  /** Why no call can be made, if none can. */
  refusal(): ActorExited | HandleReleased | undefined {
    if (!this.closing) return undefined
    if (this.whyReleased !== undefined) return this.whyReleased()
    const { message, reason } = this.ended ?? { message: `${this.address} has been stopped`, reason: "Stopped" }
    return this.exited(reason, "NotRun", message)
  }

  /** why it has ended, if it was not stopped */
  get ended(): Pick<ActorExited, "message" | "reason"> | undefined {
    return this.exit === undefined || Exit.isSuccess(this.exit)
      ? undefined
      : Cause.squash(this.exit.cause) as ActorExited
  }

  /** Takes no more calls; those that were never sent settle now. */
  refuse(): void {
    this.closing = true
    if (this.waiting.size === 0) return
    const refusal = this.refusal()!
    for (const pending of this.waiting.drain()) {
      pending.refused(refusal)
    }
  }

  /** The object behind a handle: it takes any number of calls at once. */
  attached(): void {
    let kind = objectKinds.get(this.methods)
    if (kind === undefined) {
      kind = { ...unknownKind, wireMethods: this.methods.map((_, index) => index), concurrency: Infinity }
      objectKinds.set(this.methods, kind)
    }
    this.kind = kind
  }

  /** it is an object behind a handle, which has been let go; the error is only made when it is asked for */
  get released(): HandleReleased | undefined {
    return this.whyReleased?.()
  }

  /** Its handle has been let go. */
  release(why: () => HandleReleased): void {
    this.whyReleased = why
    this.refuse()
  }

  /** The actor is gone for good: tells the watchers. */
  end(exit: Exit.Exit<void, ActorExited>): void {
    if (this.exit !== undefined) return
    this.exit = exit
    this.refuse()
    const { watchers } = this
    this.watchers = undefined
    this.keeper?.onExit(exit)
    if (watchers !== undefined) { for (const watcher of Array.from(watchers)) watcher.onExit(exit) }
  }

  /** Is told of the actor's end, at once if it has ended; returns how to stop watching. */
  watch(watcher: Watcher): () => void {
    if (this.exit !== undefined) {
      watcher.onExit(this.exit)
      return () => undefined
    }
    if (this.watchers === undefined) this.watchers = new Set([watcher])
    else this.watchers.add(watcher)
    return () => {
      this.watchers?.delete(watcher)
    }
  }

  hasRoom(): boolean {
    return !this.restarting &&
      (!this.suspends || this.queued < this.capacity + Math.max(0, this.concurrency - this.running))
  }

  /** Sends calls that waited for room, as far as there is room. */
  advance(): void {
    while (this.waiting.size > 0 && this.hasRoom()) this.connection.send(this.waiting.take()!)
  }
}

/** Who watches an actor. */
export interface Watcher {
  readonly onExit: (exit: Exit.Exit<void, ActorExited>) => void
  readonly onIncarnation?: (incarnation: Incarnation) => void
}

/** A call that has not settled; as an effect it takes the call back, and there are so many that it is no object of its own. */
export abstract class Pending extends Effectable.Class<void> {
  /** -1 until it has been sent */
  id = -1
  /** in which order it was sent on its connection */
  sequence = 0
  started = false
  /** it may have run in an earlier incarnation, and runs again because its method is idempotent */
  mayHaveRun = false
  forked = false
  uninterruptible = false
  onAcknowledged: (() => void) | undefined
  /** makes it again, where it may go to any of several */
  again: (() => Effect.Effect<unknown, unknown>) | undefined
  /** which of those it is that have been taken back */
  takenBack = 0
  /** that of its caller, where it carries handles */
  context: Context.Context<never> = Context.empty()
  timer: ReturnType<typeof setTimeout> | undefined
  readonly target: Target
  /** the one on which it was sent, which may not be that of the actor any more */
  connection: Connection
  readonly index: number
  /** encoded, unless it may contain handles: those are handed out when it is sent */
  readonly payload: unknown
  readonly extras: Wire.Extras | undefined
  readonly transfer: ReadonlyArray<unknown> | undefined

  constructor(
    target: Target,
    index: number,
    payload: unknown,
    extras: Wire.Extras | undefined,
    transfer: ReadonlyArray<unknown> | undefined
  ) {
    super()
    this.target = target
    this.connection = target.connection
    this.index = index
    this.payload = payload
    this.extras = extras
    this.transfer = transfer
  }

  /** Takes it out of the line if it was never sent, else back by an interrupt whose acknowledgement is waited for (C3). */
  asEffect(): Effect.Effect<void> {
    if (this.id !== -1) return this.connection.interrupt(this)
    this.target.waiting.remove(this)
    return Effect.void
  }

  /** Can be sent again to another incarnation, as if it had never been sent. */
  get isCarriable(): boolean {
    return this.transfer === undefined
  }

  /** Forgets the incarnation it was sent to, but for what it may have done there. */
  reset(outcome: Outcome): void {
    this.id = -1
    if (outcome === "Unknown") this.mayHaveRun = true
    this.started = this.forked = this.uninterruptible = false
  }

  get owner(): Target {
    return this.target
  }

  /** the actor that makes it, which is to own what the payload hands out */
  get sender(): object | undefined {
    return Context.get(this.context, CurrentActor)
  }

  // a handle lives as long as the scope that receives it, if there is one, else as long as its actor (H5)
  get importer(): Handles.Importing {
    const { connection: { ends }, context, sender: receiver, target: owner } = this
    return { ends, owner, receiver, context, scope: Context.getOrUndefined(context, Scope.Scope) }
  }

  /** Its answer came too late: lets go of the handles in it. */
  discard(value: unknown): void {
    if (this.method.success.handles) Handles.releaseAll(this.connection.ends, value)
  }

  /** The same, and what the call took goes back; calls back when it has. */
  undo(value: unknown, done: () => void): void {
    this.discard(value)
    done()
  }

  get method(): Codec.Method {
    return this.target.methods[this.index]!
  }

  /** the value of `Settled` */
  abstract succeed(value: unknown): void
  /** that of `Known` */
  known(status: number, value: unknown): void {
    this.succeed(Handles.known(status, value))
  }
  /** a failure, as an effect that fails with it */
  abstract fail(failure: Effect.Effect<never, unknown>): void

  lose(error: ActorError | HandleReleased): void {
    this.fail(this.failing(error))
  }

  /** A failure, if it is not made again elsewhere. */
  failing(error: ActorError | HandleReleased): Effect.Effect<never, unknown> {
    const { again } = this
    return again !== undefined && this.isCarriable && this.target.passesOn(error)
      ? Effect.suspend(again) as Effect.Effect<never, unknown>
      : Effect.fail(error)
  }

  /** `NotRun` is said of a call only if no incarnation can have begun it. */
  outcomeOf(outcome: Outcome): Outcome {
    return this.mayHaveRun ? "Unknown" : outcome
  }

  accepted(): void {}

  chunk(_values: ReadonlyArray<unknown>): void {}

  /** Which call it was, what became of it, and why. */
  private report(outcome: Outcome, retry: string, why: string): string {
    const became = outcome === "NotRun" ? `has not run${retry}` : "may have run"
    return `${this.target.address}.${this.method.tag} ${became}: ${why}`
  }

  /** The actor has ended, or ended under the call. */
  exited(reason: ActorExited["reason"], known: Outcome, why: string): ActorExited {
    const { method, target } = this
    const outcome = this.outcomeOf(known)
    const message = this.report(outcome, ", and is safe to retry", why)
    return withoutFrames(() => new ActorExited({ actor: target.name, method: method.tag, reason, outcome, message }))
  }

  /** The actor has been closed under the call, because it was stopped or killed. */
  stopped(known: Outcome, when: string, isKilled = false): ActorExited {
    const { address, ended } = this.target
    const { message, reason } = ended ??
      (isKilled
        ? { message: `${address} was killed`, reason: "Killed" }
        : { message: `${address} was stopped`, reason: "Stopped" })
    return this.exited(reason, known, `${message} ${when}`)
  }

  /** The call cannot be made any more. */
  refused(refusal: ActorExited | HandleReleased): void {
    this.lose("reason" in refusal ? this.exited(refusal.reason, "NotRun", refusal.message) : refusal)
  }

  protocolError(known: Outcome, why: string): ProtocolError {
    const { method, target } = this
    const outcome = this.outcomeOf(known)
    const message = this.report(outcome, "", why)
    return withoutFrames(() => new ProtocolError({ actor: target.name, method: method.tag, outcome, message }))
  }

  mailboxFull(capacity: number): MailboxFull {
    const { method, target } = this
    const outcome = this.outcomeOf("NotRun")
    const message = this.report(outcome, ", and is safe to retry", `the mailbox is full (${capacity} calls)`)
    return withoutFrames(() => new MailboxFull({ actor: target.name, method: method.tag, capacity, outcome, message }))
  }

  /** What it came to where it was passed on: it may have run before. */
  relayed(error: ActorError | HandleReleased): ActorError | HandleReleased {
    if (!this.mayHaveRun) return error
    switch (error._tag) {
      case "ActorExited":
        return this.exited(error.reason, error.outcome, error.message)
      case "MailboxFull":
        return this.mailboxFull(error.capacity)
      case "ProtocolError":
        return this.protocolError(error.outcome, error.message)
      default:
        return error
    }
  }

  decodeWith(codec: Codec.Codec, value: unknown, what: string): Effect.Effect<unknown, unknown> {
    const decoded = codec.handles ? Handles.decode(this.importer, codec, value) : codec.decode(value)
    return Codec.isSuccess(decoded)
      ? decoded
      : Effect.catchCause(
        decoded,
        (cause) =>
          Effect.fail(this.protocolError("Unknown", `${what} does not fit its schema: ${Codec.issueText(cause)}`))
      )
  }
}
