/**
 * Healing: a pool replaces the members that have ended for good (P9). The delay before a replacement grows while members end soon after it.
 */
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"

/** the first delay, in milliseconds; each later delay is twice the delay before it */
const shortest = 1_000
const longest = 60_000

/** the time in milliseconds after which a replacement counts as a success, and the next delay is the first again */
const calm = 5 * 60_000

/** What healing uses of a pool. */
export interface Patient {
  /** the name of the actors, for the log */
  readonly name: string
  /** the number of members that are to be replaced */
  readonly missing: () => number
  /** starts the missing members */
  readonly replace: Effect.Effect<unknown, unknown>
}

/** Replaces the members of one pool. */
export class Healing {
  private readonly patient: Patient
  private readonly scope: Scope.Scope
  private readonly context: Context.Context<never>
  private delays = 0
  private lastHealed = 0
  private state: "idle" | "healing" = "idle"

  /** Healing ends with `scope`. */
  constructor(patient: Patient, scope: Scope.Scope, context: Context.Context<never>) {
    this.patient = patient
    this.scope = scope
    this.context = context
  }

  /** A member has ended for good. */
  memberEnded(): void {
    if (this.state === "healing") return
    this.state = "healing"
    const heal = Effect.ensuring(
      Effect.whileLoop({
        while: () => this.patient.missing() > 0,
        body: () => this.once,
        step: () => undefined
      }),
      Effect.sync(() => {
        this.state = "idle"
      })
    )
    Effect.runForkWith(this.context)(Effect.forkIn(heal, this.scope))
  }

  private readonly once = Effect.gen({ self: this }, function*() {
    const { missing, name, replace } = this.patient
    const now = yield* Clock.currentTimeMillis
    if (now > this.lastHealed + calm) this.delays = 0
    const delay = Math.min(longest, shortest * 2 ** this.delays++)
    const members = missing() === 1 ? "a member" : `${missing()} members`
    yield* Effect.logWarning(`a pool of ${name} replaces ${members} in ${delay / 1_000} s`)
    yield* Effect.sleep(delay)
    const exit = yield* Effect.exit(replace)
    this.lastHealed = yield* Clock.currentTimeMillis
    if (Exit.isFailure(exit)) yield* Effect.logWarning(`a pool of ${name} could not replace ${members}`, exit.cause)
  })
}
