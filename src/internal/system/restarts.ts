/**
 * Restarts actors whose workers have ended, as often as their supervision allows
 * (F3, F4).
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { ActorExited } from "../../ActorError.ts"
import type { LinkEnd } from "../link.ts"
import { Budget, type Plan } from "../supervision.ts"
import * as Wire from "../wire.ts"
import type { HostedActor } from "./hostedActor.ts"
import type { Log } from "./log.ts"
import type { Spawning } from "./spawning.ts"
import type { Workers } from "./workers.ts"

const textOf = (why: unknown): string => why instanceof Error ? why.message || why.name : String(why)

/** The restarts of a system. */
export class Restarts {
  private readonly workers: Workers
  private readonly spawning: Spawning
  private readonly context: Context.Context<never>
  private readonly log: Log
  private readonly underWay = new Set<HostedActor>()
  private ended = false

  constructor(workers: Workers, spawning: Spawning, context: Context.Context<never>, log: Log) {
    this.workers = workers
    this.spawning = spawning
    this.context = context
    this.log = log
  }

  /** Has an actor restarted from now on, if there is a plan for that. */
  supervise(actor: HostedActor, restarts: Plan | undefined): void {
    if (restarts === undefined) return
    actor.budget = new Budget(restarts)
    const { target } = actor
    target.willRestart = (end) =>
      this.plan(actor, target.exited(end.reason, "Unknown", `${target.address} ended: ${end.message}`), true)
  }

  // whether there will be another incarnation, which is then under way; `previous` is how the last one that lived ended
  private plan(actor: HostedActor, previous: ActorExited, hasLived: boolean): boolean {
    if (
      this.ended || actor.isKilled || actor.hurry !== undefined || actor.budget === undefined ||
      previous.reason === "Stopped"
    ) {
      return false
    }
    const delay = actor.budget.next(performance.now(), hasLived)
    if (delay === undefined) {
      this.log(Effect.logWarning(`${actor.target.address} is given up after ${actor.budget.text}`))
      return false
    }
    this.underWay.add(actor)
    actor.restart = Effect.runForkWith(this.context)(
      Effect.andThen(Effect.sleep(delay), Effect.suspend(() => this.restart(actor, previous)))
    )
    return true
  }

  private restart(actor: HostedActor, previous: ActorExited): Effect.Effect<void> {
    const { target } = actor
    return Effect.gen({ self: this }, function*() {
      const worker = actor.worker = this.workers.acquire()
      worker.client.callees.adopt(target, worker.locate)
      const exit = yield* Effect.exit(this.spawning.build(actor))
      if (Exit.isSuccess(exit)) {
        this.underWay.delete(actor)
        actor.restart = undefined
        target.reopened(previous)
        return
      }
      worker.client.callees.actors.delete(target.id)
      const why = textOf(Cause.squash(exit.cause))
      // the end of a worker has been reported already
      if (!worker.ended) this.log(Effect.logWarning(`${target.address} could not be built again: ${why}`))
      if (this.workers.areDedicated) yield* this.workers.end(worker)
      else worker.client.outbox.push4(Wire.Close, target.id, false, undefined)
      if (this.plan(actor, previous, false)) return
      this.giveUp(actor, previous.reason, `${previous.message}; the last restart failed: ${why}`)
    })
  }

  /** There will be no other incarnation. */
  giveUp(actor: HostedActor, reason: LinkEnd["reason"], message: string): void {
    this.underWay.delete(actor)
    actor.restart = undefined
    actor.target.end(Exit.fail(actor.target.exited(reason, "NotRun", message)))
  }

  /** An actor is to be closed: the restart that is under way, if there is one, ends. */
  cancel(actor: HostedActor): void {
    actor.restart?.interruptUnsafe()
    this.underWay.delete(actor)
  }

  /** There are no more restarts; actors between two incarnations have ended. */
  end(): void {
    this.ended = true
    for (const actor of this.underWay) {
      actor.restart?.interruptUnsafe()
      actor.target.end(Exit.void)
    }
    this.underWay.clear()
  }
}
