/**
 * Where actors live, from the caller's side: starts workers on a placement,
 * spawns actors in them, and sees to it that nothing is left of either when a
 * scope closes (L1–L4). Threads, processes and memory differ only in their
 * {@link Placement}.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import * as Transferable from "effect/workers/Transferable"
import { type ActorExited, SpawnError } from "../ActorError.ts"
import type { Definition } from "./behaviour.ts"
import type { Client } from "./client.ts"
import * as Codec from "./codec.ts"
import { Deadlines } from "./deadlines.ts"
import * as Finalizers from "./finalizers.ts"
import * as Handles from "./handles.ts"
import type { Link, LinkEnd } from "./link.ts"
import { CurrentActor } from "./localActor.ts"
import { Peer } from "./peer.ts"
import type { Referent } from "./ref.ts"
import { Budget, Current, type Plan, plan, type Policy } from "./supervision.ts"
import type { Incarnation, Locate, Target } from "./target.ts"
import * as Wire from "./wire.ts"

/** What a worker tells its host. */
interface WorkerEvents {
  readonly onBatch: (batch: Wire.Batch) => void
  /** whether it still owes an answer */
  readonly isAwaited: () => boolean
  /** once, when nothing is left of it */
  readonly onEnd: (end: LinkEnd) => void
}

/** A running worker, to its host. */
interface WorkerHandle {
  readonly link: Link
  /** It has answered `Ended`: let it go. `onEnd` follows. */
  readonly release: () => void
  /** Ends it now, whatever it does. `onEnd` follows, with this end. */
  readonly kill: (end: LinkEnd) => void
}

/** A way to start workers. */
export interface Placement {
  readonly kind: "memory" | "thread" | "process"
  readonly start: (events: WorkerEvents) => WorkerHandle
}

/** The options of a system, checked; times in milliseconds. */
export interface SystemOptions {
  readonly workers: "dedicated" | number
  readonly spawnTimeout: number
  readonly shutdownTimeout: number
  readonly interruptTimeout: number
  /** how often a worker is asked whether it is there; `Infinity`: never */
  readonly heartbeat: number
}

let workerCount = 0

/** One worker and the connection to it. */
class Worker {
  readonly name: string
  readonly peer: Peer
  readonly handle: WorkerHandle
  ending = false
  ended = false
  bootFailure: string | undefined
  /** set where we end the worker ourselves, which is no crash to report */
  isKilled = false
  private readonly listeners = new Set<() => void>()
  private heartbeat: ReturnType<typeof setTimeout> | undefined
  private awaitsPong = false

  readonly locate: Locate = (name, id) => `${name}#${id}@${this.name}`

  constructor(
    placement: Placement,
    options: SystemOptions,
    onEnd: (worker: Worker, end: LinkEnd) => void,
    onUnresponsive: (target: Target) => void,
    tracer: Tracer.Tracer
  ) {
    this.name = `${placement.kind}-${++workerCount}`
    this.handle = placement.start({
      onBatch: (batch) => this.peer.onBatch(batch),
      isAwaited: () => this.peer.isAwaiting,
      onEnd: (end) => {
        if (this.ended) return
        this.ended = this.ending = true
        clearTimeout(this.heartbeat)
        const full = this.client.describe(this.bootFailure === undefined ? end : { ...end, message: this.bootFailure })
        onEnd(this, full)
        this.peer.end(full)
        for (const listener of this.listeners) listener()
        this.listeners.clear()
      }
    })
    this.peer = Peer.host(this.handle.link, Context.make(Tracer.Tracer, tracer), {
      onReady: () => {
        if (options.heartbeat !== Infinity) this.beatIn(options.heartbeat)
      },
      onPong: () => {
        this.awaitsPong = false
      },
      onBootFailed: (message) => {
        this.bootFailure = message
        this.kill({ reason: "Crashed", message })
      },
      onEnded: () => this.handle.release(),
      onBroken: (message) => this.handle.kill({ reason: "Disconnected", message }),
      onUnresponsive
    }, options.interruptTimeout)
  }

  get client(): Client {
    return this.peer.client
  }

  /** how many actors live in it */
  get actors(): number {
    return this.client.targets.size
  }

  /** Ends it now, whatever it does. */
  kill(end: LinkEnd): void {
    this.isKilled = this.ending = true
    this.handle.kill(end)
  }

  private beatIn(every: number): void {
    this.heartbeat = setTimeout(() => this.beat(every), every)
  }

  // each beat has its whole time from when it was sent, also where this side is blocked itself for longer than that
  private beat(every: number): void {
    this.awaitsPong = true
    this.client.outbox.push1(Wire.Ping)
    this.heartbeat = setTimeout(() => {
      // an answer that has come meanwhile is read before the turn of the event loop ends
      setImmediate(() => {
        if (this.ended) return
        if (!this.awaitsPong) return this.beat(every)
        this.handle.kill({ reason: "Unresponsive", message: `${this.name} did not answer within ${every} ms` })
      })
    }, every)
  }

  /** Calls back once, when nothing is left of the worker; returns how to stop listening. */
  whenEnded(listener: () => void): () => void {
    if (this.ended) {
      listener()
      return () => undefined
    }
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }
}

// actors and their incarnations, for a log line
const namesOf = (targets: ReadonlyArray<Target>): string => {
  const shown = targets.slice(0, 10).map(({ address, incarnation, restarting }) =>
    `${address} (incarnation ${incarnation.number + (restarting ? 1 : 0)})`
  )
  if (targets.length > shown.length) shown.push(`and ${targets.length - shown.length} more`)
  return shown.join(", ")
}

/** An actor, the worker it lives in, and its closing. */
export class HostedActor implements Referent {
  readonly system: System
  readonly target: Target
  readonly definition: Definition
  readonly args: unknown
  /** the one it lives in now */
  worker: Worker
  /** what is left of its restarts, if it is supervised */
  budget: Budget | undefined
  /** the restart under way */
  restart: Fiber.Fiber<unknown, unknown> | undefined
  isKilled = false
  /** the scope that is to close it */
  scope: Scope.Scope | undefined
  /** completes when nothing is left of the actor; made when the closing begins */
  gone: Deferred.Deferred<void> | undefined
  /** closes without drain, once the closing has begun */
  hurry: (() => void) | undefined

  constructor(system: System, worker: Worker, target: Target, definition: Definition, args: unknown) {
    this.system = system
    this.worker = worker
    this.target = target
    this.definition = definition
    this.args = args
  }

  get address(): string {
    return this.target.address
  }

  get awaitExit(): Effect.Effect<Exit.Exit<void, ActorExited>> {
    return Effect.callback((resume) => {
      const stop = this.target.watch({ onExit: (exit) => resume(Effect.succeed(exit)) })
      return Effect.sync(stop)
    })
  }

  get incarnations(): Stream.Stream<Incarnation> {
    return Stream.callback((queue) =>
      Effect.acquireRelease(
        Effect.sync(() => {
          Queue.offerUnsafe(queue, this.target.incarnation)
          return this.target.watch({
            onIncarnation: (incarnation) => Queue.offerUnsafe(queue, incarnation),
            onExit: () => Queue.endUnsafe(queue)
          })
        }),
        (stop) => Effect.sync(stop)
      )
    )
  }

  /** One that ends before its scope leaves nothing in it. */
  onExit(): void {
    if (this.leave()) this.system.hurry(this, Exit.void)
  }

  /** Its scope is not to close it any more; `false` if it is closing it already. */
  leave(): boolean {
    const { scope } = this
    if (scope === undefined) return false
    this.scope = undefined
    Finalizers.remove(scope, this)
    return true
  }

  stop(drain: boolean | number): Effect.Effect<void> {
    return this.system.close(this, { exit: Exit.void, drain })
  }

  get kill(): Effect.Effect<void> {
    return this.system.kill(this)
  }
}

/** How an actor is to be closed. */
interface CloseOptions {
  readonly exit: Exit.Exit<unknown, unknown>
  /** finish what was accepted first; a number bounds that, in milliseconds */
  readonly drain: boolean | number
}

/** Starts workers and actors, and ends them. */
export class System {
  readonly options: SystemOptions
  readonly placement: Placement
  private readonly context: Context.Context<never>
  private readonly workers = new Set<Worker>()
  private readonly restarting = new Set<HostedActor>()
  private readonly deadlines: Deadlines<HostedActor>
  private closed = false

  constructor(placement: Placement, options: SystemOptions, context: Context.Context<never>) {
    this.placement = placement
    this.options = options
    this.context = context
    this.deadlines = new Deadlines(options.spawnTimeout)
  }

  get isDedicated(): boolean {
    return this.options.workers === "dedicated"
  }

  /**
   * Starts an actor that lives until the scope closes (L1, L2). It is supervised by the policy of the fiber, else by that of its
   * behaviour, else by `policy`.
   */
  spawn(definition: Definition, args: unknown, policy?: Policy): Effect.Effect<HostedActor, unknown, Scope.Scope> {
    return Effect.callback<HostedActor, unknown, Scope.Scope>((resume) => {
      const { context } = Fiber.getCurrent()!
      const current = Context.get(context, Current)
      // handles are handed out to the worker itself
      const encoded = definition.args.handles ? undefined : definition.args.encode(args)
      if (current === undefined && policy === undefined && encoded !== undefined && Codec.isSuccess(encoded)) {
        return this.spawnAtOnce(definition, args, encoded.value, Context.getUnsafe(context, Scope.Scope), resume)
      }
      resume(this.spawnSlowly(definition, args, encoded, current, policy))
      return undefined
    })
  }

  // everything from the entry in the scope to the wait for the answer is one step, which nothing can interrupt half-way
  private spawnAtOnce(
    definition: Definition,
    args: unknown,
    wire: unknown,
    scope: Scope.Scope,
    resume: (effect: Effect.Effect<HostedActor, unknown>) => void
  ): Effect.Effect<void> | undefined {
    const actor = this.enter(definition, args, scope)
    if (!(actor instanceof HostedActor)) {
      resume(Effect.fail(actor))
      return undefined
    }
    const concluded = (exit: Exit.Exit<unknown, unknown>): Effect.Effect<HostedActor, unknown> => {
      if (Exit.isFailure(exit)) return Effect.flatMap(this.abandon(actor, exit), () => Effect.failCause(exit.cause))
      this.settle(actor, actor.target.supervision)
      return Exit.succeed(actor)
    }
    const stop = this.requestSpawn(
      actor,
      [wire, undefined],
      (built) => resume(Exit.isExit(built) ? concluded(built) : Effect.flatMap(Effect.exit(built), concluded))
    )
    return Effect.suspend(() => {
      stop()
      return this.abandon(actor, Exit.interrupt())
    })
  }

  // with a policy, handles in the arguments, or arguments that are not encoded at once
  private spawnSlowly(
    definition: Definition,
    args: unknown,
    encoding: Effect.Effect<unknown, unknown> | undefined,
    current: Policy | undefined,
    policy: Policy | undefined
  ): Effect.Effect<HostedActor, unknown, Scope.Scope> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.gen({ self: this }, function*() {
        const scope = yield* Effect.scope
        const own = current === undefined ? undefined : yield* plan(current)
        const fallback = policy === undefined ? undefined : yield* plan(policy)
        const early = encoding === undefined ? undefined : yield* restore(collectArgs(definition, encoding))
        const actor = this.enter(definition, args, scope)
        if (!(actor instanceof HostedActor)) return yield* Effect.fail(actor)
        const exit = yield* Effect.exit(restore(
          Effect.flatMap(
            early === undefined ? encodeArgs(definition, args, actor.worker) : Effect.succeed(early),
            (encoded) => this.awaitSpawned(actor, encoded)
          )
        ))
        if (Exit.isFailure(exit)) {
          yield* this.abandon(actor, exit)
          return yield* Effect.failCause(exit.cause)
        }
        this.settle(actor, own ?? actor.target.supervision ?? fallback)
        return actor
      })
    )
  }

  // an actor that is to be built, and closed with the scope
  private enter(definition: Definition, args: unknown, scope: Scope.Scope): HostedActor | SpawnError {
    if (this.closed) return spawnError(definition, "WorkerFailed", "the actor system has been closed")
    if (scope.state._tag === "Closed") return spawnError(definition, "WorkerFailed", "the scope has been closed")
    const worker = this.acquire()
    const target = worker.client.open(definition.name, worker.locate, definition.methods)
    const actor = new HostedActor(this, worker, target, definition, args)
    actor.scope = scope
    Finalizers.add(scope, actor, (exit) => {
      actor.scope = undefined
      return this.close(actor, { exit, drain: false })
    })
    return actor
  }

  // a spawn that fails or is interrupted half-way leaves nothing behind at once
  private abandon(actor: HostedActor, exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> {
    return Effect.suspend(() => {
      actor.leave()
      return this.close(actor, { exit, drain: false })
    })
  }

  // it has been built
  private settle(actor: HostedActor, restarts: Plan | undefined): void {
    this.supervise(actor, restarts)
    actor.target.keeper = actor
  }

  // ---- supervision ----

  private supervise(actor: HostedActor, restarts: Plan | undefined): void {
    if (restarts === undefined) return
    actor.budget = new Budget(restarts)
    const { target } = actor
    target.willRestart = (end) =>
      this.planRestart(actor, target.exited(end.reason, "Unknown", `${target.address} ended: ${end.message}`))
  }

  // F3, F4: whether there will be another incarnation, which is then under way; `previous` is how the last one that lived ended
  private planRestart(actor: HostedActor, previous: ActorExited): boolean {
    if (
      this.closed || actor.isKilled || actor.hurry !== undefined || actor.budget === undefined ||
      previous.reason === "Stopped"
    ) {
      return false
    }
    const delay = actor.budget.next(performance.now())
    if (delay === undefined) {
      this.log(Effect.logWarning(`${actor.target.address} is given up after ${actor.budget.text}`))
      return false
    }
    this.restarting.add(actor)
    actor.restart = Effect.runForkWith(this.context)(
      Effect.andThen(Effect.sleep(delay), Effect.suspend(() => this.restart(actor, previous)))
    )
    return true
  }

  private restart(actor: HostedActor, previous: ActorExited): Effect.Effect<void> {
    const { definition, target } = actor
    return Effect.gen({ self: this }, function*() {
      const worker = actor.worker = this.acquire()
      worker.client.adopt(target, worker.locate)
      const exit = yield* Effect.exit(
        Effect.flatMap(encodeArgs(definition, actor.args, worker), (encoded) => this.awaitSpawned(actor, encoded))
      )
      if (Exit.isSuccess(exit)) {
        this.restarting.delete(actor)
        actor.restart = undefined
        target.reopened(previous)
        return
      }
      worker.client.targets.delete(target.id)
      const why = textOf(Cause.squash(exit.cause))
      // the end of a worker has been reported already
      if (!worker.ended) this.log(Effect.logWarning(`${target.address} could not be built again: ${why}`))
      if (this.isDedicated) yield* this.endWorker(worker)
      else worker.client.outbox.push4(Wire.Close, target.id, false, undefined)
      if (this.planRestart(actor, previous)) return
      this.giveUp(actor, previous.reason, `${previous.message}; the last restart failed: ${why}`)
    })
  }

  private giveUp(actor: HostedActor, reason: LinkEnd["reason"], message: string): void {
    this.restarting.delete(actor)
    actor.restart = undefined
    actor.target.end(Exit.fail(actor.target.exited(reason, "NotRun", message)))
  }

  // ---- workers ----

  private acquire(): Worker {
    const { workers } = this.options
    if (workers !== "dedicated") {
      let open = 0
      let emptiest: Worker | undefined
      for (const worker of this.workers) {
        if (worker.ending) continue
        open++
        if (emptiest === undefined || worker.actors < emptiest.actors) emptiest = worker
      }
      if (emptiest !== undefined && open >= workers) return emptiest
    }
    const worker: Worker = new Worker(
      this.placement,
      this.options,
      (worker, end) => {
        this.workers.delete(worker)
        this.reportCrash(worker, end)
      },
      ({ address }) =>
        this.killWorker(
          worker,
          `${address} did not react to an interruption within ${this.options.interruptTimeout} ms`,
          "its worker"
        ),
      Context.get(this.context, Tracer.Tracer)
    )
    this.workers.add(worker)
    return worker
  }

  private awaitSpawned(actor: HostedActor, encoded: Encoded): Effect.Effect<void, unknown> {
    return Effect.callback((resume) => Effect.sync(this.requestSpawn(actor, encoded, resume)))
  }

  // asks for an actor to be built; returns how to lose interest
  private requestSpawn(
    actor: HostedActor,
    [wire, transfer]: Encoded,
    done: (built: Effect.Effect<void, unknown>) => void
  ): () => void {
    const { definition, target, worker } = actor
    const fail = (reason: SpawnError["reason"], message: string): void =>
      done(Exit.fail(spawnError(definition, reason, message)))
    const stop = (): void => {
      this.deadlines.delete(actor)
      target.onSpawned = undefined
    }
    this.deadlines.add(actor, () => {
      // its answer comes too late
      target.onSpawned = () => undefined
      fail("Timeout", `${target.address} was not built within ${this.options.spawnTimeout} ms`)
    })
    target.onSpawned = (status, value) => {
      stop()
      switch (status) {
        case Wire.SpawnOk:
          return done(Exit.void)
        case Wire.SpawnFailed:
          return done(
            Effect.matchCauseEffect(definition.error.decode(value), {
              onSuccess: Effect.fail,
              onFailure: (cause) =>
                Effect.die(
                  new TypeError(
                    `${definition.name}: its start error does not fit its schema: ${Codec.issueText(cause)}`
                  )
                )
            })
          )
        case Wire.SpawnDied:
          return done(
            Effect.matchCauseEffect(
              Codec.decodeCauseWith(value as Wire.EncodedCause, definition.error.decode, Codec.decodeDefect),
              { onSuccess: Effect.failCause, onFailure: (cause) => Effect.die(new TypeError(Codec.issueText(cause))) }
            )
          )
        case Wire.SpawnNotServed: {
          const names = value as ReadonlyArray<string>
          return fail(
            "NotServed",
            `no behaviour for ${definition.name} is served there (${
              names.length === 0 ? "there is none at all" : `there are: ${names.join(", ")}`
            })`
          )
        }
        case Wire.SpawnArgsInvalid:
          return fail("ArgsInvalid", `the arguments of ${definition.name} were refused: ${String(value)}`)
        default:
          return fail(worker.bootFailure === undefined ? "WorkerFailed" : "ModuleFailed", String(value))
      }
    }
    if (worker.ended) target.onSpawned(-1, `${worker.name} has ended`)
    else if (transfer === undefined) worker.client.outbox.push4(Wire.Spawn, target.id, definition.name, wire)
    else worker.client.outbox.pushTransfer([Wire.Spawn, target.id, definition.name, wire], transfer)
    return stop
  }

  /**
   * Ends an actor, and its worker if it has one of its own; returns when nothing is left (L4). Closing again joins the closing
   * that is under way, and takes away its drain.
   */
  close(actor: HostedActor, { drain, exit }: CloseOptions): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (drain === false) this.hurry(actor, exit)
      else if (actor.hurry === undefined) this.beginClose(actor, exit, drain)
      return Deferred.await(actor.gone!)
    })
  }

  /** Closes an actor without drain; whoever waits for it joins. */
  hurry(actor: HostedActor, exit: Exit.Exit<unknown, unknown>): void {
    if (actor.hurry === undefined) this.beginClose(actor, exit, false)
    else actor.hurry()
  }

  private beginClose(actor: HostedActor, exit: Exit.Exit<unknown, unknown>, drain: boolean | number): void {
    const { target, worker } = actor
    const { outbox } = worker.client
    const done = actor.gone = Deferred.makeUnsafe<void>()
    const encoded = Codec.encodeExit(exit)
    let failure: Wire.EncodedCause | undefined
    let drainTimer: ReturnType<typeof setTimeout> | undefined
    let killTimer: ReturnType<typeof setTimeout> | undefined
    let stopListening = (): void => undefined
    const gone = (): void => {
      stopListening()
      target.end(Exit.void)
      clearTimeout(drainTimer)
      clearTimeout(killTimer)
      actor.hurry = () => undefined
      Deferred.doneUnsafe(
        done,
        failure === undefined
          ? Exit.void
          : Exit.failCause(Codec.decodeCause(failure, Codec.decodeDefect, Codec.decodeDefect) as Cause.Cause<never>)
      )
    }
    actor.hurry = () => {
      actor.hurry = () => undefined
      clearTimeout(drainTimer)
      outbox.push4(Wire.Close, target.id, false, encoded)
      if (this.isDedicated) outbox.push1(Wire.End)
      if (this.options.shutdownTimeout === Infinity) return
      killTimer = setTimeout(
        () =>
          this.killWorker(
            worker,
            `${target.address} did not close within ${this.options.shutdownTimeout} ms`,
            "its worker"
          ),
        this.options.shutdownTimeout
      )
    }
    actor.restart?.interruptUnsafe()
    this.restarting.delete(actor)
    if (this.isDedicated) worker.ending = true
    target.refuse()
    stopListening = worker.whenEnded(gone)
    if (worker.ended) return
    // an actor that has ended by itself, or whose restart has failed, has left its worker already
    if (!worker.client.targets.has(target.id)) {
      if (this.isDedicated) outbox.push1(Wire.End)
      else gone()
      return
    }
    target.onClosed = (cause) => {
      failure = cause
      if (!this.isDedicated) gone()
      else if (drain !== false && !worker.ended) actor.hurry!()
    }
    if (drain === false) return actor.hurry()
    outbox.push4(Wire.Close, target.id, true, encoded)
    if (typeof drain === "number") drainTimer = setTimeout(actor.hurry, drain)
  }

  /** Ends an actor without asking it: its worker is killed, or, where it shares one, it is closed at once. */
  kill(actor: HostedActor): Effect.Effect<void> {
    const { target, worker } = actor
    return Effect.suspend(() => {
      const message = `${target.address} was killed`
      actor.isKilled = true
      actor.restart?.interruptUnsafe()
      // between two incarnations there is nobody whose end would tell the watchers
      if (worker.ended || target.restarting) this.giveUp(actor, "Killed", message)
      if (worker.ended) return Effect.void
      if (!this.isDedicated) {
        target.end(Exit.fail(target.exited("Killed", "NotRun", message)))
        return this.close(actor, { exit: Exit.interrupt(), drain: false })
      }
      return Effect.callback((resume) => {
        const stopListening = worker.whenEnded(() => resume(Effect.void))
        worker.kill({ reason: "Killed", message })
        return Effect.sync(stopListening)
      })
    })
  }

  /** Asks an actor's `onExit` (L5). One that is gone does not vote, nor does one that has not answered within `shutdownTimeout`. */
  vote({ target, worker }: HostedActor, exit: Exit.Exit<unknown, unknown>): Effect.Effect<boolean> {
    return Effect.callback((resume) => {
      if (!target.isAvailable) return resume(Effect.succeed(false))
      const { shutdownTimeout } = this.options
      const stop = (): void => {
        clearTimeout(timer)
        target.onVoted = undefined
      }
      const timer = shutdownTimeout === Infinity ? undefined : setTimeout(() => {
        this.log(Effect.logWarning(`${target.address} did not vote within ${shutdownTimeout} ms: it absorbs nothing`))
        stop()
        resume(Effect.succeed(false))
      }, shutdownTimeout)
      target.onVoted = (vote) => {
        stop()
        resume(
          typeof vote === "boolean"
            ? Effect.succeed(vote)
            : Effect.failCause(Codec.decodeCause(vote, Codec.decodeDefect, Codec.decodeDefect) as never)
        )
      }
      worker.client.outbox.push3(Wire.Vote, target.id, Codec.encodeExit(exit))
      return Effect.sync(stop)
    })
  }

  /** Ends every worker that is left. */
  readonly shutdown: Effect.Effect<void> = Effect.suspend(() => {
    this.closed = true
    for (const actor of this.restarting) {
      actor.restart?.interruptUnsafe()
      actor.target.end(Exit.void)
    }
    this.restarting.clear()
    return Effect.forEach(this.workers, (worker) => this.endWorker(worker), { concurrency: "unbounded", discard: true })
  })

  private endWorker(worker: Worker): Effect.Effect<void> {
    return Effect.callback((resume) => {
      worker.ending = true
      for (const target of worker.client.targets.values()) target.refuse()
      const timer = this.options.shutdownTimeout === Infinity ? undefined : setTimeout(
        () => this.killWorker(worker, `${worker.name} did not end within ${this.options.shutdownTimeout} ms`, "it"),
        this.options.shutdownTimeout
      )
      worker.client.outbox.push1(Wire.End)
      worker.whenEnded(() => {
        clearTimeout(timer)
        resume(Effect.void)
      })
    })
  }

  // F6
  private reportCrash(worker: Worker, end: LinkEnd): void {
    if (worker.isKilled || end.reason === "Stopped") return
    // the end of a first build is the failure of its `spawn`
    const targets = Array.from(worker.client.targets.values()).filter((target) =>
      target.onSpawned === undefined || target.restarting
    )
    if (targets.length === 0) return
    this.log(Effect.logError(`${worker.name} ended: ${end.message}`), { actor: namesOf(targets), reason: end.reason })
  }

  // a worker that does not do what it must
  private killWorker(worker: Worker, message: string, what: "it" | "its worker"): void {
    const reason = "Killed"
    const actor = namesOf(Array.from(worker.client.targets.values()))
    this.log(Effect.logWarning(`${message}: ${what} is killed`), { actor, reason })
    worker.kill({ reason, message })
  }

  private log(line: Effect.Effect<void>, about: Readonly<Record<string, string>> = {}): void {
    Effect.runForkWith(this.context)(Effect.annotateLogs(line, about))
  }
}

/** Fills in the defaults of a system's times. */
export const timeouts = (
  options:
    | {
      readonly spawnTimeout?: Duration.Input | undefined
      readonly shutdownTimeout?: Duration.Input | undefined
      readonly interruptTimeout?: Duration.Input | undefined
      readonly heartbeat?: Duration.Input | undefined
    }
    | undefined
): SystemOptions => ({
  workers: "dedicated",
  spawnTimeout: Duration.toMillis(options?.spawnTimeout ?? "30 seconds"),
  shutdownTimeout: Duration.toMillis(options?.shutdownTimeout ?? "5 seconds"),
  interruptTimeout: Duration.toMillis(options?.interruptTimeout ?? "5 seconds"),
  heartbeat: options?.heartbeat === undefined ? Infinity : Duration.toMillis(options.heartbeat)
})

/** A system on a placement, as a service; it ends with its scope. */
export const make = (
  placement: Placement,
  options: SystemOptions
): Effect.Effect<{ readonly "~uactor/ActorSystem": System }, never, Scope.Scope> =>
  Effect.contextWith((context: Context.Context<Scope.Scope>) =>
    Effect.map(
      Effect.acquireRelease(
        Effect.sync(() => new System(placement, options, context)),
        (system) => system.shutdown
      ),
      (system) => ({ "~uactor/ActorSystem": system })
    )
  )

const spawnError = (definition: Definition, reason: SpawnError["reason"], message: string): SpawnError =>
  new SpawnError({ actor: definition.name, reason, message })

const textOf = (why: unknown): string => why instanceof Error ? why.message || why.name : String(why)

type Encoded = readonly [wire: unknown, transfer: ReadonlyArray<unknown> | undefined]

const encodeArgs = (
  definition: Definition,
  args: unknown,
  worker: Worker
): Effect.Effect<Encoded, SpawnError> =>
  Effect.contextWith((context: Context.Context<never>) =>
    collectArgs(
      definition,
      definition.args.handles
        ? Handles.encode({ ends: worker.client.ends, owner: Context.get(context, CurrentActor) }, definition.args, args)
        : definition.args.encode(args)
    )
  )

const collectArgs = (
  definition: Definition,
  encoding: Effect.Effect<unknown, unknown>
): Effect.Effect<Encoded, SpawnError> =>
  Effect.suspend(() => {
    const collector = Transferable.makeCollectorUnsafe()
    return Effect.matchCauseEffect(
      Effect.provideService(encoding, Transferable.Collector, collector),
      {
        onSuccess: (wire) => {
          const transfer = collector.readUnsafe()
          return Effect.succeed([wire, transfer.length > 0 ? transfer : undefined] as const)
        },
        onFailure: (cause) =>
          Effect.fail(
            spawnError(
              definition,
              "ArgsInvalid",
              `the arguments of ${definition.name} do not fit their schema: ${Codec.issueText(cause)}`
            )
          )
      }
    )
  })
