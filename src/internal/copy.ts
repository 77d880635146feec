/**
 * What is sent from one end to the other inside a process is copied as structured
 * clone would copy it.
 */
import type { Batch } from "./wire.ts"

const uncopied = Symbol()

/** the objects inside of the value that is copied: one that is there twice must arrive as one */
const seen = new Set<object>()

// plain data is copied here, several times faster; anything else makes the whole value go through structured clone
const copyPlain = (value: object, depth: number): unknown => {
  if (depth === 0) return uncopied
  if (Array.isArray(value)) {
    const out: Array<unknown> = Object.values(value)
    // it has holes, or something beside its items
    if (out.length !== value.length) return uncopied
    for (let i = 0; i < out.length; i++) {
      const item = copyInner(out[i], depth)
      if (item === uncopied || item === undefined && !(i in value)) return uncopied
      out[i] = item
    }
    return out
  }
  const proto = Object.getPrototypeOf(value)
  if (proto !== Object.prototype && proto !== null) return uncopied
  const out: Record<string, unknown> = {}
  for (const key of Object.keys(value)) {
    const item = copyInner((value as Record<string, unknown>)[key], depth)
    // the prototype of the copy would be set
    if (item === uncopied || key === "__proto__") return uncopied
    out[key] = item
  }
  return out
}

const copyInner = (value: unknown, depth: number): unknown => {
  if (typeof value !== "object" || value === null) {
    return typeof value === "function" || typeof value === "symbol" ? uncopied : value
  }
  if (seen.has(value)) return uncopied
  seen.add(value)
  return copyPlain(value, depth - 1)
}

/** A batch as it arrives. */
export const copyBatch = (batch: Batch, transfer: ReadonlyArray<unknown> | undefined): Batch => {
  if (transfer !== undefined) return structuredClone(batch, { transfer: transfer as Array<ArrayBuffer> })
  for (let i = 0; i < batch.length; i++) {
    const value = batch[i]
    if (typeof value === "object" && value !== null || typeof value === "function" || typeof value === "symbol") {
      // also of one that could not be looked at
      if (seen.size > 0) seen.clear()
      const copy = typeof value === "object" ? copyPlain(value, 16) : uncopied
      batch[i] = copy === uncopied ? structuredClone(value) : copy
      if (seen.size > 0) seen.clear()
    }
  }
  return batch
}
