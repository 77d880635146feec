/**
 * Copies a value whose views share buffers: structured clone would send the whole buffer with each view.
 */
import { isShared, type Kind, knownKind, likelyKind, methodOf, prototypeOf } from "./kinds.ts"

const nameOfView = methodOf(prototypeOf(Uint8Array.prototype)!, Symbol.toStringTag)

type ViewClass = new(buffer: ArrayBuffer) => ArrayBufferView

const copyOf = (value: ArrayBufferView): ArrayBufferView => {
  const bytes = new Uint8Array(value.byteLength)
  bytes.set(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))
  const name = nameOfView.call(value) as string | undefined
  return new (globalThis as unknown as Readonly<Record<string, ViewClass>>)[name ?? "DataView"]!(bytes.buffer)
}

/** Copies a value so that each view in the copy has its own buffer. */
export class Separation {
  private readonly copies = new Map<object, object>()
  private readonly taken = new Set<object>()
  private readonly moved: ReadonlySet<unknown> | undefined
  private readonly isRemote: boolean

  constructor(moved: ReadonlySet<unknown> | undefined, isRemote: boolean) {
    this.moved = moved
    this.isRemote = isRemote
  }

  copy(value: unknown): unknown {
    if (typeof value !== "object" || value === null) return value
    const before = this.copies.get(value)
    if (before !== undefined) return before
    const kind = ArrayBuffer.isView(value) ? "whole" : knownKind(value) ?? likelyKind(value)
    const out = this.make(value, kind)
    this.copies.set(value, out)
    if (out !== value) this.fill(value, out, kind)
    return out
  }

  // the first caller gets the buffer
  private take(buffer: object): boolean {
    if (this.taken.has(buffer)) return false
    this.taken.add(buffer)
    return true
  }

  private make(value: object, kind: Kind): object {
    if (this.moved?.has(value) === true) return value
    switch (kind) {
      case "fields":
        return Array.isArray(value) ? new Array(value.length) : {}
      case "map":
        return new Map()
      case "set":
        return new Set()
      case "buffer":
        return this.take(value) ? value : (value as ArrayBuffer).slice(0)
      case "error": {
        const { message, name, stack } = value as Error
        return Object.defineProperties(new Error(message), { name: { value: name }, stack: { value: stack } })
      }
      default:
        return ArrayBuffer.isView(value) && !this.keepsBuffer(value) ? copyOf(value) : value
    }
  }

  private keepsBuffer({ buffer, byteLength }: ArrayBufferView): boolean {
    if (!this.isRemote && this.moved?.has(buffer) === true) return true
    return isShared(buffer) ? !this.isRemote : byteLength === buffer.byteLength && this.take(buffer)
  }

  private fill(value: object, out: object, kind: Kind): void {
    switch (kind) {
      case "fields":
        for (const key of Object.keys(value)) set(out, key, this.copy((value as Record<string, unknown>)[key]))
        // symbol properties are not sent, but they mark handles
        for (const key of Object.getOwnPropertySymbols(value)) set(out, key, (value as Record<symbol, unknown>)[key])
        break
      case "map":
        for (const [key, item] of value as Map<unknown, unknown>) {
          ;(out as Map<unknown, unknown>).set(this.copy(key), this.copy(item))
        }
        break
      case "set":
        for (const item of value as Set<unknown>) (out as Set<unknown>).add(this.copy(item))
        break
      case "error":
        if ("cause" in value) set(out, "cause", this.copy(value.cause))
    }
  }
}

const set = (out: object, key: PropertyKey, value: unknown): void => {
  Object.defineProperty(out, key, { value, enumerable: true, configurable: true, writable: true })
}
