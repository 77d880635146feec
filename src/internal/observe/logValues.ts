/**
 * The values in a log entry: the parts of its message, and its annotations. A worker copies them when the entry is made, because the program
 * may change an object afterwards.
 */
import { decodeDefect, encodeDefect } from "../codec/defects.ts"
import { attempt, isError, textOf } from "../runtime/describe.ts"

/** The maximum number of entries and spans that a worker relays in one turn of its event loop. */
export const maxEntries = 1_000

// the maximum nesting, and the maximum number of values in one copy
const maxDepth = 8
const maxValues = 1_000

const copy = (u: unknown, depth: number, left: { values: number }): unknown => {
  if (typeof u === "function" || typeof u === "symbol") return textOf(u)
  if (typeof u !== "object" || u === null) return u
  if (depth === 0 || left.values-- <= 0) return "…"
  const next = (item: unknown): unknown => copy(item, depth - 1, left)
  if (u instanceof Date) return new Date(u)
  if (isError(u)) return String(u)
  if (ArrayBuffer.isView(u) || u instanceof ArrayBuffer) return `${u.constructor.name}(${u.byteLength} bytes)`
  if ("toJSON" in u && typeof u.toJSON === "function") return next(u.toJSON())
  if (Array.isArray(u)) return u.map(next)
  if (u instanceof Map) return new Map(Array.from(u, ([key, value]) => [next(key), next(value)]))
  if (u instanceof Set) return new Set(Array.from(u, next))
  return Object.fromEntries(Object.entries(u).map(([key, item]) => [key, next(item)]))
}

/**
 * Encodes a value, which can always be sent then. An error keeps its name, message, stack and cause. An object with `toJSON` becomes its JSON.
 * An object of a class becomes its fields. Never throws.
 */
export const encode = (u: unknown): unknown =>
  typeof u !== "object" || u === null
    ? copy(u, maxDepth, { values: maxValues })
    : isError(u)
    ? encodeDefect(u)
    : attempt(() => copy(u, maxDepth, { values: maxValues }), undefined) ?? textOf(u)

/** The reverse of {@link encode}. */
export const decode = decodeDefect

const each = (
  values: Readonly<Record<string, unknown>>,
  f: (value: unknown) => unknown
): Readonly<Record<string, unknown>> => {
  const out: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(values)) if (key !== "__proto__") out[key] = f(value)
  return out
}

/** Encodes annotations. */
export const encodeAll = (values: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  each(values, encode)

/** The reverse of {@link encodeAll}. */
export const decodeAll = (values: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  each(values, decode)
