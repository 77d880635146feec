/**
 * What an observer reads of actors and workers.
 */
import * as Effect from "effect/Effect"
import { Deadlines } from "../runtime/deadlines.ts"
import { performance } from "../runtime/globals.ts"
import type { Figures } from "./probe.ts"
import type { ObservedActor, ObservedWorker } from "./systems.ts"

/** How long a worker may take to answer, in milliseconds. */
const answers = new Deadlines(100)

const noFigures = Effect.succeed<Figures>({})

// whether the event loop of a worker answers in time
export const isAnswering = (worker: ObservedWorker): Effect.Effect<boolean> =>
  Effect.callback((resume) => {
    const settle = (isAnswering: boolean): void => {
      stop()
      resume(Effect.succeed(isAnswering))
    }
    const detach = worker.whenAnswered(() => settle(true))
    const deadline = answers.start(() => settle(false))
    const stop = (): void => {
      detach()
      answers.delete(deadline)
    }
    return Effect.sync(stop)
  })

/** What a worker does, and since when it has not answered. */
interface WorkerReading {
  readonly worker: ObservedWorker
  readonly state: "Starting" | "Running" | "Blocked" | "Ending"
  readonly blockedForMillis: number
  readonly figures: Figures
}

/** Reads a worker, which takes at most the limit. */
export const readWorker = (worker: ObservedWorker): Effect.Effect<WorkerReading> =>
  Effect.map(
    Effect.all([
      // an actor in memory runs in this event loop
      worker.isReady && !worker.ending && worker.handle.probe !== undefined
        ? isAnswering(worker)
        : Effect.succeed(true),
      worker.ended ? noFigures : worker.handle.probe?.figures ?? noFigures
    ], { concurrency: "unbounded" }),
    ([isAnswering, figures]) => ({
      worker,
      state: worker.ending ? "Ending" : !worker.isReady ? "Starting" : isAnswering ? "Running" : "Blocked",
      blockedForMillis: isAnswering || worker.unansweredSince === undefined
        ? 0
        : Math.round(performance.now() - worker.unansweredSince),
      figures
    })
  )

/** The orders of actors. */
export type Sort = "load" | "waiting" | "restarts" | "age"

const keys: Readonly<Record<Sort, (actor: ObservedActor) => number>> = {
  load: ({ proxy }) => proxy.load,
  waiting: ({ proxy }) => proxy.waiting.size,
  restarts: ({ facts }) => facts.incarnation ?? 1,
  age: ({ startedAt = Infinity }) => -startedAt
}

/** The first actors in an order, and how many there are besides them. */
export const select = (
  actors: ReadonlyArray<ObservedActor>,
  sort: Sort,
  limit: number
): readonly [selected: ReadonlyArray<ObservedActor>, rest: number] => {
  const keyOf = keys[sort]
  const sorted = actors.map((actor) => ({ actor, key: keyOf(actor) })).toSorted((a, b) => b.key - a.key)
  return [sorted.slice(0, limit).map(({ actor }) => actor), Math.max(0, sorted.length - limit)]
}

/** The time since 1970 at a moment of `performance.now()`, in milliseconds. */
export const dateOf = (moment: number): number => Math.round(Date.now() - performance.now() + moment)

/** How long an actor is listed after its end, in milliseconds. */
const graveTime = 30_000
/** The maximum number of ended actors that are listed. */
const maxGraves = 256

/** Rows of actors that have ended, each for a time. No timer removes them: a reader does, and the limit. */
export class Graves<Row extends { readonly id: string }> {
  private rows: Array<{ readonly row: Row; readonly until: number }> = []

  add(row: Row): void {
    this.rows.push({ row, until: performance.now() + graveTime })
    if (this.rows.length > maxGraves) this.rows.shift()
  }

  get values(): ReadonlyArray<Row> {
    const now = performance.now()
    this.rows = this.rows.filter(({ until }) => until > now)
    return this.rows.map(({ row }) => row)
  }
}
