/**
 * A restart policy as data: the delays of its schedule, sampled in advance, and a budget. A schedule cannot be sent to the host, and a
 * dead worker cannot be asked for the next delay.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import type { Plan, Restart } from "../wire/frames.ts"

export type { Plan, Restart }

/** What ends an incarnation: the death of its worker, a crash of the actor alone, or a stop by the actor itself. */
export type End = "death" | "crash" | "stop"

/** The ends after which each kind of policy restarts an actor. */
export const ends: Readonly<Record<Restart, ReadonlyArray<End>>> = {
  "on-death": ["death", "crash"],
  "on-defect": ["crash"],
  "always": ["death", "crash", "stop"],
  "never": []
}

/** Whether an actor is restarted after an end of this kind. */
export const restartsAfter = (restart: Restart, end: End): boolean => ends[restart].includes(end)

/** The plan by which an actor is restarted, if it is restarted at all. */
export const effective = (plan: Plan | undefined): Plan | undefined => plan?.restart === "never" ? undefined : plan

/** The policy under which actors are spawned, if any. */
export const Current: Context.Reference<Policy | undefined> = Context.Reference<Policy | undefined>(
  "uactor/Supervision/Current",
  { defaultValue: () => undefined }
)

/** A restart policy. */
export interface Policy {
  /** The delay before each restart. When the schedule ends, the actor ends. */
  readonly schedule: Schedule.Schedule<unknown>
  /** The maximum number of restarts within `window`; `Infinity`: no limit. */
  readonly maxRestarts: number
  /** The time within which restarts count against `maxRestarts`. */
  readonly window: Duration.Input
  /** Which ends of the actor restart it. */
  readonly restart: Restart
}

// further restarts in one window use the last delay
const maxSamples = 64

/** Samples a policy. */
export const plan = (policy: Policy): Effect.Effect<Plan> =>
  Effect.gen(function*() {
    const step = yield* Schedule.toStep(policy.schedule)
    const delays: Array<number> = []
    let now = 0
    let isOver = false
    while (delays.length < maxSamples) {
      const next = yield* Effect.exit(step(now, undefined))
      if (Exit.isFailure(next)) {
        if (Cause.hasDies(next.cause)) return yield* Effect.failCause(next.cause as Cause.Cause<never>)
        isOver = true
        break
      }
      const delay = Duration.toMillis(next.value[1])
      delays.push(delay)
      now += delay
    }
    const { maxRestarts, restart, window } = policy
    return { delays, ends: isOver, maxRestarts, window: Duration.toMillis(window), restart }
  })

/** Counts the restarts of one actor against its plan. */
export class Budget {
  private readonly plan: Plan
  private times: Array<number> = []
  private made = 0

  constructor(plan: Plan) {
    this.plan = plan
  }

  /**
   * The delay before the next restart, or `undefined` if no restart is left. Restarts older than the window are forgotten only if the
   * last incarnation has run (F4).
   */
  next(now: number, hasLived: boolean): number | undefined {
    const { delays, maxRestarts, window } = this.plan
    if (hasLived) this.times = this.times.filter((time) => time > now - window)
    if (this.times.length >= maxRestarts || this.isOver) return undefined
    this.made++
    this.times.push(now)
    // without a limit, only the number of the next delay matters
    if (maxRestarts === Infinity && this.times.length > delays.length) this.times.shift()
    return delays[Math.min(this.times.length, delays.length) - 1]
  }

  /** the restarts that count at this time, and their limit within the window */
  usage(now: number): { readonly used: number; readonly max: number; readonly windowMillis: number } {
    const { maxRestarts, window } = this.plan
    return { used: this.times.filter((time) => time > now - window).length, max: maxRestarts, windowMillis: window }
  }

  private get isOver(): boolean {
    return this.plan.ends && this.made >= this.plan.delays.length
  }

  get text(): string {
    return this.isOver ? `${this.made} restarts, after which its schedule ends` : `${this.times.length} restarts`
  }
}
