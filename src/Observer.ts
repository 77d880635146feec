/**
 * Looks into the running program: which workers and actors live, how full their mailboxes are, what a blocked worker computes; and ends or
 * restarts an actor from outside. The observer sees every `ActorSystem` of the process in which it runs, not the systems that its
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
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as ActorRef from "./ActorRef.ts"
import { timeout } from "./internal/actor/durations.ts"
import * as Monitor from "./internal/monitor/monitor.ts"
import type * as Rows from "./internal/monitor/rows.ts"

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
 * A call that an actor runs.
 *
 * @category models
 * @since 0.2.0
 */
export class CallInfo extends Schema.Class<CallInfo>("uactor/Observer/CallInfo")({
  /** The id of the call, for `why`. */
  call: Schema.String,
  /** The id of the actor that runs the call. */
  actor: Schema.String,
  /** The method. */
  method: Schema.String,
  /** How long the call has run, in milliseconds. */
  forMillis: Schema.Number
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
  /** The calls that it runs, the oldest first: at most `calls` of the snapshot, which are 0 by default. */
  handling: Schema.Array(CallInfo),
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
  eventLoop: Schema.OptionFromOptionalKey(Schema.Struct({
    /** The active time. */
    active: Schema.Number,
    /** The idle time. */
    idle: Schema.Number
  })),
  /** The processor time since the start in microseconds: of the thread, or of the whole child process. */
  cpu: Schema.OptionFromOptionalKey(Schema.Struct({
    /** In the code of the program. */
    user: Schema.Number,
    /** In the kernel. */
    system: Schema.Number
  })),
  /** The used heap and its limit, in bytes. */
  heap: Schema.OptionFromOptionalKey(Schema.Struct({
    /** The used heap. */
    used: Schema.Number,
    /** The size at which the worker runs out of memory. */
    limit: Schema.Number
  })),
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

const ofTime = {
  /** The time, in milliseconds since 1970. */
  at: Schema.Number
}

const ofWorker = {
  ...ofTime,
  /** The id of the worker. */
  worker: Schema.String
}

const ofActor = {
  ...ofTime,
  /** The id of the actor. */
  actor: Schema.String
}

const ofIncarnation = {
  ...ofActor,
  /** The id of the worker of this incarnation. */
  worker: Schema.String
}

const ofPool = {
  ...ofTime,
  /** The name of the actors of the pool. */
  pool: Schema.String
}

const message = {
  /** What happened, as text. */
  message: Schema.String
}

const end = {
  /** The kind of the end, or of the failure. */
  reason: Schema.String,
  ...message
}

const level = {
  /** The calls that are sent or wait at their callers. */
  size: Schema.Int,
  /** The number of calls that may be queued. */
  capacity: Schema.Number
}

const ofMembers = {
  ...ofPool,
  /** The number of members now. */
  members: Schema.Int
}

const ofCall = {
  ...ofActor,
  /** The method. */
  method: Schema.String
}

/**
 * What has happened to a worker, an actor or a pool. `at` is the time in milliseconds since 1970. `actor` and `worker` are ids; `pool` is
 * the name of the actors of a pool.
 *
 * - `WorkerStarted`, `WorkerReady` (its layer is built), `WorkerEnded`;
 * - `ActorSpawned`, `ActorRestarting` (`attempt`: the restarts in the window of the policy), `ActorRestarted`, `ActorGivenUp`, `ActorEnded`,
 *   `SpawnFailed` (`reason`: of the `SpawnError`, `StartError` or `Defect`);
 * - `MailboxFull`: a call waits for room, or was refused; at most one event for an actor in a second. `MailboxHigh`: at least 80 % of the
 *   capacity is taken. `MailboxLow`: it was high, and less than 50 % is taken. The mailboxes are read every 100 ms, so a short peak may be
 *   missed. `size` counts the calls that are sent and that wait at their callers;
 * - `CallInterruptedLate`: an actor has acknowledged the interruption of a call after `forMillis`, more than 100 ms;
 * - `TellFailed`: the handler of an accepted tell has failed, or the tell is lost;
 * - `HandleLeaseEnded`: a worker has ended that held `lent` handles of this process, and owned `held` handles that this process held;
 * - `PoolGrew`, `PoolShrank`: the pool now has `members`. `QueueFull`: a call waits for room in the queue of a pool, or was refused; at
 *   most one event in a second;
 * - `Dropped` replaces the oldest events of a reader that is too slow.
 *
 * @category models
 * @since 0.2.0
 */
export const Event = Schema.Union([
  Schema.TaggedStruct("WorkerStarted", ofWorker),
  Schema.TaggedStruct("WorkerReady", {
    ...ofWorker,
    /** The time from the start of the worker to the end of the build of its layer, in milliseconds. */
    bootMillis: Schema.Number
  }),
  Schema.TaggedStruct("WorkerEnded", { ...ofWorker, ...end }),
  Schema.TaggedStruct("ActorSpawned", ofIncarnation),
  Schema.TaggedStruct("ActorRestarting", {
    ...ofIncarnation,
    /** The number of restarts in the window of the policy, with this one. */
    attempt: Schema.Int,
    /** The time until the restart, in milliseconds. */
    delayMillis: Schema.Number,
    ...end
  }),
  Schema.TaggedStruct("ActorRestarted", {
    ...ofIncarnation,
    /** The number of the incarnation: 2 after the first restart. */
    incarnation: Schema.Int
  }),
  Schema.TaggedStruct("ActorGivenUp", { ...ofActor, ...message }),
  Schema.TaggedStruct("ActorEnded", { ...ofActor, ...end }),
  Schema.TaggedStruct("SpawnFailed", { ...ofActor, ...end }),
  Schema.TaggedStruct("MailboxFull", { ...ofActor, ...level }),
  Schema.TaggedStruct("MailboxHigh", { ...ofActor, ...level }),
  Schema.TaggedStruct("MailboxLow", { ...ofActor, ...level }),
  Schema.TaggedStruct("CallInterruptedLate", {
    ...ofCall,
    /** The time from the interruption to its acknowledgement, in milliseconds. */
    forMillis: Schema.Number
  }),
  Schema.TaggedStruct("TellFailed", { ...ofCall, ...message }),
  Schema.TaggedStruct("HandleLeaseEnded", {
    ...ofWorker,
    /** The number of handles of this process that the worker held. */
    lent: Schema.Int,
    /** The number of handles of the worker that this process held. */
    held: Schema.Int
  }),
  Schema.TaggedStruct("PoolGrew", ofMembers),
  Schema.TaggedStruct("PoolShrank", ofMembers),
  Schema.TaggedStruct("QueueFull", { ...ofPool, ...level }),
  Schema.TaggedStruct("Dropped", {
    ...ofTime,
    /** The number of events that the reader has missed. */
    count: Schema.Int
  })
])

/**
 * What has happened to a worker, an actor or a pool.
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
    /** The id of the node. */
    readonly id: number
    /** The function. */
    readonly callFrame: {
      /** The name of the function; empty for an anonymous function. */
      readonly functionName: string
      /** The id of the script in V8. */
      readonly scriptId: string
      /** The URL of the script; empty for code without a script. */
      readonly url: string
      /** From 0. */
      readonly lineNumber: number
      /** From 0. */
      readonly columnNumber: number
    }
    /** The number of samples in the function itself. */
    readonly hitCount?: number
    /** The ids of the functions that this one calls. */
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
 * One line of an {@link Explanation}.
 *
 * @category models
 * @since 0.2.0
 */
export class ExplanationStep extends Schema.Class<ExplanationStep>("uactor/Observer/ExplanationStep")({
  /** How far the line is indented: 0 for what was asked for. A step explains the last step above it with a smaller depth. */
  depth: Schema.Int,
  /** The id of the actor that runs the call, or to which the call was made. */
  actor: Schema.String,
  /** The method; empty if the step is about an actor without calls. */
  method: Schema.String,
  /** The id of the call, for `why`. */
  call: Schema.OptionFromOptionalKey(Schema.String),
  /**
   * Where the call is: `AtCaller` while it waits for room in the mailbox or for a restart, `InMailbox`, `Running`, `Interrupting`, or `Blocked` if
   * the worker does not answer. `Idle`: the actor runs no call.
   */
  state: Schema.Literals(["AtCaller", "InMailbox", "Running", "Interrupting", "Idle", "Blocked"]),
  /** How long the call has run, in milliseconds. */
  forMillis: Schema.OptionFromOptionalKey(Schema.Number),
  /** The number of calls ahead of this one in the mailbox. */
  ahead: Schema.Int,
  /** Whether the step waits for a step above it. */
  closesCycle: Schema.Boolean,
  /** The step in words. */
  text: Schema.String
}) {}

/**
 * Why a call has not been answered, or what an actor waits for.
 *
 * @category models
 * @since 0.2.0
 */
export class Explanation extends Schema.Class<Explanation>("uactor/Observer/Explanation")({
  /** The kind of the cycle in the steps, as in {@link Cycle}; absent if they contain none. */
  deadlock: Schema.OptionFromOptionalKey(Schema.Literals(["proved", "possible"])),
  /** The steps, each followed by those that explain it. At most 64. */
  steps: Schema.Array(ExplanationStep),
  /** All steps as indented lines. */
  text: Schema.String
}) {}

/**
 * Calls of which each waits for the next one, and the last one for the first one.
 *
 * `proved`: none of them can be answered unless one of them is interrupted. Every actor in the cycle runs as many calls as it may, each of
 * these calls waits for one call without a timeout, and none runs outside of `concurrency` (`Rpc.fork`). Permits of a semaphore are presumed
 * to be released by their holder. `possible`: the calls wait for each other, and something else may continue one of them.
 *
 * @category models
 * @since 0.2.0
 */
export class Cycle extends Schema.Class<Cycle>("uactor/Observer/Cycle")({
  /** Whether the cycle is a deadlock. */
  certainty: Schema.Literals(["proved", "possible"]),
  /** The calls, each of which waits for the next one. */
  calls: Schema.Array(CallInfo),
  /** The cycle in words. */
  text: Schema.String
}) {}

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
  readonly filter?: {
    /** The name of the definition. */
    readonly name?: string | undefined
    /** The id of the worker. */
    readonly worker?: string | undefined
  } | undefined
  /** The maximum number of listed actors, an integer of at least 0; 256 by default. */
  readonly limit?: number | undefined
  /**
   * The maximum number of running calls that are listed of each actor, an integer of at least 0; 0 by default. With more, all workers are
   * asked for their calls.
   */
  readonly calls?: number | undefined
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
   * 100 ms, and a suspended process by 200 ms. Dies with a `RangeError` if `limit` or `calls` is not an integer of at least 0.
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
   * large heap. The file contains the data of the program, secrets too.
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

const actorInfo = ({ budget, ended, handling, mailbox, startedAt, ...row }: Rows.ActorRow): ActorInfo =>
  new ActorInfo({
    ...row,
    startedAt: optional(startedAt),
    mailbox: new MailboxInfo(mailbox),
    handling: handling.map((call) => new CallInfo(call)),
    budget: Option.map(optional(budget), (budget) => new BudgetInfo(budget)),
    ended: Option.map(optional(ended), (ended) => new EndInfo(ended))
  })

const workerInfo = ({ figures, pid, threadId, ...row }: Rows.WorkerRow): WorkerInfo =>
  new WorkerInfo({
    ...row,
    pid: optional(pid),
    threadId: optional(threadId),
    eventLoop: optional(figures.eventLoop),
    cpu: optional(figures.cpu),
    heap: optional(figures.heap),
    rss: optional(figures.rss)
  })

const observerError = (refusal: Monitor.Refusal): ObserverError => new ObserverError(refusal)

const make: Effect.Effect<Service, never, Scope.Scope> = Effect.map(Monitor.make, (monitor) => {
  let seq = 0
  return {
    snapshot: (options = {}) =>
      Effect.map(monitor.rows(options), ({ actors, at, systems, totals, truncated, workers }) =>
        new Snapshot({
          seq: ++seq,
          at,
          totals: new Totals(totals),
          systems: systems.map((row) => new SystemInfo(row)),
          workers: workers.map(workerInfo),
          actors: actors.map(actorInfo),
          truncated
        })),
    actor: (id) => Effect.map(monitor.actor(id), (row) => Option.map(optional(row), actorInfo)),
    events: Monitor.events,
    why: (callOrActor) =>
      Effect.map(
        Monitor.why(typeof callOrActor === "string" ? callOrActor : ActorRef.id(callOrActor)),
        (explained) =>
          Option.map(optional(explained), ({ deadlock, steps, text }) =>
            new Explanation({
              deadlock: optional(deadlock),
              steps: steps.map(({ call, forMillis, ...step }) =>
                new ExplanationStep({ ...step, call: optional(call), forMillis: optional(forMillis) })
              ),
              text
            }))
      ),
    deadlocks: Effect.map(
      Monitor.deadlocks,
      (cycles) => cycles.map((cycle) => new Cycle({ ...cycle, calls: cycle.calls.map((call) => new CallInfo(call)) }))
    ),
    stack: (worker) =>
      Effect.mapBoth(Monitor.stack(worker), {
        onFailure: observerError,
        onSuccess: (frames) => frames.map((frame) => new Frame(frame))
      }),
    cpuProfile: (worker, { duration }) =>
      Effect.suspend(() => {
        const time = timeout("Observer.cpuProfile: duration", duration, true)
        return Effect.mapBoth(Monitor.cpuProfile(worker, time), {
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
