/**
 * Lines in the log of a system, and reports to the error reporters of the program. The writer does not wait for a line to be logged.
 */
import type * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { notify } from "../runtime/notify.ts"

/** Writes a line, with annotations, and reports a failure. */
export type Log = (
  line: Effect.Effect<void>,
  annotations?: Readonly<Record<string, string>>,
  failure?: Cause.Cause<unknown>
) => void

/** Reports a failure that the log knows already. */
export type Report = (failure: Cause.Cause<unknown>) => void

const report = (failure: Cause.Cause<unknown>): Effect.Effect<unknown> =>
  Effect.exit(Effect.withErrorReporting(Effect.failCause(failure)))

/** Reports to the error reporters of a context. */
export const reporter = (context: Context.Context<never>): Report => {
  const run = (failure: Cause.Cause<unknown>): void => void Effect.runForkWith(context)(report(failure))
  return (failure) => notify(run, failure)
}

/** Writes with the loggers of a context. */
export const make = (context: Context.Context<never>): Log => {
  const write = (line: Effect.Effect<unknown>): void => void Effect.runForkWith(context)(line)
  return (line, annotations = {}, failure) => {
    const all = failure === undefined ? line : Effect.andThen(line, report(failure))
    notify(write, Effect.annotateLogs(all, annotations))
  }
}
