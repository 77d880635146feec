/**
 * Lines in the log of a system, which nobody waits for.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"

/** Writes a line, with annotations. */
export type Log = (line: Effect.Effect<void>, about?: Readonly<Record<string, string>>) => void

/** Writes with the loggers of a context. */
export const make = (context: Context.Context<never>): Log => (line, about = {}) => {
  Effect.runForkWith(context)(Effect.annotateLogs(line, about))
}
