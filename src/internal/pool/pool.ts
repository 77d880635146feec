/**
 * A pool: many actors behind one client.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import type * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import { type ActorExited, type MailboxFull, SpawnError } from "../../ActorError.ts"
import type { Definition } from "../actor/definition.ts"
import { Current, type Policy } from "../actor/restartPlan.ts"
import type * as Protocol from "../codec/protocol.ts"
import * as ClientObject from "../proxy/clientObject.ts"
import type { ChildActor } from "../system/childActor.ts"
import type { System } from "../system/system.ts"
import * as Items from "./items.ts"
import { Members, type OnGivenUp, type Size } from "./members.ts"
import { type ItemOptions, Queue, type QueueOptions } from "./queue.ts"
import { limitsOf, type Recycle, type RecycleLimits } from "./recycling.ts"
import { isStrategy, names, type Route, router, type Strategy } from "./routing.ts"

/** The options of every pool. */
interface CommonOptions<Methods extends Protocol.Any> {
  /**
   * The number of members, an integer of at least 1; `"cores"`, a member for each core that the program may use; or bounds between which the number follows the calls. Between bounds, the pool starts
   * a member when a call finds all members busy. It ends a member beyond `min` that has had no call, no item and no handle held by a
   * caller for `idleTimeToLive`. A member that has ended for good, killed or without restarts left, does not count.
   */
  readonly size: Size
  /**
   * What the pool does when a member has ended for good: it was killed or stopped through its reference, or has no restarts left.
   *
   * - `"heal"`, the default: starts another member after a delay of one second. While replacements end within five minutes, each delay is
   *   twice the delay before it, up to one minute.
   * - `"fail"`: goes on with the other members. When none is left, the pool has failed: `awaitExit` completes with a failure, and the log
   *   reports the error.
   *
   * While no member is left, calls fail with `ActorExited` and the reason `GivenUp`.
   */
  readonly onGivenUp?: OnGivenUp | undefined
  /**
   * When a member is replaced by a fresh one, for work that leaks memory or state. The successor starts first. Then the member gets no more
   * calls, and ends when its calls have ended. No restart is counted. By default members are not recycled.
   */
  readonly recycle?: Recycle | undefined
  /** The strategy by which the pool selects the member for a call; `first-free` by default. */
  readonly strategy?: Strategy<Methods> | undefined
  /**
   * Orders the calls that wait in the queue: a call with a higher priority starts first, and calls with one priority start in the order in
   * which they are made. A number for all calls of `pool.client`, or a function of a method and its payload; 0 by default. `map` and
   * `submit` have an option of their own. The function takes both parameters; a comparison of the method narrows the type of the payload.
   * Requires the strategy `first-free`.
   */
  readonly priority?: number | ((...call: Protocol.Call<Methods>) => number) | undefined
  /**
   * The number of calls that may wait in the queue, an integer of at least 0; 4096 by default. Beyond it, `onFull` applies. A tell that waits
   * within this number is accepted. The items of `map` always wait: its `window` bounds them. Requires the strategy `first-free`.
   */
  readonly queueCapacity?: number | "unbounded" | undefined
  /**
   * What a call does when the queue is full: its caller waits (`"suspend"`, the default), or it fails with `MailboxFull` (`"fail"`). The
   * fiber of `submit` does the same. Requires the strategy `first-free`.
   */
  readonly onFull?: "suspend" | "fail" | undefined
}

/** The options of a pool, with the arguments of every member as `args` if its actors have arguments. */
export type PoolOptions<Args extends Schema.Top, Methods extends Protocol.Any = any> = Args extends Schema.Void
  ? CommonOptions<Methods> & { readonly args?: never }
  : CommonOptions<Methods> & { readonly args: Args["Type"] }

/** {@link PoolOptions}, its types erased. */
interface AnyOptions extends CommonOptions<any> {
  readonly args?: unknown
}

/** A pool, its types erased. */
export interface Pool {
  /** the same array during the life of the pool */
  readonly members: ReadonlyArray<ChildActor>
  readonly resize: (size: Size) => Effect.Effect<void, unknown>
  readonly awaitExit: Effect.Effect<Exit.Exit<void, ActorExited>>
  /** Runs an item on the member that the strategy selects. */
  readonly run: <A, E, R>(item: Items.Item<A, E, R>, options: ItemOptions) => Effect.Effect<A, E | MailboxFull, R>
  /** Runs an item on this member. */
  readonly runOn: <A, E, R>(member: ChildActor, item: Items.Item<A, E, R>) => Effect.Effect<A, E, R>
  /** whether calls and items wait in a queue */
  readonly hasQueue: boolean
  /** whether a member takes calls now, or another one will */
  readonly hasFuture: () => boolean
  readonly client: object
}

// P6: a dead member is replaced, unless another policy is given
const replacement: Policy = {
  schedule: Schedule.exponential("100 millis"),
  maxRestarts: 5,
  window: "1 minute",
  restart: "on-death"
}

/** The options except for the size and the arguments, checked. */
interface CheckedOptions {
  readonly strategy: Strategy
  readonly onGivenUp: OnGivenUp
  readonly recycle: RecycleLimits | undefined
  readonly queue: QueueOptions
  readonly priorityOf: ((method: string, payload: unknown) => number) | undefined
}

// throws a `RangeError` that names the option
const checked = (pool: string, options: AnyOptions, { placement, workers }: System): CheckedOptions => {
  const { onFull = "suspend", onGivenUp = "heal", priority, queueCapacity = 4096, strategy = "first-free" } = options
  const check = (option: string, value: unknown, isValid: boolean, expected: string): void => {
    if (isValid) return
    const text = typeof value === "number" ? String(value) : JSON.stringify(value)
    throw new RangeError(`the ${option} of a pool of ${pool} must be ${expected}, not ${text}`)
  }
  const strategies = [...names.map((name) => `"${name}"`), "{ hash }"].join(", ")
  check("strategy", strategy, isStrategy(strategy), `one of ${strategies}`)
  const isCapacity = queueCapacity === "unbounded" || Number.isInteger(queueCapacity) && queueCapacity >= 0
  check("queueCapacity", queueCapacity, isCapacity, `an integer of at least 0 or "unbounded"`)
  check("onFull", onFull, ["suspend", "fail"].includes(onFull), `"suspend" or "fail"`)
  check("onGivenUp", onGivenUp, ["heal", "fail"].includes(onGivenUp), `"heal" or "fail"`)
  const isPriority = priority === undefined || typeof priority === "function" || Number.isFinite(priority)
  check("priority", priority, isPriority, "a finite number or a function")
  if (strategy !== "first-free") {
    for (const option of ["priority", "queueCapacity", "onFull"] as const) {
      if (options[option] === undefined) continue
      throw new RangeError(`the ${option} of a pool of ${pool} requires the strategy "first-free"`)
    }
  }
  const capacity = queueCapacity === "unbounded" ? Infinity : queueCapacity
  return {
    strategy,
    onGivenUp,
    recycle: options.recycle && limitsOf(pool, options.recycle, placement.kind !== "memory" && workers.areDedicated),
    queue: { capacity, suspends: onFull === "suspend" },
    priorityOf: priority === undefined || typeof priority === "function" ? priority : () => priority
  }
}

/** Starts the members in parallel. If a member fails to start, releases the started members (P1). */
export const make = (
  system: System,
  definition: Definition,
  options: AnyOptions
): Effect.Effect<Pool, unknown, Scope.Scope> =>
  // the pool has a scope of its own: a pool that fails or is interrupted during its start releases its members immediately. The members
  // close in parallel: a member that closes slowly does not delay the others
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      const { onGivenUp, priorityOf, queue: limits, recycle, strategy } = yield* Effect.try({
        try: () => checked(definition.name, options, system),
        catch: (error) =>
          new SpawnError({ actor: definition.name, reason: "OptionsInvalid", message: (error as RangeError).message })
      })
      const scope = yield* Scope.fork(yield* Effect.scope, "parallel")
      // members added later have the supervision of the first members
      const supervised = Effect.provideService(
        system.spawn(definition, options.args, replacement),
        Current,
        yield* Current
      )
      const spawn = Effect.map(supervised, (actor) => {
        // P6: a member that ends passes its calls that have not run to another member
        actor.proxy.pool = members
        return actor
      })
      const { cores } = system.placement
      const context = yield* Effect.context()
      const members = new Members(definition.name, spawn, scope, context, cores, system.spans, onGivenUp, recycle)
      yield* Scope.addFinalizer(scope, Effect.sync(() => members.ended.complete(Exit.void)))
      const starting = restore(members.resize(options.size))
      yield* Effect.onError(starting, (cause) => Scope.close(scope, Exit.failCause(cause)))
      const { list } = members
      const common = {
        members: list,
        resize: (size: Size) => members.resize(size),
        awaitExit: Effect.exit(members.ended.await),
        hasFuture: () => members.hasFuture || members.heals
      }
      if (strategy === "first-free") {
        const shared = members.queue = new Queue(members, limits)
        const released = (): void => shared.advance()
        return {
          ...common,
          run: (item, options) => Items.run(shared.take(options), item),
          runOn: (member, item) => Items.run(Items.known(() => member, released), item),
          hasQueue: true,
          client: ClientObject.makeQueued(definition.methods, shared, priorityOf)
        }
      }
      const route = router(list, strategy)
      const next: Route = (method, payload) => {
        const member = route(method, payload)
        members.used(member)
        if (members.areBusy) members.needed()
        return member
      }
      const released = (): void => undefined
      return {
        ...common,
        run: (item) => Items.run(Items.known(next, released), item),
        runOn: (member, item) => Items.run(Items.known(() => member, released), item),
        hasQueue: false,
        client: ClientObject.makeRouted(definition.methods, definition.name, next)
      }
    })
  )
