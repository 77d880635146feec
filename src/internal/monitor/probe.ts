/**
 * Questions about one worker that need no answer of its event loop, so that a blocked worker can be examined. The placements of threads
 * and of processes implement them.
 */
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"

/** The resources that a worker uses. A value is missing if the runtime does not measure it, or if the worker is blocked. */
export interface Figures {
  /** the time that the event loop was active and idle, since its start, in milliseconds */
  readonly eventLoop?: { readonly active: number; readonly idle: number } | undefined
  /** the processor time since the start, in microseconds; of a child: of the process */
  readonly cpu?: { readonly user: number; readonly system: number } | undefined
  /** the used heap and its limit, in bytes */
  readonly heap?: { readonly used: number; readonly limit: number } | undefined
  /** the resident memory of the process in bytes, which threads share */
  readonly rss?: number | undefined
}

/** One frame of a JavaScript stack. */
export interface StackFrame {
  /** empty for an anonymous function */
  readonly functionName: string
  /** the URL of the script; empty for code without a script */
  readonly url: string
  /** counted from 1; in `busyStack` the line of the function, except of the innermost */
  readonly line: number
  /** counted from 1 */
  readonly column: number
}

/** Why a worker could not be inspected: it runs native code, or is suspended; it ended; the runtime cannot; or the inspector refused. */
export type ProbeReason = "NoAnswer" | "WorkerEnded" | "Unsupported" | "Failed"

/** A failed inspection. */
export class ProbeError {
  readonly reason: ProbeReason
  readonly message: string

  constructor(reason: ProbeReason, message: string) {
    this.reason = reason
    this.message = message
  }
}

/** The questions. An interruption ends an inspection, and the worker continues. */
export interface Probe {
  readonly pid: number
  /** 0 for the main thread of a child */
  readonly threadId: number
  /** takes at most 100 ms */
  readonly figures: Effect.Effect<Figures>
  /** the stack of the code that blocks the event loop of the worker, innermost frame first; empty if none does any longer */
  readonly blockedStack: Effect.Effect<ReadonlyArray<StackFrame>, ProbeError>
  /** the stack of the function in which the worker spends most of the next moment, without a pause; empty if it runs none */
  readonly busyStack: Effect.Effect<ReadonlyArray<StackFrame>, ProbeError>
  /** a profile in the format `.cpuprofile`; `millis`: how long the worker is profiled */
  readonly cpuProfile: (millis: number) => Effect.Effect<unknown, ProbeError>
  /** the parts of a file in the format `.heapsnapshot`; the worker pauses meanwhile */
  readonly heapSnapshot: Stream.Stream<Uint8Array, ProbeError>
}
