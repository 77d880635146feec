/**
 * The interface between a worker and its link to the host. Threads and child processes implement it.
 */
import type { Poller } from "../../internal/runtime/eventLoopBudget.ts"
import type { Batch } from "../../internal/wire/frames.ts"
import type { Link } from "../../internal/wire/link.ts"
import type { Boot } from "../startup/bootstrap.ts"

/** The callbacks of a transport. */
interface TransportEvents {
  /** called with each batch; an unreadable message is delivered as a batch with a number that is too high, which ends the link */
  readonly onBatch: (batch: Batch) => void
  /** returns whether other work waits in this worker */
  readonly isBusy: () => boolean
}

/** The worker's side of the link to the host. */
export interface Transport {
  readonly boot: Boot | Promise<Boot>
  readonly link: Link
  /** starts the delivery of batches; returns the poller that reads further batches */
  readonly listen: (events: TransportEvents) => Poller
  /** ends the worker, which has no work left */
  readonly exit: (code: number) => void
}
