/**
 * Where actors live, from the caller's side: spawns them on a placement, and sees
 * to it that nothing is left of them when a scope closes (L1–L4).
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { identity } from "effect/Function"
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import type { SpawnError } from "../../ActorError.ts"
import type { Definition } from "../behaviour.ts"
import * as Codec from "../codec.ts"
import { Current, type Plan, plan, type Policy } from "../supervision.ts"
import { Endings } from "./endings.ts"
import * as Finalizers from "./finalizers.ts"
import { HostedActor } from "./hostedActor.ts"
import * as Lifetimes from "./lifetimes.ts"
import * as Log from "./log.ts"
import type { SystemOptions } from "./options.ts"
import type { Placement } from "./placement.ts"
import { Restarts } from "./restarts.ts"
import { collectArgs, spawnError, Spawning } from "./spawning.ts"
import { Workers } from "./workers.ts"

/** Spawns actors, and ends what is left of them. */
export class System {
  readonly options: SystemOptions
  readonly placement: Placement
  private readonly workers: Workers
  private readonly spawning: Spawning
  private readonly restarts: Restarts
  private readonly endings: Endings
  private closed = false

  constructor(placement: Placement, options: SystemOptions, context: Context.Context<never>) {
    Lifetimes.show()
    this.placement = placement
    this.options = options
    const log = Log.make(context)
    this.workers = new Workers(placement, options, Context.get(context, Tracer.Tracer), log)
    this.spawning = new Spawning(options.spawnTimeout)
    this.restarts = new Restarts(this.workers, this.spawning, context, log)
    this.endings = new Endings(this.workers, this.restarts, options.shutdownTimeout, log)
  }

  /**
   * Starts an actor that lives until the scope closes (L1, L2). It is supervised by the policy of the fiber, else by that of its
   * behaviour, else by `policy`.
   */
  spawn(definition: Definition, args: unknown, policy?: Policy): Effect.Effect<HostedActor, unknown, Scope.Scope> {
    return Effect.callback<HostedActor, unknown, Scope.Scope>((resume) =>
      this.begin(Fiber.getCurrent()!.context, definition, args, policy, identity, resume)
    )
  }

  /** The same for a fiber with this context, which is resumed with what is to be made of the actor. */
  begin<A>(
    context: Context.Context<never>,
    definition: Definition,
    args: unknown,
    policy: Policy | undefined,
    make: (actor: HostedActor) => A,
    resume: (effect: Effect.Effect<A, unknown, Scope.Scope>) => void
  ): Effect.Effect<void> | undefined {
    const current = Context.get(context, Current)
    // handles are handed out to the worker itself
    const encoded = definition.args.handles ? undefined : definition.args.encode(args)
    if (current === undefined && policy === undefined && encoded !== undefined && Codec.isSuccess(encoded)) {
      return this.spawnAtOnce(definition, args, encoded.value, Context.getUnsafe(context, Scope.Scope), make, resume)
    }
    resume(Effect.map(this.spawnSlowly(definition, args, encoded, current, policy), make))
    return undefined
  }

  // everything from the entry in the scope to the wait for the answer is one step, which nothing can interrupt half-way
  private spawnAtOnce<A>(
    definition: Definition,
    args: unknown,
    wire: unknown,
    scope: Scope.Scope,
    make: (actor: HostedActor) => A,
    resume: (effect: Effect.Effect<A, unknown>) => void
  ): Effect.Effect<void> | undefined {
    const actor = this.enter(definition, args, scope)
    if (!(actor instanceof HostedActor)) {
      resume(Effect.fail(actor))
      return undefined
    }
    if (this.spawning.start(actor)) {
      this.settle(actor, actor.target.supervision)
      resume(Exit.succeed(make(actor)))
      return undefined
    }
    const build = this.spawning.request(actor, wire, undefined, (built) => {
      if (built === Exit.void) {
        this.settle(actor, actor.target.supervision)
        return resume(Exit.succeed(make(actor)))
      }
      resume(
        Effect.flatMap(
          Effect.exit(built),
          (exit) => Effect.flatMap(this.abandon(actor, exit), () => exit as Exit.Exit<never, unknown>)
        )
      )
    })
    return Effect.suspend(() => {
      build.stop()
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
          early === undefined ? this.spawning.build(actor) : this.spawning.await(actor, early)
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
    const worker = this.workers.acquire()
    const target = worker.client.callees.open(definition.name, worker.locate, definition.methods)
    const actor = new HostedActor(this.endings, worker, target, definition, args)
    actor.scope = scope
    Finalizers.add(scope, actor, (exit) => {
      actor.scope = undefined
      return this.endings.close(actor, { exit, drain: false })
    })
    return actor
  }

  // a spawn that fails or is interrupted half-way leaves nothing behind at once
  private abandon(actor: HostedActor, exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> {
    return Effect.suspend(() => {
      actor.leave()
      return this.endings.close(actor, { exit, drain: false })
    })
  }

  // it has been built
  private settle(actor: HostedActor, restarts: Plan | undefined): void {
    this.restarts.supervise(actor, restarts)
    actor.target.keeper = actor
  }

  /** Ends every worker that is left. */
  readonly shutdown: Effect.Effect<void> = Effect.suspend(() => {
    this.closed = true
    this.restarts.end()
    return this.workers.endAll
  })
}

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
