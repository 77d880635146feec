/**
 * The options of a system, and their defaults.
 */
import * as Duration from "effect/Duration"

/** The options of a system, checked; times in milliseconds. */
export interface SystemOptions {
  readonly workers: "dedicated" | number
  readonly spawnTimeout: number
  readonly shutdownTimeout: number
  readonly interruptTimeout: number
  /** how often a worker is asked whether it is there; `Infinity`: never */
  readonly heartbeat: number
}

/** Fills in the defaults of a system's times. */
export const timeouts = (
  options:
    | {
      readonly spawnTimeout?: Duration.Input | undefined
      readonly shutdownTimeout?: Duration.Input | undefined
      readonly interruptTimeout?: Duration.Input | undefined
      readonly heartbeat?: Duration.Input | undefined
    }
    | undefined
): SystemOptions => ({
  workers: "dedicated",
  spawnTimeout: Duration.toMillis(options?.spawnTimeout ?? "30 seconds"),
  shutdownTimeout: Duration.toMillis(options?.shutdownTimeout ?? "5 seconds"),
  interruptTimeout: Duration.toMillis(options?.interruptTimeout ?? "5 seconds"),
  heartbeat: options?.heartbeat === undefined ? Infinity : Duration.toMillis(options.heartbeat)
})
