/**
 * The first messages between a host and its workers, and the messages beside the batches of a link.
 */
import type { MessagePort } from "node:worker_threads"
import type { Figures } from "../../internal/monitor/probe.ts"
import type { Channel, Notes } from "../../internal/wire/link.ts"
import type { Boot } from "../startup/bootstrap.ts"
import type { Ring } from "./ring.ts"

/** The start data of a thread. */
export interface ThreadBoot extends Boot {
  readonly notes: Notes
  /** carries the messages that do not go through the rings; private to this library */
  readonly port: MessagePort
  /** `down` carries batches to the thread, `up` carries batches from the thread */
  readonly rings: { readonly down: Ring; readonly up: Ring }
  /** how long to poll for the next message before sleeping, in milliseconds */
  readonly spin: number
  /** the number of workers of this process */
  readonly workers: Int32Array<SharedArrayBuffer>
}

/** One end of a channel between two threads. */
export interface ThreadChannel extends Pick<Channel, "caller" | "runner"> {
  readonly port: MessagePort
  /** `out` carries batches to the other thread, `in` carries batches from the other thread */
  readonly rings: { readonly out: Ring; readonly in: Ring }
}

/** The first message to a child. */
export interface ProcessBoot extends Boot {
  /** the title of the process, unless Node sets another */
  readonly title: string | undefined
  /** how long to poll for the next message before sleeping, in milliseconds */
  readonly spin: number
  /** the number of workers of the host; a later message that is a number updates it */
  readonly workers: number
}

/** The report of a message that user code in a child passed to `process.send`, which has no receiver. */
export interface Foreign {
  readonly foreign: string
  /** the message itself, if it belongs to Node's watch mode */
  readonly watch: object | undefined
}

/** A message of the watcher to the host: the watcher runs; these started calls block the child; no further call starts; or a report. */
export type WatcherMessage =
  | readonly ["watching"]
  | readonly ["started", ids: ReadonlyArray<number>]
  /** with a copy of the notes, if readable */
  | readonly ["stopped", notes: ReadonlyArray<number> | undefined]
  | WatcherReport

/** The answer of the watcher to a request with this id. */
export type WatcherReport =
  | readonly ["figures", id: number, figures: Figures]
  /** a result or an event of a connection to the inspector, as the bytes of a JSON text */
  | readonly ["inspected", id: number, message: ArrayBuffer]
  /** the connection has ended; `error`: it could not be used */
  | readonly ["closed", id: number, error: string | undefined]

/** A request of the host to the watcher, as a line of JSON: no further call starts; or a question. */
export type WatcherRequest =
  | readonly ["stop"]
  | readonly ["figures", id: number]
  /** opens a connection to the inspector of the main thread */
  | readonly ["open", id: number]
  | readonly ["post", id: number, command: { readonly id: number; readonly method: string; readonly params: object }]
  | readonly ["close", id: number]
