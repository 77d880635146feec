/**
 * Recycling: a pool replaces members that have run many calls, have lived for long, or use much memory. The successor starts first, and no restart is counted.
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
  /**
   * The used size of the heap of the member's worker, in megabytes of 2 ** 20 bytes, above 0. It is measured once a second, and contains
   * garbage that has not been collected yet, but no buffers. A member whose heap is above the limit before its first call is not replaced
   * for its heap, and the log reports the limit. Requires workers that belong to one actor each, as threads or processes.
   */
  readonly aboveHeapMb?: number | undefined
}

/** When a member is replaced, checked. */
export interface RecycleLimits {
  readonly calls: number
  /** in milliseconds */
  readonly time: number
  /** in bytes */
  readonly heap: number
}

const megabyte = 2 ** 20

/** the time between two measurements of a heap, and the time after a replacement that has failed, in milliseconds */
const heapInterval = 1_000
const retryDelay = 60_000

/** Checks the limits of a pool. Throws a `RangeError` that names the limit. `hasOwnHeaps`: whether each member has a heap of its own. */
export const limitsOf = (
  pool: string,
  { aboveHeapMb, afterCalls, afterTime }: Recycle,
  hasOwnHeaps: boolean
): RecycleLimits => {
  if (afterCalls !== undefined && !(Number.isInteger(afterCalls) && afterCalls >= 1)) {
    throw new RangeError(
      `the recycle.afterCalls of a pool of ${pool} must be an integer of at least 1, not ${String(afterCalls)}`
    )
  }
  const time = afterTime === undefined
    ? Infinity
    : millis(`the recycle.afterTime of a pool of ${pool}`, afterTime, true)
  if (aboveHeapMb !== undefined) {
    const option = `the recycle.aboveHeapMb of a pool of ${pool}`
    if (!(aboveHeapMb > 0)) throw new RangeError(`${option} must be a number above 0, not ${String(aboveHeapMb)}`)
    if (!hasOwnHeaps) {
      throw new RangeError(
        `${option} requires a worker for each member: threads or processes with workers: "dedicated"`
      )
    }
  }
  return { calls: afterCalls ?? Infinity, time, heap: aboveHeapMb === undefined ? Infinity : aboveHeapMb * megabyte }
}

/** The calls of a member, and what replaces the member when it is old. */
interface Life {
  calls: number
  readonly clock: Fiber.Fiber<void> | undefined
  /** the worker whose heap is being measured, or is above the limit; a restart of the member changes the worker */
  measured: ChildActor["worker"] | undefined
  /** the first measurement has arrived, which was made before the first call */
  isKnown: boolean
}

/** Recycles the members of one pool. */
export class Recycling {
  private readonly limits: RecycleLimits
  private readonly pool: string
  private readonly replace: (member: ChildActor) => Effect.Effect<void, unknown>
  private readonly scope: Scope.Scope
  private readonly context: Context.Context<never>
  private readonly lives = new Map<ChildActor, Life>()
  private hasWarned = false

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
    if (limits.heap === Infinity) return
    const measure = Effect.sync(() => this.lives.forEach((life, member) => this.measure(member, life)))
    this.fork(Effect.forever(Effect.andThen(Effect.sleep(heapInterval), measure)))
  }

  /** A member has started. */
  started(member: ChildActor): void {
    const { heap, time } = this.limits
    const old = Effect.andThen(Effect.sleep(time), this.recycle(member))
    const clock = time === Infinity ? undefined : this.fork(old)
    const life: Life = { calls: 0, clock, measured: undefined, isKnown: false }
    this.lives.set(member, life)
    if (heap !== Infinity) this.measure(member, life)
  }

  private measure(member: ChildActor, life: Life): void {
    const { worker } = member
    if (life.measured === worker) return
    life.measured = worker
    worker.measureHeap((heap) => {
      const isFirst = !life.isKnown
      life.isKnown = true
      if (heap <= this.limits.heap) life.measured = undefined
      else if (isFirst) this.warn(heap)
      else {
        const again = Effect.sync(() => {
          life.measured = undefined
        })
        this.fork(this.recycle(member).pipe(Effect.andThen(Effect.sleep(retryDelay)), Effect.andThen(again)))
      }
    })
  }

  // a successor would be above the limit, too
  private warn(heap: number): void {
    if (this.hasWarned) return
    this.hasWarned = true
    const [used, limit] = [heap, this.limits.heap].map((bytes) => Math.round(bytes / megabyte))
    this.fork(
      Effect.logWarning(
        `the heap of a fresh member of a pool of ${this.pool} is ${used} MB, above the recycle.aboveHeapMb of ${limit}: ` +
          "such members are not replaced for their heap"
      )
    )
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
