/** The counts and the violations of a soak, its last checks, and its end. */
import * as Effect from "effect/Effect"
import type * as Flags from "./flags.ts"
import type { Holdings } from "./gauges.ts"

/** The maximum duration of each effect of a soak, on a busy machine too, in milliseconds. */
export const hangMillis = 60_000

const maxViolations = 20

/** The report of one run of a soak. */
export class Report {
  readonly counts = new Map<string, number>()
  violations = 0
  /** the duration of the longest bounded effect, in milliseconds */
  slowest = 0
  private readonly where: string
  private readonly detail: () => string

  /** `detail`: the state of the soak, for the message of an effect that does not end */
  constructor({ placement, seed }: ReturnType<typeof Flags.read>, detail: () => string = () => "") {
    this.where = `seed ${seed}, ${placement}`
    this.detail = detail
  }

  readonly count = (what: string, n = 1): void => void this.counts.set(what, (this.counts.get(what) ?? 0) + n)

  readonly violation = (text: string): void => {
    if (++this.violations <= maxViolations) console.error(`VIOLATION (${this.where}): ${text}`)
  }

  /** Whether the soak continues: after many violations it ends. */
  readonly goesOn = (): boolean => this.violations < maxViolations

  /** Ends the whole program if an effect does not end in time. */
  readonly bounded = <A, E, R>(what: string, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.suspend(() => {
      const start = performance.now()
      const timer = setTimeout(() => {
        this.violation(`${what} has not settled after ${hangMillis} ms${this.detail()}`)
        process.exit(1)
      }, hangMillis)
      return Effect.onExit(effect, () =>
        Effect.sync(() => {
          clearTimeout(timer)
          this.slowest = Math.max(this.slowest, performance.now() - start)
        }))
    })

  /** L1: nothing is left of any worker. */
  checkLeft(before: Holdings, after: Holdings): void {
    const { violation } = this
    if (after.children > before.children) violation(`${after.children} children are left`)
    if (after.listeners > before.listeners) violation(`${after.listeners - before.listeners} listeners are left`)
    if (after.descriptors > before.descriptors + 4) {
      violation(`${after.descriptors} descriptors are left of ${before.descriptors} before`)
    }
    if (after.threads > before.threads + 4) violation(`${after.threads} threads are left of ${before.threads} before`)
  }

  /** The counts, by name. */
  get rows(): ReadonlyArray<readonly [name: string, n: number]> {
    return Array.from(this.counts).toSorted(([a], [b]) => a < b ? -1 : 1)
  }

  get verdict(): string {
    return this.violations === 0 ? "passed" : "FAILED"
  }

  /** Sets the exit code, and checks that the program ends by itself (L1). */
  end(): void {
    process.exitCode = this.violations === 0 ? 0 : 1
    setTimeout(() => {
      console.error(`VIOLATION: the program is kept alive by ${process.getActiveResourcesInfo().join(", ")}`)
      process.exit(1)
    }, 10_000).unref()
  }
}
