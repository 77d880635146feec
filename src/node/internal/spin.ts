/**
 * Looking for the next message before going to sleep.
 *
 * Waking a parked thread on another core costs tens of microseconds, many times
 * what a call costs, so a thread that expects a message looks for it for a while:
 * a worker that has just answered, and one that waits for an answer. It pays only
 * while messages come in quick succession on a core that is free, so each miss
 * doubles the number of chances that are let pass (1, 3, 7 … 63), a hit forgets
 * them, and there is no looking at all while there are not more cores than threads.
 *
 * A worker without anything else to do blocks while it looks. A thread whose event
 * loop has other things to do turns it without sleeping instead, so timers and
 * handlers that wait get their turn.
 */
import { type MessagePort, receiveMessageOnPort } from "node:worker_threads"
import type { Batch } from "../../internal/wire.ts"
import { leavesCore } from "./census.ts"

const maxSkip = 63
// however many messages are found, the event loop gets its turn; in milliseconds
const maxEpisode = 0.2

/** Which chances to take. */
class Chances {
  private readonly workers: Int32Array
  private skip = 0
  private misses = 0

  /** `workers`: how many live in the process of the host, as they come and go */
  constructor(workers: Int32Array) {
    this.workers = workers
  }

  /** whether to look this time */
  take(): boolean {
    if (!leavesCore(this.workers[0]!)) return false
    if (this.skip === 0) return true
    this.skip--
    return false
  }

  settle(hit: boolean): void {
    this.misses = hit ? 0 : Math.min(this.misses * 2 + 1, maxSkip)
    this.skip = this.misses
  }
}

/** Turns the event loop without sleeping until a message comes, or it has taken too long. */
export class Vigil {
  private readonly window: number
  private readonly chances: Chances
  private until = 0
  private isTurning = false
  private isAwaiting = false

  /** `window`: how long to look, in milliseconds; 0: not at all; `workers`: how many live in the process of the host */
  constructor(window: number, workers: Int32Array) {
    this.window = window
    this.chances = new Chances(workers)
  }

  /** A message is expected from now on. */
  begin(): void {
    if (this.isAwaiting || this.window === 0 || !this.chances.take()) return
    this.isAwaiting = true
    this.until = performance.now() + this.window
    if (this.isTurning) return
    this.isTurning = true
    setImmediate(this.turn)
  }

  /** A message has come. */
  arrived(): void {
    if (!this.isAwaiting) return
    this.isAwaiting = false
    this.chances.settle(true)
  }

  private readonly turn = (): void => {
    if (this.isAwaiting && performance.now() < this.until) return void setImmediate(this.turn)
    this.isTurning = false
    if (!this.isAwaiting) return
    this.isAwaiting = false
    this.chances.settle(false)
  }
}

/** Listens on a port, and looks for more after each message. */
export const listen = (
  port: MessagePort,
  onBatch: (batch: Batch) => void,
  options: {
    /** how long to look, in milliseconds; 0: not at all */
    readonly window: number
    /** how many workers live in the process of the host, as they come and go */
    readonly workers: Int32Array
    /** whether something else waits for its turn here */
    readonly isBusy: () => boolean
  }
): void => {
  const { isBusy, window, workers } = options
  const chances = new Chances(workers)
  const vigil = new Vigil(window, workers)
  const spin = (): void => {
    if (!chances.take()) return
    const start = performance.now()
    let until = start + window
    let hit = false
    for (let now = start; now < until && now - start < maxEpisode; now = performance.now()) {
      const next = receiveMessageOnPort(port)
      if (next === undefined) continue
      hit = true
      onBatch(next.message)
      until = performance.now() + window
      if (isBusy()) break
    }
    chances.settle(hit)
    // what is still expected is looked for while the event loop turns
    if (performance.now() < until) vigil.begin()
  }
  port.on("message", (batch: Batch) => {
    vigil.arrived()
    onBatch(batch)
    if (window === 0) return
    if (isBusy()) vigil.begin()
    else spin()
  })
}
