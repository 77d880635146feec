/**
 * Placements: the only difference between threads, processes and memory for the code that starts workers.
 */
import type { LogLevel } from "effect/LogLevel"
import type { Tracing } from "../codec/methods.ts"
import type { ServedFacts } from "../metrics/actorFacts.ts"
import type { Probe } from "../monitor/probe.ts"
import type { Batch, Link, LinkEnd } from "../wire/link.ts"

/** The events of a worker, for its host. */
export interface WorkerEvents {
  readonly onBatch: (batch: Batch) => void
  /** whether the worker still owes an answer */
  readonly isAwaited: () => boolean
  /** a call has started and blocks the worker from announcing the start, which is not noted in shared memory */
  readonly onCallStarted: (id: number) => void
  /** user code in the worker has sent `message`, formatted as text, on a public channel */
  readonly onForeign: (message: string) => void
  /** the worker was terminated, but unstoppable native code continues in it; `onEnd` follows, and is the last event */
  readonly onLeftover: () => void
  /** called once, when the worker has ended completely, or except for such native code */
  readonly onEnd: (end: LinkEnd) => void
}

/** The end of a worker in this thread. */
interface NearEnd {
  /** what only this end knows of actors, by their ids */
  readonly factsOf: (ids: ReadonlyArray<number>) => ReadonlyArray<ServedFacts | undefined>
}

/** A running worker, as its host sees it. */
export interface WorkerHandle {
  readonly link: Link
  /** Releases the worker, which has answered `Ended`. `onEnd` follows. */
  readonly release: () => void
  /** Kills the worker immediately. `onEnd` follows, with this end. */
  readonly kill: (end: LinkEnd) => void
  /** asks the worker questions that need no answer of its event loop; absent in memory */
  readonly probe?: Probe | undefined
  /** the end of the worker, if it is in this thread */
  readonly near?: NearEnd | undefined
}

/** The place of a worker in the program. The worker receives it when it starts. */
export interface WorkerPlace {
  /** the id of the worker: the prefix of the ids of the actors that it spawns */
  readonly id: string
  /** the prefix of the ids of the actors that it runs */
  readonly host: string
  /** the minimum log level of the program */
  readonly logLevel: LogLevel
  /** the program has a tracer */
  readonly traces: boolean
  /** the program measures the durations of calls */
  readonly timing: boolean
  /** which spans the system makes */
  readonly tracing: Tracing
}

/** A way to start workers. */
export interface Placement {
  readonly kind: "memory" | "thread" | "process"
  /** the layer of the behaviours, for messages */
  readonly behaviours: string
  /** the number of cores for the workers, at least 1 */
  readonly cores: () => number
  /** `name`: the name of the worker, for Node and the tools of the operating system */
  readonly start: (name: string, place: WorkerPlace, events: WorkerEvents) => WorkerHandle
}
