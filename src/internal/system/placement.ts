/**
 * A way to start workers: the one thing in which threads, processes and memory
 * differ to whoever starts them.
 */
import type { Link, LinkEnd } from "../link.ts"
import type * as Wire from "../wire.ts"

/** What a worker tells its host. */
interface WorkerEvents {
  readonly onBatch: (batch: Wire.Batch) => void
  /** whether it still owes an answer */
  readonly isAwaited: () => boolean
  /** a call has begun and keeps the worker from announcing it, where that is not noted in shared memory */
  readonly onBegun: (id: number) => void
  /** once, when nothing is left of it */
  readonly onEnd: (end: LinkEnd) => void
}

/** A running worker, to its host. */
export interface WorkerHandle {
  readonly link: Link
  /** It has answered `Ended`: let it go. `onEnd` follows. */
  readonly release: () => void
  /** Ends it now, whatever it does. `onEnd` follows, with this end. */
  readonly kill: (end: LinkEnd) => void
}

/** A way to start workers. */
export interface Placement {
  readonly kind: "memory" | "thread" | "process"
  readonly start: (events: WorkerEvents) => WorkerHandle
}
