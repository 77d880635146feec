/**
 * Every typed failure of an actor that is not its protocol's own.
 *
 * Starting an actor fails with {@link SpawnError}; a call fails with an
 * {@link ActorError}, which always says what became of the work: `NotRun` is
 * proved and safe to retry, `Unknown` may have run.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * What became of a call: `NotRun` is proved, so a retry runs it once; `Unknown` means that it may have run.
 *
 * @category models
 * @since 0.1.0
 */
export const Outcome: Schema.Literals<readonly ["NotRun", "Unknown"]> = Schema.Literals(["NotRun", "Unknown"])

/**
 * @category models
 * @since 0.1.0
 */
export type Outcome = typeof Outcome.Type

/**
 * The actor could not be started.
 *
 * - `WorkerFailed`: the thread or process ended before the actor was built
 * - `ModuleFailed`: the module of behaviours could not be loaded, has no layer as its default export, or its layer failed
 * - `NotServed`: the module has no behaviour for this actor
 * - `ArgsInvalid`: the arguments do not fit the actor's `args` schema, or cannot be carried
 * - `OptionsInvalid`: an option of a pool or a system is out of range
 * - `Timeout`: the behaviour was not built within `spawnTimeout`
 *
 * @category errors
 * @since 0.1.0
 */
export class SpawnError extends Schema.TaggedError<SpawnError>()("SpawnError", {
  actor: Schema.String,
  reason: Schema.Literals(["WorkerFailed", "ModuleFailed", "NotServed", "ArgsInvalid", "OptionsInvalid", "Timeout"]),
  message: Schema.String
}) {}

/**
 * The actor ended before it answered.
 *
 * - `Stopped`: its scope was closed, or it was stopped
 * - `Crashed`: an uncaught exception, an unhandled rejection, or `process.exit` in its worker
 * - `Killed`: its worker was ended from outside, by `ActorRef.kill`, by a timeout, or by a signal
 * - `OutOfMemory`: its worker ran out of heap
 * - `Unresponsive`: its worker did not answer a `heartbeat`, and was killed
 * - `Disconnected`: the link to its worker was lost
 *
 * @category errors
 * @since 0.1.0
 */
export class ActorExited extends Schema.TaggedError<ActorExited>()("ActorExited", {
  actor: Schema.String,
  /** the method that was called, where a call failed with this */
  method: Schema.optional(Schema.String),
  reason: Schema.Literals(["Stopped", "Crashed", "Killed", "OutOfMemory", "Unresponsive", "Disconnected"]),
  outcome: Outcome,
  message: Schema.String
}) {}

/**
 * The mailbox had no room, and the behaviour says `onFull: "fail"`. The call did not run (`Unknown` is only said
 * of one that may have run before a restart).
 *
 * @category errors
 * @since 0.1.0
 */
export class MailboxFull extends Schema.TaggedError<MailboxFull>()("MailboxFull", {
  actor: Schema.String,
  method: Schema.String,
  capacity: Schema.Int,
  outcome: Outcome,
  message: Schema.String
}) {}

/**
 * One side could not read what the other sent: the actor could not decode the call (`NotRun`), or the answer could not
 * be encoded there or decoded here (`Unknown`: the work was done, its result is lost). Only this call is concerned.
 *
 * @category errors
 * @since 0.1.0
 */
export class ProtocolError extends Schema.TaggedError<ProtocolError>()("ProtocolError", {
  actor: Schema.String,
  method: Schema.String,
  outcome: Outcome,
  message: Schema.String
}) {}

/**
 * The handle has been released, by `Handle.release` or with the scope that received it.
 *
 * @category errors
 * @since 0.1.0
 */
export class HandleReleased extends Schema.TaggedError<HandleReleased>()("HandleReleased", {
  actor: Schema.String,
  message: Schema.String
}) {}

/**
 * Everything a call can fail with beside its own declared error.
 *
 * @category errors
 * @since 0.1.0
 */
export type ActorError = ActorExited | MailboxFull | ProtocolError

/**
 * Everything the use of a handle can fail with beside its own declared error.
 *
 * @category errors
 * @since 0.1.0
 */
export type HandleError = ActorError | HandleReleased

const relayable = [ActorExited, MailboxFull, ProtocolError, HandleReleased] as const

/** The errors that a call on a handle or a reference may bring from further away. */
export const Relayable = Schema.Union(relayable)

/** Whether a value is one of them. */
export const isRelayable = (u: unknown): u is HandleError => relayable.some((Class) => u instanceof Class)
