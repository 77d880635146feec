/**
 * What the page shows of two snapshots, one after the other: the newest one, with rates from the differences of counters that only grow.
 */
import type { ActorInfo, MethodInfo, Snapshot, WorkerInfo } from "../api/types.ts"

/** An actor with its rates; a figure is absent if the program does not measure it, or has been read once only. */
export interface ActorRow {
  readonly info: ActorInfo
  readonly callsPerSecond: number | undefined
  readonly errorsPerSecond: number | undefined
  readonly p50Millis: number | undefined
  readonly p99Millis: number | undefined
}

/** A worker with its shares since the last snapshot; a share of processor time may exceed 1. */
export interface WorkerRow {
  readonly info: WorkerInfo
  readonly loop: number | undefined
  readonly cpu: number | undefined
}

export interface Reading {
  readonly snapshot: Snapshot
  readonly actors: ReadonlyArray<ActorRow>
  readonly workers: ReadonlyArray<WorkerRow>
  /** the sum over the listed actors */
  readonly callsPerSecond: number | undefined
  /** the largest of the listed actors */
  readonly p99Millis: number | undefined
}

const byId = <A extends { readonly id: string }>(items: ReadonlyArray<A>): ReadonlyMap<string, A> =>
  new Map(items.map((item) => [item.id, item]))

/** The number of failed calls, without interrupted calls. */
const errorsOf = ({ defect, failed, notRun, rejected, unknown }: ActorInfo["counters"] | MethodInfo): number =>
  failed + defect + notRun + unknown + rejected

/** The rate of a counter that only grows. */
export const rateOf = (now: number, before: number | undefined, seconds: number): number | undefined =>
  before === undefined || !(seconds > 0) ? undefined : Math.max(0, now - before) / seconds

const percentile = ({ latency }: ActorInfo, of: "p50" | "p99"): number | undefined =>
  latency === undefined || latency.client.count === 0 ? undefined : latency.client[of]

const actorRow = (info: ActorInfo, before: ActorInfo | undefined, seconds: number): ActorRow => ({
  info,
  callsPerSecond: rateOf(info.counters.made, before?.counters.made, seconds),
  errorsPerSecond: rateOf(errorsOf(info.counters), before && errorsOf(before.counters), seconds),
  p50Millis: percentile(info, "p50"),
  p99Millis: percentile(info, "p99")
})

/** The calls of a method that have ended. */
export interface MethodRow {
  readonly method: string
  readonly calls: number
  readonly callsPerSecond: number | undefined
  readonly errors: number
  readonly p50Millis: number | undefined
  readonly p99Millis: number | undefined
}

/** The methods of an actor; `before`: the reading before. */
export const methodRows = (
  { methods }: ActorInfo,
  before: ActorInfo | undefined,
  seconds: number
): ReadonlyArray<MethodRow> => {
  const callsOf = (info: MethodInfo): number => info.ok + info.interrupted + errorsOf(info)
  const callsBefore = new Map(before?.methods.map((info) => [info.method, callsOf(info)]))
  return methods.map((info) => ({
    method: info.method,
    calls: callsOf(info),
    callsPerSecond: rateOf(callsOf(info), callsBefore.get(info.method), seconds),
    errors: errorsOf(info),
    p50Millis: info.p50 || undefined,
    p99Millis: info.p99 || undefined
  }))
}

const workerRow = (info: WorkerInfo, before: WorkerInfo | undefined, seconds: number): WorkerRow => {
  const loop = info.eventLoop
  const loopBefore = before?.eventLoop
  const active = loop === undefined || loopBefore === undefined ? NaN : loop.active - loopBefore.active
  const idle = loop === undefined || loopBefore === undefined ? NaN : loop.idle - loopBefore.idle
  const cpu = info.cpu === undefined || before?.cpu === undefined
    ? undefined
    : (info.cpu.user + info.cpu.system - before.cpu.user - before.cpu.system) / (seconds * 1_000_000)
  return { info, loop: active + idle > 0 ? active / (active + idle) : undefined, cpu }
}

const present = (values: ReadonlyArray<number | undefined>): ReadonlyArray<number> =>
  values.filter((value) => value !== undefined)

/** Reads a snapshot; `before`: the snapshot before of the same program. */
export const makeReading = (snapshot: Snapshot, before: Snapshot | undefined): Reading => {
  const seconds = before === undefined ? NaN : (snapshot.at - before.at) / 1_000
  const actorsBefore = byId(before?.actors ?? [])
  const workersBefore = byId(before?.workers ?? [])
  const actors = snapshot.actors.map((info) => actorRow(info, actorsBefore.get(info.id), seconds))
  const rates = present(actors.map(({ callsPerSecond }) => callsPerSecond))
  const p99s = present(actors.map(({ p99Millis }) => p99Millis))
  return {
    snapshot,
    actors,
    workers: snapshot.workers.map((info) => workerRow(info, workersBefore.get(info.id), seconds)),
    callsPerSecond: rates.length === 0 ? undefined : rates.reduce((sum, rate) => sum + rate, 0),
    p99Millis: p99s.length === 0 ? undefined : Math.max(...p99s)
  }
}
