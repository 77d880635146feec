/**
 * What an observer reads of actors and workers.
 */
import * as Effect from "effect/Effect"
import { firsts } from "../collections/firsts.ts"
import type { ServedFacts } from "../metrics/actorFacts.ts"
import { quantile } from "../metrics/buckets.ts"
import { type Deadline, Deadlines } from "../runtime/deadlines.ts"
import { performance } from "../runtime/globals.ts"
import type { Reading, Unread } from "../waits/calls.ts"
import { type Calls, Graph } from "../waits/graph.ts"
import type { Figures } from "./probe.ts"
import type { Answer, Question } from "./rows.ts"
import { type ObservedActor, type ObservedWorker, systems } from "./systems.ts"

/** How long a worker may take to answer, in milliseconds. */
export const answers = new Deadlines(100)

const noFigures = Effect.succeed<Figures>({})

// whether the event loop of a worker answers in time
export const isAnswering = (worker: ObservedWorker, limit: Deadlines = answers): Effect.Effect<boolean> =>
  Effect.callback((resume) => {
    const settle = (isAnswering: boolean): void => {
      stop()
      resume(Effect.succeed(isAnswering))
    }
    const detach = worker.whenAnswered(() => settle(true))
    const deadline = limit.start(() => settle(false))
    const stop = (): void => {
      detach()
      limit.delete(deadline)
    }
    return Effect.sync(stop)
  })

/** Asks a worker for its calls in progress; `undefined`: it has not answered in time. */
const inspect = (worker: ObservedWorker, limit: Deadlines): Effect.Effect<Reading | undefined> =>
  Effect.callback((resume) => {
    const settle = (reading: Reading | undefined): void => {
      stop()
      resume(Effect.succeed(reading))
    }
    const detach = worker.inspect(settle)
    const deadline = limit.start(() => settle(undefined))
    const stop = (): void => {
      detach()
      limit.delete(deadline)
    }
    return Effect.sync(stop)
  })

type ReadThread = Reading["nested"][number]

/** Reads the systems of this thread and their workers. `thread`: the id of this thread, empty for the program. */
export const readThreads = (thread: string, limit: Deadlines): Effect.Effect<ReadonlyArray<ReadThread>> =>
  Effect.suspend(() => {
    const all = Array.from(systems)
    const workers = all.flatMap(({ observedWorkers, placement: { kind } }) =>
      Array.from(observedWorkers).filter(({ ended, isReady }) => isReady && !ended).map((worker) =>
        [kind, worker] as const
      )
    )
    return Effect.map(
      Effect.forEach(
        workers,
        ([kind, worker]) =>
          Effect.map(inspect(worker, limit), (reading): ReadonlyArray<ReadThread> => [
            // the actors in memory run in this thread
            [kind === "memory" && reading !== undefined ? thread : worker.id, reading],
            ...reading?.nested ?? []
          ]),
        { concurrency: "unbounded" }
      ),
      (readings) => [...all.map(({ reading }) => [thread, reading] as const), ...readings.flat()]
    )
  })

/** Reads the calls in progress of all systems, which takes at most the limit. */
export const readCalls: Effect.Effect<Calls> = Effect.map(
  Effect.suspend(() => readThreads("", answers)),
  (threads) => ({
    graph: new Graph(threads.flatMap(([thread, reading]) => typeof reading === "object" ? [{ thread, reading }] : [])),
    silent: new Set(threads.flatMap(([thread, reading]) => reading === undefined ? [thread] : [])),
    unread: threads.flatMap(([worker, reading]): ReadonlyArray<Unread> =>
      typeof reading === "object" ? [] : [
        reading === undefined
          ? { worker, reason: "NoAnswer", message: `the calls of ${worker} are missing: it does not answer` }
          : { worker, reason: "Failed", message: reading }
      ]
    )
  })
)

/** Asks a worker about the systems that it has made; `undefined`: it has not answered in time, or has ended. */
export const ask = (
  worker: ObservedWorker,
  question: Question,
  limit?: Deadlines
): Effect.Effect<Answer | undefined> =>
  Effect.callback((resume) => {
    if (worker.ended) return resume(Effect.undefined)
    const settle = (answer: Answer | undefined): void => {
      stop()
      resume(Effect.succeed(answer))
    }
    const detach = [worker.observe(question, settle), worker.whenEnded(() => settle(undefined))]
    const deadline = limit?.start(() => settle(undefined))
    const stop = (): void => {
      for (const stop of detach) stop()
      limit?.delete(deadline)
    }
    return Effect.sync(stop)
  })

/** What a worker does, and since when it has not answered. */
export interface WorkerReading {
  readonly worker: ObservedWorker
  readonly state: "Starting" | "Running" | "Blocked" | "Ending"
  readonly blockedForMillis: number
  readonly figures: Figures
}

/** Reads a worker in this thread, which can be asked nothing. */
export const nearWorker = (worker: ObservedWorker): WorkerReading => ({
  worker,
  state: worker.ending ? "Ending" : worker.isReady ? "Running" : "Starting",
  blockedForMillis: 0,
  figures: {}
})

// waits for figures until the limit
const within = (figures: Effect.Effect<Figures>, limit: Deadlines): Effect.Effect<Figures> =>
  limit === answers ? figures : Effect.raceFirst(
    figures,
    Effect.callback<Figures>((resume) => {
      const deadline = limit.start(() => resume(noFigures))
      return Effect.sync(() => limit.delete(deadline))
    })
  )

/** Reads a worker, which takes at most the limit. */
export const readWorker = (worker: ObservedWorker, limit: Deadlines): Effect.Effect<WorkerReading> =>
  Effect.map(
    Effect.all([
      // an actor in memory runs in this event loop
      worker.isReady && !worker.ending && worker.handle.probe !== undefined
        ? isAnswering(worker, limit)
        : Effect.succeed(true),
      worker.ended ? noFigures : within(worker.handle.probe?.figures ?? noFigures, limit)
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

/** Asks the workers of these actors what only they know. A worker that does not answer in time is left out. */
export const readFacts = (
  actors: ReadonlyArray<ObservedActor>,
  limit: Deadlines
): Effect.Effect<ReadonlyMap<ObservedActor, ServedFacts>> =>
  Effect.callback((resume) => {
    const facts = new Map<ObservedActor, ServedFacts>()
    const byWorker = new Map<ObservedWorker, Array<ObservedActor>>()
    for (const actor of actors) {
      const { worker } = actor
      const known = byWorker.get(worker)
      if (known !== undefined) known.push(actor)
      else if (worker.isReady && !worker.ended) byWorker.set(worker, [actor])
    }
    let open = byWorker.size
    let deadline: Deadline | undefined
    const settle = (): void => {
      stop()
      resume(Effect.succeed(facts))
    }
    const detach: Array<() => void> = []
    const stop = (): void => {
      for (const stop of detach) stop()
      if (deadline !== undefined) limit.delete(deadline)
    }
    for (const [worker, members] of byWorker) {
      detach.push(worker.readActors(members.map(({ proxy }) => proxy.id), (answer) => {
        for (const [i, actor] of members.entries()) {
          const read = answer[i]
          if (read !== undefined) facts.set(actor, read)
        }
        if (--open === 0 && deadline !== undefined) settle()
      }))
    }
    // actors in memory have answered already
    if (open === 0) settle()
    else deadline = limit.start(settle)
    return Effect.sync(stop)
  })

/** The orders of actors. */
export type Sort = "load" | "waiting" | "rate" | "p99" | "restarts" | "age"

/** Orders actors by what has happened since the last reading in the same order. */
export class Rates {
  private readonly counts = new WeakMap<ObservedActor, number>()

  /** The calls that have ended since the last reading. */
  readonly of = (actor: ObservedActor): number => {
    const settled = actor.proxy.tally?.settled ?? 0
    const before = this.counts.get(actor) ?? 0
    if (settled !== before) this.counts.set(actor, settled)
    return settled - before
  }
}

const keys: Readonly<Record<Exclude<Sort, "rate">, (actor: ObservedActor) => number>> = {
  load: ({ proxy }) => proxy.load,
  waiting: ({ proxy }) => proxy.waiting.size,
  p99: ({ proxy }) => quantile(proxy.tally?.durations?.client?.trimmed ?? [], 0.99),
  restarts: ({ proxy }) => proxy.life,
  age: ({ startedAt = Infinity }) => -startedAt
}

/** The first actors in an order, with their keys. */
export const select = (
  actors: ReadonlyArray<ObservedActor>,
  sort: Sort,
  limit: number,
  rates: Rates
): ReadonlyArray<readonly [actor: ObservedActor, key: number]> =>
  firsts(actors, sort === "rate" ? rates.of : keys[sort], limit)

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
