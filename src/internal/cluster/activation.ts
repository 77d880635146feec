/**
 * The actor of an entity: started with the entity, and started again for the next call after its end.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { ActorExited } from "../../ActorError.ts"
import { messageOf } from "../runtime/describe.ts"

/** An actor that runs. */
export interface Running {
  /** calls a method */
  readonly call: (tag: string, payload: unknown, options: object) => object
  /** completes when the actor has ended */
  readonly ended: Effect.Effect<unknown>
  readonly stop: (drain: boolean | number) => Effect.Effect<void>
  readonly kill: Effect.Effect<void>
}

/** The number of times that a call is repeated because its actor has ended, and the first of the doubling delays, in milliseconds. */
const repeats = 4
const firstDelay = 50

/** The actor of one entity. */
export class Activation {
  /** the actor, if it runs */
  running: Running | undefined
  /** the start in progress, which all calls share that arrive during the start */
  private starting: Fiber.Fiber<Running, ActorExited> | undefined
  private readonly name: string
  private readonly address: string
  private readonly start: Effect.Effect<Running, unknown>
  /** closes after the server of the entity: the calls end before the actor */
  private readonly scope: Scope.Closeable

  constructor(name: string, id: string, start: Effect.Effect<Running, unknown>, scope: Scope.Closeable) {
    this.name = name
    this.address = `${name}/${id}`
    this.start = start
    this.scope = scope
  }

  /** The actor, after its start if it does not run. */
  readonly current: Effect.Effect<Running, ActorExited> = Effect.suspend(() =>
    this.running !== undefined ? Effect.succeed(this.running) : this.started
  )

  private readonly started: Effect.Effect<Running, ActorExited> = Effect.suspend(() =>
    this.starting !== undefined
      ? Fiber.join(this.starting)
      : Effect.flatMap(Effect.forkIn(this.begin, this.scope), (fiber) => {
        this.starting = fiber
        fiber.addObserver(() => {
          this.starting = undefined
        })
        return Fiber.join(fiber)
      })
  )

  private readonly begin: Effect.Effect<Running, ActorExited> = Effect.suspend(() => this.start).pipe(
    Effect.tap((running) => {
      this.running = running
      const forget = Effect.sync(() => {
        if (this.running === running) this.running = undefined
      })
      return Effect.forkIn(Effect.andThen(running.ended, forget), this.scope)
    }),
    Effect.catchCause((cause) =>
      Cause.hasInterruptsOnly(cause)
        ? Effect.failCause(cause as Cause.Cause<never>)
        : Effect.fail(
          new ActorExited({
            actor: this.name,
            reason: "NotStarted",
            outcome: "NotRun",
            message: `${this.address} could not be started: ${messageOf(Cause.squash(cause))}`
          })
        )
    )
  )

  /** Calls a method. A call that the actor did not run, because it ended, runs on the next actor, and so does any other if `twice`. */
  call(tag: string, payload: unknown, options: object, twice: boolean): Effect.Effect<unknown, unknown> {
    const isRepeated = (reason: Cause.Reason<unknown>): boolean =>
      Cause.isFailReason(reason) && reason.error instanceof ActorExited && reason.error.reason !== "NotStarted" &&
      this.scope.state._tag !== "Closed" && (twice || reason.error.outcome === "NotRun")
    const answer = Effect.flatMap(
      this.current,
      (running) => running.call(tag, payload, options) as Effect.Effect<unknown, unknown>
    )
    // `Effect.retry` makes a defect of a typed error beside a defect
    const attempt = (repeated: number): Effect.Effect<unknown, unknown> =>
      Effect.catchCause(answer, (cause) =>
        repeated < repeats && cause.reasons.some(isRepeated)
          ? Effect.andThen(Effect.sleep(firstDelay * 2 ** repeated), attempt(repeated + 1))
          : Cause.hasInterruptsOnly(cause)
          ? Effect.fail(this.selfInterrupted(tag))
          : Effect.failCause(cause))
    return attempt(0)
  }

  // to the caller, an interruption is the end of the runner; the runner has not interrupted this fiber, or it would not run this
  private selfInterrupted(method: string): ActorExited {
    return new ActorExited({
      actor: this.name,
      method,
      reason: "Stopped",
      outcome: "Unknown",
      message: `${this.address}.${method} may have run: its handler has interrupted itself`
    })
  }

  /** Ends the actor, if it runs. */
  end(how: (running: Running) => Effect.Effect<void>): Effect.Effect<void> {
    return Effect.suspend(() => this.running === undefined ? Effect.void : how(this.running))
  }
}
