/**
 * What is sent from one end to the other inside a process is copied as structured
 * clone would copy it.
 */
import type { Batch } from "./wire.ts"

const uncopied = Symbol()

// plain data is copied here, several times faster; anything else makes the whole value go through structured clone
const copyPlain = (value: unknown, depth: number): unknown => {
  if (typeof value !== "object" || value === null) {
    return typeof value === "function" || typeof value === "symbol" ? uncopied : value
  }
  if (depth === 0) return uncopied
  if (Array.isArray(value)) {
    const out: Array<unknown> = new Array(value.length)
    for (let i = 0; i < value.length; i++) {
      const item = copyPlain(value[i], depth - 1)
      if (item === uncopied) return uncopied
      out[i] = item
    }
    return out
  }
  const proto = Object.getPrototypeOf(value)
  if (proto !== Object.prototype && proto !== null) return uncopied
  const out: Record<string, unknown> = {}
  for (const key of Object.keys(value)) {
    const item = copyPlain((value as Record<string, unknown>)[key], depth - 1)
    if (item === uncopied) return uncopied
    out[key] = item
  }
  return out
}

/** A batch as it arrives. */
export const copyBatch = (batch: Batch, transfer: ReadonlyArray<unknown> | undefined): Batch => {
  if (transfer !== undefined) return structuredClone(batch, { transfer: transfer as Array<ArrayBuffer> })
  for (let i = 0; i < batch.length; i++) {
    const value = batch[i]
    if (typeof value === "object" && value !== null || typeof value === "function" || typeof value === "symbol") {
      const copy = copyPlain(value, 16)
      batch[i] = copy === uncopied ? structuredClone(value) : copy
    }
  }
  return batch
}
