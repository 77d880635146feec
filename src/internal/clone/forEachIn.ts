/** The objects that a value consists of. */

/** Finds the objects in a value that satisfy `is`. */
export const forEachIn = (value: unknown, is: (u: object) => boolean, found: (one: object) => void): void => {
  const seen = new Set<object>()
  const add = (value: unknown): void => {
    if (typeof value === "object" && value !== null && !ArrayBuffer.isView(value)) seen.add(value)
  }
  add(value)
  for (const value of seen) {
    try {
      if (is(value)) found(value)
      else if (Array.isArray(value) || value instanceof Set) { for (const item of value) add(item) }
      else if (value instanceof Map) { for (const entry of value) add(entry) }
      else for (const item of Object.values(value)) add(item)
    } catch {
      // a value that cannot be read contains no handle, because no schema has made it
    }
  }
}
