/** What an observer has not read. */
import * as Schema from "effect/Schema"

/**
 * A worker of which an observer has not read everything.
 *
 * @category models
 * @since 0.2.0
 */
export class UnreadInfo extends Schema.Class<UnreadInfo>("uactor/Observer/UnreadInfo")({
  /** The id of the worker. */
  worker: Schema.String,
  /** `NoAnswer`: the worker has not answered in time. `Failed`: the worker could not read its systems, and has logged the defect. */
  reason: Schema.Literals(["NoAnswer", "Failed"]),
  /** What is missing, and why. */
  message: Schema.String
}) {}
