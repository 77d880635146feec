/**
 * How long calls take, while a program asks for it: from the call to its end, in the mailbox, and in the handler. The durations of each
 * method are counted in buckets. While nobody asks, a call compares one variable.
 */
import type * as Context from "effect/Context"
import { constVoid } from "effect/Function"
import * as Metric from "effect/Metric"
import { performance, queueMicrotask } from "../runtime/globals.ts"
import { Buckets, union } from "./buckets.ts"
import * as Counts from "./counts.ts"
import * as Histograms from "./histograms.ts"

// ---- the clock ----

/** whether durations are measured; set by {@link register} */
export let isOn = false

let users = 0

// The length of an epoch in microseconds: 18 minutes. A call notes a time as two small integers, for which V8 allocates nothing: the
// number of the epoch, and the microseconds in the epoch, from 1 on.
const epochLength = 2 ** 30

// the time of this turn for callers; 0: not read yet
let time = 0

/** the epoch of the time that {@link now} has returned last */
export let epoch = 0

// a message is being read, whose end is the end of the turn
let isReading = false

const expire = (): void => {
  time = 0
}

/** The time of this turn for callers, in microseconds since the beginning of {@link epoch}. The clock is read once a turn. */
export const now = (): number => {
  if (time > 0) return time
  if (!isReading) queueMicrotask(expire)
  const micros = performance.now() * 1_000
  epoch = Math.floor(micros / epochLength)
  return time = Math.floor(micros - epoch * epochLength) + 1
}

/** A call in a worker, and the time of its arrival or of the beginning of its handler. */
export interface TimedCall {
  /** the index of the method */
  readonly index: number
  /** in microseconds since the beginning of the epoch, from 1 on; below 0: the handler has begun; 0: none */
  time: number
  epoch: number
}

/** A call has arrived, at a time in milliseconds. */
export const arrived = (call: TimedCall, millis: number): void => {
  const micros = millis * 1_000
  call.epoch = Math.floor(micros / epochLength)
  call.time = Math.floor(micros - call.epoch * epochLength) + 1
}

// the microseconds from the time of a call to a time in milliseconds
const since = ({ epoch, time }: TimedCall, millis: number): number =>
  Math.floor(millis * 1_000 - epoch * epochLength) + 1 - Math.abs(time)

/** A message is read from now on, which is one turn. Returns what {@link leave} takes. */
export const enter = (): boolean => {
  const isInner = isReading
  if (!isInner) time = 0
  isReading = true
  return isInner
}

/** The message has been read. */
export const leave = (isInner: boolean): void => {
  isReading = isInner
  if (!isInner) time = 0
}

/** The durations of a method that ended in one way, on one placement. */
interface Series {
  readonly metric: Metric.Histogram<number>
  readonly attributes: Readonly<Record<string, string>>
  /** those of living actors */
  readonly parts: Set<Buckets>
  readonly ended: Buckets
}

const all = new Set<Series>()
const listeners = new Set<(series: Series) => void>()

// for each method: the durations of its callers by outcome, of its handlers by outcome, and in the mailbox
const perMethod = 2 * Counts.outcomes.length + 1
const handlersAt = Counts.outcomes.length
const mailboxAt = 2 * Counts.outcomes.length

const byKind = new WeakMap<Counts.Kind, Map<string | undefined, Array<Series | undefined>>>()

const seriesOf = (kind: Counts.Kind, placement: string | undefined): Array<Series | undefined> => {
  let byPlacement = byKind.get(kind)
  if (byPlacement === undefined) byKind.set(kind, byPlacement = new Map())
  let found = byPlacement.get(placement)
  if (found === undefined) byPlacement.set(placement, found = [])
  return found
}

const make = ({ methods, name }: Counts.Kind, placement: string | undefined, index: number): Series => {
  const at = index % perMethod
  const outcome = Counts.outcomes[at % handlersAt]!
  const series: Series = {
    metric: at === mailboxAt
      ? Histograms.mailboxWaitDuration
      : at < handlersAt
      ? Histograms.clientCallDuration
      : Histograms.serverCallDuration,
    attributes: {
      "rpc.method": `${name}/${methods[(index - at) / perMethod]!.tag}`,
      ...(placement === undefined ? {} : { "uactor.placement": placement }),
      ...(at === mailboxAt ? {} : {
        "rpc.system.name": "uactor",
        ...(outcome === "ok" ? {} : { "error.type": outcome })
      })
    },
    parts: new Set(),
    ended: new Buckets()
  }
  all.add(series)
  for (const listener of listeners) listener(series)
  return series
}

// ---- the measurements ----

/** The durations of the calls of one actor, at one of the two sides. */
export class ActorDurations {
  private readonly kind: Counts.Kind
  private readonly placement: string | undefined
  private readonly ofKind: Array<Series | undefined>
  private readonly own: Array<Buckets | undefined>
  private isEnded = false

  constructor(kind: Counts.Kind, placement: string | undefined) {
    this.kind = kind
    this.placement = placement
    this.ofKind = seriesOf(kind, placement)
    this.own = new Array<Buckets | undefined>(kind.methods.length * perMethod).fill(undefined)
  }

  private add(index: number, micros: number): void {
    ;(this.own[index] ??= this.open(index)).add(micros)
  }

  private open(index: number): Buckets {
    const series = this.ofKind[index] ??= make(this.kind, this.placement, index)
    if (this.isEnded) return series.ended
    const buckets = new Buckets()
    series.parts.add(buckets)
    return buckets
  }

  /** The actor has ended: its durations are added to those of its kind. */
  end(): void {
    if (this.isEnded) return
    this.isEnded = true
    for (const [index, buckets] of this.own.entries()) {
      if (buckets === undefined) continue
      const { ended, parts } = this.ofKind[index]!
      parts.delete(buckets)
      ended.merge(buckets)
    }
    this.own.fill(undefined)
  }

  /** A call that was made at a time of an epoch has ended for its caller. */
  ended(method: number, outcome: Counts.Outcome, madeAt: number, madeIn: number): void {
    this.add(method * perMethod + outcome, now() - madeAt + (epoch - madeIn) * epochLength)
  }

  /** The handler of a call that has arrived begins, at a time in milliseconds. */
  begun(call: TimedCall, millis: number): void {
    this.add(call.index * perMethod + mailboxAt, since(call, millis))
    arrived(call, millis)
    call.time = -call.time
  }

  /** The handler of a call has ended, at a time in milliseconds. */
  answered(call: TimedCall, outcome: Counts.Outcome, millis: number): void {
    this.add(call.index * perMethod + handlersAt + outcome, since(call, millis))
    call.time = 0
  }

  // those of some places of each method; `undefined`: none has been measured
  private from(start: number, end: number): Buckets | undefined {
    const found = this.own.filter((buckets, index): buckets is Buckets => {
      const at = index % perMethod
      return buckets !== undefined && at >= start && at < end
    })
    return found.length === 0 ? undefined : union(found)
  }

  /** for the callers of one method */
  clientOf(method: number): Buckets | undefined {
    const from = method * perMethod
    const found = this.own.slice(from, from + handlersAt).filter((buckets) => buckets !== undefined)
    return found.length === 0 ? undefined : union(found)
  }

  /** for callers */
  get client(): Buckets | undefined {
    return this.from(0, handlersAt)
  }

  /** in the handlers */
  get server(): Buckets | undefined {
    return this.from(handlersAt, mailboxAt)
  }

  /** in the mailbox */
  get wait(): Buckets | undefined {
    return this.from(mailboxAt, perMethod)
  }
}

/** Measures durations, and registers them in the registry of a context. Returns the function that ends both. */
export const register = (context: Context.Context<never>): () => void => {
  const registrations: Array<Metric.Registration> = []
  const add = ({ attributes, ended, metric, parts }: Series): void => {
    const hooks = { get: () => union([ended, ...parts]).state, update: constVoid, modify: constVoid }
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
