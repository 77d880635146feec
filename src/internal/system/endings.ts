/**
 * How actors end: closed, with or without what they have accepted, or killed; and
 * how they are asked whether they take over the failure that ends their scope
 * (L4, L5).
 */
import type * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Codec from "../codec.ts"
import * as Wire from "../wire.ts"
import type { CloseOptions, HostedActor } from "./hostedActor.ts"
import type { Log } from "./log.ts"
import type { Restarts } from "./restarts.ts"
import type { Workers } from "./workers.ts"

/** Ends the actors of a system. */
export class Endings {
  private readonly workers: Workers
  private readonly restarts: Restarts
  /** how long an actor may take to close, or to vote, in milliseconds */
  private readonly timeout: number
  private readonly log: Log

  constructor(workers: Workers, restarts: Restarts, timeout: number, log: Log) {
    this.workers = workers
    this.restarts = restarts
    this.timeout = timeout
    this.log = log
  }

  /**
   * Ends an actor, and its worker if it has one of its own; returns when nothing is left (L4). Closing again joins the closing
   * that is under way, and takes away its drain.
   */
  close(actor: HostedActor, { drain, exit }: CloseOptions): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (drain === false) this.hurry(actor, exit)
      else if (actor.hurry === undefined) this.begin(actor, exit, drain)
      return Deferred.await(actor.gone!)
    })
  }

  /** Closes an actor without drain; whoever waits for it joins. */
  hurry(actor: HostedActor, exit: Exit.Exit<unknown, unknown>): void {
    if (actor.hurry === undefined) this.begin(actor, exit, false)
    else actor.hurry()
  }

  private begin(actor: HostedActor, exit: Exit.Exit<unknown, unknown>, drain: boolean | number): void {
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
      outbox.push4(Wire.Close, target.id, actor.isKilled ? Wire.killed : false, encoded)
      if (this.workers.areDedicated) outbox.push1(Wire.End)
      if (this.timeout === Infinity) return
      killTimer = setTimeout(
        () =>
          this.workers.kill(
            worker,
            `${target.address} did not close within ${this.timeout} ms`,
            "its worker"
          ),
        this.timeout
      )
    }
    this.restarts.cancel(actor)
    if (this.workers.areDedicated) worker.ending = true
    target.refuse()
    stopListening = worker.whenEnded(gone)
    if (worker.ended) return
    // an actor that has ended by itself, or whose restart has failed, has left its worker already
    if (worker.client.callees.actors.get(target.id) === undefined) {
      if (this.workers.areDedicated) outbox.push1(Wire.End)
      else gone()
      return
    }
    target.onClosed = (cause) => {
      failure = cause
      if (!this.workers.areDedicated) gone()
      else if (drain !== false && !worker.ended) actor.hurry!()
    }
    if (drain === false) return actor.hurry()
    outbox.push4(Wire.Close, target.id, true, encoded)
    if (typeof drain === "number") drainTimer = setTimeout(actor.hurry, drain)
  }

  /** Ends an actor without asking it: its worker is killed, or, where it shares one, it is closed at once. */
  kill(actor: HostedActor): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { target, worker } = actor
      const message = `${target.address} was killed`
      actor.isKilled = true
      actor.restart?.interruptUnsafe()
      // between two incarnations there is nobody whose end would tell the watchers
      if (worker.ended || target.restarting) this.restarts.giveUp(actor, "Killed", message)
      if (worker.ended) return Effect.void
      if (!this.workers.areDedicated) {
        // it is closed below, and not as one that ends by itself
        actor.leave()
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
  vote(actor: HostedActor, exit: Exit.Exit<unknown, unknown>): Effect.Effect<boolean> {
    return Effect.callback((resume) => {
      const { target, worker } = actor
      if (!target.isAvailable) return resume(Effect.succeed(false))
      const { timeout } = this
      const stop = (): void => {
        clearTimeout(timer)
        target.onVoted = undefined
      }
      const timer = timeout === Infinity ? undefined : setTimeout(() => {
        this.log(Effect.logWarning(`${target.address} did not vote within ${timeout} ms: it absorbs nothing`))
        stop()
        resume(Effect.succeed(false))
      }, timeout)
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
}
