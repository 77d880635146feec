/**
 * What metrics read of the actors and the workers of this process: sums over the actors of each name, counts of ends, and figures of
 * workers. Everything is read when it is asked for; the actors are read once for all that is asked for in one turn.
 */
import * as Counts from "../metrics/counts.ts"
import { queueMicrotask } from "../runtime/globals.ts"
import type { Figures, Probe } from "./probe.ts"
import { type ObservedActor, type ObservedWorker, systems } from "./systems.ts"

/** The states of an actor. */
export const states = ["Spawning", "Running", "Restarting", "Draining", "Closing"] as const

/** The state of a call in progress. */
type CallState = "waiting" | "queued" | "running"

/** The actors of one name, at a moment. */
export interface NameReading {
  readonly calls: Record<CallState, number>
  /** the number of calls in the mailbox of the fullest actor */
  fullest: number
  /** the largest capacity of a mailbox; `Infinity`: no limit */
  limit: number
  readonly states: Record<(typeof states)[number], number>
  /** the members of pools, those of them that have calls, and the maximum number of members */
  readonly pool: { members: number; busy: number; limit: number }
}

const nothing = (): NameReading => ({
  calls: { waiting: 0, queued: 0, running: 0 },
  fullest: 0,
  limit: 0,
  states: { Spawning: 0, Running: 0, Restarting: 0, Draining: 0, Closing: 0 },
  pool: { members: 0, busy: 0, limit: 0 }
})

/** The calls in progress of an actor. */
export const callsOf = ({ forked, queued, running, waiting }: ObservedActor["proxy"]): NameReading["calls"] => ({
  waiting: waiting.size,
  queued,
  running: running + forked
})

const add = (to: NameReading, { proxy, status }: ObservedActor): void => {
  const { queued, running, waiting } = callsOf(proxy)
  to.calls.waiting += waiting
  to.calls.queued += queued
  to.calls.running += running
  to.fullest = Math.max(to.fullest, queued)
  to.limit = Math.max(to.limit, proxy.kind.capacity)
  if (status !== "Ended") to.states[status]++
  if (proxy.pool === undefined) return
  to.pool.members++
  if (proxy.load > 0) to.pool.busy++
}

/** The handles of one kind. */
interface HandleReading {
  lent: number
  held: number
}

const readHandles = (): ReadonlyMap<string, HandleReading> => {
  const byKind = new Map<string, HandleReading>()
  const count = (kind: string, role: keyof HandleReading): void => {
    let reading = byKind.get(kind)
    if (reading === undefined) byKind.set(kind, reading = { lent: 0, held: 0 })
    reading[role]++
  }
  for (const { observedWorkers } of systems) {
    for (const { handleKinds: { held, lent } } of observedWorkers) {
      for (const kind of lent) count(kind, "lent")
      for (const kind of held) count(kind, "held")
    }
  }
  return byKind
}

/** Reads the actors. */
export class Reader {
  private byName: Map<string, NameReading> | undefined
  private byKind: ReadonlyMap<string, HandleReading> | undefined

  /** The handles of each kind now. */
  get handles(): ReadonlyMap<string, HandleReading> {
    if (this.byKind !== undefined) return this.byKind
    queueMicrotask(() => {
      this.byKind = undefined
    })
    return this.byKind = readHandles()
  }

  /** The actors of a name now. */
  of(name: string): NameReading {
    return this.read().get(name) ?? nothing()
  }

  private read(): ReadonlyMap<string, NameReading> {
    if (this.byName !== undefined) return this.byName
    const byName = this.byName = new Map<string, NameReading>()
    const pools = new Set<object>()
    for (const actor of actors()) {
      const { name } = actor
      let reading = byName.get(name)
      if (reading === undefined) byName.set(name, reading = nothing())
      add(reading, actor)
      const { pool } = actor.proxy
      if (pool === undefined || pools.has(pool)) continue
      pools.add(pool)
      reading.pool.limit += pool.limit
    }
    queueMicrotask(() => {
      this.byName = undefined
    })
    return byName
  }
}

/** All living actors. */
export const actors = (): ReadonlyArray<ObservedActor> =>
  Array.from(systems).flatMap(({ observedActors }) => observedActors)

/** The number of calls of the methods with a name that had an outcome, of all actors of a name but those in `except`. */
export const sum = (
  name: string,
  method: string,
  outcome: number,
  except: ReadonlySet<Counts.CallCounts>
): number => {
  let n = 0
  for (const kind of Counts.kinds) {
    if (kind.name !== name) continue
    const index = kind.methods.findIndex(({ tag }) => tag === method)
    if (index === -1) continue
    n += kind.counts.get(index, outcome)
    for (const counts of kind.apart) if (!except.has(counts)) n += counts.get(index, outcome)
  }
  return n
}

/** The workers that can be measured. */
export const workers = (): ReadonlyArray<readonly [worker: ObservedWorker, probe: Probe]> =>
  Array.from(systems).flatMap(({ observedWorkers }) =>
    Array.from(observedWorkers).flatMap((worker) => {
      const { probe } = worker.handle
      return probe === undefined || worker.ended || !worker.isReady ? [] : [[worker, probe] as const]
    })
  )

/** The share of the time between two measurements in which the event loop of a worker was active. */
export const utilization = (now: Figures["eventLoop"], before: Figures["eventLoop"]): number | undefined => {
  if (now === undefined) return undefined
  const active = now.active - (before?.active ?? 0)
  const idle = now.idle - (before?.idle ?? 0)
  return active + idle > 0 ? active / (active + idle) : 0
}
