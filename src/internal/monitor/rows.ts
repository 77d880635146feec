/**
 * The rows of a snapshot: plain values, of which the public module makes its classes.
 */
import * as Effect from "effect/Effect"
import type { ServedFacts } from "../metrics/actorFacts.ts"
import { type BucketCounts, quantile } from "../metrics/buckets.ts"
import * as Counts from "../metrics/counts.ts"
import type { Deadlines } from "../runtime/deadlines.ts"
import { performance } from "../runtime/globals.ts"
import type { Unread } from "../waits/calls.ts"
import { callsOf, type CycleCall, type QueuedCalls, queuesOf } from "../waits/explain.ts"
import type { Calls } from "../waits/graph.ts"
import type { Figures, ProbeReason, StackFrame } from "./probe.ts"
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

/** The numbers of calls by their outcome. */
interface Outcomes {
  readonly ok: number
  readonly failed: number
  readonly defect: number
  readonly interrupted: number
  readonly notRun: number
  readonly unknown: number
  readonly rejected: number
}

/** The calls of a method of an actor, since they are counted apart. */
interface MethodRow extends Outcomes {
  readonly method: string
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
  /** `Unknown`: the thread that has spawned the actor does not answer; the other fields are older */
  readonly state: ObservedActor["status"] | "Unknown"
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
  readonly counters: Outcomes & {
    readonly made: number
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
  /** `Unknown`: the worker that has started this one does not answer; the other fields are older */
  readonly state: Readings.WorkerReading["state"] | "Unknown"
  /** the worker that has started this one; `undefined`: the program */
  readonly parent: string | undefined
  readonly blockedForMillis: number
  readonly actors: number
  readonly figures: Figures
}

/** A system. */
interface SystemRow {
  readonly name: string
  /** the worker that has made the system; `undefined`: the program */
  readonly worker: string | undefined
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

/** The rows of the systems that one thread and its workers have made. */
export interface Listing {
  readonly totals: Sums
  readonly systems: ReadonlyArray<SystemRow>
  readonly workers: ReadonlyArray<WorkerRow>
  /** the living actors that are listed, in order */
  readonly actors: ReadonlyArray<ActorRow>
  /** the key of each actor in the order */
  readonly keys: ReadonlyArray<number>
  readonly truncated: number
  readonly unread: ReadonlyArray<Unread>
}

/** All rows of one moment. */
export interface Rows extends Omit<Listing, "keys"> {
  readonly at: number
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

/** What an observer was asked for could not be done. */
export interface Refusal {
  readonly reason: ProbeReason | "NotFound" | "NotRestarted"
  readonly message: string
}

/** What ends an actor, or its incarnation; `drain`: after its accepted calls. */
export type Action = "stop" | "drain" | "kill" | "restart"

/** A question about the systems that a worker has made; `cancel`: nobody waits for the answer to the question with this number. */
export type Question =
  | readonly ["rows", observer: string, selection: Omit<Selection, "calls">]
  | readonly ["actor" | Action, actor: string]
  | readonly ["stack", worker: string]
  | readonly ["cpuProfile", worker: string, millis: number]
  | readonly ["cancel"]

/** The answer to a question; the listing is `undefined` if the worker has made no systems. */
export type Answer =
  | readonly ["rows", listing: Listing | undefined]
  | readonly ["actor", row: ActorRow]
  | readonly ["done"]
  | readonly ["stack", frames: ReadonlyArray<StackFrame>]
  | readonly ["cpuProfile", profile: unknown]
  | readonly ["refused", refusal: Refusal]

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
      capacity: proxy.kind.capacity,
      concurrency: proxy.kind.concurrency,
      onFull: proxy.kind.suspends ? "suspend" : "fail"
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

/** Reads one actor, with the buckets of its durations and its methods. From now on, its calls are counted apart by method. */
export const readActor = (actor: ObservedActor, limit: Deadlines): Effect.Effect<ActorRow> =>
  Effect.suspend(() => {
    Counts.separate(actor.proxy)
    return Effect.map(
      Readings.readFacts([actor], limit),
      (facts) => actorRow(actor, { facts: facts.get(actor), isWhole: true })
    )
  })

const workerRow = (
  kind: WorkerRow["kind"],
  thread: string,
  { worker, ...reading }: Readings.WorkerReading
): WorkerRow => ({
  ...reading,
  id: worker.id,
  parent: thread === "" ? undefined : thread,
  kind,
  pid: worker.handle.probe?.pid,
  threadId: worker.handle.probe?.threadId,
  actors: worker.size
})

/** Where systems are read. */
interface Place {
  /** the id of the worker; empty for the program */
  readonly thread: string
  /** how long a worker may take to answer */
  readonly deadlines: Deadlines
}

const readWorkers = (limit: number, { deadlines, thread }: Place): Effect.Effect<ReadonlyArray<WorkerRow>> => {
  const near: Array<WorkerRow> = []
  const others: Array<readonly [WorkerRow["kind"], ObservedWorker]> = []
  for (const { observedWorkers, placement: { kind } } of systems) {
    let listed = 0
    for (const worker of observedWorkers) {
      if (kind !== "memory") others.push([kind, worker])
      else if (listed++ < limit) near.push(workerRow(kind, thread, Readings.nearWorker(worker)))
      // in memory there may be as many workers as actors
      else break
    }
  }
  return Effect.map(
    Effect.forEach(
      others,
      ([kind, worker]) =>
        Effect.map(Readings.readWorker(worker, deadlines), (reading) => workerRow(kind, thread, reading)),
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

const outdated = <Row extends object>(row: Row): Row & { readonly state: "Unknown" } => ({ ...row, state: "Unknown" })

/** Adds the calls that an actor runs to its row, at most `limit`. */
export const handlingIn = ({ graph }: Calls, limit: number) => (row: ActorRow): ActorRow => ({
  ...row,
  handling: callsOf(graph, row.id).slice(0, limit)
})

/** What one observer has read before. */
export class Past {
  /** identifies the observer in the workers that it asks */
  readonly observer: string
  readonly rates = new Readings.Rates()
  /** the last listing of each worker; `undefined`: it had made no systems */
  private readonly listings = new WeakMap<
    ObservedWorker,
    { readonly listing: Listing | undefined; readonly at: number }
  >()

  constructor(observer: string) {
    this.observer = observer
  }

  keep(worker: ObservedWorker, listing: Listing | undefined): void {
    this.listings.set(worker, { listing, at: performance.now() })
  }

  /** What was read of a worker that does not answer now, and what to say of that. */
  recall(worker: ObservedWorker): readonly [listing: Listing | undefined, remark: string | undefined] {
    const known = this.listings.get(worker)
    if (known === undefined) return [undefined, "nothing is known of them"]
    const { at, listing } = known
    if (listing === undefined) return [undefined, undefined]
    return [
      {
        ...listing,
        workers: listing.workers.map(outdated),
        actors: listing.actors.map(outdated)
      },
      `what is shown of them is ${((performance.now() - at) / 1_000).toFixed(1)} s old`
    ]
  }

  /** The last row of an actor of a worker that does not answer. */
  rowOf(worker: ObservedWorker, id: string): ActorRow | undefined {
    return this.recall(worker)[0]?.actors.find((row) => row.id === id)
  }
}

const selectionOf = ({ filter, limit, sort }: Selection): Omit<Selection, "calls"> => ({ filter, limit, sort })

// the listing of the systems that a worker has made, and what is missing of them
const readNested = (
  worker: ObservedWorker,
  selection: Selection,
  past: Past,
  deadlines: Deadlines
): Effect.Effect<readonly [listing: Listing | undefined, unread: ReadonlyArray<Unread>]> =>
  Effect.map(Readings.ask(worker, ["rows", past.observer, selectionOf(selection)], deadlines), (answer) => {
    if (answer?.[0] === "rows") {
      past.keep(worker, answer[1])
      return [answer[1], []]
    }
    if (worker.ended) return [undefined, []]
    const [listing, remark] = past.recall(worker)
    if (answer?.[0] === "refused") {
      return [listing, [{ worker: worker.id, reason: "Failed", message: answer[1].message }]]
    }
    if (remark === undefined) return [undefined, []]
    const message = `${worker.id} does not answer, so the systems that it has made are not read: ${remark}`
    return [listing, [{ worker: worker.id, reason: "NoAnswer", message }]]
  })

const addSums = (sums: Record<keyof Sums, number>, others: Sums): void => {
  for (const key of Object.keys(sums) as ReadonlyArray<keyof Sums>) sums[key] += others[key]
}

/** Lists the systems of this thread, and of its workers. */
export const list = (selection: Selection, past: Past, place: Place): Effect.Effect<Listing> =>
  Effect.gen(function*() {
    const { filter, limit = 256, sort = "load" } = selection
    const { deadlines, thread } = place
    const totals = { workers: 0, blocked: 0, actors: 0, restarting: 0, waiting: 0, queued: 0, running: 0 }
    const infos: Array<SystemRow> = []
    const matching: Array<ObservedActor> = []
    const others: Array<ObservedWorker> = []
    // one pass, because it takes most of the time of a program with many actors
    for (const { lostTells, observedActors, observedWorkers, options, placement: { kind } } of systems) {
      totals.workers += observedWorkers.size
      totals.actors += observedActors.length
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
        worker: thread === "" ? undefined : thread,
        placement: kind,
        workers: observedWorkers.size,
        actors: observedActors.length,
        lostTells
      })
      // the systems that actors in memory make are those of this thread
      if (kind === "memory") continue
      for (const worker of observedWorkers) if (worker.isReady && !worker.ending) others.push(worker)
    }
    const selected = Readings.select(matching, sort, limit, past.rates)
    const [workers, nested, facts] = yield* Effect.all([
      readWorkers(limit, place),
      Effect.forEach(others, (worker) => readNested(worker, selection, past, deadlines), { concurrency: "unbounded" }),
      Readings.readFacts(selected.map(([actor]) => actor), deadlines)
    ], { concurrency: "unbounded" })
    totals.blocked = workers.filter(({ state }) => state === "Blocked").length
    // the listed actors are read in one turn, after the workers have answered
    const living = selected.filter(([{ status }]) => status !== "Ended").map(([actor, key]) =>
      [actorRow(actor, { facts: facts.get(actor) }), key] as const
    )
    const listings = nested.flatMap(([listing]) => listing === undefined ? [] : [listing])
    const all = listings.length === 0 ? living : [
      ...living,
      ...listings.flatMap(({ actors, keys }) => actors.map((row, i) => [row, keys[i] ?? 0] as const))
    ].toSorted(([, a], [, b]) => b - a)
    const listed = all.slice(0, limit)
    for (const listing of listings) addSums(totals, listing.totals)
    return {
      totals,
      systems: [...infos, ...listings.flatMap(({ systems }) => systems)],
      workers: [...workers, ...listings.flatMap(({ workers }) => workers)],
      actors: listed.map(([row]) => row),
      keys: listed.map(([, key]) => key),
      truncated: matching.length - selected.length + all.length - listed.length +
        listings.reduce((sum, { truncated }) => sum + truncated, 0),
      unread: [...nested.flatMap(([, unread]) => unread), ...listings.flatMap(({ unread }) => unread)]
    }
  })

/** Reads all systems. `graves`: the rows of actors that have ended. */
export const read = (
  selection: Selection,
  graves: Readings.Graves<ActorRow>,
  past: Past
): Effect.Effect<Rows> =>
  Effect.gen(function*() {
    const { calls = 0, filter, limit = 256 } = selection
    check("snapshot", "limit", limit)
    check("snapshot", "calls", calls)
    const [{ actors, keys: _, ...listing }, reading] = yield* Effect.all(
      [
        list(selection, past, { thread: "", deadlines: Readings.answers }),
        calls === 0 ? Effect.undefined : Readings.readCalls
      ],
      { concurrency: "unbounded" }
    )
    const living = reading === undefined ? actors : actors.map(handlingIn(reading, calls))
    const ended = graves.values.filter(({ name, pool, worker }) => isListed(filter ?? {}, name, worker, pool))
    return {
      ...listing,
      at: Date.now(),
      actors: [...living, ...ended.slice(0, limit - living.length)],
      queues: reading === undefined ? [] : queuesOf(reading.graph, calls)
    }
  })
