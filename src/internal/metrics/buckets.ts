/**
 * Durations, counted in buckets whose upper bounds are the powers of two, in microseconds.
 */
import type * as Metric from "effect/Metric"

/** The upper bounds of the buckets in seconds: 1 µs, 2 µs, … 134 s. Longer durations are in one more bucket. */
export const boundaries: ReadonlyArray<number> = Array.from({ length: 28 }, (_, i) => 2 ** i / 1e6)

/** The counts of the buckets, without the empty ones at the end. */
export type BucketCounts = ReadonlyArray<number>

/** Durations, counted. */
export class Buckets {
  private readonly counts = new Float64Array(boundaries.length + 1)
  private count = 0
  private sum = 0
  private min = Number.MAX_VALUE
  private max = -Number.MAX_VALUE

  add(millis: number): void {
    const micros = Math.ceil(millis * 1_000)
    this
      .counts[
        micros <= 1
          ? 0
          : micros >= 2 ** 31
          ? boundaries.length
          : Math.min(32 - Math.clz32(micros - 1), boundaries.length)
      ]!++
    this.count++
    const seconds = Math.max(0, millis / 1_000)
    this.sum += seconds
    if (seconds < this.min) this.min = seconds
    if (seconds > this.max) this.max = seconds
  }

  get state(): Metric.HistogramState {
    const { count, counts, max, min, sum } = this
    let n = 0
    return { buckets: boundaries.map((bound, i) => [bound, n += counts[i]!]), count, min, max, sum }
  }

  get trimmed(): BucketCounts {
    const { counts } = this
    let length = counts.length
    while (length > 0 && counts[length - 1] === 0) length--
    return Array.from(counts.subarray(0, length))
  }

  quantile(part: number): number {
    return quantile(this.counts, part)
  }
}

/**
 * The duration in milliseconds that a part of the durations, from 0 to 1, does not exceed; 0 without durations. It is an estimate: the
 * durations in a bucket are taken to be evenly distributed.
 */
export const quantile = (counts: ArrayLike<number>, part: number): number => {
  let count = 0
  for (let i = 0; i < counts.length; i++) count += counts[i]!
  let rest = part * count
  for (let i = 0; i < counts.length; i++) {
    const inBucket = counts[i]!
    if (inBucket >= rest && inBucket > 0) {
      const upper = 2 ** i / 1_000
      const lower = i === 0 ? 0 : upper / 2
      return lower + (upper - lower) * rest / inBucket
    }
    rest -= inBucket
  }
  return 0
}
