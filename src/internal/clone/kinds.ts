/**
 * What an object is to structured clone: how V8 serializes the object, and its children.
 */
import { isError, textOf } from "../runtime/describe.ts"
import { SharedArrayBuffer, structuredClone } from "../runtime/globals.ts"

/** How V8 serializes an object: by its children, or as a whole. */
export type Kind = "fields" | "map" | "set" | "error" | "buffer" | "shared" | "whole"

interface Types {
  readonly isProxy: (value: object) => boolean
  readonly isArgumentsObject: (value: object) => boolean
}

interface Runtime {
  readonly process?: {
    readonly getBuiltinModule?: (name: string) => { readonly types: Types } | undefined
  }
  readonly WebAssembly?: { readonly Module: { readonly prototype: object } }
}

const runtime = globalThis as Runtime

// only the runtime can recognise proxies and arguments objects, which look like plain objects
const types = runtime.process?.getBuiltinModule?.("node:util")?.types

/** Whether an object looks like a plain object, and is none. */
export const isDisguised = (value: object): boolean =>
  types !== undefined && (types.isProxy(value) || types.isArgumentsObject(value))

/** The name of an object that looks like a plain object and is none. */
export const disguiseOf = (value: object): string | undefined =>
  types?.isProxy(value) === true
    ? "a Proxy"
    : types?.isArgumentsObject(value) === true
    ? "an arguments object"
    : undefined

type Method = (this: unknown) => unknown

/** A method or getter of a prototype. It throws for any receiver other than an object of its class. */
export const methodOf = (prototype: object, name: PropertyKey): Method => {
  const property = Object.getOwnPropertyDescriptor(prototype, name) as { readonly get?: Method; readonly value: Method }
  return property.get ?? property.value
}

// these methods recognise objects of every realm
const probes: ReadonlyArray<readonly [Kind, Method]> = [
  ["map", methodOf(Map.prototype, "size")],
  ["set", methodOf(Set.prototype, "size")],
  ["buffer", methodOf(ArrayBuffer.prototype, "byteLength")],
  ...SharedArrayBuffer === undefined ? [] : [["shared", methodOf(SharedArrayBuffer.prototype, "byteLength")] as const],
  ["whole", methodOf(Date.prototype, "getTime")],
  ["whole", methodOf(RegExp.prototype, "source")],
  ["whole", methodOf(Number.prototype, "valueOf")],
  ["whole", methodOf(String.prototype, "valueOf")],
  ["whole", methodOf(Boolean.prototype, "valueOf")],
  ["whole", methodOf(BigInt.prototype, "valueOf")]
]

const accepts = (probe: Method, value: object): boolean => {
  try {
    probe.call(value)
    return true
  } catch {
    return false
  }
}

const tagOf = (value: object): string => Object.prototype.toString.call(value)

/** Whether a buffer is shared memory. */
export const isShared = (buffer: object): boolean =>
  SharedArrayBuffer !== undefined && buffer instanceof SharedArrayBuffer ||
  tagOf(buffer) === "[object SharedArrayBuffer]"

/** Whether a buffer has been transferred. */
export const isDetached = (buffer: ArrayBufferLike): boolean =>
  buffer.byteLength === 0 && (buffer as { readonly detached?: boolean }).detached === true

/** The kinds of the classes whose objects may be sent, by prototype. */
const kinds = new WeakMap<object, Kind>([
  [Object.prototype, "fields"],
  [Array.prototype, "fields"],
  [Map.prototype, "map"],
  [Set.prototype, "set"],
  [ArrayBuffer.prototype, "buffer"],
  [Date.prototype, "whole"],
  [RegExp.prototype, "whole"]
])
if (SharedArrayBuffer !== undefined) kinds.set(SharedArrayBuffer.prototype, "shared")
if (runtime.WebAssembly !== undefined) kinds.set(runtime.WebAssembly.Module.prototype, "shared")

/** The prototype of an object. */
export const prototypeOf = (value: object): object | null => Object.getPrototypeOf(value) as object | null

/** The kind of the objects with a prototype, if the class is known to be sendable. */
export const kindOfPrototype = (prototype: object): Kind | undefined => kinds.get(prototype)

/** The kind of an object, if its class is known to be sendable. */
export const knownKind = (value: object): Kind | undefined => {
  if (Array.isArray(value)) return "fields"
  const prototype = prototypeOf(value)
  return prototype === null ? "fields" : kinds.get(prototype)
}

/** The kind of an object, assuming that the object may be sent. */
export const likelyKind = (value: object): Kind =>
  probes.find(([, probe]) => accepts(probe, value))?.[0] ??
    (isError(value) ? "error" : "fields")

let ordinary: ReadonlySet<object | null> | undefined

// the prototypes of the objects that structured clone produces, except for platform objects
const ordinaryPrototypes = (): ReadonlySet<object | null> => {
  const errors = [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((E) => new E())
  const buffer = new ArrayBuffer(0)
  const samples: ReadonlyArray<object> = [
    {},
    new Map(),
    new Set(),
    buffer,
    new Date(),
    /x/,
    Object(0),
    Object(""),
    ...errors
  ]
  return new Set([...samples, Object(true) as object, Object(0n) as object].map((x) => prototypeOf(structuredClone(x))))
}

/**
 * Whether objects of a class may be sent, tested by cloning the first object. The children of this object are known to be sendable.
 */
export const isSendable = (value: object, kind: Kind): boolean => {
  try {
    ordinary ??= ordinaryPrototypes()
    if (!ordinary.has(prototypeOf(structuredClone(value)))) return false
  } catch {
    return false
  }
  kinds.set(prototypeOf(value)!, kind)
  return true
}

// ---- children ----

/** The children of an object, each with its path step. Reading a child may throw. */
export const stepsOf = (value: object, kind: Kind): ReadonlyArray<readonly [step: string, read: () => unknown]> => {
  switch (kind) {
    case "fields":
      return Object.keys(value).map((key) => [
        /^\d+$/.test(key) ? `[${key}]` : /^[\w$]+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`,
        () => (value as Record<string, unknown>)[key]
      ])
    case "map":
      return Array.from(value as Map<unknown, unknown>).flatMap(([key, item]) => [
        [".key", () => key],
        [`.get(${typeof key === "string" ? JSON.stringify(key) : textOf(key)})`, () => item]
      ])
    case "set":
      return Array.from(value as Set<unknown>, (item) => [".item", () => item])
    case "error":
      return [[".cause", () => (value as Error).cause]]
    default:
      return []
  }
}

/** Calls back with each child of an object. */
export const forEachChild = (value: object, found: (child: unknown) => void): void => {
  if (ArrayBuffer.isView(value)) return found(value.buffer)
  switch (knownKind(value) ?? likelyKind(value)) {
    case "fields":
      return Object.values(value).forEach(found)
    case "map":
      return (value as Map<unknown, unknown>).forEach((item, key) => {
        found(key)
        found(item)
      })
    case "set":
      return (value as Set<unknown>).forEach(found)
    case "error":
      return found((value as Error).cause)
  }
}
