/** What happens to workers, actors and pools. */
import * as Schema from "effect/Schema"

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
 * - `PoolGrew`, `PoolShrank`: the pool now has `members`. `PoolFailed`: the last member of a pool with `onGivenUp: "fail"` has ended for
 *   good. `QueueFull`: a call waits for room in the queue of a pool, or was refused; at most one event in a second;
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
  Schema.TaggedStruct("PoolFailed", { ...ofPool, ...message }),
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
