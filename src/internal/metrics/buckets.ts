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
  // one array of numbers, so that nothing is allocated for a duration; in microseconds
  private readonly counted = new Float64Array(size + 3)
  // the last duration, and how often it came without another one between: the calls of one turn often take equally long
  private last = 0
  private repeats = 0

  constructor() {
    this.counted[minAt] = Infinity
    this.counted[maxAt] = -Infinity
  }

  /** Adds a duration, an integer of microseconds. */
  add(micros: number): void {
    if (micros === this.last) {
      this.repeats++
      return
    }
    this.countLast()
    this.last = micros
    this.repeats = 1
  }

  private countLast(): void {
    const { counted, last, repeats } = this
    if (repeats === 0) return
    this.repeats = 0
    counted[last <= 1 ? 0 : last > 2 ** 27 ? boundaries.length : 32 - Math.clz32(last - 1)]! += repeats
    counted[sumAt]! += last * repeats
    if (last < counted[minAt]!) counted[minAt] = last
    if (last > counted[maxAt]!) counted[maxAt] = last
  }

  private get values(): Float64Array {
    this.countLast()
    return this.counted
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
    return { buckets, count, min: min / 1e6, max: max / 1e6, sum: values[sumAt]! / 1e6 }
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
