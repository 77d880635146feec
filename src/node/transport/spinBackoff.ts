/**
 * Decides whether polling for the next message pays.
 *
 * Polling pays only while messages follow each other quickly and a core is free. Each miss doubles the number of attempts that are
 * skipped (1, 3, 7 … 63), and a hit resets it. No thread polls while the workers and their host need all cores.
 */
import { leavesCore } from "./workerCount.ts"

const maxSkip = 63

/** The exponential backoff of a poller. */
export class SpinBackoff {
  private readonly workers: Int32Array
  private skip = 0
  private misses = 0

  /** `workers`: the current number of workers in the process of the host */
  constructor(workers: Int32Array) {
    this.workers = workers
  }

  /** Returns whether to poll this time. */
  shouldPoll(): boolean {
    if (!leavesCore(this.workers[0]!)) return false
    if (this.skip === 0) return true
    this.skip--
    return false
  }

  /** Records whether polling found a message. */
  settle(hit: boolean): void {
    this.misses = hit ? 0 : Math.min(this.misses * 2 + 1, maxSkip)
    this.skip = this.misses
  }
}
