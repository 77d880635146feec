/**
 * An actor of a system, from its first incarnation to its end.
 */
import type * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { ActorExited } from "../../ActorError.ts"
import type { Definition } from "../behaviour.ts"
import type { Referent } from "../ref.ts"
import type { Budget } from "../supervision.ts"
import type { Incarnation, Target } from "../target.ts"
import * as Finalizers from "./finalizers.ts"
import type { Worker } from "./worker.ts"

/** How an actor is to be closed. */
export interface CloseOptions {
  readonly exit: Exit.Exit<unknown, unknown>
  /** finish what was accepted first; a number bounds that, in milliseconds */
  readonly drain: boolean | number
}

/** How the actors of a system end. */
interface Endings {
  /** closes it, and completes when nothing is left of it */
  readonly close: (actor: HostedActor, options: CloseOptions) => Effect.Effect<void>
  /** closes it without drain; whoever waits for its closing joins */
  readonly hurry: (actor: HostedActor, exit: Exit.Exit<unknown, unknown>) => void
  /** ends it without asking it */
  readonly kill: (actor: HostedActor) => Effect.Effect<void>
  /** asks whether it takes over the failure of those that use it */
  readonly vote: (actor: HostedActor, exit: Exit.Exit<unknown, unknown>) => Effect.Effect<boolean>
}

/** An actor, the worker it lives in, and its closing. */
export class HostedActor implements Referent {
  private readonly endings: Endings
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

  constructor(endings: Endings, worker: Worker, target: Target, definition: Definition, args: unknown) {
    this.endings = endings
    this.worker = worker
    this.target = target
    this.definition = definition
    this.args = args
  }

  targetFor(): Target {
    return this.target
  }

  /** Whether it takes calls now: not while its worker is going down. */
  get isAlive(): boolean {
    return this.target.isAvailable && !this.worker.ending
  }

  /** Whether it takes calls, in this life or a next one. */
  get hasFuture(): boolean {
    return !this.target.closing && !this.isKilled
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
    if (this.leave()) this.endings.hurry(this, Exit.void)
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
    return this.endings.close(this, { exit: Exit.void, drain })
  }

  get kill(): Effect.Effect<void> {
    return this.endings.kill(this)
  }

  /** Its vote on how its scope ends (L5). */
  vote(exit: Exit.Exit<unknown, unknown>): Effect.Effect<boolean> {
    return this.endings.vote(this, exit)
  }
}
