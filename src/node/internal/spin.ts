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
 *
 * Messages come by themselves, at the latest when the event loop sleeps, but for those that only come while someone looks.
 */
import { type MessagePort, receiveMessageOnPort } from "node:worker_threads"
import type { Lookout } from "../../internal/link.ts"
import type { Batch } from "../../internal/wire.ts"
import { leavesCore } from "./census.ts"
import { type Posted, Receiver, type Ring } from "./ringLink.ts"

const maxSkip = 63
// however many messages are found, the event loop gets its turn; in milliseconds
const maxEpisode = 0.2
// to look at a port costs as much as to look so often into memory
const looks = 8
// and to turn the event loop costs more than to look so often; it is not kept for a microsecond
const looksInTurn = 64

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
  private readonly lookout: Lookout
  private until = 0
  private isTurning = false
  private isAwaiting = false

  /** `window`: how long to look, in milliseconds; 0: not at all; `workers`: how many live in the process of the host */
  constructor(window: number, workers: Int32Array, lookout: Lookout) {
    this.window = window
    this.chances = new Chances(workers)
    this.lookout = lookout
  }

  /** A message is expected from now on. */
  begin(): void {
    if (this.isAwaiting || this.window === 0 || !this.chances.take()) return
    this.isAwaiting = true
    this.until = performance.now() + this.window
    this.lookout.listen()
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
    for (let i = 0; i < looksInTurn && this.isAwaiting; i++) if (this.lookout.take()) break
    if (this.isAwaiting && performance.now() < this.until) return void setImmediate(this.turn)
    this.isTurning = false
    if (this.isAwaiting) {
      this.isAwaiting = false
      this.chances.settle(false)
    }
    this.lookout.sleep()
  }
}

/** Reads what comes from the other end, on a port or in the ring beside it, and looks for more after each message; returns the ring. */
export const listen = (
  port: MessagePort,
  ring: Ring,
  onBatch: (batch: Batch) => void,
  options: {
    /** how long to look, in milliseconds; 0: not at all */
    readonly window: number
    /** how many workers live in the process of the host, as they come and go */
    readonly workers: Int32Array
    /** whether something else waits for its turn here */
    readonly isBusy: () => boolean
  }
): Lookout => {
  const { isBusy, window, workers } = options
  const receiver = new Receiver(ring, (batch) => {
    vigil.arrived()
    onBatch(batch)
  })
  const chances = new Chances(workers)
  const take = (): boolean => {
    for (let i = 0; i < looks; i++) if (receiver.take()) return true
    const next = receiveMessageOnPort(port)
    if (next !== undefined) receiver.posted(next.message as Posted)
    return next !== undefined
  }
  const spin = (): void => {
    if (!chances.take()) return
    const start = performance.now()
    let until = start + window
    let hit = false
    receiver.listen()
    for (let now = start; now < until && now - start < maxEpisode; now = performance.now()) {
      if (!take()) continue
      hit = true
      until = performance.now() + window
      if (isBusy()) break
    }
    receiver.sleep()
    chances.settle(hit)
    // what is still expected is looked for while the event loop turns
    if (performance.now() < until) vigil.begin()
  }
  const goOn = (): void => {
    if (window === 0) return
    if (isBusy()) vigil.begin()
    else spin()
  }
  const vigil = new Vigil(window, workers, {
    listen: () => receiver.listen(),
    sleep: () => receiver.sleep(),
    take: () => {
      const any = receiver.take()
      if (any) goOn()
      return any
    }
  })
  port.on("message", (message: Posted) => {
    receiver.posted(message)
    goOn()
  })
  return receiver
}
