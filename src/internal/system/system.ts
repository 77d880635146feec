/**
 * A system of actors, from the caller's side: spawns actors on a placement, and ends them when their scopes close (L1–L4).
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { identity } from "effect/Function"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import { SpawnError } from "../../ActorError.ts"
import * as ActorId from "../actor/actorId.ts"
import { CurrentActor } from "../actor/currentActor.ts"
import type { Definition } from "../actor/definition.ts"
import { Current, effective, type Plan, plan, type Policy } from "../actor/restartPlan.ts"
import { CallTimeout, RunTimeout } from "../codec/methods.ts"
import { IntrusiveSet } from "../collections/intrusiveSet.ts"
import { isSuccess } from "../effect/completed.ts"
import * as V8Pretenuring from "../effect/v8Pretenuring.ts"
import { type ObservedActor, type ObservedSystem, systems } from "../monitor/systems.ts"
import { SystemSpans } from "../observe/systemSpans.ts"
import * as CallTimeouts from "../proxy/callTimeouts.ts"
import { Deadlines } from "../runtime/deadlines.ts"
import { performance, queueMicrotask } from "../runtime/globals.ts"
import { printing } from "../runtime/printing.ts"
import * as Inspection from "../session/inspection.ts"
import type { Reading } from "../waits/calls.ts"
import * as Log from "../workers/log.ts"
import type { SystemOptions } from "../workers/options.ts"
import type { Placement } from "../workers/placement.ts"
import type { WorkerConnection } from "../workers/workerConnection.ts"
import { WorkerSet } from "../workers/workerSet.ts"
import { type ActorServices, ChildActor } from "./childActor.ts"
import { Current as CurrentGroup, type Group } from "./group.ts"
import { Names } from "./names.ts"
import {
  type ArgsSnapshot,
  collectArgs,
  type EncodedArgs,
  exportArgs,
  snapshotArgs,
  snapshotEncoded,
  spawnError
} from "./spawn.ts"

/** An actor that is to be built. */
interface Spawn {
  readonly args: unknown
  readonly encoded: EncodedArgs
  /** the snapshot of the arguments, if it had to be made before they are sent */
  readonly snapshot?: ArgsSnapshot | undefined
  /** the restart policy of the fiber */
  readonly own?: Plan | undefined
  /** the restart policy if neither the fiber nor the behaviour has one */
  readonly fallback?: Plan | undefined
  /** the group of which the actor becomes a member */
  readonly group?: Group | undefined
  /** the name of the actor in the program */
  readonly name?: string | undefined
}

/** What the spawns of a context in one turn have in common: a program may spawn thousands of actors at once. */
interface SpawnTurn {
  readonly context: Context.Context<never>
  readonly now: number
  /** the restart policy of the fiber */
  readonly policy: Policy | undefined
  readonly group: Group | undefined
  readonly callTimeout: number | undefined
  readonly runTimeout: number | undefined
  /** the id of the actor that spawns; `undefined`: the program */
  readonly spawnedBy: string | undefined
  /** the message of the error of a timeout that is out of range */
  readonly invalid: string | undefined
}

const makeTurn = (context: Context.Context<never>, now: number): SpawnTurn => {
  let callTimeout: number | undefined
  let runTimeout: number | undefined
  let invalid: string | undefined
  const spawner = Context.get(context, CurrentActor)
  try {
    callTimeout = CallTimeouts.of("Actor.CallTimeout", Context.get(context, CallTimeout))
    runTimeout = CallTimeouts.of("Actor.RunTimeout", Context.get(context, RunTimeout))
  } catch (error) {
    invalid = (error as RangeError).message
  }
  return {
    context,
    now,
    policy: Context.get(context, Current),
    group: Context.get(context, CurrentGroup),
    callTimeout,
    runTimeout,
    spawnedBy: spawner && ActorId.ofServed(spawner),
    invalid
  }
}

/** A spawn of a fiber. */
interface SpawnRequest<A> {
  /** the context of the fiber */
  readonly context: Context.Context<never>
  readonly definition: Definition
  readonly args: unknown
  /** supervises the actor if neither the fiber nor the behaviour has a policy */
  readonly policy: Policy | undefined
  /** the name of the actor in the program */
  readonly name: string | undefined
  /** makes the result of the spawn */
  readonly make: (actor: ChildActor) => A
  /** resumes the fiber with the result, once */
  readonly resume: (effect: Effect.Effect<A, unknown, Scope.Scope>) => void
}

/** Spawns actors, and ends them and their workers. */
export class System implements ActorServices, ObservedSystem {
  readonly options: SystemOptions
  readonly placement: Placement
  readonly context: Context.Context<never>
  readonly log: Log.Log
  readonly workers: WorkerSet
  readonly builds: Deadlines
  /** an observer reads them all: the way over the tables of all workers takes five times as long */
  readonly living = new IntrusiveSet<ChildActor>()
  readonly restarting = new Set<ChildActor>()
  readonly names = new Names()
  readonly spans: SystemSpans | undefined
  isClosed = false
  /** the last spawns of this turn */
  private turn: SpawnTurn | undefined

  constructor(placement: Placement, options: SystemOptions, context: Context.Context<never>) {
    V8Pretenuring.warmUp()
    this.placement = placement
    this.options = options
    this.context = context
    this.log = Log.make(context)
    this.spans = SystemSpans.make(context, options.tracing)
    this.workers = new WorkerSet(placement, options, context, this.log)
    this.builds = new Deadlines(options.spawnTimeout)
    this.workers.startSpares()
    systems.add(this)
  }

  /**
   * Starts an actor that lives until the scope closes (L1, L2). The policy of the fiber supervises the actor; without one, the policy of
   * its behaviour; without that, `policy`.
   */
  spawn(definition: Definition, args: unknown, policy?: Policy): Effect.Effect<ChildActor, unknown, Scope.Scope> {
    return Effect.callback<ChildActor, unknown, Scope.Scope>((resume) =>
      this.begin({
        context: Fiber.getCurrent()!.context,
        definition,
        args,
        policy,
        name: undefined,
        make: identity,
        resume
      })
    )
  }

  /** Like `spawn`, for any fiber. Returns the interruption of a spawn that has not ended. */
  begin<A>(request: SpawnRequest<A>): Effect.Effect<void> | undefined {
    const { spans } = this
    if (spans === undefined) return this.beginSpawn(request)
    const { definition, make, resume } = request
    const span = spans.begin("uactor.spawn", { "uactor.actor.name": definition.name })
    const cancel = this.beginSpawn({
      ...request,
      make: (actor) => {
        for (const [key, value] of Object.entries(actor.attributes)) span.attribute(key, value)
        return make(actor)
      },
      resume: (effect) =>
        resume(Effect.onExit(effect, (exit) =>
          Effect.sync(() => {
            const error = Exit.findErrorOption(exit)
            if (Option.isSome(error) && error.value instanceof SpawnError) {
              span.attribute("uactor.spawn.reason", error.value.reason)
            }
            spans.end(span, exit)
          })))
    })
    return cancel && Effect.ensuring(cancel, Effect.sync(() => spans.end(span, Exit.interrupt())))
  }

  private beginSpawn<A>(request: SpawnRequest<A>): Effect.Effect<void> | undefined {
    const { args, context, definition, make, name, policy, resume } = request
    const turn = this.turnOf(context)
    const { group, policy: current } = turn
    const encoding = definition.args.handles ? undefined : definition.args.encode(args)
    if (
      current === undefined && policy === undefined && group === undefined && encoding !== undefined &&
      isSuccess(encoding)
    ) {
      const actor = this.makeActor(definition, Context.getUnsafe(context, Scope.Scope), turn, name)
      if (actor instanceof ChildActor) {
        return this.build(actor, { args, encoded: { wire: encoding.value }, name }, make, resume)
      }
      resume(Effect.fail(actor))
      return undefined
    }
    const actor = this.spawnWhenEncoded(request, encoding, turn)
    resume(Effect.map(actor, make))
    return undefined
  }

  // samples the policies and encodes the arguments, which may take time; handles are exported to the worker, which is acquired first
  private spawnWhenEncoded(
    { args, definition, name, policy }: Pick<SpawnRequest<never>, "args" | "definition" | "name" | "policy">,
    encoding: Effect.Effect<unknown, unknown> | undefined,
    turn: SpawnTurn
  ): Effect.Effect<ChildActor, unknown, Scope.Scope> {
    const { group, policy: current } = turn
    return Effect.uninterruptibleMask((restore) =>
      Effect.gen({ self: this }, function*() {
        const scope = yield* Effect.scope
        const own = current === undefined ? undefined : yield* plan(current)
        const fallback = policy === undefined ? group?.plan : yield* plan(policy)
        const early = encoding === undefined ? undefined : yield* restore(collectArgs(definition, encoding))
        if (group?.over !== undefined) {
          return yield* Effect.fail(spawnError(definition, "WorkerFailed", `${definition.name}: ${group.over}`))
        }
        const actor = this.makeActor(definition, scope, turn, name)
        if (!(actor instanceof ChildActor)) return yield* Effect.fail(actor)
        const { worker } = actor
        const declared = worker.client.actors.kindOf(definition.methods)?.supervision
        const isSupervised = effective(own ?? declared ?? fallback) !== undefined
        // objects transferred with the arguments are no longer available after the arguments have been sent
        const snapshot = !isSupervised
          ? undefined
          : early === undefined
          ? yield* snapshotArgs(definition, args)
          : snapshotEncoded(definition, early.wire)
        const send = (encoded: EncodedArgs): Effect.Effect<ChildActor, unknown> =>
          Effect.callback((resume) =>
            this.build(actor, { args, encoded, snapshot, own, fallback, group, name }, identity, resume)
          )
        const build = early === undefined ? exportArgs(worker, definition, args, send) : send(early)
        return yield* Effect.onError(restore(build), (cause) => {
          snapshot?.release?.()
          return actor.abandon(Exit.failCause(cause))
        })
      })
    )
  }

  /** The time, which is read once for the spawns of a turn. */
  get now(): number {
    return this.turn?.now ?? performance.now()
  }

  // what the spawns of a context in this turn have in common; the end of the turn releases the context
  private turnOf(context: Context.Context<never>): SpawnTurn {
    const { turn } = this
    if (turn?.context === context) return turn
    if (turn === undefined) {
      queueMicrotask(() => {
        this.turn = undefined
      })
    }
    return this.turn = makeTurn(context, this.now)
  }

  // makes an actor that is to be built, and that the scope closes
  private makeActor(
    definition: Definition,
    scope: Scope.Scope,
    { callTimeout, invalid, runTimeout, spawnedBy }: SpawnTurn,
    name: string | undefined
  ): ChildActor | SpawnError {
    if (this.isClosed) return spawnError(definition, "WorkerFailed", "the actor system has been closed")
    if (scope.state._tag === "Closed") return spawnError(definition, "WorkerFailed", "the scope has been closed")
    if (invalid !== undefined) return spawnError(definition, "OptionsInvalid", `${definition.name}: ${invalid}`)
    const holder = name === undefined ? undefined : this.names.holderOf(definition.name, name)
    if (holder !== undefined) {
      const message = `${definition.name}: the name ${JSON.stringify(name)} is taken by ${holder.address}`
      return spawnError(definition, "NameTaken", message)
    }
    if (name === "") return spawnError(definition, "OptionsInvalid", `${definition.name}: the name must not be empty`)
    const actor = new ChildActor(this, definition, scope, spawnedBy)
    actor.proxy.callTimeout = callTimeout
    actor.proxy.runTimeout = runTimeout
    if (name !== undefined) this.names.claim(definition.name, name, actor)
    return actor
  }

  // has an actor built, and resumes a fiber with the outcome; returns the effect that interrupts the spawn
  private build<A>(
    actor: ChildActor,
    spawn: Spawn,
    make: (actor: ChildActor) => A,
    resume: (effect: Effect.Effect<A, unknown>) => void
  ): Effect.Effect<void> | undefined {
    if (actor.start()) {
      this.built(actor, spawn, make, resume)
      return undefined
    }
    const build = actor.requestBuild(spawn.encoded, (built) => {
      if (built === Exit.void) return this.built(actor, spawn, make, resume)
      const failed = Effect.onError(built, (cause) => actor.abandon(Exit.failCause(cause)))
      resume(failed as Effect.Effect<never, unknown>)
    })
    return Effect.suspend(() => {
      build.stop()
      return actor.abandon(Exit.interrupt())
    })
  }

  // an actor has been built for the first time
  private built<A>(
    actor: ChildActor,
    { args, encoded, fallback, group, name, own, snapshot }: Spawn,
    make: (actor: ChildActor) => A,
    resume: (effect: Effect.Effect<A, unknown>) => void
  ): void {
    const { definition, proxy } = actor
    const plan = effective(own ?? proxy.kind.supervision ?? fallback)
    if (plan !== undefined && snapshot === undefined && definition.args.handles) {
      const run = Effect.map(snapshotArgs(definition, args), (snapshot) => {
        actor.run(plan, snapshot, group)
        if (name !== undefined) this.names.publish(definition.name, name)
        return make(actor)
      })
      return resume(Effect.uninterruptible(run))
    }
    actor.run(plan, plan && (snapshot ?? snapshotEncoded(definition, encoded.wire)), group)
    if (name !== undefined) this.names.publish(definition.name, name)
    resume(Exit.succeed(make(actor)))
  }

  /** The number of tells that the actors have accepted and not run, or not run to completion. */
  get lostTells(): number {
    return this.workers.lostTells.count
  }

  get observedWorkers(): ReadonlySet<WorkerConnection> {
    return this.workers.all
  }

  get reading(): Reading {
    return Inspection.read(this.workers.sources)
  }

  get observedActors(): ReadonlyArray<ObservedActor> {
    return this.living.values()
  }

  /** Ends all workers. */
  readonly shutdown: Effect.Effect<void> = Effect.suspend(() => {
    this.isClosed = true
    for (const actor of this.restarting) actor.systemClosed()
    return Effect.ensuring(this.workers.endAll, Effect.sync(() => systems.delete(this)))
  })
}

// the properties that print the service, with the contents of the system
const printed = ({ options, placement: { kind }, workers }: System) =>
  printing(
    () => ({
      _id: "ActorSystem",
      placement: kind,
      name: options.name,
      workers: workers.size,
      actors: workers.actors
    }),
    () => `ActorSystem(${options.name ?? kind})`
  )

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
      (system) => Object.defineProperties({ "~uactor/ActorSystem": system }, printed(system))
    )
  )
