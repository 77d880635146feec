/**
 * Computes figures from samples: medians, spreads and ratios.
 */
import type { Case } from "./cases.ts"
import type { Samples } from "./child.ts"
import type { Machine } from "./machine.ts"

/** The result of a case, as written by `--json`. */
export interface CaseResult {
  readonly name: string
  readonly unit: string
  readonly reference: string
  readonly better: Case["better"]
  /** the medians over the rounds, pinned if the case is pinned */
  readonly subjects: Readonly<Record<string, number>>
  /** the minimum and the maximum over the rounds, or over the samples of a single round */
  readonly spread: Readonly<Record<string, readonly [min: number, max: number]>>
  /** the median over the rounds of the ratio to the reference in the same round */
  readonly ratios: Readonly<Record<string, number>>
  /** the medians without pinning, for pinned cases */
  readonly unpinned: Readonly<Record<string, number>>
  /** the share of the machine that other processes used: the median over all measurements */
  readonly noise: number
  /** the errors of the subjects whose measurement failed */
  readonly failures: Readonly<Record<string, string>>
}

/** The results of a run. */
export interface Results {
  readonly cases: ReadonlyArray<CaseResult>
  readonly machine: Machine
  readonly rounds: number
}

/** The result of one measurement. */
export interface Measured {
  readonly samples: Samples | Error
  /** the share of the machine that other processes used; NaN if the system does not report it */
  readonly noise: number
}

/** The measurements of one case, by subject and round. */
export type Rounds = Readonly<Record<string, ReadonlyArray<Measured>>>

/** Returns the median. */
export const median = (figures: ReadonlyArray<number>): number => {
  const sorted = figures.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

const main = ({ free, pinned }: Samples): ReadonlyArray<number> => pinned.length > 0 ? pinned : free

/** Sums up one case. */
export const resultOf = (what: Case, rounds: Rounds): CaseResult => {
  const subjects: Record<string, number> = {}
  const spread: Record<string, readonly [number, number]> = {}
  const ratios: Record<string, number> = {}
  const unpinned: Record<string, number> = {}
  const failures: Record<string, string> = {}
  for (const [name, measured] of Object.entries(rounds)) {
    const all = measured.map(({ samples }) => samples)
    const failure = all.find((samples) => samples instanceof Error)
    if (failure instanceof Error) failures[name] = failure.message
    const samples = all.filter((samples): samples is Samples => !(samples instanceof Error))
    if (samples.length === 0) continue
    const medians = samples.map((samples) => median(main(samples)))
    subjects[name] = median(medians)
    const range = samples.length > 1 ? medians : main(samples[0]!)
    spread[name] = [Math.min(...range), Math.max(...range)]
    if (samples.every(({ free, pinned }) => free.length > 0 && pinned.length > 0)) {
      unpinned[name] = median(samples.map(({ free }) => median(free)))
    }
    const references = rounds[what.reference] ?? []
    const pairs = all.flatMap((own, round) => {
      const other = references[round]?.samples
      return own instanceof Error || other === undefined || other instanceof Error
        ? []
        : [median(main(own)) / median(main(other))]
    })
    if (pairs.length > 0) ratios[name] = median(pairs)
  }
  const noise = median(Object.values(rounds).flat().map(({ noise }) => noise))
  const { better, name, reference, unit } = what
  return { name, unit, reference, better, subjects, spread, ratios, unpinned, noise, failures }
}
