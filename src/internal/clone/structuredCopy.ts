/**
 * Copies the values that are sent inside a process, with the same result as structured clone.
 */
import { structuredClone } from "../runtime/globals.ts"

const uncopied = Symbol()

// deeper values are left to structured clone
const maxDepth = 16

/**
 * Copies a value of plain data, several times faster than structured clone. A value that contains anything else is left to structured
 * clone as a whole.
 */
class PlainCopy {
  /** the value, which may contain itself */
  private readonly root: object
  /** the copies of the objects inside the value: an object that occurs twice arrives as one object */
  private copies: Map<object, object> | undefined

  constructor(root: object) {
    this.root = root
  }

  /** Copies an object; `uncopied` if it is not plain data. */
  copy(value: object, depth: number): unknown {
    if (depth === 0) return uncopied
    if (Array.isArray(value)) {
      const out: Array<unknown> = Object.values(value)
      if (value !== this.root) this.add(value, out)
      // the array has holes, or properties beside its items
      if (out.length !== value.length) return uncopied
      for (let i = 0; i < out.length; i++) {
        const item = this.copyInner(out[i], depth)
        if (item === uncopied || item === undefined && !(i in value)) return uncopied
        out[i] = item
      }
      return out
    }
    const proto = Object.getPrototypeOf(value)
    if (proto !== Object.prototype && proto !== null) return uncopied
    const out: Record<string, unknown> = {}
    if (value !== this.root) this.add(value, out)
    for (const key of Object.keys(value)) {
      const item = this.copyInner((value as Record<string, unknown>)[key], depth)
      // the assignment would set the prototype of the copy
      if (item === uncopied || key === "__proto__") return uncopied
      out[key] = item
    }
    return out
  }

  private copyInner(value: unknown, depth: number): unknown {
    if (typeof value !== "object" || value === null) {
      return typeof value === "function" || typeof value === "symbol" ? uncopied : value
    }
    return value === this.root ? uncopied : this.copies?.get(value) ?? this.copy(value, depth - 1)
  }

  private add(value: object, out: object): void {
    const copies = this.copies ??= new Map()
    copies.set(value, out)
  }
}

/** Copies a value like a link. */
export const copy = (value: unknown): unknown => {
  if (typeof value !== "object" || value === null) return structuredClone(value)
  const copied = new PlainCopy(value).copy(value, maxDepth)
  return copied === uncopied ? structuredClone(value) : copied
}

/** Makes the batch that the receiver gets. */
export const copyBatch = (batch: Array<unknown>, transfer: ReadonlyArray<unknown> | undefined): Array<unknown> => {
  if (transfer !== undefined) return structuredClone(batch, { transfer: transfer as Array<ArrayBuffer> })
  for (let i = 0; i < batch.length; i++) {
    const value = batch[i]
    if (typeof value === "object" && value !== null || typeof value === "function" || typeof value === "symbol") {
      batch[i] = copy(value)
    }
  }
  return batch
}
