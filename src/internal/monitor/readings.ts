/**
 * What an observer reads of actors and workers.
 */
import * as Effect from "effect/Effect"
import { Deadlines } from "../runtime/deadlines.ts"
import { performance } from "../runtime/globals.ts"
import type { Reading } from "../waits/calls.ts"
import { type Calls, Graph, type ThreadReading } from "../waits/graph.ts"
import type { Figures } from "./probe.ts"
import { type ObservedActor, type ObservedWorker, systems } from "./systems.ts"

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

/** Asks a worker for its calls in progress; `undefined`: it has not answered in time. */
const inspect = (worker: ObservedWorker): Effect.Effect<Reading | undefined> =>
  Effect.callback((resume) => {
    const settle = (reading: Reading | undefined): void => {
      stop()
      resume(Effect.succeed(reading))
    }
    const detach = worker.inspect(settle)
    const deadline = answers.start(() => settle(undefined))
    const stop = (): void => {
      detach()
      answers.delete(deadline)
    }
    return Effect.sync(stop)
  })

/** Reads the calls in progress of all systems, which takes at most the limit. */
export const readCalls: Effect.Effect<Calls> = Effect.suspend(() => {
  const all = Array.from(systems)
  const silent = new Set<string>()
  const workers = all.flatMap(({ observedWorkers, placement: { kind } }) =>
    Array.from(observedWorkers).filter(({ ended, isReady }) => isReady && !ended).map((worker) =>
      [kind, worker] as const
    )
  )
  return Effect.map(
    Effect.forEach(workers, ([kind, worker]) =>
      Effect.map(inspect(worker), (reading): ReadonlyArray<ThreadReading> => {
        if (reading === undefined) silent.add(worker.id)
        // the actors in memory run in the thread of the program
        return reading === undefined ? [] : [{ thread: kind === "memory" ? "" : worker.id, reading }]
      }), { concurrency: "unbounded" }),
    (readings) => ({
      graph: new Graph([...all.map(({ reading }) => ({ thread: "", reading })), ...readings.flat()]),
      silent
    })
  )
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
