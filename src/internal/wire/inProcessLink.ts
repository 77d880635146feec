/**
 * A link between two ends in one thread. Messages are copied as structured clone would copy them, and delivered in order at the end
 * of the turn. Two ends that answer each other in this way would block the event loop, and with it timers, sockets and other workers.
 * A message therefore waits for the next turn of the event loop when the budget is spent.
 */
import { copyBatch } from "../clone/structuredCopy.ts"
import type { EventLoopBudget } from "../runtime/eventLoopBudget.ts"
import { queueMicrotask } from "../runtime/globals.ts"
import { setImmediate } from "../runtime/immediates.ts"
import type { Batch } from "./frames.ts"
import type { Link } from "./link.ts"

/** The sending half of a link to an end in this thread. */
interface Delivery {
  readonly send: Link["send"]
  /** delivers the messages that wait for the event loop immediately, because no message follows the end of a link */
  readonly drain: () => void
}

/** The sending half of a link that delivers to `onBatch`. */
export const to = (budget: EventLoopBudget, onBatch: (batch: Batch) => void): Delivery => {
  /** the messages that wait for the event loop, and those after them */
  let waiting: Array<Batch> | undefined
  const drain = (): void => {
    const batches = waiting
    if (batches === undefined) return
    waiting = undefined
    budget.refreshLocal()
    for (const batch of batches) onBatch(batch)
  }
  const send: Link["send"] = (batch, transfer) => {
    const copy = copyBatch(batch, transfer)
    if (waiting !== undefined) {
      waiting.push(copy)
    } else if (budget.isLocalSpent) {
      waiting = [copy]
      setImmediate(drain)
    } else {
      queueMicrotask(() => onBatch(copy))
    }
  }
  return { send, drain }
}
