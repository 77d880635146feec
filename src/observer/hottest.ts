import type { CpuProfile } from "./Inspection.ts"

/** A function, with the number of its own samples. */
export interface HotFunction {
  readonly name: string
  /** URL, line and column, from 1; empty for code without a script */
  readonly place: string
  readonly hits: number
}

/** The functions that have used most of the time of a profile, by their own samples. */
export const hottest = ({ nodes }: CpuProfile, limit: number): ReadonlyArray<HotFunction> => {
  const functions = new Map<string, { readonly name: string; readonly place: string; hits: number }>()
  for (const { callFrame: { columnNumber, functionName, lineNumber, url }, hitCount = 0 } of nodes) {
    const place = url === "" ? "" : `${url}:${lineNumber + 1}:${columnNumber + 1}`
    const key = `${functionName} ${place}`
    const entry = functions.get(key)
    if (entry === undefined) functions.set(key, { name: functionName || "<anonymous>", place, hits: hitCount })
    else entry.hits += hitCount
  }
  return Array.from(functions.values()).filter(({ hits }) => hits > 0).toSorted((a, b) => b.hits - a.hits).slice(
    0,
    limit
  )
}
