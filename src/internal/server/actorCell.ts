/**
 * One actor in its worker, with its suspended calls and its objects.
 */
import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Rpc from "effect/rpc/Rpc"
import * as Scope from "effect/Scope"
import { type Actor, type ActorHost, CurrentActor, type Self } from "../actor/currentActor.ts"
import type * as Definitions from "../actor/definition.ts"
import * as Interruption from "../actor/interruption.ts"
import type * as Methods from "../codec/methods.ts"
import { IntrusiveSet, type Slotted } from "../collections/intrusiveSet.ts"
import { ScopedFiber } from "../effect/scopedFiber.ts"
import * as Counts from "../metrics/counts.ts"
import { ActorDurations } from "../metrics/durations.ts"
import type * as Frames from "../wire/frames.ts"
import { Mailbox } from "./mailbox.ts"

const nothing: ReadonlyArray<never> = []

/** Serves objects of actors to one holder. */
interface ObjectHost {
  /** starts the calls of an object that wait for the event loop */
  readonly drainQueued: (object: ActorCell) => void
  /** closes an object */
  readonly stop: (object: ActorCell) => void
}

type EndedBy = typeof Frames.killed | typeof Frames.crashed | typeof Frames.restarted | undefined

/** The life of an actor, or of an object, in its worker. */
export type CellState =
  | Building
  /** takes calls */
  | { readonly _tag: "Running" }
  /** takes no more calls, finishes the accepted calls, and then closes with `exit` */
  | { readonly _tag: "Draining"; readonly exit: Exit.Exit<void, unknown> }
  /** has crashed by itself, and begins to close at the end of the turn */
  | { readonly _tag: "Crashed"; endedBy: EndedBy }
  | Closing
  /** no call is left, and the scope closes or has closed */
  | { readonly _tag: "Closed" }

/** The behaviour is being built. */
export interface Building {
  readonly _tag: "Building"
  fiber: Fiber.Fiber<unknown, unknown> | undefined
  /** the actor has crashed by itself */
  crash: Cause.Cause<unknown> | undefined
}

/** Takes no more calls, and has interrupted the running calls. Closes its scope with `exit` when they and the objects have ended. */
export interface Closing {
  readonly _tag: "Closing"
  readonly exit: Exit.Exit<void, unknown>
  /** the build, if the actor is closed before its end */
  building: Fiber.Fiber<unknown, unknown> | undefined
  /** set if the close is a kill, a crash or a restart, so that callers on other connections get that reason instead of `Stopped` */
  endedBy: EndedBy
}

/** The state of an actor that takes calls: one shared object, which a call compares. */
export const running: CellState = { _tag: "Running" }

/** The server of an actor, as the actor sees it. */
export interface CellServer {
  /** calls or objects of an actor that takes no more calls have ended */
  readonly advanceClose: (actor: ActorCell) => void
  /** the host of the worker; a server without actors has none */
  readonly host: ActorHost | undefined
  /** the placement of the worker */
  readonly placement: string | undefined
  /** ends an actor as crashed */
  readonly crash: (actor: ActorCell, cause: Cause.Cause<unknown>) => void
}

/** A call, as its actor sees it. */
export interface CellCall extends Slotted {
  /** the handler's fiber, if it has suspended */
  readonly fiber: Fiber.Fiber<unknown, unknown> | undefined
  readonly uninterruptible: boolean
  /** the shared memory of the caller's connection, which counts the suspended calls */
  readonly interrupts: Int32Array | undefined
  /** starts the call, which has waited */
  readonly start: () => void
  /** reports that the call is in the mailbox */
  readonly accept: () => void
  /** fails the call, which never runs */
  readonly reject: (failure: Frames.FailureCode) => void
}

/** An actor, or an object, that takes calls on a further connection: from another worker. */
export interface ProvidedCell extends Slotted {
  readonly actor: ActorCell
  /** ends the calls on that connection */
  readonly end: () => void
}

/**
 * One actor; or an object as one holder of its handle calls it. An object takes calls as an actor does, and closes with the actor that
 * owns it at the latest.
 */
export class ActorCell implements Actor {
  readonly id: number
  /** the number in the id of the actor; 0 for an object */
  number = 0
  /** the layer of the behaviour has a tracer */
  isTraced = false
  /** which spans the system makes */
  tracing: Methods.Tracing = "full"
  /** the durations of its calls, once one has been measured */
  durations: ActorDurations | undefined
  readonly behaviour: Definitions.Behaviour
  readonly methods: ReadonlyArray<Methods.Method>
  readonly mailbox: Mailbox<CellCall>
  /** the suspended calls */
  calls: IntrusiveSet<CellCall> | undefined
  /** whether each method runs concurrently (`Rpc.fork`); `undefined` before its first call */
  forks: ReadonlyArray<boolean | undefined> = nothing
  handlers: ReadonlyArray<Definitions.Handler> = nothing
  state: CellState = running
  /** the dispatcher is starting the waiting calls */
  isAdvancing = false
  /** the actor that owns this object */
  readonly owner: ActorCell | undefined
  /** the objects of this actor, one for each holder */
  objects: IntrusiveSet<ActorCell> | undefined
  /** this actor on other connections than that of its spawner */
  provided: IntrusiveSet<ProvidedCell> | undefined
  /** the index among the objects of the owner */
  slot = -1
  /** serves this object, if it belongs to an actor */
  host: ObjectHost | undefined
  /** the object forwards its calls */
  isRelay = false
  /** the object that is served, or to which a relay forwards the calls, for observers */
  served: object | undefined
  /** of a relay: the call whose payload is being decoded or encoded; the calls that follow wait (C2) */
  forwarding: CellCall | undefined
  /** the holder has released this object */
  isReleased = false
  private readonly server: CellServer
  private readonly services: Context.Context<never>
  private ownSelf: Deferred.Deferred<Self> | undefined
  private ownScope: Scope.Closeable | undefined
  private ownContext: Context.Context<never> | undefined
  private ownClient: Rpc.ServerClient | undefined

  constructor(
    server: CellServer,
    id: number,
    behaviour: Definitions.Behaviour,
    services: Context.Context<never>,
    owner?: ActorCell
  ) {
    this.server = server
    this.id = id
    this.owner = owner
    this.behaviour = behaviour
    this.methods = behaviour.definition.methods
    this.mailbox = new Mailbox(behaviour.mailboxCapacity, behaviour.concurrency)
    this.services = services
  }

  // the following are made on first use: most actors of many are idle

  get scope(): Scope.Closeable {
    return this.ownScope ??= Scope.makeUnsafe()
  }

  get context(): Context.Context<never> {
    return this.ownContext ??= this.services.pipe(
      Context.add(Scope.Scope, this.scope),
      Context.add(CurrentActor, this.id < 0 ? this.owner : this)
    )
  }

  get name(): string {
    return this.behaviour.definition.name
  }

  get isNear(): boolean {
    return this.server.placement === "memory"
  }

  /** where the durations of its calls are counted */
  get timed(): ActorDurations {
    return this.durations ??= new ActorDurations(Counts.kindOf(this.name, this.methods, true), this.server.placement)
  }

  get client(): Rpc.ServerClient {
    return this.ownClient ??= new Rpc.ServerClient(this.id)
  }

  get definition(): Definitions.Definition {
    return this.behaviour.definition
  }

  // ---- the actor as it sees itself ----

  /** The actor's own reference, address and incarnation, which the host is asked for once. */
  get self(): Effect.Effect<Self> {
    return Effect.suspend(() => {
      if (this.ownSelf === undefined) {
        const self = this.ownSelf = Deferred.makeUnsafe<Self>()
        // in a fiber of its own: the first fiber that asks may be interrupted
        Effect.runForkWith(this.context)(this.server.host!.self(this))
          .addObserver((exit) => Deferred.doneUnsafe(self, exit))
      }
      return Deferred.await(this.ownSelf)
    })
  }

  get stop(): Effect.Effect<void> {
    return this.server.host!.stop(this)
  }

  named(definition: Definitions.Definition, name: string): Effect.Effect<object> {
    return this.server.host!.named(this, definition, name)
  }

  crash(cause: Cause.Cause<unknown>): void {
    this.server.crash(this, cause)
  }

  /** Whether the actor has begun to close. */
  get isClosing(): boolean {
    const { _tag } = this.state
    return _tag === "Crashed" || _tag === "Closing" || _tag === "Closed"
  }

  /** why the actor closes, if not because it was stopped */
  get endedBy(): EndedBy {
    const { state } = this
    return state._tag === "Crashed" || state._tag === "Closing" ? state.endedBy : undefined
  }

  /** Called when calls or objects have ended. */
  checkIdle(): void {
    if (this.state !== running) this.server.advanceClose(this)
  }

  /** Whether no call runs or waits. */
  get isIdle(): boolean {
    return this.mailbox.isIdle && (this.calls === undefined || this.calls.size === 0)
  }

  /** Adds a suspended call. */
  add(call: CellCall): void {
    const calls = this.calls ??= new IntrusiveSet()
    if (call.slot !== -1) return
    calls.add(call)
    this.count(call, 1)
  }

  /** Removes a call that has ended, or whose handler starts after the payload was decoded. */
  remove(call: CellCall): void {
    if (call.slot === -1) return
    this.calls!.delete(call)
    this.count(call, -1)
  }

  private count({ interrupts, uninterruptible }: CellCall, change: 1 | -1): void {
    if (interrupts !== undefined && !uninterruptible) Interruption.changeSuspended(interrupts, change)
  }

  /** Adds an object of this actor. */
  addObject(object: ActorCell, host: ObjectHost): void {
    object.host = host
    const objects = this.objects ??= new IntrusiveSet()
    objects.add(object)
  }

  /** Records whether a handler has returned `Rpc.fork`. After a call without it, the calls of a method always wait in the mailbox. */
  recordFork(index: number, fork: boolean): void {
    const known = this.forks[index]
    if (known === fork || known === false) return
    const forks = Array.from(this.methods, (_, i) => this.forks[i])
    forks[index] = fork
    this.forks = forks
  }

  private forked: IntrusiveSet<ScopedFiber<unknown, unknown>> | undefined

  /** Runs an effect in a scope of its own. The close of the actor interrupts the effect, and waits for its end. */
  fork(effect: Effect.Effect<unknown, unknown>, context: Context.Context<never>): ScopedFiber<unknown, unknown> {
    const isClosed = this.scope.state._tag === "Closed"
    return new ScopedFiber(isClosed ? Effect.interrupt : effect, context, this.forked ??= this.keepForked())
  }

  // one finalizer for all forked effects
  private keepForked(): IntrusiveSet<ScopedFiber<unknown, unknown>> {
    const forked = new IntrusiveSet<ScopedFiber<unknown, unknown>>()
    const interruptAll = Effect.suspend(() =>
      Effect.forEach(forked.values(), (fiber) => fiber.interrupt, { concurrency: "unbounded", discard: true })
    )
    Effect.runSync(Scope.addFinalizer(this.scope, interruptAll))
    return forked
  }
}
