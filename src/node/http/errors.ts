/**
 * Why the observer is not open over HTTP.
 */
import * as Schema from "effect/Schema"

/**
 * The observer could not be opened over HTTP. `reason` is one of:
 *
 * - `InUse`: another server listens on the port
 * - `MissingPackage`: the package `@effect/platform-node`, which programs may do without, is not installed
 * - `Failed`: the operating system has refused the address
 *
 * @category errors
 * @since 0.2.0
 */
export class ObserverHttpError extends Schema.TaggedError<ObserverHttpError>()("ObserverHttpError", {
  /** The kind of the failure. */
  reason: Schema.Literals(["InUse", "MissingPackage", "Failed"]),
  /** The error as text: the address, or the command that installs the package. */
  message: Schema.String
}) {}
