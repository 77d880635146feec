/**
 * Durations, counted in buckets whose upper bounds are the powers of two, in microseconds.
 */
import type * as Metric from "effect/Metric"

/** The upper bounds of the buckets in seconds: 1 µs, 2 µs, … 134 s. Longer durations are in one more bucket. */
export const boundaries: ReadonlyArray<number> = Array.from({ length: 28 }, (_, i) => 2 ** i / 1e6)

/** The counts of the buckets, without the empty ones at the end. */
export type BucketCounts = ReadonlyArray<number>

const size = boundaries.length + 1
// after the buckets
const sumAt = size
const minAt = size + 1
const maxAt = size + 2

/** Durations, counted. */
export class Buckets {
  // one array of numbers, so that nothing is allocated for a duration
  private readonly values = new Float64Array(size + 3)

  constructor() {
    this.values[minAt] = Infinity
    this.values[maxAt] = -Infinity
  }

  add(millis: number): void {
    const { values } = this
    const micros = millis * 1_000
    values[micros <= 1 ? 0 : micros > 2 ** 27 ? boundaries.length : 32 - Math.clz32(Math.ceil(micros) - 1)]!++
    values[sumAt]! += millis
    if (millis < values[minAt]!) values[minAt] = millis
    if (millis > values[maxAt]!) values[maxAt] = millis
  }

  /** Adds the durations of others. */
  merge({ values }: Buckets): void {
    const own = this.values
    for (let i = 0; i <= sumAt; i++) own[i]! += values[i]!
    own[minAt] = Math.min(own[minAt]!, values[minAt]!)
    own[maxAt] = Math.max(own[maxAt]!, values[maxAt]!)
  }

  get state(): Metric.HistogramState {
    const { values } = this
    let count = 0
    const buckets = boundaries.map((bound, i) => [bound, count += values[i]!] as [number, number])
    count += values[boundaries.length]!
    const [min, max] = count === 0 ? [Number.MAX_VALUE, -Number.MAX_VALUE] : [values[minAt]!, values[maxAt]!]
    return { buckets, count, min: min / 1_000, max: max / 1_000, sum: values[sumAt]! / 1_000 }
  }

  get trimmed(): BucketCounts {
    const { values } = this
    let length = size
    while (length > 0 && values[length - 1] === 0) length--
    return Array.from(values.subarray(0, length))
  }
}

/** The durations of several buckets together. */
export const union = (all: Iterable<Buckets>): Buckets => {
  const sum = new Buckets()
  for (const buckets of all) sum.merge(buckets)
  return sum
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
