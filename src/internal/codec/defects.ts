/**
 * Encodes defects, which have no schema.
 */
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { attempt, isError, textOf } from "../runtime/describe.ts"

const errorClasses: Readonly<Record<string, ErrorConstructor>> = {
  Error,
  TypeError,
  RangeError,
  SyntaxError,
  ReferenceError,
  EvalError,
  URIError
}

const unreadable = Symbol()

// the maximum number of values in a copied defect
const maxDefectValues = 1000

// copies plain data; throws for other data and for too much data
const plainCopy = (u: unknown, depth: number, left = { values: maxDefectValues }): unknown => {
  if (typeof u === "function" || typeof u === "symbol" || left.values-- === 0) throw unreadable
  if (typeof u !== "object" || u === null) return u
  if (depth === 0) throw unreadable
  const copy = (item: unknown): unknown => plainCopy(item, depth - 1, left)
  if (Array.isArray(u)) return Array.from(u, copy)
  const proto = Object.getPrototypeOf(u)
  if (proto !== Object.prototype && proto !== null) throw unreadable
  return Object.fromEntries(Object.entries(u).map(([key, item]) => [key, copy(item)]))
}

// the keys that mark an encoded error, and plain data that has one of these two keys itself
const errorMark = "~uactor/Error"
const dataMark = "~uactor/Data"

const isMarked = (u: unknown): u is { readonly [dataMark]?: unknown; readonly [errorMark]?: unknown } =>
  typeof u === "object" && u !== null && (errorMark in u || dataMark in u)

// Effect throws a schema issue as the cause of an error, and a handler may die with one. Only a `SchemaError` has the text of the issue.
const readable = (u: unknown): unknown =>
  attempt(() => SchemaIssue.isIssue(u), false) ? new Schema.SchemaError(u as SchemaIssue.Issue) : u

/** The text of anything. The text of a schema issue has a line for each problem, with the path to its field. */
export const defectText = (u: unknown): string => {
  const defect = readable(u)
  return defect === u ? textOf(u) : (defect as Schema.SchemaError).message
}

/**
 * Encodes a defect. A schema issue becomes a `SchemaError`. An error keeps its name, message, stack, cause, and its own fields that are plain data. Plain data is unchanged.
 * Any other value becomes its text. Never throws; the result can always be sent.
 */
export const encodeDefect = (thrown: unknown, depth = 4): unknown => {
  const defect = readable(thrown)
  if (!isError(defect)) {
    const copy = attempt(() => plainCopy(defect, 8), unreadable)
    return copy === unreadable ? textOf(defect) : isMarked(copy) ? { [dataMark]: copy } : copy
  }
  const error = defect
  const fields: Record<string, unknown> = {}
  for (const key of attempt(() => Object.keys(error), [])) {
    if (separateFields.has(key)) continue
    const value = attempt<unknown>(() => plainCopy(error[key as keyof Error], 4), unreadable)
    if (value !== unreadable) fields[key] = value
  }
  const stack = attempt<unknown>(() => error.stack, undefined)
  const cause = attempt<unknown>(() => error.cause, undefined)
  const errors = depth === 0 ? undefined : attempt(() => errorsOf(error), undefined)
  return {
    [errorMark]: {
      name: textOf(attempt<unknown>(() => error.name, "Error")),
      message: textOf(attempt<unknown>(() => error.message, "")),
      stack: typeof stack === "string" ? stack : undefined,
      cause: cause === undefined || depth === 0 ? undefined : encodeDefect(cause, depth - 1),
      ...(errors === undefined ? {} : { errors: errors.map((each) => encodeDefect(each, Math.min(depth, 2) - 1)) }),
      fields
    }
  }
}

// the maximum number of errors of an `AggregateError`
const maxErrors = 100

const errorsOf = (error: Error): ReadonlyArray<unknown> | undefined =>
  error instanceof AggregateError && Array.isArray(error.errors)
    ? Array.from(error.errors.slice(0, maxErrors))
    : undefined

// the fields that are encoded separately, and the field that would set the prototype
const separateFields = new Set(["name", "message", "stack", "cause", "errors", "__proto__"])

/** The reverse of {@link encodeDefect}. */
export const decodeDefect = (encoded: unknown): unknown =>
  !isMarked(encoded)
    ? encoded
    : dataMark in encoded
    ? encoded[dataMark]
    : attempt<unknown>(() => decodeError(encoded[errorMark]), encoded)

const decodeError = (encoded: unknown): Error => {
  const { cause, errors, fields, message, name, stack } = encoded as {
    readonly name: string
    readonly message: string
    readonly stack: string | undefined
    readonly cause: unknown
    readonly errors?: ReadonlyArray<unknown> | undefined
    readonly fields: Record<string, unknown>
  }
  const Class = Object.hasOwn(errorClasses, name) ? errorClasses[name]! : Error
  const options = cause === undefined ? undefined : { cause: decodeDefect(cause) }
  const error = errors === undefined
    ? new Class(message, options)
    : new AggregateError(errors.map(decodeDefect), message, options)
  if (error.name !== name) Object.defineProperty(error, "name", { value: name, configurable: true, writable: true })
  if (stack !== undefined) {
    Object.defineProperty(error, "stack", { value: stack, configurable: true, writable: true })
  }
  return Object.assign(error, fields)
}
