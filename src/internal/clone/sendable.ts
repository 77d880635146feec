/**
 * Decides which values may be sent. The sender decides, with the same rule for every placement: a value may be sent if structured
 * clone carries it between threads, V8 serializes it for another process, and the peer can read it. The two exceptions are
 * `SharedArrayBuffer` and `WebAssembly.Module`: only threads share their memory, so both may be sent only inside a process.
 *
 * V8 itself refuses functions, promises and similar values. V8 does not refuse platform objects (a `URL`, a `Blob`) when it
 * serializes for another process, where they arrive as `{}`. V8 also writes about twice as many levels of nesting as it can read.
 */
import { messageOf } from "../runtime/describe.ts"
import { structuredClone } from "../runtime/globals.ts"
import {
  isDetached,
  isDisguised,
  isSendable,
  isShared,
  type Kind,
  kindOfPrototype,
  knownKind,
  likelyKind,
  prototypeOf,
  stepsOf
} from "./kinds.ts"
import { attempt, describe, Refusal, refuse } from "./refusal.ts"
import { Separation } from "./separation.ts"

/** The maximum nesting of a value. A stack of the default size can read about 1500 levels. */
export const maxDepth = 1000

// the limits of the fast check, which does not track visited objects; most values are far below both
const maxFastDepth = 100
const maxFastObjects = 100_000

// an error names this number of parts that must not be sent
const maxRefusals = 5

/** Checks one value. */
class Walk {
  /** the value contains a view of a part of a buffer, or a buffer more than once */
  needsSeparation = false
  private readonly moved: ReadonlySet<unknown> | undefined
  private readonly isRemote: boolean
  /** the remaining number of objects to check while visited objects are not tracked */
  private remainingObjects = maxFastObjects
  private seen: Set<object> | undefined
  /** the texts of the parts that must not be sent */
  private readonly refusals: Array<string> = []
  private buffer: ArrayBufferLike | undefined
  private buffers: Set<ArrayBufferLike> | undefined

  /** `moved`: the objects to transfer instead of copy; `isRemote`: the peer is in another process */
  constructor(moved: ReadonlySet<unknown> | undefined, isRemote: boolean) {
    this.moved = moved
    this.isRemote = isRemote
  }

  /** Throws if the value must not be sent or cannot be read. */
  check(value: unknown): void {
    try {
      if (this.passes(value, maxFastDepth)) return
      this.restart()
      if (this.passes(value, maxDepth)) return
    } catch {
      // a part of the value cannot be read; `explain` reports it
    }
    this.explain(value, "", maxDepth, this.restart())
    const { refusals } = this
    if (refusals.length === 0) refuse("", "cannot be sent")
    const more = refusals.length > maxRefusals ? `, and ${refusals.length - maxRefusals} more` : ""
    throw new Refusal(refusals.slice(0, maxRefusals).join(", ") + more)
  }

  private restart(): Set<object> {
    this.remainingObjects = Infinity
    this.needsSeparation = false
    this.buffer = this.buffers = undefined
    return this.seen = new Set()
  }

  // visits objects in the order of V8, which serializes an object where it first meets the object
  private passes(value: unknown, levels: number): boolean {
    if (typeof value !== "object" || value === null) return typeof value !== "function" && typeof value !== "symbol"
    const { seen } = this
    if (seen !== undefined) {
      if (seen.has(value)) return true
      seen.add(value)
    }
    if (ArrayBuffer.isView(value)) return this.passesView(value)
    if (levels === 0 || --this.remainingObjects < 0) return false
    if (Array.isArray(value)) {
      if (isDisguised(value)) return false
      // includes the properties of the array that are not items
      const items: ReadonlyArray<unknown> = Object.values(value)
      for (let i = 0; i < items.length; i++) {
        const item = items[i]
        if (typeof item !== "number" && typeof item !== "string" && !this.passes(item, levels - 1)) return false
      }
      return true
    }
    const prototype = prototypeOf(value)
    if (prototype === Object.prototype || prototype === null) {
      if (isDisguised(value)) return false
      for (const key in value) if (!this.passes((value as Record<string, unknown>)[key], levels - 1)) return false
      return true
    }
    const known = kindOfPrototype(prototype)
    const kind = known ?? likelyKind(value)
    return (this.isMoved(value) || this.passesInside(value, kind, levels - 1)) && this.passesItself(value, known, kind)
  }

  // the own properties of an object that is moved stay behind; a port of Deno has functions there
  private isMoved(value: object): boolean {
    return this.moved?.has(value) === true
  }

  private passesInside(value: object, kind: Kind, levels: number): boolean {
    switch (kind) {
      case "fields":
        for (const key of Object.keys(value)) {
          if (!this.passes((value as Record<string, unknown>)[key], levels)) return false
        }
        return true
      case "map":
        for (const [key, item] of value as Map<unknown, unknown>) {
          if (!this.passes(key, levels) || !this.passes(item, levels)) return false
        }
        return true
      case "set":
        for (const item of value as Set<unknown>) if (!this.passes(item, levels)) return false
        return true
      case "error":
        return this.passes((value as Error).cause, levels)
      default:
        return true
    }
  }

  // called after all children of the object have passed
  private passesItself(value: object, known: Kind | undefined, kind: Kind): boolean {
    const { isRemote, moved } = this
    if (this.isMoved(value)) return !isRemote || kind === "buffer"
    if (kind === "shared") return !isRemote
    if (kind === "buffer") {
      if (isDetached(value as ArrayBuffer)) return false
      this.addBuffer(value as ArrayBuffer)
    }
    // a transferred object cannot be tested by cloning
    return known !== undefined || moved !== undefined || isSendable(value, kind)
  }

  private passesView(value: ArrayBufferView): boolean {
    const { buffer } = value
    if (isDetached(buffer)) return false
    if (!this.isRemote && this.moved?.has(buffer) === true) return true
    if (value.byteLength !== buffer.byteLength) this.needsSeparation ||= this.isRemote || !isShared(buffer)
    else if (this.isRemote && isShared(buffer)) this.needsSeparation = true
    else this.addBuffer(buffer)
    return true
  }

  private addBuffer(buffer: ArrayBufferLike): void {
    if (this.buffer === undefined) {
      this.buffer = buffer
      return
    }
    this.buffers ??= new Set([this.buffer])
    if (this.buffers.has(buffer)) this.needsSeparation = true
    else this.buffers.add(buffer)
  }

  // notes each part that does not pass, with its path; throws if the value itself does not pass
  private explain(value: unknown, path: string, levels: number, seen: Set<object>): void {
    if (typeof value !== "object" || value === null) {
      if (typeof value === "function" || typeof value === "symbol") refuse(path, describe(value))
      return
    }
    if (seen.has(value)) return
    seen.add(value)
    if (isDisguised(value)) refuse(path, describe(value))
    if (ArrayBuffer.isView(value)) {
      if (!attempt(path, () => this.passesView(value))) refuse(path, describe(value))
      return
    }
    if (levels === 0) throw new Refusal(`it is nested more than ${maxDepth} levels deep`)
    const known = attempt(path, () => knownKind(value))
    const kind = known ?? attempt(path, () => likelyKind(value))
    const { refusals } = this
    const before = refusals.length
    for (const [step, read] of this.isMoved(value) ? [] : attempt(path, () => stepsOf(value, kind))) {
      try {
        this.explain(attempt(path + step, read), path + step, levels - 1, seen)
      } catch (error) {
        refusals.push(messageOf(error))
      }
    }
    if (refusals.length === before && !this.passesItself(value, known, kind)) refuse(path, describe(value))
  }
}

/**
 * Returns the value to send, in which each view has its own buffer, of the same length as the view. Throws if the value must not be
 * sent or cannot be read; the error message names the part.
 *
 * `moved`: the objects to transfer instead of copy. `isRemote`: the peer is in another process.
 */
export const prepare = (value: unknown, moved: ReadonlySet<unknown> | undefined, isRemote: boolean): unknown => {
  const walk = new Walk(moved, isRemote)
  walk.check(value)
  return walk.needsSeparation ? new Separation(moved, isRemote).copy(value) : value
}

// ---- refused by the link ----

const never = (): void => undefined

/** Whether a buffer can be transferred. The pool of small `Buffer`s and shared memory cannot. */
export const isMovable = (value: unknown): boolean => {
  if (typeof value !== "object" || value === null) return true
  const kind = likelyKind(value)
  if (kind !== "buffer") return kind !== "shared"
  const refusalOf = (options?: { readonly transfer: Array<ArrayBuffer> }): string => {
    try {
      structuredClone(never, options)
    } catch (error) {
      return messageOf(error)
    }
    return ""
  }
  // the buffer is not detached, because cloning a function always fails
  return refusalOf({ transfer: [value as ArrayBuffer] }) === refusalOf()
}
