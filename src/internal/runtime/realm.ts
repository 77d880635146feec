/**
 * Conversion of values from another realm. Test runners load modules in separate contexts (`node:vm`). The `Date`, `Map` and
 * `Error` of such a context differ from the classes of objects made by structured clone, by messages and by Node's own functions.
 * Schemas, however, identify values with `instanceof`.
 */
import { SharedArrayBuffer, structuredClone } from "./globals.ts"

const errors = [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError]

const views: ReadonlyArray<new(buffer: ArrayBuffer) => ArrayBufferView> = [
  Uint8Array,
  Uint8ClampedArray,
  Int8Array,
  Uint16Array,
  Int16Array,
  Uint32Array,
  Int32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  DataView
]

// an object of each built-in class that a message may contain
const samples = (): ReadonlyArray<object> => {
  const buffer = new ArrayBuffer(8)
  const boxes = [Object(""), Object(0), Object(true), Object(0n)] as ReadonlyArray<object>
  return [
    {},
    [],
    new Map(),
    new Set(),
    new Date(),
    /x/,
    buffer,
    ...SharedArrayBuffer === undefined ? [] : [new SharedArrayBuffer(0)],
    ...boxes,
    ...views.map((View) => new View(buffer)),
    ...errors.map((E) => new E())
  ]
}

const prototypeOf = (value: object): object | null => Object.getPrototypeOf(value) as object | null

/** Whether received objects belong to another realm than this module. */
export const isForeign: boolean = prototypeOf(structuredClone({})) !== Object.prototype

let prototypes: ReadonlyMap<object, object> | undefined

// maps the prototypes of received objects to those of this realm; a prototype of this realm maps to itself
const ownPrototypes = (): ReadonlyMap<object, object> =>
  new Map(
    samples().flatMap((sample) => {
      const own = prototypeOf(sample)!
      return [[prototypeOf(structuredClone(sample))!, own], [own, own]]
    })
  )

/** Converts a received value to this realm in place. No other code may have a reference to the value. */
export const adopt = (value: object): void => {
  prototypes ??= ownPrototypes()
  const seen = new Set<object>([value])
  const add = (value: unknown): void => {
    if (typeof value === "object" && value !== null) seen.add(value)
  }
  for (const value of seen) {
    const own = prototypes.get(prototypeOf(value)!)
    if (own === undefined) continue
    Object.setPrototypeOf(value, own)
    if (ArrayBuffer.isView(value)) add(value.buffer)
    else if (own === Map.prototype) {
      ;(value as Map<unknown, unknown>).forEach((item, key) => {
        add(key)
        add(item)
      })
    } else if (own === Set.prototype) (value as Set<unknown>).forEach(add)
    else if (value instanceof Error) add(value.cause)
    else Object.values(value).forEach(add)
  }
}

let tags: ReadonlyMap<string, object> | undefined

// the name identifies the class of an error
const tagOf = (value: object): string => {
  const tag = Object.prototype.toString.call(value)
  return tag === "[object Error]" ? `[object ${(value as Error).name}]` : tag
}

// The prototype in this realm of a built-in object of another realm. The tag of the object identifies its class. `undefined` for any
// other object.
const ownOf = (value: object): object | undefined => {
  const prototype = prototypeOf(value)
  if (prototype === null) return undefined
  tags ??= new Map(samples().map((sample) => [tagOf(sample), prototypeOf(sample)!]))
  const own = tags.get(tagOf(value))
  if (own === undefined || own === prototype || own.isPrototypeOf(value)) return undefined
  if (own !== Object.prototype) return own
  return prototypeOf(prototype) === null ? own : undefined
}

/**
 * Copies plain data and built-in objects, replacing objects of another realm with objects of this realm. Returns the value itself
 * if it contains no object of another realm.
 */
export const ownCopy = (value: unknown): unknown => {
  let isForeign = false
  const copies = new Map<object, object>()
  const copy = (value: unknown): unknown => {
    if (typeof value !== "object" || value === null) return value
    const before = copies.get(value)
    if (before !== undefined) return before
    const own = ownOf(value)
    if (own !== undefined) isForeign = true
    const prototype = own ?? prototypeOf(value)
    const remember = <A extends object>(out: A): A => {
      copies.set(value, out)
      return out
    }
    if (prototype === Object.prototype || prototype === Array.prototype) {
      const out = remember(Array.isArray(value) ? new Array<unknown>(value.length) : {})
      for (const key of Reflect.ownKeys(value)) {
        if (Array.isArray(value) && key === "length") continue
        const property = Object.getOwnPropertyDescriptor(value, key)!
        Object.defineProperty(out, key, "value" in property ? { ...property, value: copy(property.value) } : property)
      }
      return out
    }
    if (prototype === Map.prototype) {
      const out = remember(new Map<unknown, unknown>())
      ;(value as Map<unknown, unknown>).forEach((item, key) => out.set(copy(key), copy(item)))
      return out
    }
    if (prototype === Set.prototype) {
      const out = remember(new Set<unknown>())
      ;(value as Set<unknown>).forEach((item) => out.add(copy(item)))
      return out
    }
    if (own === undefined) return value
    const out = structuredClone(value)
    Object.setPrototypeOf(out, own)
    return remember(out)
  }
  try {
    const out = copy(value)
    return isForeign ? out : value
  } catch {
    // a value that cannot be read or copied is returned unchanged, for the next reader to report
    return value
  }
}
