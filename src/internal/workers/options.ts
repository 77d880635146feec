/**
 * The options of a system, and their defaults.
 */
import type * as Duration from "effect/Duration"
import { timeout } from "../actor/durations.ts"
import { checkTracing, type Tracing } from "../codec/methods.ts"

/** The options of a system, checked; times in milliseconds. */
export interface SystemOptions {
  readonly workers: "dedicated" | number
  /** the number of workers that are started ahead */
  readonly spares: number
  /** the first part of the names of the workers; `undefined`: the kind of the placement */
  readonly name: string | undefined
  readonly spawnTimeout: number
  readonly shutdownTimeout: number
  readonly interruptTimeout: number
  /** the interval between two pings of a worker; `Infinity`: no pings */
  readonly heartbeat: number
  /** which spans calls have */
  readonly tracing: Tracing
}

/** Checks the options that all systems have, and fills in their defaults; `layer` is the name of the system in errors. */
export const checked = (
  layer: string,
  options:
    | {
      readonly spawnTimeout?: Duration.Input | undefined
      readonly shutdownTimeout?: Duration.Input | undefined
      readonly interruptTimeout?: Duration.Input | undefined
      readonly heartbeat?: Duration.Input | undefined
      readonly tracing?: Tracing | undefined
    }
    | undefined
): SystemOptions => ({
  workers: "dedicated",
  spares: 0,
  name: undefined,
  spawnTimeout: timeout(`${layer}: spawnTimeout`, options?.spawnTimeout ?? "30 seconds"),
  shutdownTimeout: timeout(`${layer}: shutdownTimeout`, options?.shutdownTimeout ?? "5 seconds"),
  interruptTimeout: timeout(`${layer}: interruptTimeout`, options?.interruptTimeout ?? "5 seconds"),
  heartbeat: timeout(`${layer}: heartbeat`, options?.heartbeat ?? Infinity, true),
  tracing: checkTracing(`${layer}: tracing`, options?.tracing) ?? "full"
})
