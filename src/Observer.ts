/**
 * Looks into the running program: which workers and actors live, how full their mailboxes are, what a blocked worker computes; and ends or
 * restarts an actor from outside. The observer sees every {@link ActorSystem} of the process in which it runs, not the systems that its
 * workers have made themselves.
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
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { timeout } from "./internal/actor/durations.ts"
import * as Events from "./internal/monitor/events.ts"
import type { Probe, ProbeError } from "./internal/monitor/probe.ts"
import * as Readings from "./internal/monitor/readings.ts"
import { type ObservedActor, type ObservedWorker, systems } from "./internal/monitor/systems.ts"

/**
 * What an actor does: `Spawning` before it is built, `Running`, `Restarting` between two incarnations, `Draining` while it finishes accepted
 * calls, `Closing`, and `Ended`.
 *
 * @category models
 * @since 0.2.0
 */
export const ActorState: Schema.Literals<
  readonly ["Spawning", "Running", "Restarting", "Draining", "Closing", "Ended"]
> = Schema.Literals(["Spawning", "Running", "Restarting", "Draining", "Closing", "Ended"])

/**
 * What a worker does: `Starting` until it has built its layer, `Running`, `Blocked` if its event loop has not answered within 100 ms, and
 * `Ending`.
 *
 * @category models
 * @since 0.2.0
 */
export const WorkerState: Schema.Literals<readonly ["Starting", "Running", "Blocked", "Ending"]> = Schema.Literals([
  "Starting",
  "Running",
  "Blocked",
  "Ending"
])

const mailboxFields = {
  /** The calls that wait at their callers, for room in the mailbox or for the next incarnation. */
  waiting: Schema.Int,
  /** The calls that have been sent and have not started. */
  queued: Schema.Int,
  /** The calls that run and count towards `concurrency`. */
  running: Schema.Int,
  /** The calls that run outside of `concurrency` (`Rpc.fork`). */
  forked: Schema.Int,
  /** The number of calls that may be queued; `Infinity`: no limit. */
  capacity: Schema.Number,
  /** The number of calls that may run at the same time. */
  concurrency: Schema.Number,
  /** Whether a call waits or fails if the mailbox is full. */
  onFull: Schema.Literals(["suspend", "fail"])
}

/**
 * The calls of an actor, as this process knows them. Calls that other workers make on a direct route to the actor are not counted.
 *
 * @category models
 * @since 0.2.0
 */
export class MailboxInfo extends Schema.Class<MailboxInfo>("uactor/Observer/MailboxInfo")(mailboxFields) {}

/**
 * The restarts of a supervised actor in the current window of its policy.
 *
 * @category models
 * @since 0.2.0
 */
export class BudgetInfo extends Schema.Class<BudgetInfo>("uactor/Observer/BudgetInfo")({
  /** The restarts that count against `max`. */
  used: Schema.Int,
  /** The maximum number of restarts; `Infinity`: no limit. */
  max: Schema.Number,
  /** The time within which restarts count, in milliseconds. */
  windowMillis: Schema.Number
}) {}

/**
 * How an actor has ended.
 *
 * @category models
 * @since 0.2.0
 */
export class EndInfo extends Schema.Class<EndInfo>("uactor/Observer/EndInfo")({
  /** The time of the end, in milliseconds since 1970. */
  at: Schema.Number,
  /** The `reason` of `ActorExited`. */
  reason: Schema.String,
  /** What happened, as text. */
  message: Schema.String
}) {}

/**
 * One actor.
 *
 * @category models
 * @since 0.2.0
 */
export class ActorInfo extends Schema.Class<ActorInfo>("uactor/Observer/ActorInfo")({
  /** The id of the actor in all its incarnations (`ActorRef.id`). */
  id: Schema.String,
  /** The name of its definition. */
  name: Schema.String,
  /** The address of the current incarnation. */
  address: Schema.String,
  /** The id of the worker of the current incarnation. */
  worker: Schema.String,
  /** What the actor does. */
  state: ActorState,
  /** The number of the incarnation: 1 for the first. */
  incarnation: Schema.Int,
  /** When the actor was built for the first time, in milliseconds since 1970; absent until then. */
  startedAt: Schema.OptionFromOptionalKey(Schema.Number),
  /** Its calls. */
  mailbox: MailboxInfo,
  /** Its restarts; absent if the actor is not supervised. */
  budget: Schema.OptionFromOptionalKey(BudgetInfo),
  /** Its end; absent while it lives. */
  ended: Schema.OptionFromOptionalKey(EndInfo)
}) {}

/**
 * One worker. A figure is absent if the runtime does not measure it, if a blocked child process did not report it, and in memory.
 *
 * @category models
 * @since 0.2.0
 */
export class WorkerInfo extends Schema.Class<WorkerInfo>("uactor/Observer/WorkerInfo")({
  /** The id of the worker in the program: its name, such as `thread-2`. */
  id: Schema.String,
  /** The kind of the placement. */
  kind: Schema.Literals(["memory", "thread", "process"]),
  /** The id of the process in which the worker runs. */
  pid: Schema.OptionFromOptionalKey(Schema.Int),
  /** The id of the thread; 0 for the main thread of a child process. */
  threadId: Schema.OptionFromOptionalKey(Schema.Int),
  /** What the worker does. */
  state: WorkerState,
  /** How long the worker has not answered, at least, in milliseconds: counted from the first snapshot to which it did not answer. */
  blockedForMillis: Schema.Number,
  /** The number of its actors. */
  actors: Schema.Int,
  /** The time that its event loop was active and idle since its start, in milliseconds. */
  eventLoop: Schema.OptionFromOptionalKey(Schema.Struct({ active: Schema.Number, idle: Schema.Number })),
  /** The processor time since the start in microseconds: of the thread, or of the whole child process. */
  cpu: Schema.OptionFromOptionalKey(Schema.Struct({ user: Schema.Number, system: Schema.Number })),
  /** The used heap and its limit, in bytes. */
  heap: Schema.OptionFromOptionalKey(Schema.Struct({ used: Schema.Number, limit: Schema.Number })),
  /** The resident memory of the process in bytes. Threads share it with the program. */
  rss: Schema.OptionFromOptionalKey(Schema.Number)
}) {}

/**
 * One system.
 *
 * @category models
 * @since 0.2.0
 */
export class SystemInfo extends Schema.Class<SystemInfo>("uactor/Observer/SystemInfo")({
  /** The option `name` of the system, or the kind of its placement. */
  name: Schema.String,
  /** The kind of the placement. */
  placement: Schema.Literals(["memory", "thread", "process"]),
  /** The number of its workers. */
  workers: Schema.Int,
  /** The number of its actors. */
  actors: Schema.Int,
  /** The number of tells that were accepted and lost. */
  lostTells: Schema.Int
}) {}

/**
 * The sums over all actors and workers. Actors and workers that the snapshot does not list count, too.
 *
 * @category models
 * @since 0.2.0
 */
export class Totals extends Schema.Class<Totals>("uactor/Observer/Totals")({
  /** The number of workers. */
  workers: Schema.Int,
  /** The number of blocked workers. */
  blocked: Schema.Int,
  /** The number of living actors. */
  actors: Schema.Int,
  /** The number of actors between two incarnations. */
  restarting: Schema.Int,
  /** The calls that wait at their callers. */
  waiting: Schema.Int,
  /** The calls that have been sent and have not started. */
  queued: Schema.Int,
  /** The calls that run, with those outside of `concurrency`. */
  running: Schema.Int
}) {}

/**
 * The state of the program at one moment.
 *
 * @category models
 * @since 0.2.0
 */
export class Snapshot extends Schema.Class<Snapshot>("uactor/Observer/Snapshot")({
  /** The number of the snapshot of this observer: 1 for the first. */
  seq: Schema.Int,
  /** The time of the snapshot, in milliseconds since 1970. */
  at: Schema.Number,
  /** The sums. */
  totals: Totals,
  /** All systems. */
  systems: Schema.Array(SystemInfo),
  /** All threads and child processes, and at most `limit` workers of each system in memory. */
  workers: Schema.Array(WorkerInfo),
  /** The actors, at most `limit`, in the order of `sort`. Actors that have ended in the last 30 seconds follow. */
  actors: Schema.Array(ActorInfo),
  /** The number of actors that match the filter and are not listed. */
  truncated: Schema.Int
}) {}

const at = Schema.Number
const end = { reason: Schema.String, message: Schema.String }

/**
 * What has happened to a worker or an actor. `at` is the time in milliseconds since 1970. `actor` and `worker` are ids. `Dropped` replaces
 * the oldest events of a reader that is too slow.
 *
 * @category models
 * @since 0.2.0
 */
export const Event = Schema.Union([
  Schema.TaggedStruct("WorkerStarted", { at, worker: Schema.String }),
  Schema.TaggedStruct("WorkerReady", { at, worker: Schema.String, bootMillis: Schema.Number }),
  Schema.TaggedStruct("WorkerEnded", { at, worker: Schema.String, ...end }),
  Schema.TaggedStruct("ActorSpawned", { at, actor: Schema.String, worker: Schema.String }),
  Schema.TaggedStruct("ActorRestarting", {
    at,
    actor: Schema.String,
    worker: Schema.String,
    delayMillis: Schema.Number,
    ...end
  }),
  Schema.TaggedStruct("ActorRestarted", {
    at,
    actor: Schema.String,
    worker: Schema.String,
    incarnation: Schema.Int
  }),
  Schema.TaggedStruct("ActorGivenUp", { at, actor: Schema.String, message: Schema.String }),
  Schema.TaggedStruct("ActorEnded", { at, actor: Schema.String, ...end }),
  Schema.TaggedStruct("SpawnFailed", { at, actor: Schema.String, message: Schema.String }),
  Schema.TaggedStruct("Dropped", { at, count: Schema.Int })
])

/**
 * What has happened to a worker or an actor.
 *
 * @category models
 * @since 0.2.0
 */
export type Event = typeof Event.Type

/**
 * One frame of a JavaScript stack.
 *
 * @category models
 * @since 0.2.0
 */
export class Frame extends Schema.Class<Frame>("uactor/Observer/Frame")({
  /** The name of the function; empty for an anonymous function. */
  functionName: Schema.String,
  /** The URL of the script; empty for code without a script. */
  url: Schema.String,
  /** The line, from 1. In the stack of a worker that is not blocked: the line on which the function begins, except of the innermost. */
  line: Schema.Int,
  /** The column, from 1. */
  column: Schema.Int
}) {}

/**
 * A profile in the format of `.cpuprofile` files: its JSON opens in the developer tools of Chromium and in VS Code.
 *
 * @category models
 * @since 0.2.0
 */
export interface CpuProfile {
  /** The functions, as a tree: `children` are ids of other nodes. */
  readonly nodes: ReadonlyArray<{
    readonly id: number
    readonly callFrame: {
      readonly functionName: string
      readonly scriptId: string
      readonly url: string
      /** From 0. */
      readonly lineNumber: number
      /** From 0. */
      readonly columnNumber: number
    }
    /** The number of samples in the function itself. */
    readonly hitCount?: number
    readonly children?: ReadonlyArray<number>
  }>
  /** In microseconds. */
  readonly startTime: number
  /** In microseconds. */
  readonly endTime: number
  /** The ids of the nodes of the samples. */
  readonly samples?: ReadonlyArray<number>
  /** The times between the samples, in microseconds. */
  readonly timeDeltas?: ReadonlyArray<number>
}

/**
 * What an observer was asked for could not be done. `reason` is one of:
 *
 * - `NotFound`: no living actor or worker has this id
 * - `NoAnswer`: the worker did not answer the inspector of V8, because it runs native code, or because its process is suspended
 * - `WorkerEnded`: the worker has ended meanwhile
 * - `Unsupported`: actors in memory have no worker to inspect, or the runtime cannot inspect its workers
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
 * Which actors a snapshot lists.
 *
 * @category models
 * @since 0.2.0
 */
export interface SnapshotOptions {
  /**
   * The order, with the largest first: calls in progress and waiting (`load`, the default), calls that wait for room (`waiting`), restarts
   * (`restarts`), or the time since the spawn (`age`).
   */
  readonly sort?: "load" | "waiting" | "restarts" | "age" | undefined
  /** Lists only actors with this name of their definition, and only actors on the worker with this id. */
  readonly filter?: { readonly name?: string | undefined; readonly worker?: string | undefined } | undefined
  /** The maximum number of listed actors, an integer of at least 0; 256 by default. */
  readonly limit?: number | undefined
}

/**
 * What an observer can be asked.
 *
 * @category models
 * @since 0.2.0
 */
export interface Service {
  /**
   * The state of all systems of this process. Each worker is asked whether its event loop answers, so a blocked worker delays the snapshot by
   * 100 ms, and a suspended process by 200 ms. Dies with a `RangeError` if `limit` is not an integer of at least 0.
   */
  readonly snapshot: (options?: SnapshotOptions) => Effect.Effect<Snapshot>
  /** The actor with this id, also for 30 seconds after its end. */
  readonly actor: (id: string) => Effect.Effect<Option.Option<ActorInfo>>
  /**
   * What happens from now on. Nothing waits for the reader: a reader that falls more than 1,024 events behind gets `Dropped` with the number
   * of events that it has missed.
   */
  readonly events: Stream.Stream<Event>
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
   * large heap. The file contains the data of the program, secrets too.
   */
  readonly heapSnapshot: (worker: string) => Stream.Stream<Uint8Array, ObserverError>
  /** Stops an actor, like `ActorRef.stop`. With `drain`, its accepted calls are finished first. */
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
}

// ---- the implementation ----

// the number of events that wait for a slow reader
const maxEvents = 1_024

const optional = Option.fromUndefinedOr

const infoOf = (actor: ObservedActor, ended?: EndInfo): ActorInfo => {
  const { address, facts: { incarnation = 1, name, state = "Running" }, id, proxy, restarts, startedAt, worker } = actor
  return new ActorInfo({
    id,
    name,
    address,
    worker: worker.id,
    state: ended === undefined ? state : "Ended",
    incarnation,
    startedAt: Option.map(optional(startedAt), Readings.dateOf),
    mailbox: new MailboxInfo({
      waiting: proxy.waiting.size,
      queued: proxy.queued,
      running: proxy.running,
      forked: proxy.forked,
      capacity: proxy.capacity,
      concurrency: proxy.concurrency,
      onFull: proxy.suspends ? "suspend" : "fail"
    }),
    budget: Option.map(optional(restarts), (restarts) => new BudgetInfo(restarts)),
    ended: optional(ended)
  })
}

const events: Stream.Stream<Event> = Stream.suspend(() => {
  let dropped = 0
  return Stream.callback<Event>((queue) =>
    Effect.acquireRelease(
      Effect.sync(() =>
        Events.subscribe((event) => {
          if (Queue.sizeUnsafe(queue) >= maxEvents) dropped++
          Queue.offerUnsafe(queue, event)
        })
      ),
      (unsubscribe) => Effect.sync(unsubscribe)
    ), { bufferSize: maxEvents, strategy: "sliding" }).pipe(
      Stream.mapArray((events) => {
        if (dropped === 0) return events
        const count = dropped
        dropped = 0
        return [{ _tag: "Dropped", at: events[0].at, count }, ...events]
      })
    )
})

const allActors = (): Array<ObservedActor> => Array.from(systems).flatMap(({ observedActors }) => observedActors)

const notFound = (what: "actor" | "worker", id: string): ObserverError =>
  new ObserverError({ reason: "NotFound", message: `no living ${what} has the id ${id}` })

const findActor = (id: string): Effect.Effect<ObservedActor, ObserverError> =>
  Effect.suspend(() => {
    const actor = allActors().find((actor) => actor.id === id)
    return actor === undefined ? Effect.fail(notFound("actor", id)) : Effect.succeed(actor)
  })

const findWorker = (id: string): Effect.Effect<readonly [Probe, ObservedWorker], ObserverError> =>
  Effect.suspend(() => {
    for (const { observedWorkers } of systems) {
      for (const worker of observedWorkers) {
        if (worker.id !== id) continue
        const { probe } = worker.handle
        if (probe !== undefined) return Effect.succeed([probe, worker] as const)
        const message = `${id} cannot be inspected: its actors run in memory, in the program itself`
        return Effect.fail(new ObserverError({ reason: "Unsupported", message }))
      }
    }
    return Effect.fail(notFound("worker", id))
  })

const errorOf = (worker: string) => ({ message, reason }: ProbeError): ObserverError =>
  new ObserverError({ reason, message: `${worker}: ${message}` })

const inspect = <A>(
  id: string,
  use: (probe: Probe, worker: ObservedWorker) => Effect.Effect<A, ProbeError>
): Effect.Effect<A, ObserverError> =>
  Effect.flatMap(findWorker(id), ([probe, worker]) => Effect.mapError(use(probe, worker), errorOf(id)))

const make: Effect.Effect<Service, never, Scope.Scope> = Effect.gen(function*() {
  const graves = new Readings.Graves<ActorInfo>()
  let seq = 0
  yield* Effect.acquireRelease(
    Effect.sync(() =>
      Events.subscribe((event, actor) => {
        if (event._tag !== "ActorEnded" || actor === undefined) return
        const { at, message, reason } = event
        graves.add(infoOf(actor, new EndInfo({ at, reason, message })))
      })
    ),
    (unsubscribe) => Effect.sync(unsubscribe)
  )

  const snapshot = ({ filter, limit = 256, sort = "load" }: SnapshotOptions = {}): Effect.Effect<Snapshot> =>
    Effect.gen(function*() {
      if (!Number.isSafeInteger(limit) || limit < 0) {
        throw new RangeError(`Observer.snapshot: limit must be an integer of at least 0, not ${String(limit)}`)
      }
      // in memory there may be as many workers as actors
      const placed = Array.from(systems).flatMap(({ observedWorkers, placement: { kind } }) =>
        Array.from(observedWorkers).slice(0, kind === "memory" ? limit : undefined).map((worker) =>
          [kind, worker] as const
        )
      )
      const workers = yield* Effect.forEach(
        placed,
        ([kind, worker]) =>
          Effect.map(Readings.readWorker(worker), ({ blockedForMillis, figures, state }) => {
            const { probe } = worker.handle
            return new WorkerInfo({
              id: worker.id,
              kind,
              pid: optional(probe?.pid),
              threadId: optional(probe?.threadId),
              state,
              blockedForMillis,
              actors: worker.size,
              eventLoop: optional(figures.eventLoop),
              cpu: optional(figures.cpu),
              heap: optional(figures.heap),
              rss: optional(figures.rss)
            })
          }),
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
      const infos = Array.from(systems, (system) => {
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
        return new SystemInfo({
          name: options.name ?? kind,
          placement: kind,
          workers: size,
          actors: observedActors.length,
          lostTells
        })
      })
      const [selected, rest] = Readings.select(actors, sort, limit)
      const listed = selected.map((actor) => infoOf(actor))
      return new Snapshot({
        seq: ++seq,
        at: Date.now(),
        totals: new Totals(totals),
        systems: infos,
        workers,
        actors: [...listed, ...graves.values.filter(isListed).slice(0, limit - listed.length)],
        truncated: rest
      })
    })

  return {
    snapshot,
    actor: (id) =>
      Effect.sync(() => {
        const actor = allActors().find((actor) => actor.id === id)
        return actor === undefined
          ? optional(graves.values.findLast((row) => row.id === id))
          : Option.some(infoOf(actor))
      }),
    events,
    stack: (worker) =>
      inspect(
        worker,
        ({ blockedStack, busyStack }, worker) =>
          Effect.flatMap(Readings.isAnswering(worker), (isAnswering) =>
            Effect.map(isAnswering ? busyStack : blockedStack, (frames) =>
              frames.map((frame) => new Frame(frame))))
      ),
    cpuProfile: (worker, { duration }) =>
      Effect.suspend(() => {
        const time = timeout("Observer.cpuProfile: duration", duration, true)
        return inspect(worker, (probe) => Effect.map(probe.cpuProfile(time), (profile) => profile as CpuProfile))
      }),
    heapSnapshot: (worker) =>
      Stream.unwrap(
        Effect.map(findWorker(worker), ([{ heapSnapshot }]) => Stream.mapError(heapSnapshot, errorOf(worker)))
      ),
    stop: (id, options) => Effect.flatMap(findActor(id), (actor) => actor.stop(options?.drain ?? false)),
    kill: (id) => Effect.flatMap(findActor(id), ({ kill }) => kill),
    restart: (id) =>
      Effect.flatMap(findActor(id), (actor) =>
        Effect.flatMap(actor.restartNow, (why) =>
          why === undefined
            ? Effect.void
            : Effect.fail(new ObserverError({ reason: "NotRestarted", message: why }))))
  }
})
