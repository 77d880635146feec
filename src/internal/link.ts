/**
 * What lies between the two ends of a connection: the one interface that a
 * thread, a process, a socket or plain memory has to offer. A link moves
 * batches, in order, and reports its own end; it knows nothing of calls.
 */
import type { Batch } from "./wire.ts"

/** One end of a link, for sending. */
export interface Link {
  /**
   * Hands a batch to the other side; the array belongs to the link from then on.
   * Throws when a value in it cannot be cloned, and then nothing has been sent.
   */
  readonly send: (batch: Batch, transfer?: ReadonlyArray<unknown>) => void
  /** a batch is sent as soon as it holds so many frames; otherwise when the turn ends */
  readonly flushAt: number
  /**
   * Shared memory in which the actors' side notes the calls it has begun and not yet announced (`[count, callId, …]`), so that
   * a sudden death leaves no doubt about what had begun.
   */
  readonly begun?: Int32Array | undefined
  /** shared memory in which the callers' side notes the calls it interrupts, for `Actor.checkInterrupt` */
  readonly interrupts?: Int32Array | undefined
  /** makes the two ends of a channel, to be handed to two workers; where workers can be connected with each other */
  readonly makeChannel?: (() => readonly [ChannelEnd, ChannelEnd]) | undefined
  /** takes such an end, in the worker that it was handed to */
  readonly openChannel?: ((end: unknown, onBatch: (batch: Batch) => void) => Channel) | undefined
}

/** The shared memory of one direction of a link. */
export type Notes = Pick<Link, "begun" | "interrupts">

/** Where messages come only while someone looks. */
export interface Lookout {
  /** from now on they may come */
  readonly listen: () => void
  /** they may not any more; reads what has just come */
  readonly sleep: () => void
  /** reads what has come; whether there was anything */
  readonly take: () => boolean
}

/** There is no such place. */
export const nowhere: Lookout = {
  listen: () => undefined,
  sleep: () => undefined,
  take: () => false
}

/** An end of a channel on its way to a worker, with what is to be transferred. */
export interface ChannelEnd {
  readonly end: unknown
  readonly transfer: ReadonlyArray<unknown>
  /** of the calls that are made at this end */
  readonly caller?: Notes
}

/** A worker's end of a channel to another worker. */
export interface Channel {
  readonly link: Pick<Link, "send" | "flushAt">
  /** of the calls that are made at this end */
  readonly caller: Notes
  /** of the calls that are run at this end */
  readonly runner: Notes
  /** reads what has come, now */
  readonly drain: () => void
  readonly close: () => void
}

/** How many calls {@link Link.begun} can note before they must be announced. */
export const begunCapacity = 1023

/** Why and how a worker ended, as its link saw it. */
export interface LinkEnd {
  readonly reason: "Stopped" | "Crashed" | "Killed" | "OutOfMemory" | "Unresponsive" | "Disconnected"
  readonly message: string
}
