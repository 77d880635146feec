/**
 * The references of the user that calls carry from their callers to the handlers. A call carries the values that its caller has provided. A
 * handler that makes a call passes on the other values of its own call, also the values of references that this thread does not know.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Codec from "../codec/codec.ts"
import { isSuccess } from "../effect/completed.ts"
import { structuredClone } from "../runtime/globals.ts"
import type * as Frames from "../wire/frames.ts"

type Values = NonNullable<Frames.Extras["values"]>

/** A declared reference. */
interface Declared {
  readonly ref: Context.Reference<any>
  readonly codec: Codec.Codec
  /** the encodings of objects: many calls carry the same one */
  readonly encoded: WeakMap<object, unknown>
}

const declared = new Map<string, Declared>()

/** Whether a call may carry values: a reference is declared, or a call has brought values. */
export let isUsed = false

/** The values with which a handler was called. */
interface Carried {
  readonly values: Values
  readonly decoded: ReadonlyMap<string, unknown>
}

const Carried = Context.Reference<Carried | undefined>("uactor/Carried", { defaultValue: () => undefined })

/** Declares a reference. A module that is loaded twice declares its references again. */
export const declare = (ref: Context.Reference<any>, codec: Codec.Codec): void => {
  declared.set(ref.key, { ref, codec, encoded: new WeakMap() })
  isUsed = true
}

const exitOf = (coded: Effect.Effect<unknown, unknown>): Exit.Exit<unknown, unknown> =>
  isSuccess(coded) ? coded : Effect.runSyncExit(coded)

const encode = ({ codec, encoded, ref: { key } }: Declared, value: unknown): unknown => {
  const isObject = typeof value === "object" && value !== null
  if (isObject && encoded.has(value)) return encoded.get(value)
  const exit = exitOf(codec.encode(value))
  if (!isSuccess(exit)) {
    throw new TypeError(`Actor.Propagated: the value of ${key} does not fit its schema: ${Codec.issueText(exit.cause)}`)
  }
  // a copy: the handler may run in this thread
  const own = typeof exit.value === "object" ? structuredClone(exit.value) : exit.value
  if (isObject) encoded.set(value, own)
  return own
}

/** The values that a call of a fiber carries; `undefined`: none. */
export const of = (context: Context.Context<never>): Values | undefined => {
  const carried = Context.get(context, Carried)
  let changed: Record<string, unknown> | undefined
  for (const [key, reference] of declared) {
    const value: unknown = Context.getOrUndefined(context, reference.ref)
    if (value === carried?.decoded.get(key)) continue
    changed ??= { ...carried?.values }
    if (value === undefined) delete changed[key]
    else changed[key] = encode(reference, value)
  }
  return changed ?? carried?.values
}

/** Runs the effect of a handler with the values that its call carries. */
export const within = <A, E, R>(effect: Effect.Effect<A, E, R>, values: Values): Effect.Effect<A, E, R> => {
  isUsed = true
  const decoded = new Map<string, unknown>()
  let provided = effect
  for (const [key, value] of Object.entries(values)) {
    const reference = declared.get(key)
    if (reference === undefined) continue
    const exit = exitOf(reference.codec.decode(value))
    if (!isSuccess(exit)) {
      return Effect.die(
        new TypeError(
          `Actor.Propagated: a call has brought a value of ${key} that does not fit its schema: ${
            Codec.issueText(exit.cause)
          }`
        )
      )
    }
    decoded.set(key, exit.value)
    provided = Effect.provideService(provided, reference.ref, exit.value)
  }
  return Effect.provideService(provided, Carried, { values, decoded })
}
