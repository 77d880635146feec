/**
 * What the command prints of actors, workers, events and stacks.
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import {
  type ActorInfo,
  CallInfo,
  type CpuProfile,
  Cycle,
  Event,
  Explanation,
  Frame,
  type QueuedCallInfo,
  QueueInfo,
  type Snapshot,
  type WorkerInfo
} from "../Observer.ts"
import * as Hottest from "../observer/hottest.ts"
import * as Text from "./text.ts"

/** The orders of actors. */
export const sorts = ["load", "waiting", "rate", "p99", "restarts", "age"] as const
export type Sort = (typeof sorts)[number]

const optional = <A>(value: Option.Option<A>, text: (value: A) => string): string =>
  Option.match(value, { onNone: () => "-", onSome: text })

/** The table of actors; `now` is the time of the snapshot. */
export const actors = (rows: ReadonlyArray<ActorInfo>, now: number): ReadonlyArray<string> =>
  Text.table<ActorInfo>([
    { title: "ACTOR", text: ({ id }) => id },
    { title: "STATE", text: ({ ended, state }) => optionalEnd(state, ended) },
    { title: "WORKER", text: ({ worker }) => worker },
    { title: "LIFE", text: ({ incarnation }) => String(incarnation), isFigure: true },
    {
      title: "RUNNING",
      text: ({ mailbox: { concurrency, forked, running } }) =>
        `${running}/${Text.count(concurrency)}${forked === 0 ? "" : `+${forked}`}`,
      isFigure: true
    },
    {
      title: "QUEUED",
      text: ({ mailbox: { capacity, queued } }) => `${queued}/${Text.count(capacity)}`,
      isFigure: true
    },
    { title: "WAITING", text: ({ mailbox: { waiting } }) => String(waiting), isFigure: true },
    { title: "CALLS", text: ({ counters: { made } }) => String(made), isFigure: true },
    {
      title: "P99",
      text: ({ latency }) => optional(latency, ({ client: { p99 } }) => Text.shortTime(p99)),
      isFigure: true
    },
    {
      title: "RESTARTS",
      text: ({ budget }) => optional(budget, ({ max, used }) => `${used}/${Text.count(max)}`),
      isFigure: true
    },
    { title: "AGE", text: ({ startedAt }) => optional(startedAt, (at) => Text.time(now - at)), isFigure: true }
  ], rows)

const optionalEnd = (state: string, ended: ActorInfo["ended"]): string =>
  Option.match(ended, { onNone: () => state, onSome: ({ reason }) => `${state}: ${reason}` })

/** The table of workers. */
export const workers = (rows: ReadonlyArray<WorkerInfo>): ReadonlyArray<string> =>
  Text.table<WorkerInfo>([
    { title: "WORKER", text: ({ id }) => id },
    { title: "KIND", text: ({ kind }) => kind },
    { title: "PID", text: ({ pid }) => optional(pid, String), isFigure: true },
    {
      title: "STATE",
      text: ({ blockedForMillis, state }) => state === "Blocked" ? `${state} ${Text.time(blockedForMillis)}` : state
    },
    { title: "ACTORS", text: ({ actors }) => String(actors), isFigure: true },
    {
      title: "LOOP",
      text: ({ eventLoop }) => optional(eventLoop, ({ active, idle }) => Text.percent(active, active + idle)),
      isFigure: true
    },
    {
      title: "CPU",
      text: ({ cpu }) => optional(cpu, ({ system, user }) => Text.time((system + user) / 1_000)),
      isFigure: true
    },
    { title: "HEAP", text: ({ heap }) => optional(heap, ({ used }) => Text.bytes(used)), isFigure: true },
    { title: "RSS", text: ({ rss }) => optional(rss, Text.bytes), isFigure: true }
  ], rows)

/** The table of calls. */
export const calls = (rows: ReadonlyArray<CallInfo>): ReadonlyArray<string> =>
  Text.table<CallInfo>([
    { title: "CALL", text: ({ call }) => call },
    { title: "ACTOR", text: ({ actor }) => actor },
    { title: "METHOD", text: ({ method }) => method },
    { title: "CALLER", text: ({ caller }) => optional(caller, (id) => id) },
    { title: "RUNS FOR", text: ({ forMillis }) => Text.time(forMillis), isFigure: true }
  ], rows)

/** The calls in the queues of pools, one line for each call. */
export const queues = (rows: ReadonlyArray<QueueInfo>): ReadonlyArray<string> =>
  rows.flatMap(({ calls, members, pool, waiting }) => [
    "",
    Text.printable(`${waiting} in the queue of a pool of ${pool}, with the members ${members.join(", ")}:`),
    ...Text.table<QueuedCallInfo>([
      { title: "CALL", text: ({ call }) => call },
      { title: "METHOD", text: ({ method }) => method },
      { title: "AHEAD", text: ({ ahead }) => String(ahead), isFigure: true }
    ], calls)
  ])

/** The sums of a snapshot in one line. */
export const totals = ({ totals }: Snapshot): string =>
  [
    `${totals.workers} workers`,
    `${totals.blocked} blocked`,
    `${totals.actors} actors`,
    `${totals.restarting} restarting`,
    `${totals.running} calls running`,
    `${totals.queued} queued`,
    `${totals.waiting} waiting`
  ].join(", ")

/** An event in one line. */
export const event = ({ _tag, at, ...fields }: Event): string =>
  Text.printable(
    `${new Date(at).toISOString()}  ${_tag.padEnd(15)}  ${
      Object.entries(fields).map(([name, value]) => `${name}=${String(value)}`).join("  ")
    }`
  )

/** A frame of a stack in one line. */
export const frame = ({ column, functionName, line, url }: Frame): string =>
  Text.printable(
    `    at ${functionName === "" ? "<anonymous>" : functionName} (${url === "" ? "<native>" : url}:${line}:${column})`
  )

/** The functions that have used most of the time of a profile. */
export const hottest = (profile: CpuProfile, limit: number): ReadonlyArray<string> => {
  const samples = profile.samples?.length ?? 0
  return Text.table([
    { title: "SELF", text: ({ hits }) => Text.percent(hits, samples), isFigure: true },
    { title: "FUNCTION", text: ({ name }) => name },
    { title: "PLACE", text: ({ place }) => place }
  ], Hottest.hottest(profile, limit))
}

// a snapshot leaves out fields with their usual value; a script that reads one line wants them all
const whole = (value: unknown): unknown =>
  Option.isOption(value)
    ? Option.getOrUndefined(Option.map(value, whole))
    : Array.isArray(value)
    ? value.map(whole)
    : typeof value === "object" && value !== null
    ? Object.fromEntries(Object.entries(value).map(([key, value]) => [key, whole(value)]))
    : typeof value === "number" && !Number.isFinite(value)
    ? String(value)
    : value

/** One JSON object a line. */
export const json = {
  actor: (actor: ActorInfo): string => JSON.stringify(whole(actor)),
  worker: (worker: WorkerInfo): string => JSON.stringify(whole(worker)),
  call: Schema.encodeSync(Schema.fromJsonString(Schema.toCodecJson(CallInfo))),
  queue: Schema.encodeSync(Schema.fromJsonString(Schema.toCodecJson(QueueInfo))),
  explanation: Schema.encodeSync(Schema.fromJsonString(Schema.toCodecJson(Explanation))),
  cycle: Schema.encodeSync(Schema.fromJsonString(Schema.toCodecJson(Cycle))),
  event: Schema.encodeSync(Schema.fromJsonString(Schema.toCodecJson(Event))),
  frame: Schema.encodeSync(Schema.fromJsonString(Schema.toCodecJson(Frame)))
}
