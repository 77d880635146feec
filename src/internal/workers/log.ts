/**
 * Lines in the log of a system. The writer does not wait for a line to be logged.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { notify } from "../runtime/notify.ts"

/** Writes a line, with annotations. */
export type Log = (line: Effect.Effect<void>, annotations?: Readonly<Record<string, string>>) => void

/** Writes with the loggers of a context. */
export const make = (context: Context.Context<never>): Log => {
  const write = (line: Effect.Effect<void>): void => void Effect.runForkWith(context)(line)
  return (line, annotations = {}) => notify(write, Effect.annotateLogs(line, annotations))
}
