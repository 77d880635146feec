/**
 * What is counted for each actor: its calls at the side of its callers, and the durations of its calls at both sides.
 */
import type { BucketCounts } from "./buckets.ts"
import { outcomes } from "./counts.ts"
import type { ActorDurations } from "./durations.ts"

/** The calls of one actor since its spawn, as its callers in this thread count them. */
export class Tally {
  /** the calls that have been made, with the tells */
  made = 0
  tells = 0
  /** the calls that have ended, by outcome */
  readonly ended: Array<number> = outcomes.map(() => 0)
  /** the durations for the callers, once one has been measured */
  durations: ActorDurations | undefined

  /** the number of calls that have ended */
  get settled(): number {
    let settled = 0
    for (const count of this.ended) settled += count
    return settled
  }
}

/** What only the worker of an actor knows. */
export interface ServedFacts {
  /** the handles of objects and pending results of the actor that others hold */
  readonly lent: number
  /** the handles that the actor has received and holds */
  readonly held: number
  /** the durations in the mailbox; `undefined`: none has been measured */
  readonly wait: BucketCounts | undefined
  /** the durations of the handlers; `undefined`: none has been measured */
  readonly server: BucketCounts | undefined
}
