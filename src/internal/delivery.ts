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
// after how many the clock is looked at
const interval = 16

let sent = 0
/** when a message last waited for the event loop */
let rested = 0

const isTired = (): boolean => ++sent % interval === 0 && performance.now() - rested > patience

/** The sending half of a link to an end in this process. */
export const to = (onBatch: (batch: Batch) => void): Link["send"] => {
  /** those that wait for the event loop, and those behind them */
  let waiting: Array<Batch> | undefined
  const goOn = (): void => {
    const batches = waiting!
    waiting = undefined
    rested = performance.now()
    for (const batch of batches) onBatch(batch)
  }
  return (batch, transfer) => {
    const copy = copyBatch(batch, transfer)
    if (waiting !== undefined) {
      waiting.push(copy)
    } else if (isTired()) {
      waiting = [copy]
      setImmediate(goOn)
    } else {
      queueMicrotask(() => onBatch(copy))
    }
  }
}
