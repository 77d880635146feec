/**
 * The series of the engine in one metric registry. Every series is pulled: its value is read when the registry is read.
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { constVoid } from "effect/Function"
import * as Metric from "effect/Metric"
import type * as Scope from "effect/Scope"
import { Buckets } from "../metrics/buckets.ts"
import * as Counts from "../metrics/counts.ts"
import * as Definitions from "../metrics/definitions.ts"
import * as Durations from "../metrics/durations.ts"
import * as Histograms from "../metrics/histograms.ts"
import * as Events from "./events.ts"
import type { Figures } from "./probe.ts"
import * as Series from "./series.ts"
import type { ObservedActor, ObservedWorker } from "./systems.ts"

/** What is registered. */
interface Options {
  /** the calls of each actor apart */
  readonly perActor?: boolean | undefined
  readonly durations?: boolean | undefined
}

// the maximum number of actors with series of their own
const maxActors = 1_000

// the interval between two measurements of the workers
const sampleInterval = "5 seconds"

type Attributes = Readonly<Record<string, string>>

/** The series of one registry. */
class Registry {
  private readonly context: Context.Context<never>
  private readonly reader = new Series.Reader()
  private readonly registrations = new Map<string, () => void>()
  private readonly apart = new Map<ObservedActor, Counts.CallCounts>()
  private readonly apartCounts = new Set<Counts.CallCounts>()
  private readonly ends = new Map<string, number>()
  private readonly samples = new Map<string, Figures>()
  private readonly spawns = new Map<string, Buckets>()
  private readonly perActor: boolean
  /** a figure of a worker has been read since the last measurement */
  isRead = true

  constructor(context: Context.Context<never>, perActor: boolean) {
    this.context = context
    this.perActor = perActor
  }

  private register<State>(
    metric: Metric.Metric<number, State>,
    attributes: Attributes,
    get: () => State
  ): void {
    const key = JSON.stringify([metric.id, attributes])
    if (this.registrations.has(key)) return
    const series = Metric.withAttributes(metric, attributes)
    const { remove } = Metric.registerUnsafe(series, this.context, { get, update: constVoid, modify: constVoid })
    this.registrations.set(key, remove)
  }

  private gauge(metric: Metric.Gauge<number>, attributes: Attributes, value: () => number): void {
    this.register(metric, attributes, () => ({ value: value() }))
  }

  private counter(metric: Metric.Counter<number>, attributes: Attributes, count: () => number): void {
    this.register(metric, attributes, () => ({ count: count(), incremental: true }))
  }

  // removes the series with an attribute
  private remove(key: string, value: string): void {
    for (const [name, remove] of this.registrations) {
      const [, attributes] = JSON.parse(name) as [string, Attributes]
      if (attributes[key] !== value) continue
      remove()
      this.registrations.delete(name)
    }
  }

  /** Removes all series. */
  close(): void {
    for (const remove of this.registrations.values()) remove()
  }

  // ---- actors ----

  /** A kind of actor has been called for the first time. */
  readonly kind = ({ methods, name }: Counts.Kind): void => {
    this.pools(name)
    for (const { tag } of methods) {
      if (tag.startsWith("~")) continue
      for (const [code, outcome] of Counts.outcomes.entries()) {
        this.counter(
          Definitions.calls,
          { "rpc.method": `${name}/${tag}`, "uactor.call.outcome": outcome },
          () => Series.sum(name, tag, code, this.apartCounts)
        )
      }
    }
  }

  /** An actor has been spawned. */
  spawned(actor: ObservedActor): void {
    const { name, proxy } = actor
    const { reader } = this
    const attributes = { "uactor.actor.name": name }
    for (const state of callStates) {
      this.gauge(Definitions.callsActive, { ...attributes, "uactor.call.state": state }, () => {
        let { [state]: calls } = reader.of(name).calls
        for (const { name: other, proxy } of this.apart.keys()) {
          if (other === name) calls -= Series.callsOf(proxy)[state]
        }
        return calls
      })
    }
    this.gauge(Definitions.mailboxSizeMax, attributes, () => reader.of(name).fullest)
    if (proxy.kind.capacity !== Infinity) this.gauge(Definitions.mailboxLimit, attributes, () => reader.of(name).limit)
    for (const state of Series.states) {
      this.gauge(Definitions.actors, { ...attributes, "uactor.actor.state": state }, () => {
        this.pools(name)
        this.handles()
        return reader.of(name).states[state]
      })
    }
    this.pools(name)
    if (this.perActor && this.apart.size < maxActors) this.separate(actor)
  }

  // a member joins its pool after its spawn
  private pools(name: string): void {
    const { reader } = this
    if (reader.of(name).pool.members === 0) return
    this.gauge(Definitions.poolMembers, { "uactor.pool.name": name }, () => reader.of(name).pool.members)
    this.gauge(Definitions.poolBusy, { "uactor.pool.name": name }, () => reader.of(name).pool.busy)
    this.gauge(Definitions.poolLimit, { "uactor.pool.name": name }, () => reader.of(name).pool.limit)
  }

  // a kind of handle is known when there is one
  private handles(): void {
    const { reader } = this
    for (const kind of reader.handles.keys()) {
      for (const role of ["lent", "held"] as const) {
        this.gauge(
          Definitions.handles,
          { "uactor.handle.kind": kind, "uactor.handle.role": role },
          () => reader.handles.get(kind)?.[role] ?? 0
        )
      }
    }
  }

  private separate(actor: ObservedActor): void {
    const { id, name, proxy } = actor
    const counts = Counts.separate(proxy)
    this.apart.set(actor, counts)
    this.apartCounts.add(counts)
    for (const [method, { tag }] of proxy.methods.entries()) {
      if (tag.startsWith("~")) continue
      for (const [code, outcome] of Counts.outcomes.entries()) {
        const attributes = {
          "rpc.method": `${name}/${tag}`,
          "uactor.call.outcome": outcome,
          "uactor.actor.id": id
        }
        this.counter(Definitions.calls, attributes, () => counts.get(method, code))
      }
    }
    for (const state of callStates) {
      this.gauge(
        Definitions.callsActive,
        { "uactor.actor.name": name, "uactor.call.state": state, "uactor.actor.id": id },
        () => Series.callsOf(proxy)[state]
      )
    }
  }

  // counts an end of an actor
  private count(metric: Metric.Counter<number>, attributes: Attributes): void {
    const key = JSON.stringify([metric.id, attributes])
    this.ends.set(key, (this.ends.get(key) ?? 0) + 1)
    this.counter(metric, attributes, () => this.ends.get(key)!)
  }

  // an actor has been built
  private built({ name, requestedAt, startedAt = requestedAt }: ObservedActor): void {
    let buckets = this.spawns.get(name)
    if (buckets === undefined) {
      const made = buckets = new Buckets()
      this.spawns.set(name, made)
      this.register(Histograms.spawnDuration, { "uactor.actor.name": name }, () => made.state)
    }
    buckets.add(Math.floor((startedAt - requestedAt) * 1_000))
  }

  /** Something has happened to an actor or a worker. */
  readonly event: Events.Listener = (event, actor) => {
    if (event._tag === "WorkerEnded") {
      this.samples.delete(event.worker)
      return this.remove("uactor.worker.id", event.worker)
    }
    if (actor === undefined) return
    const { name } = actor
    const attributes = { "uactor.actor.name": name }
    switch (event._tag) {
      case "ActorSpawned":
        this.built(actor)
        return this.spawned(actor)
      case "ActorRestarting":
        return this.count(Definitions.actorRestarts, { ...attributes, "uactor.exit.reason": event.reason })
      case "SpawnFailed":
        return this.count(Definitions.spawnFailures, { ...attributes, "uactor.exit.reason": event.reason })
      case "ActorEnded": {
        this.count(Definitions.actorExits, { ...attributes, "uactor.exit.reason": event.reason })
        const counts = this.apart.get(actor)
        if (counts === undefined) return
        this.apart.delete(actor)
        this.apartCounts.delete(counts)
        return this.remove("uactor.actor.id", actor.id)
      }
      default:
    }
  }

  // ---- workers ----

  /** Measures the workers, if the last measurement has been read. */
  get sample(): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (!this.isRead) return Effect.void
      this.isRead = this.samples.size === 0
      return Effect.forEach(
        Series.workers(),
        ([worker, probe]) =>
          Effect.map(probe.figures, (figures) => {
            if (worker.ended) return
            this.measured(worker.id, probe.pid, probe.threadId, figures)
            this.linked(worker)
          }),
        { concurrency: "unbounded", discard: true }
      )
    })
  }

  private measured(worker: string, pid: number, threadId: number, figures: Figures): void {
    const before = this.samples.get(worker)
    // a blocked process reports a part of its figures
    const now = { ...before, ...figures }
    this.samples.set(worker, now)
    const share = Series.utilization(now.eventLoop, before?.eventLoop)
    if (share !== undefined) this.utilizations.set(worker, share)
    const last = (): Figures => {
      this.isRead = true
      return this.samples.get(worker) ?? {}
    }
    const id = { "uactor.worker.id": worker }
    const process = { ...id, "process.pid": String(pid) }
    if (share !== undefined) {
      this.gauge(Definitions.eventLoopUtilization, { ...id, "thread.name": worker }, () => {
        last()
        return this.utilizations.get(worker) ?? 0
      })
    }
    if (now.heap !== undefined) {
      this.gauge(Definitions.heapUsed, process, () => last().heap?.used ?? 0)
      this.gauge(Definitions.heapLimit, process, () => last().heap?.limit ?? 0)
    }
    if (now.cpu !== undefined) {
      for (const mode of ["user", "system"] as const) {
        this.counter(Definitions.cpuTime, { ...process, "cpu.mode": mode }, () => (last().cpu?.[mode] ?? 0) / 1_000_000)
      }
    }
    if (now.rss !== undefined && threadId === 0) this.gauge(Definitions.memoryUsage, process, () => last().rss ?? 0)
  }

  private linked(worker: ObservedWorker): void {
    for (const direction of ["transmit", "receive"] as const) {
      const attributes = { "uactor.worker.id": worker.id, "network.io.direction": direction }
      this.counter(Definitions.linkFrames, attributes, () => worker.traffic[direction].frames)
      this.counter(Definitions.linkBatches, attributes, () => worker.traffic[direction].batches)
    }
  }

  private readonly utilizations = new Map<string, number>()
}

const callStates = ["waiting", "queued", "running"] as const

/** Registers the series in the metric registry of the program, until the scope closes. */
export const make = (options: Options): Effect.Effect<void, never, Scope.Scope> =>
  Effect.gen(function*() {
    const context = yield* Effect.context()
    const registry = new Registry(context, options.perActor === true)
    if (options.durations === true) {
      yield* Effect.acquireRelease(
        Effect.sync(() => Durations.register(context)),
        (stop) => Effect.sync(stop)
      )
    }
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        for (const kind of Counts.kinds) registry.kind(kind)
        for (const actor of Series.actors()) registry.spawned(actor)
        return [Counts.onKind(registry.kind), Events.subscribe(registry.event)]
      }),
      (detach) =>
        Effect.sync(() => {
          for (const stop of detach) stop()
          registry.close()
        })
    )
    // the measurements go on after a defect
    const sample = Effect.catchCauseIf(
      registry.sample,
      Cause.hasDies,
      (cause) => Effect.logError("the measurement of the workers has failed", cause)
    )
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(sample, Effect.sleep(sampleInterval))))
  })
