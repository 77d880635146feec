/**
 * The members of a pool. Their number is fixed, or follows the calls between two bounds (P7).
 *
 * An elastic pool starts a member when a call finds all members busy; the call does not wait for the new member. A member that has been
 * idle for long gets no further calls and ends. Each member lives in a scope of its own below the scope of the pool.
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { type ActorExited, SpawnError } from "../../ActorError.ts"
import { timeout } from "../actor/durations.ts"
import type { Restore } from "../effect/takePermits.ts"
import * as Events from "../monitor/events.ts"
import type { SystemSpans } from "../observe/systemSpans.ts"
import type { ActorProxy, PoolMembership } from "../proxy/actorProxy.ts"
import { clearTimeout, performance, setTimeout } from "../runtime/globals.ts"
import { ExitLatch } from "../runtime/waiters.ts"
import type { ChildActor } from "../system/childActor.ts"
import { Healing } from "./healing.ts"
import { type RecycleLimits, Recycling } from "./recycling.ts"

/** The bounds of an elastic pool. */
interface ElasticSize {
  /** The minimum number of members, an integer of at least 1. */
  readonly min: number
  /** The maximum number of members, an integer of at least `min`. */
  readonly max: number
  /** How long an idle member beyond `min` is kept, longer than 0. */
  readonly idleTimeToLive: Duration.Input
}

/**
 * The size of a pool: a number of members; `"cores"`, a member for each core that the program may use, by its affinity and the quotas of its
 * cgroups; or bounds between which the number of members follows the calls.
 */
export type Size = number | "cores" | ElasticSize

interface Bounds {
  readonly min: number
  readonly max: number
  /** in milliseconds */
  readonly idle: number
}

// throws a `RangeError` that names the bound
const boundsOf = (pool: string, given: Size, cores: () => number): Bounds => {
  const size = given === "cores" ? cores() : given
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

// the number of idle checks in `idleTimeToLive`
const idleChecks = 4

// the interval in milliseconds at which a retired member is checked for its end; an event would cost every call
const drainInterval = 10

const pause = (ms: number): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const timer = setTimeout(() => resume(Effect.void), ms)
    return Effect.sync(() => clearTimeout(timer))
  })

const isBusy = ({ proxy }: ChildActor): boolean => proxy.load > 0

// an unfinished item may be between two calls
const isInUse = (member: ChildActor): boolean => member.items > 0 || isBusy(member)

// a handle that the member has exported may be in use
const isIdle = (member: ChildActor): boolean => !isInUse(member) && !member.worker.holdsOf(member.proxy)

/** What a pool does when a member has ended for good: it replaces the member after a delay, or goes on without it. */
export type OnGivenUp = "heal" | "fail"

/** The queue of a pool, as the members of the pool use it. */
export interface MemberQueue {
  /** a member may have room for another call, or has ended */
  readonly advance: () => void
  /** as in {@link PoolMembership} */
  readonly waitingCalls: PoolMembership["waitingCalls"]
}

/** The members of a pool. */
export class Members implements PoolMembership {
  /** the same array during the life of the pool; never empty after the first sizing */
  readonly list: Array<ChildActor> = []
  readonly name: string
  private readonly spawn: Effect.Effect<ChildActor, unknown, Scope.Scope>
  private readonly scope: Scope.Scope
  private readonly context: Context.Context<never>
  private readonly cores: () => number
  private readonly spans: SystemSpans | undefined
  private readonly healing: Healing | undefined
  private readonly recycling: Recycling | undefined
  /** the queue in which the calls of the pool wait, if it has one */
  queue: MemberQueue | undefined
  /** completes with the end of the pool */
  readonly ended = new ExitLatch<void, ActorExited>()
  private readonly scopes = new Map<ChildActor, Scope.Closeable>()
  private readonly sizing = Semaphore.makeUnsafe(1)
  private bounds: Bounds = { min: 0, max: 0, idle: Infinity }
  private starting = 0
  /** the time (`performance.now`) from which the pool may grow again after a failed start */
  private startsAgain = 0
  /** the number of idle checks of each member since its last call */
  private readonly checks = new Map<ChildActor, number>()
  private watch: Fiber.Fiber<void> | undefined

  /** `spawn` starts a member. All members end with `scope`. `cores`: the number of cores for the members. */
  constructor(
    pool: string,
    spawn: Effect.Effect<ChildActor, unknown, Scope.Scope>,
    scope: Scope.Scope,
    context: Context.Context<never>,
    cores: () => number,
    spans: SystemSpans | undefined,
    onGivenUp: OnGivenUp,
    recycle: RecycleLimits | undefined
  ) {
    this.name = pool
    this.spawn = spawn
    this.scope = scope
    this.context = context
    this.cores = cores
    this.spans = spans
    if (recycle !== undefined) {
      this.recycling = new Recycling(recycle, pool, (member) => this.replace(member), scope, context)
    }
    if (onGivenUp === "heal") {
      const replace = Effect.suspend(() => this.sizing.withPermits(1)(Effect.suspend(() => this.fit(this.bounds))))
      const missing = () => this.bounds.min - this.alive.length
      this.healing = new Healing({ name: pool, missing, replace }, scope, context)
    }
  }

  get limit(): number {
    return this.bounds.max
  }

  /** A member may have room for another call, or has ended. */
  advance(): void {
    this.queue?.advance()
  }

  get proxies(): ReadonlyArray<ActorProxy> {
    return this.list.map(({ proxy }) => proxy)
  }

  get waitingCalls(): MemberQueue["waitingCalls"] {
    return this.queue?.waitingCalls ?? []
  }

  /**
   * Changes the size of the pool. Missing members start in parallel, all or none. Surplus members first finish their calls and
   * items; a later change of size does not wait for them.
   */
  resize(size: Size): Effect.Effect<void, unknown> {
    const checked = Effect.try({
      try: () => boundsOf(this.name, size, this.cores),
      catch: (error) => this.error("OptionsInvalid", (error as RangeError).message)
    })
    return Effect.flatMap(
      Effect.flatMap(checked, (bounds) => this.sizing.withPermits(1)(this.fit(bounds))),
      // only the end of the pool interrupts the finishing members, which have then ended with the pool
      (finishing) =>
        Effect.flatMap(
          Fiber.await(finishing),
          (exit) => Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause) ? Effect.void : exit
        )
    )
  }

  // uninterruptible from the start of a member to its entry in the list, and from its removal to its closing
  private fit(bounds: Bounds): Effect.Effect<Fiber.Fiber<void>, unknown> {
    return Effect.uninterruptibleMask((restore) => {
      if (this.scope.state._tag === "Closed") {
        return Effect.fail(this.error("WorkerFailed", `the pool of ${this.name} has been closed`))
      }
      const finish = (started: ReadonlyArray<ChildActor>): Effect.Effect<Fiber.Fiber<void>> => {
        this.bounds = bounds
        // members that have ended for good make room; a member that has just been started counts, even if it has ended meanwhile
        const kept = [...this.alive, ...started].slice(0, bounds.max)
        const before = this.list.length
        this.list.push(...started)
        this.watchIdle()
        const left = this.keep(kept)
        this.report(before)
        this.advance()
        return this.retire(left)
      }
      const missing = bounds.min - this.alive.length
      return missing > 0 ? Effect.flatMap(this.start(missing, restore), finish) : finish([])
    })
  }

  private error(reason: SpawnError["reason"], message: string): SpawnError {
    return new SpawnError({ actor: this.name, reason, message })
  }

  private get alive(): Array<ChildActor> {
    return this.list.filter(({ hasFuture }) => hasFuture)
  }

  // sets the members of the pool, and returns the removed ones; if none is kept, the last member stays although it has ended
  private keep(kept: ReadonlyArray<ChildActor>): ReadonlyArray<ChildActor> {
    const members = kept.length > 0 ? kept : this.list.slice(-1)
    const left = this.list.filter((member) => !members.includes(member))
    this.list.splice(0, this.list.length, ...members)
    return left
  }

  // an event for observers, if the number of members has changed; `before`: the number, 0 for a pool that starts
  private report(before: number): void {
    const { length: members } = this.list
    if (before === 0 || members === before) return
    Events.ofPool(this.name, { _tag: members > before ? "PoolGrew" : "PoolShrank", members })
  }

  /** Whether a member takes calls now or later. */
  get hasFuture(): boolean {
    if (this.scope.state._tag === "Closed") return false
    for (const member of this.list) if (member.hasFuture) return true
    return false
  }

  /** The error of each call, if no member takes calls now or later. */
  get refusal(): ActorExited | undefined {
    if (this.hasFuture) return undefined
    const { name } = this
    const { address, ended, exit } = this.last.proxy
    if (this.scope.state._tag === "Closed") {
      return this.last.proxy.exited("Stopped", "NotRun", `the pool of ${name} has been closed`)
    }
    // a member that is being killed passes its calls on when it has ended
    if (exit === undefined) return undefined
    const what = this.healing === undefined
      ? `the pool of ${name} has failed`
      : `the pool of ${name} replaces its members after a delay`
    return this.last.proxy.exited("GivenUp", "NotRun", `${what}: ${ended?.message ?? `${address} has been stopped`}`)
  }

  /** whether the pool replaces members that have ended for good */
  get heals(): boolean {
    return this.healing !== undefined && this.scope.state._tag !== "Closed"
  }

  /** the last of the members */
  get last(): ChildActor {
    return this.list.at(-1)!
  }

  // A member has ended. The pool has ended some members itself.
  private memberEnded(member: ChildActor): void {
    if (!this.scopes.has(member) || this.scope.state._tag === "Closed") return
    if (this.healing !== undefined) return this.healing.memberEnded()
    const { refusal } = this
    if (refusal === undefined) return
    this.ended.complete(Exit.fail(refusal))
    Events.ofPool(this.name, { _tag: "PoolFailed", message: refusal.message })
    Effect.runForkWith(this.context)(Effect.logError(refusal.message))
  }

  /** Whether all members that take calls are busy. */
  get areBusy(): boolean {
    return this.list.every((member) => !member.hasFuture || isBusy(member))
  }

  /** Records that a call goes to this member. */
  used(member: ChildActor): void {
    const { max, min } = this.bounds
    if (min !== max) this.checks.set(member, 0)
    this.recycling?.used(member)
  }

  // Starts a successor, which takes the place of the member. The member gets no more calls, and ends when its calls and items have ended.
  private replace(member: ChildActor): Effect.Effect<void, unknown> {
    const swap = Effect.uninterruptibleMask((restore) =>
      Effect.suspend(() => {
        if (!member.hasFuture || !this.list.includes(member)) return Effect.void
        return Effect.flatMap(this.start(1, restore), ([successor]) => {
          const at = this.list.indexOf(member)
          // a member that has ended meanwhile has been replaced by healing, or is missed by no bound
          if (at < 0) return this.retireUnasked([successor!])
          this.list[at] = successor!
          this.advance()
          return Effect.asVoid(Effect.forkIn(this.retireUnasked([member]), this.scope))
        })
      })
    )
    return this.sizing.withPermits(1)(swap)
  }

  /** A call finds no free member: grows the pool, if the pool may have more members. A pool without members waits for healing. */
  needed(): void {
    const { max, min } = this.bounds
    if (min === max || !this.hasFuture) return
    if (this.alive.length + this.starting < max && performance.now() >= this.startsAgain) this.grow()
  }

  private grow(): void {
    this.starting++
    const start = Effect.uninterruptibleMask((restore) => this.start(1, restore))
    const attributes = { "uactor.pool.name": this.name, "uactor.pool.members": this.alive.length + this.starting }
    const traced = this.spans?.within("uactor.pool.grow", attributes, start) ?? start
    const grown = Effect.matchCauseEffect(traced, {
      onSuccess: ([member]) => {
        this.starting--
        if (this.alive.length >= this.bounds.max) return this.retireUnasked([member!])
        const before = this.list.length
        this.list.push(member!)
        const left = this.keep(this.alive)
        this.report(before)
        this.advance()
        return this.retireUnasked(left)
      },
      onFailure: (cause) => {
        this.starting--
        if (Cause.hasInterruptsOnly(cause)) return Effect.void
        this.startsAgain = performance.now() + Math.min(this.bounds.idle, 1000)
        return Effect.logWarning(`a pool of ${this.name} could not grow`, cause)
      }
    })
    Effect.runForkWith(this.context)(Effect.forkIn(grown, this.scope))
  }

  // starts all `n` members or none, and returns them in the order of their start; interruptible only inside `restore`
  private start(n: number, restore: Restore): Effect.Effect<Array<ChildActor>, unknown> {
    return Effect.suspend(() => {
      const started: Array<ChildActor> = []
      const one = Effect.uninterruptibleMask((restore) => {
        const scope = Scope.forkUnsafe(this.scope)
        return Effect.flatMap(Effect.exit(restore(Scope.provide(this.spawn, scope))), (exit) => {
          if (Exit.isFailure(exit)) return Effect.andThen(Scope.close(scope, exit), exit)
          const member = exit.value
          this.scopes.set(member, scope)
          started.push(member)
          member.proxy.watch({ onExit: () => this.memberEnded(member) })
          this.recycling?.started(member)
          return exit
        })
      })
      return Effect.onError(
        restore(Effect.forEach(Array.from({ length: n }), () => one, { concurrency: "unbounded" })),
        () => this.close(started)
      )
    })
  }

  // retired members get no further calls, and finish their calls and items
  private retire(members: ReadonlyArray<ChildActor>): Effect.Effect<Fiber.Fiber<void>> {
    const finish = (member: ChildActor): Effect.Effect<void> =>
      Effect.suspend(() =>
        isInUse(member) && !member.proxy.closing
          ? Effect.flatMap(pause(drainInterval), () => finish(member))
          : this.close([member])
      )
    // continues if its caller is interrupted
    return Effect.forkIn(Effect.forEach(members, finish, { concurrency: "unbounded", discard: true }), this.scope)
  }

  // no caller learns of a finalizer that fails
  private retireUnasked(members: ReadonlyArray<ChildActor>): Effect.Effect<void> {
    return Effect.catchCause(
      Effect.flatMap(this.retire(members), Fiber.join),
      (cause) => Effect.logWarning(`a surplus member of a pool of ${this.name} failed to close`, cause)
    )
  }

  private close(members: ReadonlyArray<ChildActor>): Effect.Effect<void> {
    return Effect.forEach(members, (member) => {
      const scope = this.scopes.get(member)!
      this.scopes.delete(member)
      this.checks.delete(member)
      this.recycling?.ended(member)
      return Scope.close(scope, Exit.void)
    }, { concurrency: "unbounded", discard: true })
  }

  // starts the idle checks of an elastic pool
  private watchIdle(): void {
    this.watch?.interruptUnsafe()
    this.watch = undefined
    const { idle, max, min } = this.bounds
    if (min === max || idle === Infinity) return
    const check = Effect.catchDefect(
      Effect.flatMap(Effect.sleep(idle / idleChecks), () => this.shrink),
      (defect) => Effect.logError(`a pool of ${this.name} could not shrink`, defect)
    )
    this.watch = Effect.runSyncWith(this.context)(Effect.forkIn(Effect.forever(check), this.scope))
  }

  private get shrink(): Effect.Effect<void> {
    return Effect.uninterruptible(Effect.suspend(() => {
      const { alive } = this
      const idle = alive.filter((member) => {
        const times = !isIdle(member) ? 0 : (this.checks.get(member) ?? 0) + 1
        this.checks.set(member, times)
        return times > idleChecks
      })
      const surplus = new Set(idle.slice(0, Math.max(0, alive.length - this.bounds.min)))
      const before = this.list.length
      const left = this.keep(alive.filter((member) => !surplus.has(member)))
      this.report(before)
      return left.length === 0 ? Effect.void : Effect.asVoid(Effect.forkIn(this.retireUnasked(left), this.scope))
    }))
  }
}
