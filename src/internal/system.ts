/**
 * Where actors live, from the caller's side: starts workers on a placement,
 * spawns actors in them, and sees to it that nothing is left of either when a
 * scope closes (L1–L4). Threads, processes and memory differ only in their
 * {@link Placement}.
 */
import type * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Transferable from "effect/workers/Transferable"
import { SpawnError } from "../ActorError.ts"
import type { Definition } from "./behaviour.ts"
import { Client, type Target } from "./client.ts"
import * as Codec from "./codec.ts"
import type { Link, LinkEnd } from "./link.ts"
import * as Wire from "./wire.ts"

/** What a worker tells its host. */
export interface WorkerEvents {
  readonly onBatch: (batch: Wire.Batch) => void
  /** once, when nothing is left of it */
  readonly onEnd: (end: LinkEnd) => void
}

/** A running worker, to its host. */
export interface WorkerHandle {
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
}

let workerCount = 0

/** One worker and the connection to it. */
class Worker {
  readonly name: string
  readonly client: Client
  readonly handle: WorkerHandle
  actors = 0
  ending = false
  ended = false
  bootFailure: string | undefined
  private readonly listeners = new Set<() => void>()

  constructor(placement: Placement, options: SystemOptions, onEnd: (worker: Worker) => void, onUnresponsive: (target: Target) => void) {
    this.name = `${placement.kind}-${++workerCount}`
    this.handle = placement.start({
      onBatch: (batch) => this.client.onBatch(batch),
      onEnd: (end) => {
        if (this.ended) return
        this.ended = this.ending = true
        onEnd(this)
        this.client.end(this.bootFailure === undefined ? end : { ...end, message: this.bootFailure })
        for (const listener of this.listeners) listener()
        this.listeners.clear()
      }
    })
    this.client = new Client(this.handle.link, {
      onReady: () => undefined,
      onBootFailed: (message) => {
        this.bootFailure = message
        this.handle.kill({ reason: "Crashed", message })
      },
      onEnded: () => this.handle.release(),
      onUnresponsive
    }, options.interruptTimeout)
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

/** An actor, the worker it lives in, and its closing. */
export class HostedActor {
  readonly system: System
  readonly worker: Worker
  readonly target: Target
  /** completes when nothing is left of the actor */
  readonly gone = Deferred.makeUnsafe<void>()
  /** closes without drain, once the closing has begun */
  hurry: (() => void) | undefined

  constructor(system: System, worker: Worker, target: Target) {
    this.system = system
    this.worker = worker
    this.target = target
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
  private readonly placement: Placement
  private readonly context: Context.Context<never>
  private readonly workers = new Set<Worker>()
  private closed = false

  constructor(placement: Placement, options: SystemOptions, context: Context.Context<never>) {
    this.placement = placement
    this.options = options
    this.context = context
  }

  get isDedicated(): boolean {
    return this.options.workers === "dedicated"
  }

  /** Starts an actor that lives until the scope closes (L1, L2). */
  spawn(definition: Definition, args: unknown): Effect.Effect<HostedActor, unknown, Scope.Scope> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(Effect.scope, (scope) =>
        Effect.flatMap(restore(encodeArgs(definition, args)), ([wire, transfer]) => {
          if (this.closed) {
            return Effect.fail(spawnError(definition, "WorkerFailed", "the actor system has been closed"))
          }
          const worker = this.acquire()
          const target = worker.client.open(
            definition.name,
            (id) => `${definition.name}#${id}@${worker.name}`,
            definition.methods
          )
          worker.actors++
          const actor = new HostedActor(this, worker, target)
          // a scope of its own, so that a spawn that fails or is interrupted half-way leaves nothing behind at once
          return Effect.flatMap(Scope.fork(scope), (own) =>
            Effect.flatMap(
              Effect.andThen(
                Scope.addFinalizerExit(own, (exit) => this.close(actor, { exit, drain: false })),
                Effect.exit(restore(this.awaitSpawned(actor, definition, wire, transfer)))
              ),
              (exit) =>
                Exit.isSuccess(exit) ? Effect.succeed(actor) : Effect.andThen(Scope.close(own, exit), Effect.failCause(exit.cause))
            ))
        })))
  }

  private acquire(): Worker {
    const { workers } = this.options
    if (workers !== "dedicated") {
      const open = Array.from(this.workers).filter((worker) => !worker.ending)
      if (open.length >= workers) return open.reduce((a, b) => b.actors < a.actors ? b : a)
    }
    const worker: Worker = new Worker(
      this.placement,
      this.options,
      (worker) => this.workers.delete(worker),
      (target) => {
        const message = `${target.address} did not react to an interruption within ${this.options.interruptTimeout} ms`
        this.log(`${message}: its worker is killed`)
        worker.handle.kill({ reason: "Killed", message })
      }
    )
    this.workers.add(worker)
    return worker
  }

  private awaitSpawned(
    { target, worker }: HostedActor,
    definition: Definition,
    wire: unknown,
    transfer: ReadonlyArray<unknown> | undefined
  ): Effect.Effect<void, unknown> {
    return Effect.callback((resume) => {
      const fail = (reason: SpawnError["reason"], message: string): void =>
        resume(Effect.fail(spawnError(definition, reason, message)))
      const timer = this.options.spawnTimeout === Infinity ? undefined : setTimeout(
        () => fail("Timeout", `${target.address} was not built within ${this.options.spawnTimeout} ms`),
        this.options.spawnTimeout
      )
      const stop = (): void => {
        clearTimeout(timer)
        target.onSpawned = undefined
      }
      target.onSpawned = (status, value) => {
        stop()
        switch (status) {
          case Wire.SpawnOk:
            return resume(Effect.void)
          case Wire.SpawnFailed:
            return resume(
              Effect.matchCauseEffect(definition.error.decode(value), {
                onSuccess: Effect.fail,
                onFailure: (cause) =>
                  Effect.die(new TypeError(`${definition.name}: its start error does not fit its schema: ${Codec.issueText(cause)}`))
              })
            )
          case Wire.SpawnDied:
            return resume(Effect.failCause(Codec.decodeCause(value as Wire.EncodedCause, Codec.decodeDefect, Codec.decodeDefect)))
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
      return Effect.sync(stop)
    })
  }

  /**
   * Ends an actor, and its worker if it has one of its own; returns when nothing is left (L4). Closing again joins the closing
   * that is under way, and takes away its drain.
   */
  close(actor: HostedActor, { drain, exit }: CloseOptions): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (actor.hurry === undefined) this.beginClose(actor, exit, drain)
      else if (drain === false) actor.hurry()
      return Deferred.await(actor.gone)
    })
  }

  private beginClose(actor: HostedActor, exit: Exit.Exit<unknown, unknown>, drain: boolean | number): void {
    const { target, worker } = actor
    const { outbox } = worker.client
    const encoded = Codec.encodeExit(exit)
    let failure: Wire.EncodedCause | undefined
    let drainTimer: ReturnType<typeof setTimeout> | undefined
    let killTimer: ReturnType<typeof setTimeout> | undefined
    let stopListening = (): void => undefined
    const gone = (): void => {
      stopListening()
      clearTimeout(drainTimer)
      clearTimeout(killTimer)
      actor.hurry = () => undefined
      Deferred.doneUnsafe(
        actor.gone,
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
      killTimer = setTimeout(() => {
        const message = `${target.address} did not close within ${this.options.shutdownTimeout} ms`
        this.log(`${message}: its worker is killed`)
        worker.handle.kill({ reason: "Killed", message })
      }, this.options.shutdownTimeout)
    }
    worker.actors--
    if (this.isDedicated) worker.ending = true
    target.refuse()
    stopListening = worker.whenEnded(gone)
    if (worker.ended) return
    // an actor that has ended by itself has left its worker already
    if (target.exit !== undefined && !worker.client.targets.has(target.id)) {
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
      if (worker.ended) return Effect.void
      const message = `${target.address} was killed`
      if (!this.isDedicated) {
        target.end(Exit.fail(target.exited("Killed", "NotRun", message)))
        return this.close(actor, { exit: Exit.interrupt(), drain: false })
      }
      return Effect.callback((resume) => {
        worker.ending = true
        const stopListening = worker.whenEnded(() => resume(Effect.void))
        worker.handle.kill({ reason: "Killed", message })
        return Effect.sync(stopListening)
      })
    })
  }

  /** Asks an actor's `onExit` (L5). */
  vote({ target, worker }: HostedActor, exit: Exit.Exit<unknown, unknown>): Effect.Effect<boolean> {
    return Effect.callback((resume) => {
      if (target.closing) return resume(Effect.succeed(false))
      target.onVoted = (vote) => {
        target.onVoted = undefined
        resume(
          typeof vote === "boolean"
            ? Effect.succeed(vote)
            : Effect.failCause(Codec.decodeCause(vote, Codec.decodeDefect, Codec.decodeDefect) as never)
        )
      }
      worker.client.outbox.push3(Wire.Vote, target.id, Codec.encodeExit(exit))
    })
  }

  /** Ends every worker that is left. */
  readonly shutdown: Effect.Effect<void> = Effect.suspend(() => {
    this.closed = true
    return Effect.forEach(this.workers, (worker) => this.endWorker(worker), { concurrency: "unbounded", discard: true })
  })

  private endWorker(worker: Worker): Effect.Effect<void> {
    return Effect.callback((resume) => {
      worker.ending = true
      for (const target of worker.client.targets.values()) target.refuse()
      const timer = this.options.shutdownTimeout === Infinity ? undefined : setTimeout(() => {
        const message = `${worker.name} did not end within ${this.options.shutdownTimeout} ms`
        this.log(`${message}: it is killed`)
        worker.handle.kill({ reason: "Killed", message })
      }, this.options.shutdownTimeout)
      worker.client.outbox.push1(Wire.End)
      worker.whenEnded(() => {
        clearTimeout(timer)
        resume(Effect.void)
      })
    })
  }

  private log(message: string): void {
    Effect.runForkWith(this.context)(Effect.logWarning(message))
  }
}

/** Fills in the defaults of a system's times. */
export const timeouts = (
  options:
    | {
      readonly spawnTimeout?: Duration.Input | undefined
      readonly shutdownTimeout?: Duration.Input | undefined
      readonly interruptTimeout?: Duration.Input | undefined
    }
    | undefined
): SystemOptions => ({
  workers: "dedicated",
  spawnTimeout: Duration.toMillis(options?.spawnTimeout ?? "30 seconds"),
  shutdownTimeout: Duration.toMillis(options?.shutdownTimeout ?? "5 seconds"),
  interruptTimeout: Duration.toMillis(options?.interruptTimeout ?? "5 seconds")
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

const encodeArgs = (
  definition: Definition,
  args: unknown
): Effect.Effect<readonly [wire: unknown, transfer: ReadonlyArray<unknown> | undefined], SpawnError> =>
  Effect.suspend(() => {
    const collector = Transferable.makeCollectorUnsafe()
    return Effect.matchCauseEffect(Effect.provideService(definition.args.encode(args), Transferable.Collector, collector), {
      onSuccess: (wire) => {
        const transfer = collector.readUnsafe()
        return Effect.succeed([wire, transfer.length > 0 ? transfer : undefined] as const)
      },
      onFailure: (cause) =>
        Effect.fail(
          spawnError(definition, "ArgsInvalid", `the arguments of ${definition.name} do not fit their schema: ${Codec.issueText(cause)}`)
        )
    })
  })
