/**
 * One actor and its calls, as the worker keeps them.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Rpc from "effect/rpc/Rpc"
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import { ActorExited } from "../ActorError.ts"
import type * as Behaviour from "./behaviour.ts"
import type * as Codec from "./codec.ts"
import * as Handles from "./handles.ts"
import * as Interruption from "./interruption.ts"
import { Mailbox } from "./mailbox.ts"
import { type Placed, Places } from "./places.ts"
import { ScopedFiber } from "./scopedFiber.ts"
import type { StreamWriter } from "./streamWriter.ts"
import * as Wire from "./wire.ts"

/** The actor in which a fiber runs. */
export const CurrentActor: Context.Reference<LocalActor | undefined> = Context.Reference<LocalActor | undefined>(
  "uactor/CurrentActor",
  { defaultValue: () => undefined }
)

const someone = "its caller"

/** Whom the failures of handles speak of that an actor got from those who call it. */
export const caller: Handles.Owner = {
  name: someone,
  address: someone,
  exited: (reason, outcome, message) => new ActorExited({ actor: someone, reason, outcome, message })
}

const nothing: ReadonlyArray<never> = []

/** Who serves the objects of actors to one holder. */
interface Host {
  /** begins what waits in an object */
  readonly hurry: (object: LocalActor) => void
  /** serves it no longer */
  readonly stop: (object: LocalActor) => void
}

/** Runs the calls of one link. */
interface Runner {
  /** where the interruptions of its calls are noted, and how many of them have suspended */
  readonly interrupts: Int32Array | undefined
  /** begins a call that has waited */
  readonly start: (call: ServerCall) => void
  /** a call is in the mailbox */
  readonly accept: (call: ServerCall) => void
  /** a call that has waited will never run */
  readonly dismiss: (call: ServerCall, failure: number) => void
}

/** One way on which an actor takes calls of another worker. */
export interface Admission extends Placed {
  readonly actor: LocalActor
  /** takes no more of them */
  readonly end: () => void
}

/**
 * One actor; or an object as it is served to one holder of its handle, which takes calls as an actor does and lives as long as
 * the actor that owns it at most.
 */
export class LocalActor {
  readonly id: number
  readonly behaviour: Behaviour.Behaviour
  readonly methods: ReadonlyArray<Codec.Method>
  readonly mailbox: Mailbox<ServerCall>
  /** the calls that have suspended */
  calls: Places<ServerCall> | undefined
  /** whether a method is known to answer out of line; learned from its first answer */
  forks: ReadonlyArray<boolean | undefined> = nothing
  handlers: ReadonlyArray<Behaviour.Handler> = nothing
  state: "Building" | "Running" | "Draining" | "Closing" = "Building"
  /** it is closed because it was killed, as callers are told whose links know nothing of that */
  killed: typeof Wire.killed | undefined
  building: Fiber.Fiber<unknown, unknown> | undefined
  draining = false
  /** the actor an object belongs to */
  readonly owner: LocalActor | undefined
  /** the objects that belong to it, each as it is served to one holder */
  objects: Places<LocalActor> | undefined
  /** on which ways it takes calls beside the link of the one who spawned it */
  admissions: Places<Admission> | undefined
  /** where it stands among those of its owner */
  place = -1
  /** who serves it, where it is an object of an actor */
  host: Host | undefined
  /** what it serves is elsewhere */
  isRelay = false
  /** its holder has let go */
  isReleased = false
  onIdle: (() => void) | undefined
  private readonly services: Context.Context<never>
  private ownScope: Scope.Closeable | undefined
  private ownContext: Context.Context<never> | undefined
  private ownClient: Rpc.ServerClient | undefined

  constructor(id: number, behaviour: Behaviour.Behaviour, services: Context.Context<never>, owner?: LocalActor) {
    this.id = id
    this.owner = owner
    this.behaviour = behaviour
    this.methods = behaviour.definition.methods
    this.mailbox = new Mailbox(behaviour.mailboxCapacity, behaviour.concurrency)
    this.services = services
  }

  // what follows is made when it is first asked for: most of many actors lie idle, and some need none of it

  get scope(): Scope.Closeable {
    return this.ownScope ??= Scope.makeUnsafe()
  }

  get context(): Context.Context<never> {
    return this.ownContext ??= this.services.pipe(
      Context.add(Scope.Scope, this.scope),
      Context.add(CurrentActor, this.id < 0 ? this.owner : this)
    )
  }

  get client(): Rpc.ServerClient {
    return this.ownClient ??= new Rpc.ServerClient(this.id)
  }

  /** whether no call runs or waits */
  get isIdle(): boolean {
    return this.mailbox.isIdle && (this.calls === undefined || this.calls.size === 0)
  }

  /** A call has suspended. */
  enter(call: ServerCall): void {
    const calls = this.calls ??= new Places()
    if (call.place !== -1) return
    calls.add(call)
    this.count(call, 1)
  }

  /** It has ended, or goes on from the beginning. */
  leave(call: ServerCall): void {
    if (call.place === -1) return
    this.calls!.delete(call)
    this.count(call, -1)
  }

  private count({ runner: { interrupts }, uninterruptible }: ServerCall, change: 1 | -1): void {
    if (interrupts !== undefined && !uninterruptible) Interruption.noteRunning(interrupts, change)
  }

  /** An object belongs to it from now on. */
  own(object: LocalActor, host: Host): void {
    object.host = host
    const objects = this.objects ??= new Places()
    objects.add(object)
  }

  /** It is known now whether a method answers out of line. */
  learn(index: number, forks: boolean): void {
    const known = Array.from(this.methods, (_, i) => this.forks[i])
    known[index] = forks
    this.forks = known
  }

  private forked: Places<ScopedFiber<unknown, unknown>> | undefined

  /** Runs an effect, with a scope of its own, until it ends or the actor does, which waits for it. */
  fork(effect: Effect.Effect<unknown, unknown>, context: Context.Context<never>): ScopedFiber<unknown, unknown> {
    const isClosed = this.scope.state._tag === "Closed"
    return new ScopedFiber(isClosed ? Effect.interrupt : effect, context, this.forked ??= this.keepForked())
  }

  // one finalizer for all of them
  private keepForked(): Places<ScopedFiber<unknown, unknown>> {
    const forked = new Places<ScopedFiber<unknown, unknown>>()
    const interruptAll = Effect.suspend(() =>
      Effect.forEach(forked.values(), (fiber) => fiber.interrupt, { concurrency: "unbounded", discard: true })
    )
    Effect.runSync(Scope.addFinalizer(this.scope, interruptAll))
    return forked
  }
}

/** A call that waits or that has suspended. */
export class ServerCall implements Placed {
  readonly runner: Runner
  readonly id: number
  /** where it stands among those of its actor that have suspended */
  place = -1
  readonly actor: LocalActor
  readonly index: number
  readonly wire: unknown
  readonly extras: Wire.Extras | undefined
  /** built ahead of its turn, to see whether it asks to run out of line */
  run: Prepared | undefined
  /** its payload, where that took an effect, or what is under way to it */
  decoded: Exit.Exit<unknown, unknown> | undefined
  decoding: Fiber.Fiber<unknown, unknown> | undefined
  /** what its payload lends to it; closed once it has been answered */
  readonly lent: Scope.Closeable | undefined
  /** the handles in its payload, once that is read */
  readonly taken: Array<object> | undefined
  fiber: Fiber.Fiber<unknown, unknown> | undefined
  writer: StreamWriter | undefined
  forked = false
  uninterruptible = false
  announced = false
  /** the caller has taken it back */
  interrupted = false
  /** how many calls had been taken back from here before, and in the turn in which it was: those it waits for */
  before = 0
  after: number | undefined

  constructor(
    runner: Runner,
    id: number,
    actor: LocalActor,
    index: number,
    wire: unknown,
    extras: Wire.Extras | undefined
  ) {
    this.runner = runner
    this.id = id
    this.actor = actor
    this.index = index
    this.wire = wire
    this.extras = extras
    const { handles } = this.method.payload
    this.lent = handles ? Scope.makeUnsafe() : undefined
    this.taken = handles ? [] : undefined
  }

  /** It will never run: lets go of what has come with it. */
  drop(): void {
    this.decoding?.interruptUnsafe()
    this.giveBack()
    this.taken?.forEach(Handles.letGo)
  }

  /** Lets go of what was lent to it. */
  giveBack(): void {
    const { lent } = this
    if (lent !== undefined && lent.state._tag !== "Empty") Effect.runFork(Scope.close(lent, Exit.void))
  }

  get method(): Codec.Method {
    return this.actor.methods[this.index]!
  }

  get discard(): boolean {
    return this.extras?.discard === true
  }

  get flags(): number {
    return (this.forked ? Wire.FlagForked : 0) | (this.uninterruptible ? Wire.FlagUninterruptible : 0)
  }
}

/** What a handler answered. */
export interface Prepared {
  readonly effect: Effect.Effect<unknown, unknown>
  readonly fork: boolean
  readonly uninterruptible: boolean
  /** whether the handler itself has said so */
  readonly isAnswer: boolean
}

/** A handler's effect as a part of the trace of its caller. */
export const traced = (
  actor: LocalActor,
  method: Codec.Method,
  [traceId, spanId, sampled]: NonNullable<Wire.Extras["trace"]>,
  effect: Effect.Effect<unknown, unknown>
): Effect.Effect<unknown, unknown> => {
  const parent = Tracer.externalSpan({ traceId, spanId, sampled })
  // who only passes a call on is no part of the trace
  return actor.isRelay
    ? Effect.withParentSpan(effect, parent)
    : Effect.withSpan(effect, `${actor.behaviour.definition.name}.${method.tag}`, {
      captureStackTrace: false,
      kind: "server",
      parent
    })
}

/** What a handler has not answered, or not yet. */
export const plain = { fork: false, uninterruptible: false, isAnswer: false }

/** The result of decoding a payload where that takes an effect: its handler comes next. */
export class Decoded {
  readonly exit: Exit.Exit<unknown, unknown>
  constructor(exit: Exit.Exit<unknown, unknown>) {
    this.exit = exit
  }
}

/** The defect of what could not be decoded; it never leaves the server. */
export class Undecodable {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }

  /** Whether a defect is one; it may be anything, also a proxy that throws when it is looked at. */
  static is(defect: unknown): defect is Undecodable {
    try {
      return defect instanceof Undecodable
    } catch {
      return false
    }
  }
}
