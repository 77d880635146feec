/**
 * Encodes the exit of a scope or of a body, which an actor receives at its end (L3, L5). Such an exit has no schema. The errors of the
 * actor's own definition and of this library have one, which keeps their class. Every other error is encoded like a defect.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { SpawnError } from "../../ActorError.ts"
import { isSuccess } from "../effect/completed.ts"
import { attempt, isError } from "../runtime/describe.ts"
import { structuredClone } from "../runtime/globals.ts"
import type * as Codes from "../wire/codes.ts"
import { decodeCause, encodeCause } from "./causes.ts"
import { type Codec, compile, relayed } from "./codec.ts"
import { decodeDefect, encodeDefect } from "./defects.ts"
import type { Method } from "./methods.ts"

/** The errors of a definition. */
export interface DefinedErrors {
  /** the start error */
  readonly error: Codec
  readonly methods: ReadonlyArray<Pick<Method, "tag" | "error">>
}

// where the schema of an error is: the start error, this library, or the method with this tag
const ofStart = 0
const ofHandles = 1
const ofSpawn = 2
type Source = typeof ofStart | typeof ofHandles | typeof ofSpawn | string

/** An error: encoded like a defect, and by its schema if the schema is known. */
type EncodedError = readonly [defect: unknown, source?: Source, encoded?: unknown]

const codecOf = ({ error, methods }: DefinedErrors, source: Source): Codec | undefined => {
  if (source === ofStart) return error
  if (source === ofHandles) return relayed
  if (source === ofSpawn) return compile(SpawnError)
  return methods.find(({ tag }) => tag === source)?.error
}

const decodeWith = (codec: Codec | undefined, encoded: unknown): Exit.Exit<unknown, unknown> =>
  codec === undefined ? Exit.fail(undefined) : Effect.runSyncExit(codec.decode(encoded))

// encodes an error by a schema that restores its class
const encodeWith = (codec: Codec, error: object): Exit.Exit<unknown, unknown> => {
  if (codec.handles) return Exit.fail(undefined)
  const encoded = Effect.runSyncExit(codec.encode(error))
  if (!isSuccess(encoded)) return encoded
  const sent = attempt<Exit.Exit<unknown, unknown>>(
    () => Exit.succeed(structuredClone(encoded.value)),
    Exit.fail(undefined)
  )
  if (!isSuccess(sent)) return sent
  const decoded = decodeWith(codec, sent.value)
  const keepsClass = isSuccess(decoded) && typeof decoded.value === "object" && decoded.value !== null &&
    Object.getPrototypeOf(decoded.value) === Object.getPrototypeOf(error)
  return keepsClass ? encoded : Exit.fail(undefined)
}

const encodeError = (errors: DefinedErrors) => (error: unknown): EncodedError => {
  const defect = encodeDefect(error)
  if (typeof error !== "object" || error === null) return [defect]
  for (const source of [ofHandles, ofSpawn, ofStart, ...errors.methods.map(({ tag }) => tag)] as const) {
    const encoded = encodeWith(codecOf(errors, source)!, error)
    if (isSuccess(encoded)) return [defect, source, encoded.value]
  }
  return [defect]
}

const decodeError = (errors: DefinedErrors) => (encoded: unknown): unknown => {
  const [encodedDefect, source, value] = encoded as EncodedError
  const defect = decodeDefect(encodedDefect)
  if (source === undefined) return defect
  const decoded = decodeWith(codecOf(errors, source), value)
  // the definitions of the two ends may differ
  if (!isSuccess(decoded)) return defect
  if (isError(decoded.value) && isError(defect)) {
    Object.defineProperty(decoded.value, "stack", { value: defect.stack, configurable: true, writable: true })
  }
  return decoded.value
}

/** Encodes an exit for an actor with these errors, without the value of a success. */
export const encodeExit = (exit: Exit.Exit<unknown, unknown>, errors: DefinedErrors): Codes.EncodedExit =>
  Exit.isSuccess(exit) ? undefined : encodeCause(exit.cause, encodeError(errors), encodeError(errors))

/** The reverse of {@link encodeExit}. */
export const decodeExit = (encoded: Codes.EncodedExit, errors: DefinedErrors): Exit.Exit<void, unknown> =>
  encoded === undefined
    ? Exit.void
    : Exit.failCause(decodeCause(encoded, decodeError(errors), decodeError(errors)))
