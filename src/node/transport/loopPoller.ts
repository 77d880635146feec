/**
 * Keeps the event loop turning without sleep while a message is expected.
 *
 * Waking a parked thread on another core costs tens of microseconds, many times the cost of a call. A thread that expects a message
 * therefore polls for a while. The event loop continues to turn, so timers and waiting handlers get their turn.
 */
import type { Poller } from "../../internal/runtime/eventLoopBudget.ts"
import { performance } from "../../internal/runtime/globals.ts"
import { setImmediate } from "../../internal/runtime/immediates.ts"
import { SpinBackoff } from "./spinBackoff.ts"

// a turn of the event loop costs more than this number of reads of the ring, which together take less than a microsecond
const readsPerTurn = 64

/** Turns the event loop without sleep until a message arrives or the time is up. */
export class LoopPoller {
  private readonly window: number
  private readonly backoff: SpinBackoff
  private readonly poller: Poller
  private until = 0
  private isTurning = false
  private isAwaiting = false

  /** `window`: the time to poll, in milliseconds; 0 disables polling. `workers`: the current number of workers in the process of the host. */
  constructor(window: number, workers: Int32Array, poller: Poller) {
    this.window = window
    this.backoff = new SpinBackoff(workers)
    this.poller = poller
  }

  /** A message is expected from now on. */
  begin(): void {
    if (this.isAwaiting || this.window === 0 || !this.backoff.shouldPoll()) return
    this.isAwaiting = true
    this.until = performance.now() + this.window
    this.poller.listen()
    if (this.isTurning) return
    this.isTurning = true
    setImmediate(this.turn)
  }

  /** The expected message has arrived. */
  arrived(): void {
    if (!this.isAwaiting) return
    this.isAwaiting = false
    this.backoff.settle(true)
  }

  private readonly turn = (): void => {
    for (let i = 0; i < readsPerTurn && this.isAwaiting; i++) if (this.poller.take()) break
    if (this.isAwaiting && performance.now() < this.until) return void setImmediate(this.turn)
    this.isTurning = false
    if (this.isAwaiting) {
      this.isAwaiting = false
      this.backoff.settle(false)
    }
    this.poller.sleep()
  }
}
