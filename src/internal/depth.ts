/**
 * How deep a value is nested. Structured clone writes about twice as many levels as it can read, and what is written and cannot be
 * read costs the other end its life; so the sender refuses what is nested too deeply.
 */

// a stack of the usual size reads some 1600
const deepest = 1000

// what most values are far from is told without remembering what was seen
const shallow = 100
const few = 100_000

// a sparse array may be much longer than what is in it
const longest = 10_000_000

/** how many objects may still be looked at */
let left = 0

// goes through a value as structured clone does, which writes an object where it meets it first
const exceeds = (value: unknown, levels: number, seen: Set<object> | undefined): boolean => {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return false
  if (seen !== undefined) {
    if (seen.has(value)) return false
    seen.add(value)
  }
  if (levels === 0 || --left < 0) return true
  if (Array.isArray(value) && value.length < longest) {
    for (let i = 0; i < value.length; i++) if (exceeds(value[i], levels - 1, seen)) return true
  } else if (value instanceof Map) {
    for (const [k, v] of value) if (exceeds(k, levels - 1, seen) || exceeds(v, levels - 1, seen)) return true
  } else if (value instanceof Set) {
    for (const v of value) if (exceeds(v, levels - 1, seen)) return true
  } else {
    if (value instanceof Error && exceeds(value.cause, levels - 1, seen)) return true
    for (const key in value) {
      if (exceeds((value as Record<string, unknown>)[key], levels - 1, seen)) return true
    }
  }
  return false
}

/** Throws if a value is nested too deeply to be sent; or what the value throws when it is looked at. */
export const check = (value: unknown): void => {
  left = few
  if (!exceeds(value, shallow, undefined)) return
  left = Infinity
  if (exceeds(value, deepest, new Set())) throw new RangeError(`it is nested more than ${deepest} levels deep`)
}
