/**
 * The metrics of the engine: calls and their outcomes, the state of mailboxes and actors, restarts, and the resources of workers.
 *
 * Every series is pulled: it is read when an exporter reads the metrics of the program, such as `Otlp.layer` or `PrometheusMetrics` of Effect.
 * A call costs one integer more, which is always counted. The index `uactor` does not export this module: import `uactor/ActorMetrics`.
 *
 * @module
 * @since 0.2.0
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { constVoid } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import type * as Scope from "effect/Scope"
import * as Counts from "./internal/metrics/counts.ts"
import * as Durations from "./internal/metrics/durations.ts"
import * as Events from "./internal/monitor/events.ts"
import type { Figures } from "./internal/monitor/probe.ts"
import * as Series from "./internal/monitor/series.ts"
import type { ObservedActor } from "./internal/monitor/systems.ts"

/**
 * The calls that have ended, since the start of the program. Attributes: `rpc.method` (`Price/of`), `uactor.call.outcome`: `ok`; `error`, the
 * typed error of the method; `defect`; `interrupted`; `not_run` and `unknown`, an error of the engine with this outcome; `rejected`, the
 * mailbox was full. A call that another actor of a pool takes over counts once.
 *
 * @category metrics
 * @since 0.2.0
 */
export const calls: Metric.Counter<number> = Metric.counter("uactor.calls", {
  description: "Calls that have ended, by outcome",
  attributes: { unit: "{call}" },
  incremental: true
})

/**
 * The calls in progress. Attributes: `uactor.actor.name`, `uactor.call.state`: `waiting` at the caller, for room in the mailbox or for the next
 * incarnation; `queued` in the mailbox; `running`.
 *
 * @category metrics
 * @since 0.2.0
 */
export const callsActive: Metric.Gauge<number> = Metric.gauge("uactor.calls.active", {
  description: "Calls in progress",
  attributes: { unit: "{call}" }
})

/**
 * The calls in the mailbox of the fullest actor of a name. Attribute: `uactor.actor.name`.
 *
 * @category metrics
 * @since 0.2.0
 */
export const mailboxSizeMax: Metric.Gauge<number> = Metric.gauge("uactor.mailbox.size.max", {
  description: "Calls in the mailbox of the fullest actor",
  attributes: { unit: "{call}" }
})

/**
 * The capacity of the mailboxes of a name. Attribute: `uactor.actor.name`. There is no series for mailboxes without limit.
 *
 * @category metrics
 * @since 0.2.0
 */
export const mailboxLimit: Metric.Gauge<number> = Metric.gauge("uactor.mailbox.limit", {
  description: "Capacity of a mailbox",
  attributes: { unit: "{call}" }
})

/**
 * The living actors. Attributes: `uactor.actor.name`, `uactor.actor.state` (`Running`, `Restarting`, …).
 *
 * @category metrics
 * @since 0.2.0
 */
export const actors: Metric.Gauge<number> = Metric.gauge("uactor.actors", {
  description: "Living actors, by state",
  attributes: { unit: "{actor}" }
})

/**
 * The restarts, since the layer was built. Attributes: `uactor.actor.name`, `uactor.exit.reason`, the end of the incarnation before.
 *
 * @category metrics
 * @since 0.2.0
 */
export const actorRestarts: Metric.Counter<number> = Metric.counter("uactor.actor.restarts", {
  description: "Restarts of actors, by the reason of the end before",
  attributes: { unit: "{restart}" },
  incremental: true
})

/**
 * The actors that have ended for good, since the layer was built. Attributes: `uactor.actor.name`, `uactor.exit.reason`.
 *
 * @category metrics
 * @since 0.2.0
 */
export const actorExits: Metric.Counter<number> = Metric.counter("uactor.actor.exits", {
  description: "Actors that have ended for good, by reason",
  attributes: { unit: "{actor}" },
  incremental: true
})

/**
 * The spawns that have failed, since the layer was built. Attributes: `uactor.actor.name`, `uactor.exit.reason`.
 *
 * @category metrics
 * @since 0.2.0
 */
export const spawnFailures: Metric.Counter<number> = Metric.counter("uactor.spawn.failures", {
  description: "Spawns that have failed",
  attributes: { unit: "{spawn}" },
  incremental: true
})

/**
 * The members of the pools of a name. Attribute: `uactor.pool.name`, the name of the actors.
 *
 * @category metrics
 * @since 0.2.0
 */
export const poolMembers: Metric.Gauge<number> = Metric.gauge("uactor.pool.members", {
  description: "Members of pools",
  attributes: { unit: "{actor}" }
})

/**
 * The members of the pools of a name that have calls. Attribute: `uactor.pool.name`.
 *
 * @category metrics
 * @since 0.2.0
 */
export const poolBusy: Metric.Gauge<number> = Metric.gauge("uactor.pool.busy", {
  description: "Members of pools that have calls",
  attributes: { unit: "{actor}" }
})

/**
 * The share of its time in which the event loop of a worker was active, from 0 to 1, since the measurement before. Attributes:
 * `uactor.worker.id`, `thread.name`. The names of this metric and of the four that follow are those of the OpenTelemetry conventions.
 *
 * @category metrics
 * @since 0.2.0
 */
export const eventLoopUtilization: Metric.Gauge<number> = Metric.gauge("nodejs.eventloop.utilization", {
  description: "Event loop utilization",
  attributes: { unit: "1" }
})

/**
 * The used heap of a worker. Attributes: `uactor.worker.id`, `process.pid`.
 *
 * @category metrics
 * @since 0.2.0
 */
export const heapUsed: Metric.Gauge<number> = Metric.gauge("v8js.memory.heap.used", {
  description: "Used heap of a worker",
  attributes: { unit: "By" }
})

/**
 * The limit of the heap of a worker. Attributes: `uactor.worker.id`, `process.pid`.
 *
 * @category metrics
 * @since 0.2.0
 */
export const heapLimit: Metric.Gauge<number> = Metric.gauge("v8js.memory.heap.limit", {
  description: "Limit of the heap of a worker",
  attributes: { unit: "By" }
})

/**
 * The processor time of a worker since its start: of its thread, or of its process. Attributes: `uactor.worker.id`, `process.pid`, `cpu.mode`
 * (`user`, `system`).
 *
 * @category metrics
 * @since 0.2.0
 */
export const cpuTime: Metric.Counter<number> = Metric.counter("process.cpu.time", {
  description: "Processor time of a worker",
  attributes: { unit: "s" },
  incremental: true
})

/**
 * The resident memory of a child process. Attributes: `uactor.worker.id`, `process.pid`. Threads have no series, because they share the memory of
 * the program.
 *
 * @category metrics
 * @since 0.2.0
 */
export const memoryUsage: Metric.Gauge<number> = Metric.gauge("process.memory.usage", {
  description: "Resident memory of a child process",
  attributes: { unit: "By" }
})

/**
 * The time from a call to its end, for its caller: `ActorMetrics.layer({ durations: true })`. Attributes: `rpc.system.name` (`uactor`), `rpc.method`,
 * and `error.type` unless the call succeeds: the outcome as in {@link calls}. The name is that of the OpenTelemetry conventions.
 *
 * @category metrics
 * @since 0.2.0
 */
export const clientCallDuration: Metric.Histogram<number> = Durations.clientDuration

/**
 * The time from the beginning of a handler to its end. Attributes as in {@link clientCallDuration}.
 *
 * @category metrics
 * @since 0.2.0
 */
export const serverCallDuration: Metric.Histogram<number> = Durations.serverDuration

/**
 * The time from the arrival of a call in the worker of its actor to the beginning of its handler. Attribute: `rpc.method`.
 *
 * @category metrics
 * @since 0.2.0
 */
export const mailboxWaitDuration: Metric.Histogram<number> = Durations.mailboxWait

/**
 * What is registered.
 *
 * @category models
 * @since 0.2.0
 */
export interface Options {
  /**
   * Registers `uactor.calls` and `uactor.calls.active` also for each actor, with the attribute `uactor.actor.id`, for at most 1,000 actors that are
   * spawned from now on. The series without this attribute then contain the other actors. When an actor ends, its calls are added to the
   * series without this attribute, so a sum over all series never falls. `false` by default.
   */
  readonly perActor?: boolean | undefined
  /**
   * Measures how long calls take, in the program and in the workers that are started while the layer lives: build the layer before the first
   * spawn. The durations of calls that workers answer arrive with `telemetry: "relay"`. `false` by default, because clocks take time.
   */
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
          calls,
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
      this.gauge(callsActive, { ...attributes, "uactor.call.state": state }, () => {
        let { [state]: calls } = reader.of(name).calls
        for (const { name: other, proxy } of this.apart.keys()) {
          if (other === name) calls -= Series.callsOf(proxy)[state]
        }
        return calls
      })
    }
    this.gauge(mailboxSizeMax, attributes, () => reader.of(name).fullest)
    if (proxy.capacity !== Infinity) this.gauge(mailboxLimit, attributes, () => reader.of(name).limit)
    for (const state of Series.states) {
      this.gauge(actors, { ...attributes, "uactor.actor.state": state }, () => {
        this.pools(name)
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
    this.gauge(poolMembers, { "uactor.pool.name": name }, () => reader.of(name).pool.members)
    this.gauge(poolBusy, { "uactor.pool.name": name }, () => reader.of(name).pool.busy)
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
        this.counter(calls, attributes, () => counts.get(method, code))
      }
    }
    for (const state of callStates) {
      this.gauge(
        callsActive,
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
        return this.spawned(actor)
      case "ActorRestarting":
        return this.count(actorRestarts, { ...attributes, "uactor.exit.reason": event.reason })
      case "SpawnFailed":
        return this.count(spawnFailures, { ...attributes, "uactor.exit.reason": event.reason })
      case "ActorEnded": {
        this.count(actorExits, { ...attributes, "uactor.exit.reason": event.reason })
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
            if (!worker.ended) this.measured(worker.id, probe.pid, probe.threadId, figures)
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
      this.gauge(eventLoopUtilization, { ...id, "thread.name": worker }, () => {
        last()
        return this.utilizations.get(worker) ?? 0
      })
    }
    if (now.heap !== undefined) {
      this.gauge(heapUsed, process, () => last().heap?.used ?? 0)
      this.gauge(heapLimit, process, () => last().heap?.limit ?? 0)
    }
    if (now.cpu !== undefined) {
      for (const mode of ["user", "system"] as const) {
        this.counter(cpuTime, { ...process, "cpu.mode": mode }, () => (last().cpu?.[mode] ?? 0) / 1_000_000)
      }
    }
    if (now.rss !== undefined && threadId === 0) this.gauge(memoryUsage, process, () => last().rss ?? 0)
  }

  private readonly utilizations = new Map<string, number>()
}

const callStates = ["waiting", "queued", "running"] as const

const make = (options: Options): Effect.Effect<void, never, Scope.Scope> =>
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
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(registry.sample, Effect.sleep(sampleInterval))))
  })

/**
 * Registers the metrics of the engine in the metric registry of the program, until the layer is released. They are those of all systems of the
 * process, not of the systems that its workers have made themselves. Provide the layer once, beside the exporter.
 *
 * The workers are measured at most every 5 seconds, and only while their figures are read.
 *
 * @example
 * ```ts
 * import { Effect, Layer, Schema } from "effect"
 * import { PrometheusMetrics } from "effect/observability"
 * import assert from "node:assert"
 * import { Actor, ActorSystem } from "uactor"
 * import * as ActorMetrics from "uactor/ActorMetrics"
 *
 * class Echo extends Actor.Service<Echo>()("Echo", {
 *   protocol: { say: Actor.method({ payload: { text: Schema.String }, success: Schema.String }) }
 * }) {}
 * const EchoLive = Echo.toLayer({ say: ({ text }) => Effect.succeed(text) })
 *
 * const program = Effect.gen(function*() {
 *   const echo = yield* Echo.spawn()
 *   yield* echo.say({ text: "hello" })
 *   const text = yield* PrometheusMetrics.format()
 *   assert.ok(text.includes(`uactor_calls{rpc_method="Echo/say",uactor_call_outcome="ok"} 1`))
 * }).pipe(Effect.scoped, Effect.provide(Layer.merge(ActorSystem.layer(EchoLive), ActorMetrics.layer())))
 *
 * await Effect.runPromise(program)
 * ```
 *
 * @category layers
 * @since 0.2.0
 */
export const layer = (options: Options = {}): Layer.Layer<never> => Layer.effectDiscard(make(options))
