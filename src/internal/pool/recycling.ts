/**
 * Recycling: a pool replaces members that have run many calls or have lived for long. The successor starts first, and no restart is counted.
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { millis } from "../actor/durations.ts"
import type { ChildActor } from "../system/childActor.ts"

/** When a member is replaced by a fresh one: by the limit that it reaches first. */
export interface Recycle {
  /** The number of calls and items that a member has got, an integer of at least 1. */
  readonly afterCalls?: number | undefined
  /** The age of a member, longer than 0. */
  readonly afterTime?: Duration.Input | undefined
}

/** When a member is replaced, checked. */
export interface RecycleLimits {
  readonly calls: number
  /** in milliseconds */
  readonly time: number
}

/** Checks the limits of a pool. Throws a `RangeError` that names the limit. */
export const limitsOf = (pool: string, { afterCalls, afterTime }: Recycle): RecycleLimits => {
  if (afterCalls !== undefined && !(Number.isInteger(afterCalls) && afterCalls >= 1)) {
    throw new RangeError(
      `the recycle.afterCalls of a pool of ${pool} must be an integer of at least 1, not ${String(afterCalls)}`
    )
  }
  const time = afterTime === undefined
    ? Infinity
    : millis(`the recycle.afterTime of a pool of ${pool}`, afterTime, true)
  return { calls: afterCalls ?? Infinity, time }
}

/** The calls of a member, and what replaces the member when it is old. */
interface Life {
  calls: number
  readonly clock: Fiber.Fiber<void> | undefined
}

/** Recycles the members of one pool. */
export class Recycling {
  private readonly limits: RecycleLimits
  private readonly pool: string
  private readonly replace: (member: ChildActor) => Effect.Effect<void, unknown>
  private readonly scope: Scope.Scope
  private readonly context: Context.Context<never>
  private readonly lives = new Map<ChildActor, Life>()

  /** `replace` starts the successor of a member, and lets the member end. Recycling ends with `scope`. */
  constructor(
    limits: RecycleLimits,
    pool: string,
    replace: Recycling["replace"],
    scope: Scope.Scope,
    context: Context.Context<never>
  ) {
    this.limits = limits
    this.pool = pool
    this.replace = replace
    this.scope = scope
    this.context = context
  }

  /** A member has started. */
  started(member: ChildActor): void {
    const { time } = this.limits
    const old = Effect.andThen(Effect.sleep(time), this.recycle(member))
    this.lives.set(member, { calls: 0, clock: time === Infinity ? undefined : this.fork(old) })
  }

  /** A call or an item goes to a member. */
  used(member: ChildActor): void {
    const life = this.lives.get(member)
    if (life !== undefined && ++life.calls === this.limits.calls) this.fork(this.recycle(member))
  }

  /** A member is being closed. */
  ended(member: ChildActor): void {
    this.lives.get(member)?.clock?.interruptUnsafe()
    this.lives.delete(member)
  }

  // a member whose successor cannot be started goes on, and is tried again after as many calls
  private recycle(member: ChildActor): Effect.Effect<void> {
    return Effect.catchCause(this.replace(member), (cause) => {
      const life = this.lives.get(member)
      if (life !== undefined) life.calls = 0
      return Cause.hasInterruptsOnly(cause)
        ? Effect.void
        : Effect.logWarning(`a pool of ${this.pool} could not recycle a member`, cause)
    })
  }

  private fork(effect: Effect.Effect<void>): Fiber.Fiber<void> {
    return Effect.runSyncWith(this.context)(Effect.forkIn(effect, this.scope))
  }
}
