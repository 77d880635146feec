/**
 * The rows of a snapshot: plain values, of which the public module makes its classes.
 */
import * as Effect from "effect/Effect"
import type { ServedFacts } from "../metrics/actorFacts.ts"
import { type BucketCounts, quantile } from "../metrics/buckets.ts"
import * as Counts from "../metrics/counts.ts"
import { callsOf, type CycleCall, type QueuedCalls, queuesOf } from "../waits/explain.ts"
import type { Figures } from "./probe.ts"
import * as Readings from "./readings.ts"
import { type ObservedActor, type ObservedWorker, type Restarts, systems } from "./systems.ts"

/** How an actor has ended. */
interface End {
  /** in milliseconds since 1970 */
  readonly at: number
  readonly reason: string
  readonly message: string
}

/** Durations of calls. */
interface DurationsRow {
  readonly count: number
  /** in milliseconds */
  readonly p50: number
  readonly p99: number
  readonly buckets: BucketCounts
}

/** The calls of a method of an actor, since they are counted apart. */
interface MethodRow {
  readonly method: string
  readonly ok: number
  readonly failed: number
  readonly defect: number
  readonly interrupted: number
  readonly notRun: number
  readonly unknown: number
  readonly rejected: number
  /** in milliseconds */
  readonly p50: number
  readonly p99: number
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
  /** the id of the actor that has spawned this one; `undefined`: the program */
  readonly spawnedBy: string | undefined
  /** the name of the pool; `undefined`: the actor is no member of one */
  readonly pool: string | undefined
  readonly counters: {
    readonly made: number
    readonly ok: number
    readonly failed: number
    readonly defect: number
    readonly interrupted: number
    readonly notRun: number
    readonly unknown: number
    readonly rejected: number
    readonly tells: number
    readonly restarts: number
  }
  /** `undefined`: no duration has been measured */
  readonly latency: Readonly<Record<"client" | "wait" | "server", DurationsRow>> | undefined
  readonly handles: { readonly lent: number; readonly held: number }
  readonly budget: Restarts | undefined
  readonly handling: ReadonlyArray<CycleCall>
  readonly methods: ReadonlyArray<MethodRow>
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
  readonly queues: ReadonlyArray<QueuedCalls>
}

/** Which actors to list. */
export interface Selection {
  readonly sort?: Readings.Sort | undefined
  readonly filter?: {
    readonly name?: string | undefined
    readonly worker?: string | undefined
    readonly pool?: string | undefined
  } | undefined
  readonly limit?: number | undefined
  readonly calls?: number | undefined
}

const noDurations: DurationsRow = { count: 0, p50: 0, p99: 0, buckets: [] }

// three digits are more than the buckets tell
const rounded = (millis: number): number => Number(millis.toPrecision(3))

const durationsRow = (counts: BucketCounts | undefined, hasBuckets: boolean): DurationsRow =>
  counts === undefined || counts.length === 0 ? noDurations : {
    count: counts.reduce((sum, count) => sum + count, 0),
    p50: rounded(quantile(counts, 0.5)),
    p99: rounded(quantile(counts, 0.99)),
    buckets: hasBuckets ? counts : []
  }

const latencyOf = (
  { tally }: ObservedActor["proxy"],
  facts: ServedFacts | undefined,
  hasBuckets: boolean
): ActorRow["latency"] => {
  const client = tally?.durations?.client?.trimmed
  if (client === undefined && facts?.wait === undefined && facts?.server === undefined) return undefined
  return {
    client: durationsRow(client, hasBuckets),
    wait: durationsRow(facts?.wait, hasBuckets),
    server: durationsRow(facts?.server, hasBuckets)
  }
}

const countersOf = ({ life, tally }: ObservedActor["proxy"]): ActorRow["counters"] => {
  const of = (outcome: Counts.Outcome): number => tally?.ended[outcome] ?? 0
  return {
    made: tally?.made ?? 0,
    ok: of(Counts.ok),
    failed: of(Counts.error),
    defect: of(Counts.defect),
    interrupted: of(Counts.interrupted),
    notRun: of(Counts.notRun),
    unknown: of(Counts.unknown),
    rejected: of(Counts.rejected),
    tells: tally?.tells ?? 0,
    restarts: life - 1
  }
}

const methodsOf = ({ counts, tally }: ObservedActor["proxy"]): ActorRow["methods"] => {
  // the counts of all actors of the kind say nothing of one
  if (counts === undefined || counts === counts.kind.counts) return []
  return counts.kind.methods.flatMap(({ tag }, index) => {
    if (tag.startsWith("~")) return []
    const of = (outcome: Counts.Outcome): number => counts.get(index, outcome)
    const { p50, p99 } = durationsRow(tally?.durations?.clientOf(index)?.trimmed, false)
    return [{
      method: tag,
      ok: of(Counts.ok),
      failed: of(Counts.error),
      defect: of(Counts.defect),
      interrupted: of(Counts.interrupted),
      notRun: of(Counts.notRun),
      unknown: of(Counts.unknown),
      rejected: of(Counts.rejected),
      p50,
      p99
    }]
  })
}

/** What is added to the row of an actor. */
interface RowOptions {
  /** how the actor has ended */
  readonly ended?: End | undefined
  /** the calls that it runs */
  readonly handling?: ReadonlyArray<CycleCall> | undefined
  /** what its worker has answered */
  readonly facts?: ServedFacts | undefined
  /** whether the buckets of durations and the methods are listed */
  readonly isWhole?: boolean | undefined
}

/** The row of an actor. */
export const actorRow = (
  actor: ObservedActor,
  { ended, facts, handling = [], isWhole = false }: RowOptions = {}
): ActorRow => {
  const { address, id, name, proxy, restarts, spawnedBy, startedAt, status, worker } = actor
  return {
    id,
    name,
    address,
    worker: worker.id,
    state: ended === undefined ? status : "Ended",
    incarnation: proxy.life,
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
    spawnedBy,
    pool: proxy.pool?.name,
    counters: countersOf(proxy),
    latency: latencyOf(proxy, facts, isWhole),
    handles: { lent: facts?.lent ?? 0, held: facts?.held ?? 0 },
    budget: restarts,
    handling,
    methods: isWhole ? methodsOf(proxy) : [],
    ended
  }
}

const readingOf = (calls: number) => calls === 0 ? Effect.undefined : Readings.readCalls

/** Reads one actor, with the buckets of its durations and its methods. From now on, its calls are counted apart by method. */
export const readActor = (actor: ObservedActor, calls: number): Effect.Effect<ActorRow> =>
  Effect.suspend(() => {
    Counts.separate(actor.proxy)
    return Effect.map(
      Effect.all([readingOf(calls), Readings.readFacts([actor])], { concurrency: "unbounded" }),
      ([reading, facts]) => {
        const handling = reading === undefined ? [] : callsOf(reading.graph, actor.id).slice(0, calls)
        return actorRow(actor, { facts: facts.get(actor), handling, isWhole: true })
      }
    )
  })

const workerRow = (kind: WorkerRow["kind"], { worker, ...reading }: Readings.WorkerReading): WorkerRow => ({
  ...reading,
  id: worker.id,
  kind,
  pid: worker.handle.probe?.pid,
  threadId: worker.handle.probe?.threadId,
  actors: worker.size
})

const readWorkers = (limit: number): Effect.Effect<ReadonlyArray<WorkerRow>> => {
  const near: Array<WorkerRow> = []
  const others: Array<readonly [WorkerRow["kind"], ObservedWorker]> = []
  for (const { observedWorkers, placement: { kind } } of systems) {
    let listed = 0
    for (const worker of observedWorkers) {
      if (kind !== "memory") others.push([kind, worker])
      else if (listed++ < limit) near.push(workerRow(kind, Readings.nearWorker(worker)))
      // in memory there may be as many workers as actors
      else break
    }
  }
  return Effect.map(
    Effect.forEach(
      others,
      ([kind, worker]) => Effect.map(Readings.readWorker(worker), (reading) => workerRow(kind, reading)),
      { concurrency: "unbounded" }
    ),
    (rows) => [...near, ...rows]
  )
}

/** Dies unless the value of an option of a question is a number of things. */
export const check = (question: "actor" | "snapshot", option: string, value: number): void => {
  if (Number.isSafeInteger(value) && value >= 0) return
  throw new RangeError(`Observer.${question}: ${option} must be an integer of at least 0, not ${String(value)}`)
}

const isListed = (
  filter: NonNullable<Selection["filter"]>,
  name: string,
  worker: string,
  pool: string | undefined
): boolean => (filter.name ?? name) === name && (filter.worker ?? worker) === worker && (filter.pool ?? pool) === pool

/** Reads all systems. `graves`: the rows of actors that have ended. */
export const read = (
  { calls = 0, filter, limit = 256, sort = "load" }: Selection,
  graves: Readings.Graves<ActorRow>,
  rates: Readings.Rates
): Effect.Effect<Rows> =>
  Effect.gen(function*() {
    check("snapshot", "limit", limit)
    check("snapshot", "calls", calls)
    const totals = { workers: 0, blocked: 0, actors: 0, restarting: 0, waiting: 0, queued: 0, running: 0 }
    const infos: Array<SystemRow> = []
    const matching: Array<ObservedActor> = []
    // one pass, because it takes most of the time of a program with many actors
    for (const { lostTells, observedActors, observedWorkers, options, placement: { kind } } of systems) {
      totals.workers += observedWorkers.size
      totals.actors += observedActors.size
      for (const actor of observedActors) {
        const { proxy, status } = actor
        if (status === "Restarting") totals.restarting++
        totals.waiting += proxy.waiting.size
        totals.queued += proxy.queued
        totals.running += proxy.running + proxy.forked
        if (filter === undefined || isListed(filter, actor.name, actor.worker.id, proxy.pool?.name)) {
          matching.push(actor)
        }
      }
      infos.push({
        name: options.name ?? kind,
        placement: kind,
        workers: observedWorkers.size,
        actors: observedActors.size,
        lostTells
      })
    }
    const [selected, truncated] = Readings.select(matching, sort, limit, rates)
    const [workers, reading, facts] = yield* Effect.all(
      [readWorkers(limit), readingOf(calls), Readings.readFacts(selected)],
      { concurrency: "unbounded" }
    )
    totals.blocked = workers.filter(({ state }) => state === "Blocked").length
    // the listed actors are read in one turn, after the workers have answered
    const living = selected.filter(({ status }) => status !== "Ended").map((actor) =>
      actorRow(actor, {
        facts: facts.get(actor),
        handling: reading === undefined ? undefined : callsOf(reading.graph, actor.id).slice(0, calls)
      })
    )
    const ended = graves.values.filter(({ name, pool, worker }) => isListed(filter ?? {}, name, worker, pool))
    return {
      at: Date.now(),
      totals,
      systems: infos,
      workers,
      actors: [...living, ...ended.slice(0, limit - living.length)],
      truncated,
      queues: reading === undefined ? [] : queuesOf(reading.graph, calls)
    }
  })
