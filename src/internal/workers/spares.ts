/**
 * The workers that are started ahead, which load their module before an actor needs them. A worker that fails before it has an actor is
 * replaced after a delay, which grows while workers fail.
 */
import * as Effect from "effect/Effect"
import { clearTimeout, performance, setTimeout } from "../runtime/globals.ts"
import type { LinkEnd } from "../wire/link.ts"
import type { Log } from "./log.ts"
import type { WorkerConnection } from "./workerConnection.ts"

/** the first delay, in milliseconds; each later delay is twice the delay before it */
const shortest = 1_000
const longest = 60_000

/** the time in milliseconds without a failure after which the next delay is the first again */
const calm = 5 * 60_000

/** The workers of a system that are started ahead, and have no actor yet. */
export class Spares {
  private readonly size: number
  private readonly start: () => WorkerConnection
  private readonly log: Log
  private readonly workers = new Set<WorkerConnection>()
  private failures = 0
  private lastFailure = 0
  /** the error of the last line in the log, until a worker is ready */
  private reported: string | undefined
  /** the delay before the next start; no other worker is started ahead meanwhile */
  private timer: ReturnType<typeof setTimeout> | undefined
  /** the worker that is started after a failure; the other missing workers start when it is ready */
  private trial: WorkerConnection | undefined
  private isEnding = false

  constructor(size: number, start: () => WorkerConnection, log: Log) {
    this.size = size
    this.start = start
    this.log = log
  }

  has(worker: WorkerConnection): boolean {
    return this.workers.has(worker)
  }

  /** Removes a worker for an actor. */
  take(): WorkerConnection | undefined {
    const { value: worker } = this.workers.values().next()
    if (worker !== undefined) this.leave(worker)
    return worker
  }

  private leave(worker: WorkerConnection): void {
    this.workers.delete(worker)
    if (this.trial === worker) this.trial = undefined
  }

  /** Starts the missing workers, unless the last one has failed: then they are started after a delay. */
  fill(): void {
    if (this.isEnding || this.timer !== undefined || this.trial !== undefined) return
    while (this.workers.size < this.size) this.workers.add(this.start())
  }

  /** A worker has loaded its module. */
  ready(worker: WorkerConnection): void {
    if (!this.workers.has(worker)) return
    this.reported = undefined
    if (this.trial !== worker) return
    this.trial = undefined
    this.fill()
  }

  /** A worker has ended. */
  ended(worker: WorkerConnection, { message }: LinkEnd): void {
    if (!this.workers.has(worker)) return
    this.leave(worker)
    // one delay for all workers that fail together
    if (this.isEnding || this.timer !== undefined) return
    const now = performance.now()
    if (now > this.lastFailure + calm) this.failures = 0
    this.lastFailure = now
    const delay = Math.min(longest, shortest * 2 ** this.failures++)
    this.timer = setTimeout(() => this.retry(), delay)
    if (this.reported === message) return
    this.reported = message
    this.log(
      Effect.logWarning(
        `${worker.name}, which was started ahead, ended: ${message}. Another one is started in ${delay / 1_000} s`
      )
    )
  }

  private retry(): void {
    this.timer = undefined
    if (this.isEnding || this.workers.size >= this.size) return
    const worker = this.start()
    this.workers.add(worker)
    this.trial = worker
  }

  /** No further worker is started. */
  end(): void {
    this.isEnding = true
    clearTimeout(this.timer)
  }
}
