/** The state of the program at one moment: its systems, workers and actors. */
import * as Schema from "effect/Schema"
import { ActorInfo } from "./ActorInfo.ts"
import { listOf, unless } from "./compact.ts"
import { UnreadInfo } from "./UnreadInfo.ts"

/**
 * What a worker does: `Starting` until it has built its layer, `Running`, `Blocked` if its event loop has not answered within 100 ms, and
 * `Ending`. `Unknown`: the worker that has started this one does not answer; the other fields are those of the last snapshot.
 *
 * @category models
 * @since 0.2.0
 */
export const WorkerState: Schema.Literals<
  readonly ["Starting", "Running", "Blocked", "Ending", "Unknown"]
> = Schema.Literals(["Starting", "Running", "Blocked", "Ending", "Unknown"])

/**
 * One worker. A figure is absent if the runtime does not measure it, if a blocked child process did not report it, and in memory.
 *
 * @category models
 * @since 0.2.0
 */
export class WorkerInfo extends Schema.Class<WorkerInfo>("uactor/Observer/WorkerInfo")({
  /** The id of the worker in the program: its name, such as `thread-2`; of a worker that `thread-2` has started, `thread-2/thread-1`. */
  id: Schema.String,
  /** The id of the worker whose code has started this one; absent if the program has. */
  parent: Schema.OptionFromOptionalKey(Schema.String),
  /** The kind of the placement. */
  kind: Schema.Literals(["memory", "thread", "process"]),
  /** The id of the process in which the worker runs. */
  pid: Schema.OptionFromOptionalKey(Schema.Int),
  /** The id of the thread; 0 for the main thread of a child process. */
  threadId: Schema.OptionFromOptionalKey(Schema.Int),
  /** What the worker does. */
  state: unless(WorkerState, "Running"),
  /** How long the worker has not answered, at least, in milliseconds: counted from the first snapshot to which it did not answer. */
  blockedForMillis: unless(Schema.Number, 0),
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
  /** The id of the worker whose code has made the system; absent if the program has. */
  worker: Schema.OptionFromOptionalKey(Schema.String),
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
 * A call in the queue of a pool.
 *
 * @category models
 * @since 0.2.0
 */
export class QueuedCallInfo extends Schema.Class<QueuedCallInfo>("uactor/Observer/QueuedCallInfo")({
  /** The id of the call, for `why`. */
  call: Schema.String,
  /** The method, with the name of the definition. */
  method: Schema.String,
  /** The number of calls and items ahead of this one in the queue. */
  ahead: Schema.Int
}) {}

/**
 * The calls that wait in the queue of a pool.
 *
 * @category models
 * @since 0.2.0
 */
export class QueueInfo extends Schema.Class<QueueInfo>("uactor/Observer/QueueInfo")({
  /** The name of the pool. */
  pool: Schema.String,
  /** The ids of the members. */
  members: Schema.Array(Schema.String),
  /** The number of calls in the queue. */
  waiting: Schema.Int,
  /** The first of these calls, in order. */
  calls: Schema.Array(QueuedCallInfo)
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
  /** The systems of the program, and the systems of its workers. */
  systems: Schema.Array(SystemInfo),
  /** All threads and child processes, and at most `limit` workers of each system in memory. */
  workers: Schema.Array(WorkerInfo),
  /** The actors, at most `limit`, in the order of `sort`. Actors that have ended in the last 30 seconds follow. */
  actors: Schema.Array(ActorInfo),
  /** The number of actors that match the filter and are not listed. */
  truncated: Schema.Int,
  /**
   * The workers whose own systems are missing, or are shown as of the last snapshot of this observer (state `Unknown`). The first snapshot
   * lists each blocked worker, because only the worker knows whether it has made systems.
   */
  unread: listOf(UnreadInfo),
  /** The pools with calls in their queues, if `calls` of the options is greater than 0. */
  queues: listOf(QueueInfo)
}) {}

/**
 * Which actors a snapshot lists.
 *
 * @category models
 * @since 0.2.0
 */
export interface SnapshotOptions {
  /**
   * The order, with the largest first: calls in progress and waiting (`load`, the default), calls that wait for room (`waiting`), calls that
   * have ended since the last snapshot of this observer in the same order (`rate`), the 99th percentile of the time for callers while
   * durations are measured (`p99`), restarts (`restarts`), or the time since the spawn (`age`).
   */
  readonly sort?: "load" | "waiting" | "rate" | "p99" | "restarts" | "age" | undefined
  /** Lists only actors with this name of their definition, only actors on the worker with this id, and only members of this pool. */
  readonly filter?: {
    /** The name of the definition. */
    readonly name?: string | undefined
    /** The id of the worker. */
    readonly worker?: string | undefined
    /** The name of the pool. */
    readonly pool?: string | undefined
  } | undefined
  /** The maximum number of listed actors, an integer of at least 0; 256 by default. */
  readonly limit?: number | undefined
  /**
   * The maximum number of running calls that are listed of each actor, and of waiting calls of each pool, an integer of at least 0; 0 by
   * default. With more, all workers are asked for their calls.
   */
  readonly calls?: number | undefined
}
