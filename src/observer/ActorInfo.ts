/** One actor, as an observer reads it. */
import * as Schema from "effect/Schema"
import { count, listOf, unless } from "./compact.ts"

/**
 * What an actor does: `Spawning` before it is built, `Running`, `Restarting` between two incarnations, `Draining` while it finishes accepted
 * calls, `Closing`, and `Ended`. `Unknown`: the actor belongs to a system that a worker has made, and that worker does not answer; the other
 * fields are those of the last snapshot.
 *
 * @category models
 * @since 0.2.0
 */
export const ActorState: Schema.Literals<
  readonly ["Spawning", "Running", "Restarting", "Draining", "Closing", "Ended", "Unknown"]
> = Schema.Literals(["Spawning", "Running", "Restarting", "Draining", "Closing", "Ended", "Unknown"])

const mailboxFields = {
  /** The calls that wait at their callers, for room in the mailbox or for the next incarnation. */
  waiting: count,
  /** The calls that have been sent and have not started. */
  queued: count,
  /** The calls that run and count towards `concurrency`. */
  running: count,
  /** The calls that run outside of `concurrency` (`Rpc.fork`). */
  forked: count,
  /** The number of calls that may be queued; `Infinity`: no limit. */
  capacity: Schema.Number,
  /** The number of calls that may run at the same time. */
  concurrency: unless(Schema.Number, 1),
  /** Whether a call waits or fails if the mailbox is full. */
  onFull: unless(Schema.Literals(["suspend", "fail"]), "suspend")
}

/**
 * The calls of an actor, as the thread that has spawned it knows them. Calls that other workers make on a direct route to the actor are not
 * counted.
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
  forMillis: Schema.Number,
  /** The id of the actor that has made the call; absent if the program has made it, or if the caller is not known. */
  caller: Schema.OptionFromOptionalKey(Schema.String)
}) {}

// the numbers of calls by their outcome
const outcomes = {
  /** The calls that have succeeded. */
  ok: count,
  /** The calls that have failed with the error of their method. */
  failed: count,
  /** The calls that have ended with a defect. */
  defect: count,
  /** The calls whose caller or handler was interrupted. */
  interrupted: count,
  /** The calls that have failed with an error of the engine, and have not run. */
  notRun: count,
  /** The calls that have failed with an error of the engine, and may have run. */
  unknown: count,
  /** The calls that a full mailbox has refused. */
  rejected: count
}

/**
 * The calls of an actor in all its incarnations, as this process counts them. Calls that other workers make on a direct route to the actor
 * are not counted. The difference between two snapshots gives a rate.
 *
 * @category models
 * @since 0.2.0
 */
export class CountersInfo extends Schema.Class<CountersInfo>("uactor/Observer/CountersInfo")({
  /** The calls that have been made, with the tells. A call that another actor of a pool takes over is made to both. */
  made: count,
  ...outcomes,
  /** The tells among the made calls. */
  tells: count,
  /** The restarts: those by a policy and those by an observer. */
  restarts: count
}) {}

/**
 * Durations of calls.
 *
 * @category models
 * @since 0.2.0
 */
export class DurationsInfo extends Schema.Class<DurationsInfo>("uactor/Observer/DurationsInfo")({
  /** The number of calls. */
  count,
  /** The time that half of the calls did not exceed, in milliseconds: an estimate, by the buckets. */
  p50: unless(Schema.Number, 0),
  /** The time that 99 % of the calls did not exceed, in milliseconds. */
  p99: unless(Schema.Number, 0),
  /**
   * The number of calls in each bucket, up to the last that is not empty. The bucket with the index `i` counts calls of at most 2 to the power
   * of `i` microseconds that are in no bucket before. `Observer.snapshot` does not list buckets; `Observer.actor` does.
   */
  buckets: listOf(Schema.Int)
}) {}

/**
 * How long the calls of an actor take, since the durations are measured (`ActorMetrics.layer({ durations: true })`).
 *
 * @category models
 * @since 0.2.0
 */
export class LatencyInfo extends Schema.Class<LatencyInfo>("uactor/Observer/LatencyInfo")({
  /** From the call to its end, for callers in the process of the observer. */
  client: DurationsInfo,
  /** In the mailbox, in the current incarnation. Empty if the worker does not answer. */
  wait: DurationsInfo,
  /** In the handler, in the current incarnation. Empty if the worker does not answer. */
  server: DurationsInfo
}) {}

/**
 * The calls of one method of an actor that have ended since `Observer.actor` was asked for the actor for the first time; with
 * `ActorMetrics.layer({ perActor: true })` since its spawn. Calls that other workers make on a direct route to the actor are not counted. The
 * difference between two answers gives a rate.
 *
 * @category models
 * @since 0.2.0
 */
export class MethodInfo extends Schema.Class<MethodInfo>("uactor/Observer/MethodInfo")({
  /** The method. */
  method: Schema.String,
  ...outcomes,
  /** The time for callers that half of the calls did not exceed, in milliseconds: 0 until a duration has been measured. */
  p50: unless(Schema.Number, 0),
  /** The time for callers that 99 % of the calls did not exceed, in milliseconds: 0 until a duration has been measured. */
  p99: unless(Schema.Number, 0)
}) {}

/**
 * The handles of an actor. Both numbers are 0 if the worker of the actor does not answer within 100 ms.
 *
 * @category models
 * @since 0.2.0
 */
export class HandlesInfo extends Schema.Class<HandlesInfo>("uactor/Observer/HandlesInfo")({
  /** The handles that the actor has made and others hold: objects, and results that are pending. Each holder counts. */
  lent: count,
  /** The handles that the actor has received and holds. */
  held: count
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
  state: unless(ActorState, "Running"),
  /** The number of the incarnation: 1 for the first. */
  incarnation: unless(Schema.Int, 1),
  /** The id of the actor that has spawned it; absent if the program has. */
  spawnedBy: Schema.OptionFromOptionalKey(Schema.String),
  /** The name of its pool, which is the name of the actors of the pool; absent if it is no member of a pool. */
  pool: Schema.OptionFromOptionalKey(Schema.String),
  /** When the actor was built for the first time, in milliseconds since 1970; absent until then. */
  startedAt: Schema.OptionFromOptionalKey(Schema.Number),
  /** Its calls. */
  mailbox: MailboxInfo,
  /** What it has been called for, and how that ended. */
  counters: CountersInfo,
  /** How long its calls take; absent until a duration has been measured. */
  latency: Schema.OptionFromOptionalKey(LatencyInfo),
  /** Its handles. */
  handles: HandlesInfo,
  /** The calls that it runs, the oldest first: at most `calls` of the options, which are 0 by default. */
  handling: listOf(CallInfo),
  /** The calls of each of its methods. `Observer.snapshot` does not list them; `Observer.actor` does. */
  methods: listOf(MethodInfo),
  /** Its restarts; absent if the actor is not supervised. */
  budget: Schema.OptionFromOptionalKey(BudgetInfo),
  /** Its end; absent while it lives. */
  ended: Schema.OptionFromOptionalKey(EndInfo)
}) {}
