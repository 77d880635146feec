/**
 * A restart policy in the form in which it can be sent and counted: the delays
 * of its schedule, sampled ahead, and a budget. A schedule cannot cross a wire;
 * its delays can, and a worker that is dead could not be asked for them.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"

/** The policy under which actors are spawned, if any. */
export const Current: Context.Reference<Policy | undefined> = Context.Reference<Policy | undefined>(
  "uactor/Supervision/Current",
  { defaultValue: () => undefined }
)

/** A restart policy. */
export interface Policy {
  /** how long to wait before each restart; when it ends, so does the actor */
  readonly schedule: Schedule.Schedule<unknown>
  /** at most so many restarts in one `window` */
  readonly maxRestarts: number
  readonly window: Duration.Input
}

/** The same, as plain data; times in milliseconds. */
export interface Plan {
  readonly delays: ReadonlyArray<number>
  /** there are no more delays than these */
  readonly ends: boolean
  readonly maxRestarts: number
  readonly window: number
}

// more restarts than that in one window wait as long as the last of them
const maxSamples = 64

/** Samples a policy. */
export const plan = (policy: Policy): Effect.Effect<Plan> =>
  Effect.gen(function*() {
    const step = yield* Schedule.toStep(policy.schedule)
    const delays: Array<number> = []
    let now = 0
    let ends = false
    while (delays.length < maxSamples) {
      const next = yield* Effect.exit(step(now, undefined))
      if (Exit.isFailure(next)) {
        if (Cause.hasDies(next.cause)) return yield* Effect.failCause(next.cause as Cause.Cause<never>)
        ends = true
        break
      }
      const delay = Duration.toMillis(next.value[1])
      delays.push(delay)
      now += delay
    }
    return { delays, ends, maxRestarts: policy.maxRestarts, window: Duration.toMillis(policy.window) }
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
   * How long to wait before the next restart, or `undefined` when there is none left. Only what has lived since the last one has
   * its older restarts forgotten (F4).
   */
  next(now: number, hasLived: boolean): number | undefined {
    const { delays, maxRestarts, window } = this.plan
    if (hasLived) this.times = this.times.filter((time) => time > now - window)
    if (this.times.length >= maxRestarts || this.isOver) return undefined
    this.made++
    this.times.push(now)
    return delays[Math.min(this.times.length, delays.length) - 1]
  }

  private get isOver(): boolean {
    return this.plan.ends && this.made >= this.plan.delays.length
  }

  get text(): string {
    return this.isOver ? `${this.made} restarts, after which its schedule ends` : `${this.times.length} restarts`
  }
}
