/**
 * Poison: an item that ends the worker in which it runs. Such an item is tried again alone, so that no other item is blamed for the death of
 * a worker, and is poison when it has ended its worker often enough.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { ActorExited, type MailboxFull } from "../../ActorError.ts"
import type { ChildActor } from "../system/childActor.ts"
import type { Item } from "./items.ts"
import type { Pool } from "./pool.ts"
import type { ItemOptions } from "./queue.ts"

/** How often an item may end its worker. */
export interface Attempts {
  /** the number of runs that may end their worker; the item of the last of them is poison */
  readonly attempts: number
  /** the delays between these runs; when the schedule ends, the item is poison */
  readonly backoff: Schedule.Schedule<unknown>
  /** the first run has its worker for itself, if the pool gives each member one call at a time */
  readonly isFirstAlone: boolean
}

/** What became of an item. */
export type Outcome<A, E> =
  | { readonly _tag: "Done"; readonly exit: Exit.Exit<A, E> }
  | { readonly _tag: "Poison"; readonly cause: Cause.Cause<E> }

/** A run of an item on an incarnation of a member. */
interface Run {
  readonly member: ChildActor
  readonly incarnation: number
}

// the error of a run whose worker has died or whose actor has ended
const deathOf = <E>(run: Run | undefined, cause: Cause.Cause<E>): ActorExited | undefined => {
  const error: Option.Option<unknown> = Cause.findErrorOption(cause)
  if (run === undefined || error._tag === "None" || !(error.value instanceof ActorExited)) return undefined
  const { incarnation, member: { isAlive, proxy } } = run
  return !isAlive || proxy.incarnation.number !== incarnation ? error.value : undefined
}

/** Runs an item until it has ended in a worker that outlives it, or is poison. */
export const run = <A, E, R>(
  pool: Pool,
  item: Item<A, E, R>,
  { attempts, backoff, isFirstAlone }: Attempts,
  options: ItemOptions,
  first: (item: Item<A, E, R>) => Effect.Effect<A, E | MailboxFull, R>
): Effect.Effect<Outcome<A, E>, never, R> =>
  Effect.gen(function*() {
    const nextDelay = yield* Schedule.toStep(backoff)
    let deaths = 0
    let place: ItemOptions["place"] = "shared"
    let start = first
    for (;;) {
      let run: Run | undefined
      const exit = yield* Effect.exit(start((member) => {
        const { proxy } = member
        run = { member, incarnation: proxy.incarnation.number }
        return Effect.acquireUseRelease(
          Effect.sync(() => proxy.repeatedItems++),
          () => item(member),
          () => Effect.sync(() => proxy.repeatedItems--)
        )
      })) as Effect.Effect<Exit.Exit<A, E>, never, R>
      if (Exit.isSuccess(exit)) return { _tag: "Done", exit }
      const death = deathOf(run, exit.cause)
      if (death === undefined || !pool.hasFuture()) return { _tag: "Done", exit }
      // a call that has not run, or whose actor was stopped, says nothing of the item
      if (death.outcome === "Unknown" && death.reason !== "Stopped") {
        const { member } = run!
        const isAlone = place === "alone" ||
          isFirstAlone && member.proxy.kind.concurrency === 1 && !member.worker.isShared
        if (isAlone) {
          deaths++
          const step = yield* Effect.exit(nextDelay(yield* Clock.currentTimeMillis, undefined))
          if (deaths >= attempts || Exit.isFailure(step)) return { _tag: "Poison", cause: exit.cause }
          yield* Effect.sleep(Duration.fromInputUnsafe(step.value[1]))
        }
        place = "alone"
      }
      start = (item) => pool.run(item, { ...options, place })
    }
  })
