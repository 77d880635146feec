/**
 * What a process holds: the figures that must be flat at the end of a soak.
 */
import * as fs from "node:fs"

export interface Holdings {
  readonly heapMb: number
  readonly rssMb: number
  readonly descriptors: number
  readonly threads: number
  readonly children: number
  readonly listeners: number
}

const list = (path: string): ReadonlyArray<string> => fs.existsSync(path) ? fs.readdirSync(path) : []

const childrenOf = (task: string): number => {
  try {
    return fs.readFileSync(`/proc/self/task/${task}/children`, "utf8").split(" ").filter((pid) => pid !== "").length
  } catch {
    // not on this system, or a thread that has just ended
    return 0
  }
}

const toMb = (bytes: number): number => Math.round(bytes / 2 ** 20 * 10) / 10

/** Measures this process; descriptors, threads and children are zero where there is no `/proc`. */
export const measure = (): Holdings => {
  globalThis.gc?.()
  globalThis.gc?.()
  const { heapUsed, rss } = process.memoryUsage()
  return {
    heapMb: toMb(heapUsed),
    rssMb: toMb(rss),
    descriptors: list("/proc/self/fd").length,
    threads: list("/proc/self/task").length,
    children: list("/proc/self/task").reduce((sum, task) => sum + childrenOf(task), 0),
    listeners: process.eventNames().reduce((sum, event) => sum + process.listenerCount(event), 0)
  }
}

/** What has grown more than chance explains. */
export const grown = (before: Holdings, after: Holdings): ReadonlyArray<string> => {
  const slack: Holdings = {
    heapMb: before.heapMb * 0.25 + 10,
    rssMb: before.rssMb * 0.3 + 60,
    descriptors: 4,
    // libuv starts its own four when they are first needed
    threads: 4,
    children: 0,
    listeners: 0
  }
  return (Object.keys(slack) as Array<keyof Holdings>)
    .filter((key) => after[key] > before[key] + slack[key])
    .map((key) => `${key} has grown from ${before[key]} to ${after[key]}`)
}
