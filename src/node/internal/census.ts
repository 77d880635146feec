/**
 * How many workers live in this process, threads and children: looking for messages
 * pays only where a core is free for it. Threads see the number in shared memory;
 * children cannot, and are told when it begins or ceases to leave a core free.
 */
import { availableParallelism } from "node:os"

const cores = availableParallelism()

/** Whether a core is free for a thread that looks for messages, beside that many workers and their host. */
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

/** A worker has been started; `listener` is told of changes from now on. Returns what is to be called at its end. */
export const enter = (listener?: (workers: number) => void): () => void => {
  change(1)
  if (listener !== undefined) listeners.add(listener)
  return () => {
    if (listener !== undefined) listeners.delete(listener)
    change(-1)
  }
}
