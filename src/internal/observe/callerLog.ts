/**
 * The logging of a caller, which its calls carry to the handlers: the annotations of its logs, and its minimum log level. A call carries what
 * differs from the defaults of Effect.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as References from "effect/References"
import { queueMicrotask } from "../runtime/globals.ts"
import type * as Frames from "../wire/frames.ts"
import * as LogValues from "./logValues.ts"

const { CurrentLogAnnotations, MinimumLogLevel } = References
const noAnnotations = Context.get(Context.empty(), CurrentLogAnnotations)
const defaultLevel = Context.get(Context.empty(), MinimumLogLevel)

type CallerLog = NonNullable<Frames.Extras["log"]>

// many calls of a fiber carry the same annotations
const encoded = new WeakMap<object, CallerLog[0]>()

const encodeOnce = (annotations: Readonly<Record<string, unknown>>): CallerLog[0] => {
  let known = encoded.get(annotations)
  if (known === undefined) encoded.set(annotations, known = LogValues.encodeAll(annotations))
  return known
}

// the last context without annotations, in this turn: the calls of a loop have one context
let plain: Context.Context<never> | undefined

// does not retain the context of the last caller of the turn
const endTurn = (): void => {
  plain = undefined
}

/** The logging of a fiber; `undefined` if it is the default. */
export const of = ({ cache, context }: Fiber.Fiber<unknown, unknown>): CallerLog | undefined => {
  const { minimumLogLevel } = cache
  if (context === plain && minimumLogLevel === defaultLevel) return undefined
  const annotations = Context.get(context, CurrentLogAnnotations)
  if (annotations === noAnnotations) {
    if (plain === undefined) queueMicrotask(endTurn)
    plain = context
    if (minimumLogLevel === defaultLevel) return undefined
  }
  return [
    annotations === noAnnotations ? undefined : encodeOnce(annotations),
    minimumLogLevel === defaultLevel ? undefined : minimumLogLevel
  ]
}

/** Runs the effect of a handler with the logging of its caller. */
export const within = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  [annotations, level]: CallerLog
): Effect.Effect<A, E, R> => {
  const annotated = annotations === undefined
    ? effect
    : Effect.annotateLogs(effect, LogValues.decodeAll(annotations) as Record<string, unknown>)
  return level === undefined ? annotated : Effect.provideService(annotated, MinimumLogLevel, level)
}
