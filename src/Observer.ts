/**
 * Looks into the running program: which workers and actors live, how full their mailboxes are, what a blocked worker computes; and ends or
 * restarts an actor from outside. The observer reads every `ActorSystem` of its process. Its workers answer for
 * the systems that their code has made. `events`, and the actors that have ended, are those of its own process.
 *
 * A program without the layer collects nothing for it. The index `uactor` does not export this module: import `uactor/Observer`.
 *
 * @module
 * @since 0.2.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as ActorRef from "./ActorRef.ts"
import { timeout } from "./internal/actor/durations.ts"
import * as Monitor from "./internal/monitor/monitor.ts"
import type * as Rows from "./internal/monitor/rows.ts"
import * as Targets from "./internal/monitor/targets.ts"
import {
  ActorInfo,
  BudgetInfo,
  CallInfo,
  CountersInfo,
  DurationsInfo,
  EndInfo,
  HandlesInfo,
  LatencyInfo,
  MailboxInfo,
  MethodInfo
} from "./observer/ActorInfo.ts"
import type { Event } from "./observer/Event.ts"
import { Cycle, Explanation, ExplanationStep } from "./observer/Explanation.ts"
import { type CpuProfile, Frame } from "./observer/Inspection.ts"
import {
  QueuedCallInfo,
  QueueInfo,
  Snapshot,
  type SnapshotOptions,
  SystemInfo,
  Totals,
  WorkerInfo
} from "./observer/Snapshot.ts"
import { UnreadInfo } from "./observer/UnreadInfo.ts"

export {
  ActorInfo,
  ActorState,
  BudgetInfo,
  CallInfo,
  CountersInfo,
  DurationsInfo,
  EndInfo,
  HandlesInfo,
  LatencyInfo,
  MailboxInfo,
  MethodInfo
} from "./observer/ActorInfo.ts"
export { Event } from "./observer/Event.ts"
export { Cycle, Explanation, ExplanationStep } from "./observer/Explanation.ts"
export { type CpuProfile, Frame } from "./observer/Inspection.ts"
export {
  QueuedCallInfo,
  QueueInfo,
  Snapshot,
  type SnapshotOptions,
  SystemInfo,
  Totals,
  WorkerInfo,
  WorkerState
} from "./observer/Snapshot.ts"
export { UnreadInfo } from "./observer/UnreadInfo.ts"

/**
 * What an observer was asked for could not be done. `reason` is one of:
 *
 * - `NotFound`: no living actor or worker has this id
 * - `NoAnswer`: the worker did not answer the inspector of V8, because it runs native code, or because its process is suspended; or the
 *   worker that has made the system of the worker or actor does not answer
 * - `WorkerEnded`: the worker has ended meanwhile
 * - `Unsupported`: actors in memory have no worker to inspect, the runtime cannot inspect its workers, or the heap is that of a worker which
 *   another worker has started
 * - `NotRestarted`: the actor does not run, is not supervised, or could not be built again
 * - `Failed`: the inspector has refused the command
 *
 * @category errors
 * @since 0.2.0
 */
export class ObserverError extends Schema.TaggedError<ObserverError>()("ObserverError", {
  /** The kind of the failure. */
  reason: Schema.Literals(["NotFound", "NoAnswer", "WorkerEnded", "Unsupported", "NotRestarted", "Failed"]),
  /** The error as text: what was asked for, and why it failed. */
  message: Schema.String
}) {}

/**
 * What an observer can be asked.
 *
 * @category models
 * @since 0.2.0
 */
export interface Service {
  /**
   * The state of all systems of this process. Each worker is asked whether its event loop answers, so a blocked worker delays the snapshot by
   * 100 ms, and a suspended process by 200 ms. Dies with a `RangeError` if `limit` or `calls` is not an integer of at least 0.
   */
  readonly snapshot: (options?: SnapshotOptions) => Effect.Effect<Snapshot>
  /**
   * The actor with this id, also for 30 seconds after its end, with the calls of each of its methods. `calls`: the maximum number of running
   * calls that are listed, 0 by default; with more, all workers are asked for their calls. Dies with a `RangeError` if `calls` is not an
   * integer of at least 0. An actor of a system that a worker has made is read through that worker; if the worker does not answer within
   * 100 ms, the answer is that of the last snapshot, in the state `Unknown`.
   */
  readonly actor: (
    id: string,
    options?: { readonly calls?: number | undefined }
  ) => Effect.Effect<Option.Option<ActorInfo>>
  /**
   * What happens from now on. Nothing waits for the reader: a reader that falls more than 1,024 events behind gets `Dropped` with the number
   * of events that it has missed.
   */
  readonly events: Stream.Stream<Event>
  /**
   * Why a call has not been answered, or what an actor waits for: the calls that it waits for, and what these wait for. Takes the id of a
   * call (from {@link ExplanationStep} or {@link CallInfo}), the id of an actor, or a reference. `Option.none` if there is no such call or
   * actor. Asks all workers twice: a blocked worker delays the answer by 200 ms, and its calls are explained as far as others know them.
   */
  readonly why: (callOrActor: string | ActorRef.AnyActorRef) => Effect.Effect<Option.Option<Explanation>>
  /** The calls that wait for each other in a cycle, in the whole program. Asks all workers twice. */
  readonly deadlocks: Effect.Effect<ReadonlyArray<Cycle>>
  /**
   * The JavaScript stack of a worker, innermost frame first. If its event loop does not answer within 100 ms, this is the code that blocks it;
   * the worker stands still for some milliseconds. If it answers, this is the function in which it spends most of the next 100 ms, by
   * samples, which see no inlined functions. Empty if the worker executes no JavaScript.
   */
  readonly stack: (worker: string) => Effect.Effect<ReadonlyArray<Frame>, ObserverError>
  /** Profiles a worker for some time. Dies with a `RangeError` if `duration` is not longer than 0. */
  readonly cpuProfile: (
    worker: string,
    options: { readonly duration: Duration.Input }
  ) => Effect.Effect<CpuProfile, ObserverError>
  /**
   * A snapshot of the heap of a worker in the format of `.heapsnapshot` files. The worker stands still meanwhile, which takes seconds for a
   * large heap. The file contains the data of the program, secrets too. Of a worker that another worker has started, only an observer in that
   * other worker can take it.
   */
  readonly heapSnapshot: (worker: string) => Stream.Stream<Uint8Array, ObserverError>
  /**
   * Stops an actor, like `ActorRef.stop`. With `drain`, its accepted calls are finished first. The `Logger` of the caller gets an entry at
   * the level Info, as it does with `kill` and `restart`.
   */
  readonly stop: (
    actor: string,
    options?: { readonly drain?: boolean | undefined }
  ) => Effect.Effect<void, ObserverError>
  /** Kills an actor, like `ActorRef.kill`. */
  readonly kill: (actor: string) => Effect.Effect<void, ObserverError>
  /**
   * Ends the incarnation of a supervised actor and builds the next one at once. Its running calls are interrupted, and calls that have not
   * run go to the next incarnation. The restart does not count against the budget of the policy. A blocked worker is killed after
   * `shutdownTimeout`.
   */
  readonly restart: (actor: string) => Effect.Effect<void, ObserverError>
}

/**
 * The service that looks into the running program.
 *
 * @example
 * ```ts
 * import { Actor, ActorSystem } from "uactor"
 * import { Observer } from "uactor/Observer"
 * import { Effect, Layer, Schema } from "effect"
 * import assert from "node:assert"
 *
 * class Echo extends Actor.Service<Echo>()("Echo", {
 *   protocol: { say: Actor.method({ payload: { text: Schema.String }, success: Schema.String }) }
 * }) {}
 * const EchoLive = Echo.toLayer({ say: ({ text }) => Effect.succeed(text) })
 *
 * const program = Effect.gen(function*() {
 *   const observer = yield* Observer
 *   yield* Echo.spawn()
 *   const { actors, totals } = yield* observer.snapshot()
 *   assert.strictEqual(totals.actors, 1)
 *   assert.strictEqual(actors[0]?.state, "Running")
 * }).pipe(Effect.scoped, Effect.provide(Layer.merge(ActorSystem.layer(EchoLive), Observer.layer)))
 *
 * await Effect.runPromise(program)
 * ```
 *
 * @category services
 * @since 0.2.0
 */
export class Observer extends Context.Service<Observer, Service>()("uactor/Observer") {
  /** An observer of every system of this process. */
  static readonly layer: Layer.Layer<Observer> = Layer.effect(
    Observer,
    Effect.suspend(() => make)
  )

  /**
   * Like `layer`. With `deadlocks`, searches for deadlocks after each interval, and logs each proved one once, as an error. The search asks
   * all workers for their calls in progress. Dies with a `RangeError` if the interval is not longer than 0.
   */
  static readonly layerWith = (options: { readonly deadlocks: Duration.Input }): Layer.Layer<Observer> =>
    Layer.effect(
      Observer,
      Effect.suspend(() => {
        const interval = timeout("Observer.layerWith: deadlocks", options.deadlocks, true)
        return Effect.andThen(Effect.forkScoped(Monitor.logDeadlocks(interval)), make)
      })
    )
}

// ---- the classes of the rows that the monitor reads ----

const optional = Option.fromUndefinedOr

const latencyInfo = ({ client, server, wait }: NonNullable<Rows.ActorRow["latency"]>): LatencyInfo =>
  new LatencyInfo({
    client: new DurationsInfo(client),
    wait: new DurationsInfo(wait),
    server: new DurationsInfo(server)
  })

const callInfo = ({ caller, ...call }: Rows.ActorRow["handling"][number]): CallInfo =>
  new CallInfo({ ...call, caller: optional(caller) })

const actorInfo = (row: Rows.ActorRow): ActorInfo =>
  new ActorInfo({
    ...row,
    spawnedBy: optional(row.spawnedBy),
    pool: optional(row.pool),
    startedAt: optional(row.startedAt),
    mailbox: new MailboxInfo(row.mailbox),
    counters: new CountersInfo(row.counters),
    latency: Option.map(optional(row.latency), latencyInfo),
    handles: new HandlesInfo(row.handles),
    handling: row.handling.map(callInfo),
    methods: row.methods.map((method) => new MethodInfo(method)),
    budget: Option.map(optional(row.budget), (budget) => new BudgetInfo(budget)),
    ended: Option.map(optional(row.ended), (ended) => new EndInfo(ended))
  })

const workerInfo = ({ figures, parent, pid, threadId, ...row }: Rows.WorkerRow): WorkerInfo =>
  new WorkerInfo({
    ...row,
    parent: optional(parent),
    pid: optional(pid),
    threadId: optional(threadId),
    eventLoop: optional(figures.eventLoop),
    cpu: optional(figures.cpu),
    heap: optional(figures.heap),
    rss: optional(figures.rss)
  })

const observerError = (refusal: Rows.Refusal): ObserverError => new ObserverError(refusal)

const make: Effect.Effect<Service, never, Scope.Scope> = Effect.map(Monitor.make, (monitor) => {
  let seq = 0
  return {
    snapshot: (options = {}) =>
      Effect.map(
        monitor.rows(options),
        ({ actors, at, queues, systems, totals, truncated, unread, workers }) =>
          new Snapshot({
            seq: ++seq,
            at,
            totals: new Totals(totals),
            systems: systems.map(({ worker, ...row }) => new SystemInfo({ ...row, worker: optional(worker) })),
            workers: workers.map(workerInfo),
            actors: actors.map(actorInfo),
            truncated,
            unread: unread.map((row) => new UnreadInfo(row)),
            queues: queues.map(({ calls, ...row }) =>
              new QueueInfo({ ...row, calls: calls.map((call) => new QueuedCallInfo(call)) })
            )
          })
      ),
    actor: (id, options) =>
      Effect.map(monitor.actor(id, options?.calls ?? 0), (row) => Option.map(optional(row), actorInfo)),
    events: Monitor.events,
    why: (callOrActor) =>
      Effect.map(
        Monitor.why(typeof callOrActor === "string" ? callOrActor : ActorRef.id(callOrActor)),
        (explained) =>
          Option.map(optional(explained), ({ deadlock, steps, text, unread }) =>
            new Explanation({
              deadlock: optional(deadlock),
              steps: steps.map(({ call, forMillis, ...step }) =>
                new ExplanationStep({ ...step, call: optional(call), forMillis: optional(forMillis) })
              ),
              text,
              unread: unread.map((row) => new UnreadInfo(row))
            }))
      ),
    deadlocks: Effect.map(
      Monitor.deadlocks,
      (cycles) => cycles.map((cycle) => new Cycle({ ...cycle, calls: cycle.calls.map(callInfo) }))
    ),
    stack: (worker) =>
      Effect.mapBoth(Targets.stack(worker), {
        onFailure: observerError,
        onSuccess: (frames) => frames.map((frame) => new Frame(frame))
      }),
    cpuProfile: (worker, { duration }) =>
      Effect.suspend(() => {
        const time = timeout("Observer.cpuProfile: duration", duration, true)
        return Effect.mapBoth(Targets.cpuProfile(worker, time), {
          onFailure: observerError,
          onSuccess: (profile) => profile as CpuProfile
        })
      }),
    heapSnapshot: (worker) => Stream.mapError(Monitor.heapSnapshot(worker), observerError),
    stop: (actor, options) => Effect.mapError(Monitor.stop(actor, options?.drain ?? false), observerError),
    kill: (actor) => Effect.mapError(Monitor.kill(actor), observerError),
    restart: (actor) => Effect.mapError(Monitor.restart(actor), observerError)
  }
})
