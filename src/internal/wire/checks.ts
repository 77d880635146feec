/**
 * Checks of values that come from a peer which is not trusted: the type of a value, and its size. A check never throws.
 */
import { forEachChild } from "../clone/kinds.ts"
import { maxDepth } from "../clone/sendable.ts"

/** The maximum size of each part of a batch. */
export interface Limits {
  /** the length of the batch, in slots */
  readonly batchLength: number
  /** the length of a name, an address or a message, in UTF-16 code units */
  readonly textLength: number
  /** the size of all values together, in bytes, as an estimate */
  readonly bytes: number
  /** the number of levels of nesting in a value */
  readonly depth: number
}

export const defaultLimits: Limits = {
  batchLength: 65_536,
  textLength: 65_536,
  bytes: 67_108_864,
  depth: maxDepth
}

/** The remaining limits while a batch is read. */
export class Reading {
  readonly limits: Limits
  private bytes: number
  private readonly seen = new Set<object>()
  private readonly handles = new Set<unknown>()

  constructor(limits: Limits) {
    this.limits = limits
    this.bytes = limits.bytes
  }

  take(bytes: number): boolean {
    return (this.bytes -= bytes) >= 0
  }

  /** Whether a handle has not been read before. A handle that contains itself has. */
  isFirst(handle: unknown): boolean {
    const { size } = this.handles
    return this.handles.add(handle).size > size
  }

  /** Whether the size and the nesting of a value are within the limits, and structured clone could have made the value. */
  admits(value: unknown, depth = this.limits.depth): boolean {
    switch (typeof value) {
      case "string":
        return this.take(8 + 2 * value.length)
      case "bigint":
        return this.take(8 + value.toString(16).length)
      case "function":
      case "symbol":
        return false
      case "object":
        return value === null ? this.take(8) : this.admitsObject(value, depth)
      default:
        return this.take(8)
    }
  }

  private admitsObject(value: object, depth: number): boolean {
    if (this.seen.has(value)) return true
    this.seen.add(value)
    if (depth === 0 || !this.take(16)) return false
    if (ArrayBuffer.isView(value)) return this.admits(value.buffer, depth - 1)
    const { byteLength, length } = value as { readonly byteLength?: unknown; readonly length?: unknown }
    if (isBuffer(value)) return this.take(byteLength as number)
    // an array with holes is larger than its items
    if (Array.isArray(value) ? !this.take(8 * (length as number)) : !this.admitsKeys(value)) return false
    let isAdmitted = true
    forEachChild(value, (child) => {
      isAdmitted &&= this.admits(child, depth - 1)
    })
    return isAdmitted
  }

  private admitsKeys(value: object): boolean {
    for (const key of Object.keys(value)) if (!this.take(8 + 2 * key.length)) return false
    return true
  }
}

const isBuffer = (value: object): boolean => {
  const tag = Object.prototype.toString.call(value)
  return tag === "[object ArrayBuffer]" || tag === "[object SharedArrayBuffer]"
}

/** Whether a value is of a type. `code` is the field before the value, which may determine the type. */
export type Check<A> = (value: unknown, reading: Reading, code: unknown) => value is A

// ---- plain values ----

export const isCount: Check<number> = (value): value is number => Number.isSafeInteger(value) && (value as number) >= 0
export const isInteger: Check<number> = (value): value is number => Number.isSafeInteger(value)
export const isId: Check<number> = (value): value is number => Number.isSafeInteger(value) && value !== 0
export const isText: Check<string> = (value, { limits }): value is string =>
  typeof value === "string" && value.length <= limits.textLength
export const isBoolean: Check<boolean> = (value): value is boolean => typeof value === "boolean"
export const isUndefined: Check<undefined> = (value): value is undefined => value === undefined
export const isTime: Check<number> = (value): value is number => typeof value === "number" && value >= 0
export const isData: Check<unknown> = (value, reading): value is unknown => reading.admits(value)
export const isNever: Check<never> = (_value): _value is never => false

// ---- composed values ----

export const oneOf = <A>(...values: ReadonlyArray<A>): Check<A> => (value): value is A => values.includes(value as A)

export const optional = <A>(check: Check<A>): Check<A | undefined> => (value, reading, code): value is A | undefined =>
  value === undefined || check(value, reading, code)

export const either = <A, B>(a: Check<A>, b: Check<B>): Check<A | B> => (value, reading, code): value is A | B =>
  a(value, reading, code) || b(value, reading, code)

export const list =
  <A>(check: Check<A>): Check<ReadonlyArray<A>> => (value, reading, code): value is ReadonlyArray<A> =>
    Array.isArray(value) && reading.take(8 * value.length) &&
    Array.from(value).every((item) => check(item, reading, code))

export const tuple =
  <A extends ReadonlyArray<unknown>>(...checks: { readonly [I in keyof A]: Check<A[I]> }): Check<A> =>
  (value, reading, code): value is A =>
    Array.isArray(value) && value.length <= checks.length && checks.every((check, i) => check(value[i], reading, code))

export const struct = <A extends object>(checks: { readonly [Key in keyof A]-?: Check<A[Key]> }): Check<A> => {
  const entries = Object.entries<Check<unknown>>(checks)
  return (value, reading, code): value is A => {
    if (typeof value !== "object" || value === null) return false
    if (!Object.keys(value).every((key) => Object.hasOwn(checks, key))) return false
    return entries.every(([key, check]) => check((value as Readonly<Record<string, unknown>>)[key], reading, code))
  }
}

// ---- values of several types, by a code ----

/** One check for each code. */
export type ByCode<Types> = { readonly [Code in keyof Types]: Check<Types[Code]> }

/** Whether a value is a code of the table. */
export const codeOf =
  <Types>(checks: ByCode<Types>): Check<keyof Types & number> => (value): value is keyof Types & number =>
    typeof value === "number" && Object.hasOwn(checks, value)

/** Whether a value is of the type that belongs to the code before it. */
export const byCode = <Types>(checks: ByCode<Types>): Check<unknown> => (value, reading, code): value is unknown =>
  codeOf(checks)(code, reading, undefined) && checks[code](value, reading, code)
