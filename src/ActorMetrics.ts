/**
 * The metrics of the engine: calls and their outcomes, the state of mailboxes and actors, restarts, and the resources of workers.
 *
 * Every series is pulled: it is read when an exporter reads the metrics of the program, such as `Otlp.layer` or `PrometheusMetrics` of Effect.
 * A call costs one integer more, which is always counted. The index `uactor` does not export this module: import `uactor/ActorMetrics`.
 *
 * @module
 * @since 0.2.0
 */
import * as Layer from "effect/Layer"
import type * as Metric from "effect/Metric"
import * as Definitions from "./internal/metrics/definitions.ts"
import * as Histograms from "./internal/metrics/histograms.ts"
import * as Registry from "./internal/monitor/registry.ts"

/**
 * The calls that have ended, since the start of the program. Attributes: `rpc.method` (`Price/of`), `uactor.call.outcome`: `ok`; `error`, the
 * typed error of the method; `defect`; `interrupted`; `not_run` and `unknown`, an error of the engine with this outcome; `rejected`, the
 * mailbox was full. A call that another actor of a pool takes over counts once.
 *
 * @category metrics
 * @since 0.2.0
 */
export const calls: Metric.Counter<number> = Definitions.calls

/**
 * The calls in progress. Attributes: `uactor.actor.name`, `uactor.call.state`: `waiting` at the caller, for room in the mailbox or for the next
 * incarnation; `queued` in the mailbox; `running`.
 *
 * @category metrics
 * @since 0.2.0
 */
export const callsActive: Metric.Gauge<number> = Definitions.callsActive

/**
 * The calls in the mailbox of the fullest actor of a name. Attribute: `uactor.actor.name`.
 *
 * @category metrics
 * @since 0.2.0
 */
export const mailboxSizeMax: Metric.Gauge<number> = Definitions.mailboxSizeMax

/**
 * The capacity of the mailboxes of a name. Attribute: `uactor.actor.name`. There is no series for mailboxes without limit.
 *
 * @category metrics
 * @since 0.2.0
 */
export const mailboxLimit: Metric.Gauge<number> = Definitions.mailboxLimit

/**
 * The living actors. Attributes: `uactor.actor.name`, `uactor.actor.state` (`Running`, `Restarting`, …).
 *
 * @category metrics
 * @since 0.2.0
 */
export const actors: Metric.Gauge<number> = Definitions.actors

/**
 * The restarts, since the layer was built. Attributes: `uactor.actor.name`, `uactor.exit.reason`, the end of the incarnation before.
 *
 * @category metrics
 * @since 0.2.0
 */
export const actorRestarts: Metric.Counter<number> = Definitions.actorRestarts

/**
 * The actors that have ended for good, since the layer was built. Attributes: `uactor.actor.name`, `uactor.exit.reason`.
 *
 * @category metrics
 * @since 0.2.0
 */
export const actorExits: Metric.Counter<number> = Definitions.actorExits

/**
 * The spawns that have failed, since the layer was built. Attributes: `uactor.actor.name`, `uactor.exit.reason`.
 *
 * @category metrics
 * @since 0.2.0
 */
export const spawnFailures: Metric.Counter<number> = Definitions.spawnFailures

/**
 * The members of the pools of a name. Attribute: `uactor.pool.name`, the name of the actors.
 *
 * @category metrics
 * @since 0.2.0
 */
export const poolMembers: Metric.Gauge<number> = Definitions.poolMembers

/**
 * The members of the pools of a name that have calls. Attribute: `uactor.pool.name`.
 *
 * @category metrics
 * @since 0.2.0
 */
export const poolBusy: Metric.Gauge<number> = Definitions.poolBusy

/**
 * The maximum number of members of the pools of a name. Attribute: `uactor.pool.name`.
 *
 * @category metrics
 * @since 0.2.0
 */
export const poolLimit: Metric.Gauge<number> = Definitions.poolLimit

/**
 * The time from a spawn until the actor is built, since the layer was built. Attribute: `uactor.actor.name`. The start of a worker for the
 * actor is a part of it. Restarts are not counted.
 *
 * @category metrics
 * @since 0.2.0
 */
export const spawnDuration: Metric.Histogram<number> = Histograms.spawnDuration

/**
 * The handles between the program and its workers: objects, and results that are pending. Attributes: `uactor.handle.kind` (`Ref`, `Deferred`, …),
 * `uactor.handle.role`: `lent` by the program to workers, or `held` by the program. A handle that one worker has lent to another is counted in both
 * roles. A number that only grows is a leak. `Observer` has the numbers of each actor.
 *
 * @category metrics
 * @since 0.2.0
 */
export const handles: Metric.Gauge<number> = Definitions.handles

/**
 * The frames between the program and a thread or a child process: a call and its answer are a frame each. Attributes: `uactor.worker.id`,
 * `network.io.direction`: `transmit` to the worker, `receive` from it.
 *
 * @category metrics
 * @since 0.2.0
 */
export const linkFrames: Metric.Counter<number> = Definitions.linkFrames

/**
 * The messages that carry the frames. Attributes as in {@link linkFrames}. Fewer messages than frames mean that calls share messages.
 *
 * @category metrics
 * @since 0.2.0
 */
export const linkBatches: Metric.Counter<number> = Definitions.linkBatches

/**
 * The share of its time in which the event loop of a worker was active, from 0 to 1, since the measurement before. Attributes:
 * `uactor.worker.id`, `thread.name`. The names of this metric and of the four that follow are those of the OpenTelemetry conventions.
 *
 * @category metrics
 * @since 0.2.0
 */
export const eventLoopUtilization: Metric.Gauge<number> = Definitions.eventLoopUtilization

/**
 * The used heap of a worker. Attributes: `uactor.worker.id`, `process.pid`.
 *
 * @category metrics
 * @since 0.2.0
 */
export const heapUsed: Metric.Gauge<number> = Definitions.heapUsed

/**
 * The limit of the heap of a worker. Attributes: `uactor.worker.id`, `process.pid`.
 *
 * @category metrics
 * @since 0.2.0
 */
export const heapLimit: Metric.Gauge<number> = Definitions.heapLimit

/**
 * The processor time of a worker since its start: of its thread, or of its process. Attributes: `uactor.worker.id`, `process.pid`, `cpu.mode`
 * (`user`, `system`).
 *
 * @category metrics
 * @since 0.2.0
 */
export const cpuTime: Metric.Counter<number> = Definitions.cpuTime

/**
 * The resident memory of a child process. Attributes: `uactor.worker.id`, `process.pid`. Threads have no series, because they share the memory of
 * the program.
 *
 * @category metrics
 * @since 0.2.0
 */
export const memoryUsage: Metric.Gauge<number> = Definitions.memoryUsage

/**
 * The time from a call to its end, for its caller: `ActorMetrics.layer({ durations: true })`. Attributes: `rpc.system.name` (`uactor`), `rpc.method`,
 * `uactor.placement` of the actor (`memory`, `thread`, `process`; absent for an actor behind a reference), and `error.type` unless the call
 * succeeds: the outcome as in {@link calls}. The name is that of the OpenTelemetry conventions.
 *
 * @category metrics
 * @since 0.2.0
 */
export const clientCallDuration: Metric.Histogram<number> = Histograms.clientCallDuration

/**
 * The time from the beginning of a handler to its end. Attributes as in {@link clientCallDuration}.
 *
 * @category metrics
 * @since 0.2.0
 */
export const serverCallDuration: Metric.Histogram<number> = Histograms.serverCallDuration

/**
 * The time from the arrival of a call in the worker of its actor to the beginning of its handler. Attributes:
 * `rpc.method`, `uactor.placement`.
 *
 * @category metrics
 * @since 0.2.0
 */
export const mailboxWaitDuration: Metric.Histogram<number> = Histograms.mailboxWaitDuration

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
export const layer = (options: Options = {}): Layer.Layer<never> => Layer.effectDiscard(Registry.make(options))
