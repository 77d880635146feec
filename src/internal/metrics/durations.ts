/**
 * How long calls take, while a program asks for it: from the call to its end, in the mailbox, and in the handler. The durations of each
 * method are counted in buckets. While nobody asks, a call compares one variable.
 */
import type * as Context from "effect/Context"
import { constVoid } from "effect/Function"
import * as Metric from "effect/Metric"
import { performance, queueMicrotask } from "../runtime/globals.ts"
import { Buckets } from "./buckets.ts"
import * as Counts from "./counts.ts"
import * as Definitions from "./definitions.ts"

// ---- the clock ----

/** whether durations are measured; set by {@link register} */
export let isOn = false

let users = 0

// the time of this turn, in milliseconds; 0: not read yet
let time = 0

const expire = (): void => {
  time = 0
}

/** The time of this turn, in milliseconds. The clock is read once a turn. */
export const now = (): number => time === 0 ? read() : time

/** Reads the clock. */
const read = (): number => {
  if (time === 0) queueMicrotask(expire)
  return time = performance.now()
}

/** The durations of a method that ended in one way. */
interface Series {
  readonly metric: Metric.Histogram<number>
  readonly attributes: Readonly<Record<string, string>>
  readonly buckets: Buckets
}

const all = new Set<Series>()
const listeners = new Set<(series: Series) => void>()

// for each method: the durations of its callers by outcome, of its handlers by outcome, and in the mailbox
const perMethod = 2 * Counts.outcomes.length + 1
const handlersAt = Counts.outcomes.length
const mailboxAt = 2 * Counts.outcomes.length

/** The durations of the actors of a kind on one placement, by method. */
type PlacedDurations = Array<Buckets | undefined>

const byKind = new WeakMap<Counts.Kind, Map<string | undefined, PlacedDurations>>()

const placed = (kind: Counts.Kind, placement: string | undefined): PlacedDurations => {
  let byPlacement = byKind.get(kind)
  if (byPlacement === undefined) byKind.set(kind, byPlacement = new Map())
  let found = byPlacement.get(placement)
  if (found === undefined) byPlacement.set(placement, found = [])
  return found
}

const make = ({ methods, name }: Counts.Kind, placement: string | undefined, method: number, at: number): Buckets => {
  const rpcMethod = `${name}/${methods[method]!.tag}`
  const outcome = Counts.outcomes[at % handlersAt]!
  const series: Series = {
    metric: at === mailboxAt
      ? Definitions.mailboxWaitDuration
      : at < handlersAt
      ? Definitions.clientCallDuration
      : Definitions.serverCallDuration,
    attributes: {
      "rpc.method": rpcMethod,
      ...(placement === undefined ? {} : { "uactor.placement": placement }),
      ...(at === mailboxAt ? {} : {
        "rpc.system.name": "uactor",
        ...(outcome === "ok" ? {} : { "error.type": outcome })
      })
    },
    buckets: new Buckets()
  }
  all.add(series)
  for (const listener of listeners) listener(series)
  return series.buckets
}

// ---- the measurements ----

/** The durations of the calls of one actor, at one of the two sides. */
export class ActorDurations {
  private readonly kind: Counts.Kind
  private readonly placement: string | undefined
  private readonly ofKind: PlacedDurations
  /** for callers, or in the handlers */
  readonly all = new Buckets()
  /** in the mailbox */
  readonly wait = new Buckets()

  constructor(kind: Counts.Kind, placement: string | undefined) {
    this.kind = kind
    this.placement = placement
    this.ofKind = placed(kind, placement)
  }

  private add(method: number, at: number, millis: number): void {
    ;(this.ofKind[method * perMethod + at] ??= make(this.kind, this.placement, method, at)).add(millis)
  }

  /** A call that was made at a time has ended for its caller. */
  ended(method: number, outcome: Counts.Outcome, madeAt: number): void {
    const millis = now() - madeAt
    this.all.add(millis)
    this.add(method, outcome, millis)
  }

  /** The handler of a call that arrived at a time begins. Returns the time. */
  begun(method: number, arrivedAt: number): number {
    const at = now()
    this.wait.add(at - arrivedAt)
    this.add(method, mailboxAt, at - arrivedAt)
    return at
  }

  /** A handler that began at a time has ended. It may have used this turn, so the clock is read again. */
  answered(method: number, outcome: Counts.Outcome, begunAt: number): void {
    const millis = read() - begunAt
    this.all.add(millis)
    this.add(method, handlersAt + outcome, millis)
  }
}

/** Measures durations, and registers them in the registry of a context. Returns the function that ends both. */
export const register = (context: Context.Context<never>): () => void => {
  const registrations: Array<Metric.Registration> = []
  const add = ({ attributes, buckets, metric }: Series): void => {
    const hooks = { get: () => buckets.state, update: constVoid, modify: constVoid }
    registrations.push(Metric.registerUnsafe(Metric.withAttributes(metric, attributes), context, hooks))
  }
  for (const series of all) add(series)
  listeners.add(add)
  users++
  isOn = true
  return () => {
    listeners.delete(add)
    for (const { remove } of registrations) remove()
    users--
    isOn = users > 0
  }
}
