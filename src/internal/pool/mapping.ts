/**
 * `map`, `mapUnordered` and `mapExit`: the items of an iterable or a stream run on the members of a pool (P4).
 */
import type * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import type { ChildActor } from "../system/childActor.ts"
import type { Item } from "./items.ts"
import * as Poison from "./poison.ts"
import type { Pool } from "./pool.ts"
import type { ItemOptions } from "./queue.ts"

/** The ways to map. */
export type Method = "map" | "mapUnordered" | "mapExit"

/** The options of `map`, `mapUnordered` and `mapExit`. */
export interface MapOptions<I = any, E = any, E2 = unknown, R2 = unknown> {
  /**
   * The maximum number of items that have been taken from the input and whose results have not been read yet. An integer of at least 1;
   * 16 for each member by default.
   */
  readonly window?: number | undefined
  /** The number of consecutive items that go to the same member while it lives. An integer of at least 1; 1 by default. */
  readonly chunkSize?: number | undefined
  /** The priority of the items in the queue of a pool with the strategy `first-free`; 0 by default. */
  readonly priority?: number | undefined
  /**
   * The number of runs of an item that may end their worker, an integer of at least 1. With this option an item whose worker dies runs again:
   * alone in a worker, so that the death of the next worker is its own. Only such deaths count. The item whose run is the last of them is
   * poison: it goes to `onPoison`, or fails with its last error.
   *
   * An item that did not run when its worker died, or beside which other items ran, is not counted. While the pool has no member, the items
   * wait until it has one again. A run that fails in another way is not repeated. The calls of an item do not run again by themselves, even
   * if their methods are `Actor.Idempotent`: the item runs again as a whole. Requires the strategy `first-free`.
   */
  readonly attempts?: number | undefined
  /** The delays between the runs of an item that end their workers. 100 milliseconds by default, then twice the previous delay each time. */
  readonly backoff?: Schedule.Schedule<unknown> | undefined
  /** Runs with each item that is poison and the cause of its last run. The item has no result. Requires `attempts`. */
  readonly onPoison?: ((item: I, cause: Cause.Cause<E>) => Effect.Effect<unknown, E2, R2>) | undefined
}

// the result of an item that is poison, and has gone to `onPoison`
const none = Symbol()

/** Consecutive items that go to the member of the first of them. */
class Chunk {
  private readonly started = Deferred.makeUnsafe<ChildActor>()
  /** the member of the first item, once the item has started */
  readonly member = Deferred.await(this.started)

  /** The first item has started on this member. */
  start(member: ChildActor): void {
    Deferred.doneUnsafe(this.started, Effect.succeed(member))
  }
}

const nameOf = ({ members }: Pool, method: string): string => `${members[0]!.proxy.name}.${method}`

const checkQueue = (pool: Pool, method: string, option: string): void => {
  if (pool.hasQueue) return
  throw new RangeError(`${nameOf(pool, method)}: ${option} requires a pool with the strategy "first-free"`)
}

/** Throws a `RangeError` if a priority is out of range, or if the pool has no queue. */
export const checkPriority = (pool: Pool, method: string, priority: number | undefined): void => {
  if (priority === undefined) return
  if (!Number.isFinite(priority)) {
    throw new RangeError(`${nameOf(pool, method)}: priority must be a finite number, not ${priority}`)
  }
  checkQueue(pool, method, "priority")
}

/** Runs an item for each element of the input. Throws a `RangeError` if an option is out of range. */
export const map = (
  pool: Pool,
  method: Method,
  input: Iterable<unknown> | Stream.Stream<unknown, unknown, unknown>,
  f: (member: ChildActor, element: unknown) => Effect.Effect<unknown, unknown, unknown>,
  { attempts, backoff = Schedule.exponential("100 millis"), chunkSize = 1, onPoison, priority, ...options }: MapOptions
): Stream.Stream<unknown, unknown, unknown> => {
  const { members } = pool
  const { window = 16 * members.length } = options
  for (const [option, value] of Object.entries({ attempts: attempts ?? 1, chunkSize, window })) {
    if (Number.isInteger(value) && value >= 1) continue
    throw new RangeError(`${nameOf(pool, method)}: ${option} must be an integer of at least 1, not ${value}`)
  }
  checkPriority(pool, method, priority)
  if (attempts !== undefined) checkQueue(pool, method, "attempts")
  else if (onPoison !== undefined) {
    throw new RangeError(`${nameOf(pool, method)}: onPoison requires the option attempts`)
  }
  const waiting: ItemOptions = {
    priority: priority ?? 0,
    // the window bounds the items that wait
    whenFull: "waits",
    whenNone: attempts === undefined ? "starts" : "waits",
    place: "shared"
  }
  const first = (chunk: Chunk, isFirst: boolean) => <A, E, R>(item: Item<A, E, R>): Effect.Effect<A, E, R> => {
    const start = pool.run((member) => {
      chunk.start(member)
      return item(member)
    }, waiting) as Effect.Effect<A, E, R>
    return isFirst ? start : Effect.flatMap(
      chunk.member,
      (member) => member.isAlive && members.includes(member) ? pool.runOn(member, item) : start
    )
  }
  const settle = (exit: Exit.Exit<unknown, unknown>) => method === "mapExit" ? Effect.succeed(exit) : exit
  const runOne = (element: unknown, chunk: Chunk, isFirst: boolean): Effect.Effect<unknown, unknown, unknown> => {
    const item = (member: ChildActor) => f(member, element)
    const start = first(chunk, isFirst)
    if (attempts === undefined) return method === "mapExit" ? Effect.exit(start(item)) : start(item)
    const limits = { attempts, backoff, isFirstAlone: chunkSize === 1 }
    return Effect.flatMap(Poison.run(pool, item, limits, waiting, start), (outcome) => {
      if (outcome._tag === "Done") return settle(outcome.exit)
      return onPoison === undefined
        ? settle(Exit.failCause(outcome.cause))
        : Effect.as(onPoison(element, outcome.cause), none)
    })
  }
  // with larger chunks, the stream takes a whole chunk from the iterable, however small the window
  const elements = Stream.isStream(input) ? input : Stream.fromIterable(input, { chunkSize: 1 })
  return Stream.suspend(() => {
    let chunk = new Chunk()
    const results = Stream.mapEffect(
      elements,
      (element, i) => {
        const isFirst = i % chunkSize === 0
        if (isFirst) chunk = new Chunk()
        return runOne(element, chunk, isFirst)
      },
      { concurrency: window, unordered: method === "mapUnordered" }
    )
    return onPoison === undefined ? results : Stream.filter(results, (result) => result !== none)
  })
}
