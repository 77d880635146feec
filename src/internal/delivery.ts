/**
 * Messages between two ends in one process: copied as structured clone would copy them, and delivered in order as soon as this turn
 * ends. Two who answer each other that way would keep the event loop from its turn for as long as they go on, and with it timers,
 * sockets and other workers; so now and then a message waits for that.
 */
import { copyBatch } from "./copy.ts"
import type { Link } from "./link.ts"
import type { Batch } from "./wire.ts"

// for how long messages may follow each other, in milliseconds
const patience = 0.5

/** when the last turn began, and when a message last waited for the event loop */
let now = 0
let rested = 0

/** A turn begins, at that time: somebody reads the clock for it anyway. */
export const turn = (at: number): number => now = at

/** The sending half of a link to an end in this process. */
interface Delivery {
  readonly send: Link["send"]
  /** delivers now what waits for the event loop: nothing comes behind the end of a link */
  readonly drain: () => void
}

/** Delivers to that end. */
export const to = (onBatch: (batch: Batch) => void): Delivery => {
  /** those that wait for the event loop, and those behind them */
  let waiting: Array<Batch> | undefined
  const drain = (): void => {
    const batches = waiting
    if (batches === undefined) return
    waiting = undefined
    rested = turn(performance.now())
    for (const batch of batches) onBatch(batch)
  }
  const send: Link["send"] = (batch, transfer) => {
    const copy = copyBatch(batch, transfer)
    if (waiting !== undefined) {
      waiting.push(copy)
    } else if (now - rested > patience) {
      waiting = [copy]
      setImmediate(drain)
    } else {
      queueMicrotask(() => onBatch(copy))
    }
  }
  return { send, drain }
}
