/**
 * The number of workers of this process, threads and children. Polling pays only if a core is free. Threads read the number in shared
 * memory. A child gets a message when the number starts or stops leaving a core free.
 */
import { availableParallelism } from "node:os"

const cores = availableParallelism()

/** Whether a core is free for polling, besides the cores of the workers and their host. */
export const leavesCore = (workers: number): boolean => workers + 1 <= cores

/** The number, shared with the threads of this process. */
export const workers = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))

const listeners = new Set<(workers: number) => void>()

const change = (by: 1 | -1): void => {
  const before = leavesCore(workers[0]!)
  const now = Atomics.add(workers, 0, by) + by
  if (leavesCore(now) === before) return
  for (const listener of listeners) listener(now)
}

/**
 * Adds a started worker. `listener` is called when the number starts or stops leaving a core free. Returns a function that removes
 * the worker.
 */
export const add = (listener?: (workers: number) => void): () => void => {
  change(1)
  if (listener !== undefined) listeners.add(listener)
  return () => {
    if (listener !== undefined) listeners.delete(listener)
    change(-1)
  }
}
