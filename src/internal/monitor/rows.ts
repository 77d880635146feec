/**
 * The rows of a snapshot: plain values, of which the public module makes its classes.
 */
import * as Effect from "effect/Effect"
import { callsOf, type CycleCall } from "../waits/explain.ts"
import type { Figures } from "./probe.ts"
import * as Readings from "./readings.ts"
import { type ObservedActor, type ObservedSystem, type Restarts, systems } from "./systems.ts"

/** How an actor has ended. */
export interface End {
  /** in milliseconds since 1970 */
  readonly at: number
  readonly reason: string
  readonly message: string
}

/** An actor. */
export interface ActorRow {
  readonly id: string
  readonly name: string
  readonly address: string
  readonly worker: string
  readonly state: "Spawning" | "Running" | "Restarting" | "Draining" | "Closing" | "Ended"
  readonly incarnation: number
  /** in milliseconds since 1970 */
  readonly startedAt: number | undefined
  readonly mailbox: {
    readonly waiting: number
    readonly queued: number
    readonly running: number
    readonly forked: number
    readonly capacity: number
    readonly concurrency: number
    readonly onFull: "suspend" | "fail"
  }
  readonly budget: Restarts | undefined
  readonly handling: ReadonlyArray<CycleCall>
  readonly ended: End | undefined
}

/** A worker. */
export interface WorkerRow {
  readonly id: string
  readonly kind: "memory" | "thread" | "process"
  readonly pid: number | undefined
  readonly threadId: number | undefined
  readonly state: "Starting" | "Running" | "Blocked" | "Ending"
  readonly blockedForMillis: number
  readonly actors: number
  readonly figures: Figures
}

/** A system. */
interface SystemRow {
  readonly name: string
  readonly placement: "memory" | "thread" | "process"
  readonly workers: number
  readonly actors: number
  readonly lostTells: number
}

/** The sums over all actors and workers. */
interface Sums {
  readonly workers: number
  readonly blocked: number
  readonly actors: number
  readonly restarting: number
  readonly waiting: number
  readonly queued: number
  readonly running: number
}

/** All rows of one moment. */
export interface Rows {
  readonly at: number
  readonly totals: Sums
  readonly systems: ReadonlyArray<SystemRow>
  readonly workers: ReadonlyArray<WorkerRow>
  readonly actors: ReadonlyArray<ActorRow>
  readonly truncated: number
}

/** Which actors to list. */
export interface Selection {
  readonly sort?: Readings.Sort | undefined
  readonly filter?: { readonly name?: string | undefined; readonly worker?: string | undefined } | undefined
  readonly limit?: number | undefined
  readonly calls?: number | undefined
}

/** The row of an actor; `ended`: how it has ended; `handling`: the calls that it runs. */
export const actorRow = (actor: ObservedActor, ended?: End, handling: ReadonlyArray<CycleCall> = []): ActorRow => {
  const { address, facts: { incarnation = 1, name, state = "Running" }, id, proxy, restarts, startedAt, worker } = actor
  return {
    id,
    name,
    address,
    worker: worker.id,
    state: ended === undefined ? state : "Ended",
    incarnation,
    startedAt: startedAt === undefined ? undefined : Readings.dateOf(startedAt),
    mailbox: {
      waiting: proxy.waiting.size,
      queued: proxy.queued,
      running: proxy.running,
      forked: proxy.forked,
      capacity: proxy.capacity,
      concurrency: proxy.concurrency,
      onFull: proxy.suspends ? "suspend" : "fail"
    },
    budget: restarts,
    handling,
    ended
  }
}

// in memory there may be as many workers as actors
const readWorkers = (limit: number): Effect.Effect<ReadonlyArray<WorkerRow>> => {
  const placed = Array.from(systems).flatMap(({ observedWorkers, placement: { kind } }) =>
    Array.from(observedWorkers).slice(0, kind === "memory" ? limit : undefined).map((worker) => [kind, worker] as const)
  )
  return Effect.forEach(
    placed,
    ([kind, worker]) =>
      Effect.map(Readings.readWorker(worker), ({ blockedForMillis, figures, state }) => {
        const { probe } = worker.handle
        return {
          id: worker.id,
          kind,
          pid: probe?.pid,
          threadId: probe?.threadId,
          state,
          blockedForMillis,
          actors: worker.size,
          figures
        }
      }),
    { concurrency: "unbounded" }
  )
}

/** Reads all systems. `graves`: the rows of actors that have ended. */
export const read = (
  { calls = 0, filter, limit = 256, sort = "load" }: Selection,
  graves: Readings.Graves<ActorRow>
): Effect.Effect<Rows> =>
  Effect.gen(function*() {
    if (!Number.isSafeInteger(limit) || limit < 0) {
      throw new RangeError(`Observer.snapshot: limit must be an integer of at least 0, not ${String(limit)}`)
    }
    if (!Number.isSafeInteger(calls) || calls < 0) {
      throw new RangeError(`Observer.snapshot: calls must be an integer of at least 0, not ${String(calls)}`)
    }
    const [workers, reading] = yield* Effect.all(
      [readWorkers(limit), calls === 0 ? Effect.undefined : Readings.readCalls],
      { concurrency: "unbounded" }
    )
    // the actors are read in one turn, after the workers have answered
    const totals = {
      workers: 0,
      blocked: workers.filter(({ state }) => state === "Blocked").length,
      actors: 0,
      restarting: 0,
      waiting: 0,
      queued: 0,
      running: 0
    }
    const isListed = ({ name, worker }: { readonly name: string; readonly worker: string }): boolean =>
      (filter?.name ?? name) === name && (filter?.worker ?? worker) === worker
    const actors: Array<ObservedActor> = []
    const infos = Array.from(systems, (system: ObservedSystem): SystemRow => {
      const { lostTells, observedActors, observedWorkers, options, placement: { kind } } = system
      const size = Array.from(observedWorkers).length
      totals.workers += size
      totals.actors += observedActors.length
      for (const actor of observedActors) {
        const { facts: { name, state }, proxy, worker } = actor
        if (state === "Restarting") totals.restarting++
        totals.waiting += proxy.waiting.size
        totals.queued += proxy.queued
        totals.running += proxy.running + proxy.forked
        if (isListed({ name, worker: worker.id })) actors.push(actor)
      }
      return { name: options.name ?? kind, placement: kind, workers: size, actors: observedActors.length, lostTells }
    })
    const [selected, rest] = Readings.select(actors, sort, limit)
    const handling = (id: string): ReadonlyArray<CycleCall> =>
      reading === undefined ? [] : callsOf(reading.graph, id).slice(0, calls)
    const listed = selected.map((actor) => actorRow(actor, undefined, handling(actor.id)))
    return {
      at: Date.now(),
      totals,
      systems: infos,
      workers,
      actors: [...listed, ...graves.values.filter(isListed).slice(0, limit - listed.length)],
      truncated: rest
    }
  })
