/** Why calls wait: for other calls, for handles, and for each other. */
import * as Schema from "effect/Schema"
import { CallInfo } from "./ActorInfo.ts"
import { listOf } from "./compact.ts"
import { UnreadInfo } from "./UnreadInfo.ts"

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
  /** At most 64 steps. The steps that explain a step follow it. */
  steps: Schema.Array(ExplanationStep),
  /** All steps as indented lines, and a line for each worker whose systems could not be read. */
  text: Schema.String,
  /** The workers whose calls are missing. */
  unread: listOf(UnreadInfo)
}) {}

/**
 * Calls of which each waits for the next one, and the last one for the first one.
 *
 * `proved`: none of them can be answered unless one of them is interrupted. Every actor in the cycle runs as many calls as it may, each of
 * these calls waits for one call without a timeout, and none runs outside of `concurrency` (`Rpc.fork`). Permits of a semaphore and locks are
 * presumed to be released by their holder. `possible`: the calls wait for each other, and something else may continue one of them.
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
