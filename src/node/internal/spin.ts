/**
 * Looking for the next message before going to sleep.
 *
 * Waking a parked thread on another core costs tens of microseconds, many times
 * what a call costs, so a worker that has just answered looks again for a while.
 * It pays only while calls come in quick succession on a core that is free, so
 * each miss doubles the number of chances that are let pass (1, 3, 7 … 63), a
 * hit forgets them, and there is no looking at all while a handler is suspended
 * or while there are not more cores than threads.
 */
import { availableParallelism } from "node:os"
import { type MessagePort, receiveMessageOnPort } from "node:worker_threads"
import type { Batch } from "../../internal/wire.ts"

const maxSkip = 63
// however many messages are found, the event loop gets its turn
const maxEpisode = 0.5

/** Listens on a port, and looks for more after each message. */
export const listen = (
  port: MessagePort,
  onBatch: (batch: Batch) => void,
  options: {
    /** how long to look, in milliseconds; 0: not at all */
    readonly window: number
    /** how many workers live in the process, shared */
    readonly workers: Int32Array
    /** whether something else waits for its turn here */
    readonly isBusy: () => boolean
  }
): void => {
  const { isBusy, window, workers } = options
  const cores = availableParallelism()
  let skip = 0
  let misses = 0
  const spin = (): void => {
    if (skip > 0) {
      skip--
      return
    }
    if (workers[0]! + 1 > cores || isBusy()) return
    const start = performance.now()
    let until = start + window
    let hit = false
    for (let now = start; now < until && now - start < maxEpisode; now = performance.now()) {
      const next = receiveMessageOnPort(port)
      if (next === undefined) continue
      hit = true
      onBatch(next.message)
      if (isBusy()) break
      until = performance.now() + window
    }
    misses = hit ? 0 : Math.min(misses * 2 + 1, maxSkip)
    skip = misses
  }
  port.on("message", (batch: Batch) => {
    onBatch(batch)
    if (window > 0) spin()
  })
}
