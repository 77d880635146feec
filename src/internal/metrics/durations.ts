/**
 * How long calls take, while a program asks for it: from the call to its end, in the mailbox, and in the handler. The durations of each
 * method are counted in buckets. While nobody asks, a call compares one variable.
 */
import type * as Context from "effect/Context"
import { constVoid } from "effect/Function"
import * as Metric from "effect/Metric"
import { performance, queueMicrotask } from "../runtime/globals.ts"
import { boundaries, Buckets } from "./buckets.ts"
import * as Counts from "./counts.ts"

const histogramOf = (id: string, description: string): Metric.Histogram<number> =>
  Metric.histogram(id, { description, attributes: { unit: "s" }, boundaries })

export const clientDuration = histogramOf("rpc.client.call.duration", "Time from a call to its end, for the caller")
export const serverDuration = histogramOf("rpc.server.call.duration", "Time from the beginning of a handler to its end")
export const mailboxWait = histogramOf("uactor.mailbox.wait.duration", "Time that a call waits in the mailbox")

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

const byKind = new WeakMap<Counts.Kind, Array<Buckets | undefined>>()

const bucketsOf = (kind: Counts.Kind, method: number, at: number): Buckets => {
  let found = byKind.get(kind)
  if (found === undefined) byKind.set(kind, found = [])
  return found[method * perMethod + at] ??= make(kind, method, at)
}

const make = ({ methods, name }: Counts.Kind, method: number, at: number): Buckets => {
  const rpcMethod = `${name}/${methods[method]!.tag}`
  const outcome = Counts.outcomes[at % handlersAt]!
  const series: Series = {
    metric: at === mailboxAt ? mailboxWait : at < handlersAt ? clientDuration : serverDuration,
    attributes: at === mailboxAt
      ? { "rpc.method": rpcMethod }
      : {
        "rpc.system.name": "uactor",
        "rpc.method": rpcMethod,
        ...(outcome === "ok" ? {} : { "error.type": outcome })
      },
    buckets: new Buckets()
  }
  all.add(series)
  for (const listener of listeners) listener(series)
  return series.buckets
}

// ---- the measurements ----

/** A call that was made at a time has ended for its caller. Returns how long it took. */
export const ended = (kind: Counts.Kind, method: number, outcome: Counts.Outcome, madeAt: number): number => {
  const millis = now() - madeAt
  bucketsOf(kind, method, outcome).add(millis)
  return millis
}

/** The durations of the calls of one actor in its worker. */
export class ServedDurations {
  readonly kind: Counts.Kind
  readonly wait = new Buckets()
  readonly server = new Buckets()

  constructor(kind: Counts.Kind) {
    this.kind = kind
  }
}

/** An actor in its worker. */
interface ServedActor {
  readonly name: string
  readonly methods: Counts.Kind["methods"]
  durations: ServedDurations | undefined
}

const servedBy = (actor: ServedActor): ServedDurations =>
  actor.durations ??= new ServedDurations(Counts.kindOf(actor.name, actor.methods, true))

/** The handler of a call that arrived at a time begins. Returns the time. */
export const begun = (actor: ServedActor, method: number, arrivedAt: number): number => {
  const at = now()
  const { kind, wait } = servedBy(actor)
  wait.add(at - arrivedAt)
  bucketsOf(kind, method, mailboxAt).add(at - arrivedAt)
  return at
}

/** A handler that began at a time has ended. It may have used this turn, so the clock is read again. */
export const answered = (actor: ServedActor, method: number, outcome: Counts.Outcome, begunAt: number): void => {
  const millis = read() - begunAt
  const { kind, server } = servedBy(actor)
  server.add(millis)
  bucketsOf(kind, method, handlersAt + outcome).add(millis)
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
