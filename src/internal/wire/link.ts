/**
 * The link between the two ends of a connection: the one interface that a thread, a process, a socket or plain memory implements. A
 * link moves batches, in order, and reports its own end. A link knows nothing of calls.
 */

/**
 * The number of the batch on its link, from 0, then frames laid end to end. A repeated batch is ignored. A batch with a number that
 * is too high reveals the loss of another batch, which ends the link.
 */
export type Batch = Array<unknown>

/** One end of a link, for sending. */
export interface Link {
  /**
   * Sends a batch to the peer. The array belongs to the link from then on. Throws if a value in the batch cannot be cloned; nothing has
   * been sent in this case.
   */
  readonly send: (batch: Batch, transfer?: ReadonlyArray<unknown>) => void
  /** the peer is in another process, and shares no memory with this end */
  readonly isRemote?: boolean | undefined
  /** both ends are in this thread, and belong to the same program or worker */
  readonly isLoop?: boolean | undefined
  /** the number of frames at which a batch is sent immediately; a smaller batch is sent at the end of the turn */
  readonly flushAt: number
  /**
   * Shared memory in which the actors' side notes the calls that it has started and not yet announced (startedCalls.ts). After a sudden
   * death, the notes prove which calls had started.
   */
  readonly startedCalls?: Int32Array | undefined
  /**
   * Present if another thread reads these notes while the actors run, and may keep further calls from starting before the worker
   * is killed. Writes all messages that have not left yet.
   */
  readonly onStop?: () => void
  /** shared memory in which the callers' side notes the calls it interrupts, for `Actor.checkInterrupt` */
  readonly interrupts?: Int32Array | undefined
  /** makes the two ends of a channel, to be sent to two workers; absent if workers cannot be connected with each other */
  readonly makeChannel?: (() => readonly [ChannelEnd, ChannelEnd]) | undefined
  /** opens a received end of a channel, in a worker */
  readonly openChannel?: ((end: unknown, onBatch: (batch: Batch) => void) => Channel) | undefined
}

/** The shared memory of one direction of a link. */
export type Notes = Pick<Link, "startedCalls" | "interrupts" | "onStop">

/** An end of a channel that is to be sent to a worker, with the objects to transfer. */
export interface ChannelEnd {
  readonly end: unknown
  readonly transfer: ReadonlyArray<unknown>
  /** the shared memory for the calls that are made at this end */
  readonly caller?: Notes
}

/** A worker's end of a channel to another worker. */
export interface Channel {
  readonly link: Pick<Link, "send" | "flushAt">
  /** the shared memory for the calls that are made at this end */
  readonly caller: Notes
  /** the shared memory for the calls that are run at this end */
  readonly runner: Notes
  /** reads all received messages immediately */
  readonly drain: () => void
  readonly close: () => void
}

/** The end of a worker, as its link reports it. */
export interface LinkEnd {
  readonly reason: "Stopped" | "Crashed" | "Killed" | "OutOfMemory" | "Unresponsive" | "Disconnected"
  readonly message: string
  /** additional information, for a worker that has not reported the reason of its end itself */
  readonly detail?: string | undefined
}
