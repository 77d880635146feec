/**
 * Reads the batches of all peers of a worker, each from a port and a ring.
 *
 * After each batch, the worker polls for the next one. A worker without other work blocks its thread while it polls. A worker with
 * other work turns its event loop without sleep instead (`LoopPoller`).
 *
 * A message on a port arrives without polling, at the latest when the event loop sleeps. A batch in a ring is read only while the
 * reader polls; before the reader sleeps, the writer posts on the port instead.
 */
import { type MessagePort, receiveMessageOnPort } from "node:worker_threads"
import type { Poller } from "../../internal/runtime/eventLoopBudget.ts"
import { performance } from "../../internal/runtime/globals.ts"
import type { Batch } from "../../internal/wire/frames.ts"
import { LoopPoller } from "./loopPoller.ts"
import { type Posted, Receiver, type Ring } from "./ring.ts"
import { SpinBackoff } from "./spinBackoff.ts"

// the maximum time for which the thread blocks, in milliseconds; then the event loop gets its turn
const maxBlockedMs = 0.2
// a read of a port costs as much as this number of reads of the ring
const readsPerPortRead = 8

/** Takes the next message of a port synchronously. Returns whether the port had a message, even an unreadable one. */
const takeFrom = (
  port: MessagePort,
  onMessage: (message: unknown) => void,
  onUnreadable: (error: Error) => void
): boolean => {
  let next: ReturnType<typeof receiveMessageOnPort>
  try {
    next = receiveMessageOnPort(port)
  } catch (error) {
    onUnreadable(error as Error)
    return true
  }
  if (next !== undefined) onMessage(next.message)
  return next !== undefined
}

/** Takes all messages of a port synchronously. */
export const drain = (...source: Parameters<typeof takeFrom>): void => {
  while (takeFrom(...source));
}

/** The port and the ring of one peer. */
interface Source {
  readonly port: MessagePort
  readonly receiver: Receiver
  readonly onPosted: (message: unknown) => void
  readonly onUnreadable: () => void
}

/** The subscription to the batches of one peer. */
export interface Subscription {
  /** reads all batches that have been sent */
  readonly drain: () => void
  /** stops reading and closes the port */
  readonly close: () => void
}

/** Reads the batches of all peers of a worker, and polls for the next batch after each one. */
export class PortReader implements Poller {
  private readonly window: number
  private readonly isBusy: () => boolean
  private readonly backoff: SpinBackoff
  private readonly loopPoller: LoopPoller
  private readonly sources: Array<Source> = []
  /** the index of the port to poll next */
  private next = 0

  /**
   * `window`: the time to poll, in milliseconds; 0 disables polling. `workers`: the current number of workers in the process of the host.
   * `isBusy`: whether other work waits in this worker.
   */
  constructor(window: number, workers: Int32Array, isBusy: () => boolean) {
    this.window = window
    this.isBusy = isBusy
    this.backoff = new SpinBackoff(workers)
    this.loopPoller = new LoopPoller(window, workers, {
      listen: () => this.listen(),
      sleep: () => this.sleep(),
      take: () => {
        const any = this.take()
        if (any) this.resume()
        return any
      }
    })
  }

  /** Adds a peer. An unreadable message is delivered as a batch with a number that is too high, which ends the link. */
  add(port: MessagePort, ring: Ring, onBatch: (batch: Batch) => void): Subscription {
    const receiver = new Receiver(ring, (batch) => {
      this.loopPoller.arrived()
      onBatch(batch)
    })
    const onPosted = (message: unknown): void => receiver.posted(message as Posted)
    const onUnreadable = (): void => receiver.posted([Infinity])
    const source: Source = { port, receiver, onPosted, onUnreadable }
    this.sources.push(source)
    port.on("message", (message: Posted) => {
      receiver.posted(message)
      this.resume()
    }).on("messageerror", onUnreadable)
    return {
      drain: () => {
        drain(port, onPosted, onUnreadable)
        receiver.take()
      },
      close: () => {
        this.sources.splice(this.sources.indexOf(source), 1)
        port.close()
      }
    }
  }

  /** A batch is expected from now on. */
  begin(): void {
    this.loopPoller.begin()
  }

  listen(): void {
    for (const { receiver } of this.sources) receiver.listen()
  }

  sleep(): void {
    for (const { receiver } of this.sources) receiver.sleep()
  }

  take(): boolean {
    let any = false
    // a batch may open or close a channel to a peer
    for (let i = 0; i < this.sources.length; i++) if (this.sources[i]!.receiver.take()) any = true
    return any
  }

  // polls the rings, then one port
  private poll(): boolean {
    for (let i = 0; i < readsPerPortRead; i++) if (this.take()) return true
    const source = this.sources[this.next++ % this.sources.length]
    return source !== undefined && takeFrom(source.port, source.onPosted, source.onUnreadable)
  }

  private spin(): void {
    if (!this.backoff.shouldPoll()) return
    const start = performance.now()
    let until = start + this.window
    let hit = false
    this.listen()
    for (let now = start; now < until && now - start < maxBlockedMs; now = performance.now()) {
      if (!this.poll()) continue
      hit = true
      until = performance.now() + this.window
      if (this.isBusy()) break
    }
    this.sleep()
    this.backoff.settle(hit)
    // continues to poll while the event loop turns
    if (performance.now() < until) this.loopPoller.begin()
  }

  private resume(): void {
    if (this.window === 0) return
    if (this.isBusy()) this.loopPoller.begin()
    else this.spin()
  }
}
