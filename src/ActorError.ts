/**
 * The typed errors of actors, besides the errors that a protocol declares.
 *
 * A spawn fails with {@link SpawnError}. A call fails with {@link ActorError}, whose `outcome` states what happened to the call: `NotRun`
 * if the call provably did not run, so that a retry is safe; `Unknown` if the call may have run.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * What happened to a call. `NotRun`: the call provably did not run, and a retry runs it once. `Unknown`: the call may have run.
 *
 * @category models
 * @since 0.1.0
 */
export const Outcome: Schema.Literals<readonly ["NotRun", "Unknown"]> = Schema.Literals(["NotRun", "Unknown"])

/**
 * What happened to a call: `"NotRun"` or `"Unknown"`.
 *
 * @category models
 * @since 0.1.0
 */
export type Outcome = typeof Outcome.Type

/**
 * The actor could not be started. `reason` is one of:
 *
 * - `WorkerFailed`: the thread or process could not be started (the message contains the error of the operating system), or it ended
 *   before the actor was built, or the actor stopped itself before that
 * - `ModuleFailed`: the module of behaviours could not be loaded, its default export is not a layer, the layer failed, or the layer does
 *   not provide a service that the behaviour requires
 * - `NotServed`: the module has no behaviour for this actor
 * - `ArgsInvalid`: the arguments do not fit the `args` schema of the actor, or cannot be sent
 * - `NameTaken`: another actor of the class has the name of the option `name`; the message names it
 * - `OptionsInvalid`: an option of a pool or a system is out of range
 * - `Timeout`: the behaviour was not built within `spawnTimeout`
 *
 * @category errors
 * @since 0.1.0
 */
export class SpawnError extends Schema.TaggedError<SpawnError>()("SpawnError", {
  /** The name of the actor. */
  actor: Schema.String,
  /** The kind of the failure. */
  reason: Schema.Literals([
    "WorkerFailed",
    "ModuleFailed",
    "NotServed",
    "ArgsInvalid",
    "NameTaken",
    "OptionsInvalid",
    "Timeout"
  ]),
  /** The error as text: what happened, where, and why. */
  message: Schema.String
}) {}

/**
 * The actor has ended. As the error of a call: the actor ended before it answered. `reason` is one of:
 *
 * - `Stopped`: the scope of the actor closed, or `ActorRef.stop` stopped the actor
 * - `Crashed`: its worker ended by an uncaught exception, an unhandled rejection or `process.exit`, or the actor ended by `Actor.crash` or
 *   by a fiber of `Actor.forkSupervised`
 * - `Killed`: its worker was killed by `ActorRef.kill`, by a timeout or by a signal
 * - `OutOfMemory`: its worker ran out of heap
 * - `Unresponsive`: its worker did not answer a `heartbeat` and was killed
 * - `Restarted`: the actor is restarted, because another actor of its `Supervision.group` has ended. The next incarnation takes calls
 * - `Disconnected`: the link to its worker was lost, or delivered an unreadable message; in a cluster: no runner could be reached
 * - `GivenUp`: the error of a call to a pool none of whose members takes calls: their restarts are used up. The pool replaces them after a
 *   growing delay, unless it has `onGivenUp: "fail"`. A retry at once is of no use
 * - `NotStarted`: the actor of a cluster could not be started on its runner; the message contains the error of the start
 *
 * @category errors
 * @since 0.1.0
 */
export class ActorExited extends Schema.TaggedError<ActorExited>()("ActorExited", {
  /** The name of the actor. */
  actor: Schema.String,
  /** The method, if the error is the error of a call. */
  method: Schema.optional(Schema.String),
  /** How the actor ended. */
  reason: Schema.Literals([
    "Stopped",
    "Crashed",
    "Killed",
    "OutOfMemory",
    "Unresponsive",
    "Restarted",
    "Disconnected",
    "GivenUp",
    "NotStarted"
  ]),
  /** Whether the call provably did not run (`"NotRun"`) or may have run (`"Unknown"`). */
  outcome: Outcome,
  /** `true` if the call has provably started; absent if the call has not started, or if that is unknown. */
  begun: Schema.optional(Schema.Literal(true)),
  /** The error as text: what happened, where, and why. */
  message: Schema.String
}) {}

/**
 * The mailbox is full, and the behaviour has the option `onFull: "fail"`, or the actor is an actor of a cluster. The call did not run. `outcome` is `Unknown` only for a call
 * that may have run before a restart of the actor.
 *
 * @category errors
 * @since 0.1.0
 */
export class MailboxFull extends Schema.TaggedError<MailboxFull>()("MailboxFull", {
  /** The name of the actor. */
  actor: Schema.String,
  /** The method of the call. */
  method: Schema.String,
  /** The capacity of the mailbox. 0 if a runner of a cluster refused the call: it does not report its capacity. */
  capacity: Schema.Int,
  /** Whether the call provably did not run (`"NotRun"`) or may have run (`"Unknown"`). */
  outcome: Outcome,
  /** The error as text: what happened, where, and why. */
  message: Schema.String
}) {}

/**
 * The call did not end within a timeout of its method, of the spawn or of the behaviour, and was interrupted. `limit` is one of:
 *
 * - `call`: the `callTimeout` (`Actor.CallTimeout`), which includes the wait before the run
 * - `run`: the `runTimeout` (`Actor.RunTimeout`)
 *
 * `NotRun`: the call was removed before its handler was entered. `Unknown`: the handler was interrupted and its finalizers have run, or its
 * worker did not acknowledge the interruption and was killed.
 *
 * @category errors
 * @since 0.1.0
 */
export class CallTimedOut extends Schema.TaggedError<CallTimedOut>()("CallTimedOut", {
  /** The name of the actor. */
  actor: Schema.String,
  /** The method of the call. */
  method: Schema.String,
  /** Which timeout has passed: that of the whole call, or that of its run. */
  limit: Schema.Literals(["call", "run"]),
  /** The timeout, in milliseconds. */
  timeout: Schema.Number,
  /** Whether the call provably did not run (`"NotRun"`) or may have run (`"Unknown"`). */
  outcome: Outcome,
  /** The error as text: what happened, where, and why. */
  message: Schema.String
}) {}

/**
 * A message of a call could not be encoded or decoded. `NotRun`: the actor could not decode the call. `Unknown`: the actor ran the call,
 * but could not encode the result, or the caller could not decode it; the result is lost. No other call is affected.
 *
 * @category errors
 * @since 0.1.0
 */
export class ProtocolError extends Schema.TaggedError<ProtocolError>()("ProtocolError", {
  /** The name of the actor. */
  actor: Schema.String,
  /** The method of the call. */
  method: Schema.String,
  /** Whether the call provably did not run (`"NotRun"`) or may have run (`"Unknown"`). */
  outcome: Outcome,
  /** The error as text: what happened, where, and why. */
  message: Schema.String
}) {}

/**
 * The handle has been released, by `Handle.release` or with the scope that received it.
 *
 * @category errors
 * @since 0.1.0
 */
export class HandleReleased extends Schema.TaggedError<HandleReleased>()("HandleReleased", {
  /** The name of the actor that owns the object behind the handle, or the kind of the object if the program owns it. */
  actor: Schema.String,
  /** The error as text: what happened, where, and why. */
  message: Schema.String
}) {}

/**
 * A schema for a union of errors, with its guard and its tags.
 *
 * @category models
 * @since 0.1.0
 */
export interface ErrorUnion<Errors extends ReadonlyArray<Schema.Top & { readonly Type: { readonly _tag: string } }>>
  extends Schema.Union<Errors>
{
  /** Whether a value is one of the errors. */
  readonly is: (u: unknown) => u is Errors[number]["Type"]
  /** The tags of the errors, for `Effect.catchTag`. */
  readonly tags: { readonly [I in keyof Errors]: Errors[I]["Type"]["_tag"] }
}

interface ErrorClass extends Schema.Top {
  new(_: never): object
  readonly identifier: string
  readonly Type: { readonly _tag: string }
}

const union = <const Errors extends ReadonlyArray<ErrorClass>>(errors: Errors): ErrorUnion<Errors> => {
  const is = (u: unknown): u is Errors[number]["Type"] => errors.some((Class) => u instanceof Class)
  const tags = errors.map(({ identifier }) => identifier) as ErrorUnion<Errors>["tags"]
  return Object.assign(Schema.Union(errors), { is, tags })
}

/**
 * The errors of a call, besides the error that its method declares: a schema of their union, with a guard and the list of their tags.
 *
 * @example
 * ```ts
 * import { ActorError, ActorExited } from "uactor"
 * import { Effect } from "effect"
 * import assert from "node:assert"
 *
 * const call: Effect.Effect<number, ActorError> = Effect.fail(
 *   new ActorExited({ actor: "Counter", reason: "Crashed", outcome: "NotRun", message: "the worker has ended" })
 * )
 * const status = call.pipe(
 *   Effect.as(200),
 *   Effect.catchTag(ActorError.tags, (error) => Effect.succeed(error.outcome === "NotRun" ? 503 : 500))
 * )
 *
 * assert.strictEqual(Effect.runSync(status), 503)
 * ```
 *
 * @category errors
 * @since 0.1.0
 */
export const ActorError: ErrorUnion<
  readonly [typeof ActorExited, typeof MailboxFull, typeof CallTimedOut, typeof ProtocolError]
> = union(
  [ActorExited, MailboxFull, CallTimedOut, ProtocolError]
)

/**
 * The errors of a call, besides the error that its method declares.
 *
 * @category errors
 * @since 0.1.0
 */
export type ActorError = typeof ActorError.Type

/**
 * The errors of a use of a handle, besides the error that its method declares: a schema of their union, with a guard and the list of
 * their tags.
 *
 * @category errors
 * @since 0.1.0
 */
export const HandleError: ErrorUnion<
  readonly [typeof ActorExited, typeof MailboxFull, typeof CallTimedOut, typeof ProtocolError, typeof HandleReleased]
> = union(
  [ActorExited, MailboxFull, CallTimedOut, ProtocolError, HandleReleased]
)

/**
 * The errors of a use of a handle, besides the error that its method declares.
 *
 * @category errors
 * @since 0.1.0
 */
export type HandleError = ActorError | HandleReleased
