/**
 * How many members a pool has: as many as it is told to, or, between two bounds, as its calls need (P7).
 *
 * A member is started when a call finds all of them busy, and the call does not wait for it; one that has had nothing to do for long
 * gets no more calls and ends. Each lives in a scope of its own below that of the pool.
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { SpawnError } from "../../ActorError.ts"
import { timeout } from "../times.ts"
import type { HostedActor } from "./hostedActor.ts"

/** The bounds of a size that follows the calls. */
interface ElasticSize {
  /** how many members there are at least; 1 or more */
  readonly min: number
  /** how many there are at most; `min` or more */
  readonly max: number
  /** how long one that has nothing to do is kept beyond `min`; longer than 0 */
  readonly idleTimeToLive: Duration.Input
}

/** How many members a pool has. */
export type Size = number | ElasticSize

interface Bounds {
  readonly min: number
  readonly max: number
  /** in milliseconds */
  readonly idle: number
}

// throws what says which of them is out of range
const boundsOf = (pool: string, size: Size): Bounds => {
  const { idleTimeToLive, max, min } = typeof size === "number"
    ? { min: size, max: size, idleTimeToLive: Infinity }
    : size
  const check = (name: string, value: number, least: number): void => {
    if (Number.isInteger(value) && value >= least) return
    throw new RangeError(`the ${name} of a pool of ${pool} must be an integer of at least ${least}, not ${value}`)
  }
  check(typeof size === "number" ? "size" : "size.min", min, 1)
  check("size.max", max, min)
  return { min, max, idle: timeout(`the size.idleTimeToLive of a pool of ${pool}`, idleTimeToLive, true) }
}

// one that has had nothing to do is looked at so often before it has been idle for long enough
const looks = 4

// how often it is looked whether one that is to end has finished; an event for it would cost every call
const drainInterval = 10

const pause = (ms: number): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const timer = setTimeout(() => resume(Effect.void), ms)
    return Effect.sync(() => clearTimeout(timer))
  })

const isBusy = ({ target }: HostedActor): boolean => target.load > 0

// what it has handed out may be at work as well
const isIdle = (member: HostedActor): boolean => !isBusy(member) && member.worker.client.ends.imports.size === 0

/** The members of a pool. */
export class Members {
  /** the same array for as long as the pool lives; at least one once it has been sized */
  readonly list: Array<HostedActor> = []
  private readonly pool: string
  private readonly spawn: Effect.Effect<HostedActor, unknown, Scope.Scope>
  private readonly scope: Scope.Scope
  private readonly context: Context.Context<never>
  private readonly scopes = new Map<HostedActor, Scope.Closeable>()
  private readonly sizing = Semaphore.makeUnsafe(1)
  private bounds: Bounds = { min: 0, max: 0, idle: Infinity }
  private starting = 0
  /** when one may be started again after one could not be */
  private startsAgain = 0
  /** how often each has been looked at since it was given a call */
  private readonly looked = new Map<HostedActor, number>()
  private watch: Fiber.Fiber<void> | undefined

  /** `spawn` starts one; all of them end with `scope`. */
  constructor(
    pool: string,
    spawn: Effect.Effect<HostedActor, unknown, Scope.Scope>,
    scope: Scope.Scope,
    context: Context.Context<never>
  ) {
    this.pool = pool
    this.spawn = spawn
    this.scope = scope
    this.context = context
  }

  /** Gives the pool another size. Those that are missing start in parallel, all or none; those that are too many finish first. */
  resize(size: Size): Effect.Effect<void, unknown> {
    const checked = Effect.try({
      try: () => boundsOf(this.pool, size),
      catch: (error) => this.error("OptionsInvalid", (error as RangeError).message)
    })
    return this.sizing.withPermits(1)(Effect.flatMap(checked, (bounds) => {
      if (this.scope.state._tag === "Closed") {
        return Effect.fail(this.error("WorkerFailed", `the pool of ${this.pool} has been closed`))
      }
      const missing = bounds.min - this.alive.length
      return Effect.flatMap(missing > 0 ? this.start(missing) : Effect.succeed([]), (started) => {
        this.bounds = bounds
        // those that have ended for good make room; one that has just been started counts, whatever became of it meanwhile
        const kept = [...this.alive, ...started].slice(0, bounds.max)
        this.list.push(...started)
        const left = this.list.filter((member) => !kept.includes(member))
        this.list.splice(0, this.list.length, ...kept)
        this.lookAfter()
        return this.retire(left)
      })
    }))
  }

  private error(reason: SpawnError["reason"], message: string): SpawnError {
    return new SpawnError({ actor: this.pool, reason, message })
  }

  private get alive(): Array<HostedActor> {
    return this.list.filter(({ hasFuture }) => hasFuture)
  }

  // those that have ended for good
  private get gone(): Array<HostedActor> {
    return this.list.filter(({ hasFuture }) => !hasFuture)
  }

  private remove(members: ReadonlyArray<HostedActor>): ReadonlyArray<HostedActor> {
    for (const member of members) this.list.splice(this.list.indexOf(member), 1)
    return members
  }

  /** A call goes to this one. */
  used(member: HostedActor): void {
    const { max, min } = this.bounds
    if (min === max) return
    this.looked.set(member, 0)
    let places = max - this.starting
    for (const each of this.list) {
      if (!each.hasFuture) continue
      if (!isBusy(each)) return
      places--
    }
    if (places > 0 && performance.now() >= this.startsAgain) this.grow()
  }

  private grow(): void {
    this.starting++
    const grown = Effect.matchCauseEffect(this.start(1), {
      onSuccess: ([member]) => {
        this.starting--
        if (this.alive.length >= this.bounds.max) return this.retireUnasked([member!])
        this.list.push(member!)
        return this.retireUnasked(this.remove(this.gone))
      },
      onFailure: (cause) => {
        this.starting--
        if (Cause.hasInterruptsOnly(cause)) return Effect.void
        this.startsAgain = performance.now() + Math.min(this.bounds.idle, 1000)
        return Effect.logWarning(`a pool of ${this.pool} could not grow`, cause)
      }
    })
    Effect.runForkWith(this.context)(Effect.forkIn(grown, this.scope))
  }

  // all of them, or none; in the order in which they were started, whichever is ready first
  private start(n: number): Effect.Effect<Array<HostedActor>, unknown> {
    return Effect.suspend(() => {
      const started: Array<HostedActor> = []
      const one = Effect.uninterruptibleMask((restore) => {
        const scope = Scope.forkUnsafe(this.scope)
        return Effect.flatMap(Effect.exit(restore(Scope.provide(this.spawn, scope))), (exit) => {
          if (Exit.isFailure(exit)) return Effect.andThen(Scope.close(scope, exit), exit)
          this.scopes.set(exit.value, scope)
          started.push(exit.value)
          return exit
        })
      })
      return Effect.onError(
        Effect.forEach(Array.from({ length: n }), () => one, { concurrency: "unbounded" }),
        () => this.close(started)
      )
    })
  }

  // they get no more calls, and finish those they have
  private retire(members: ReadonlyArray<HostedActor>): Effect.Effect<void> {
    const finish = (member: HostedActor): Effect.Effect<void> =>
      Effect.suspend(() =>
        isBusy(member) && !member.target.closing
          ? Effect.flatMap(pause(drainInterval), () => finish(member))
          : this.close([member])
      )
    // goes on when nobody waits for it any more
    return Effect.flatMap(
      Effect.forkIn(Effect.forEach(members, finish, { concurrency: "unbounded", discard: true }), this.scope),
      Fiber.join
    )
  }

  // nobody is told of a finalizer that fails
  private retireUnasked(members: ReadonlyArray<HostedActor>): Effect.Effect<void> {
    return Effect.catchCause(
      this.retire(members),
      (cause) => Effect.logWarning(`a member that a pool of ${this.pool} had no need of failed to close`, cause)
    )
  }

  private close(members: ReadonlyArray<HostedActor>): Effect.Effect<void> {
    return Effect.forEach(members, (member) => {
      const scope = this.scopes.get(member)!
      this.scopes.delete(member)
      this.looked.delete(member)
      return Scope.close(scope, Exit.void)
    }, { concurrency: "unbounded", discard: true })
  }

  // looks whether there are more than are needed, if that can be
  private lookAfter(): void {
    this.watch?.interruptUnsafe()
    this.watch = undefined
    const { idle, max, min } = this.bounds
    if (min === max || idle === Infinity) return
    const look = Effect.flatMap(Effect.sleep(idle / looks), () => this.shrink)
    this.watch = Effect.runSyncWith(this.context)(Effect.forkIn(Effect.forever(look), this.scope))
  }

  private get shrink(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { alive, gone } = this
      const idle = alive.filter((member) => {
        const times = !isIdle(member) ? 0 : (this.looked.get(member) ?? 0) + 1
        this.looked.set(member, times)
        return times > looks
      })
      const surplus = idle.slice(0, Math.max(0, alive.length - this.bounds.min))
      // one is kept, though it has ended, for as long as there is no other one
      const left = this.remove(alive.length === 0 ? gone.slice(1) : [...gone, ...surplus])
      return Effect.asVoid(Effect.forkIn(this.retireUnasked(left), this.scope))
    })
  }
}
