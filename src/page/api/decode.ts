/** Fills in the fields that the JSON of the program leaves out while they have the value that most actors have. */
import type * as ActorInfos from "../../observer/ActorInfo.ts"
import type * as Snapshots from "../../observer/Snapshot.ts"

const outcomes = { ok: 0, failed: 0, defect: 0, interrupted: 0, notRun: 0, unknown: 0, rejected: 0 } as const

const counters = { ...outcomes, made: 0, tells: 0, restarts: 0 } as const

const durations = { count: 0, p50: 0, p99: 0, buckets: [] } as const

const latencyInfo = ({ client, server, wait }: typeof ActorInfos.LatencyInfo.Encoded) => ({
  client: { ...durations, ...client },
  wait: { ...durations, ...wait },
  server: { ...durations, ...server }
})

const mailbox = { waiting: 0, queued: 0, running: 0, forked: 0, concurrency: 1, onFull: "suspend" } as const

const methodInfo = (info: typeof ActorInfos.MethodInfo.Encoded) => ({ ...outcomes, p50: 0, p99: 0, ...info })

export type MethodInfo = ReturnType<typeof methodInfo>

export const actorInfo = ({ latency, ...info }: typeof ActorInfos.ActorInfo.Encoded) => ({
  ...info,
  ...(latency === undefined ? {} : { latency: latencyInfo(latency) }),
  state: info.state ?? "Running",
  incarnation: info.incarnation ?? 1,
  mailbox: { ...mailbox, ...info.mailbox },
  handling: info.handling ?? [],
  methods: info.methods?.map(methodInfo) ?? [],
  counters: { ...counters, ...info.counters },
  handles: { lent: 0, held: 0, ...info.handles }
})

export type ActorInfo = ReturnType<typeof actorInfo>

export const workerInfo = (info: typeof Snapshots.WorkerInfo.Encoded) => ({
  ...info,
  state: info.state ?? "Running",
  blockedForMillis: info.blockedForMillis ?? 0
})

export type WorkerInfo = ReturnType<typeof workerInfo>

export const snapshot = (encoded: typeof Snapshots.Snapshot.Encoded) => ({
  ...encoded,
  unread: encoded.unread ?? [],
  workers: encoded.workers.map(workerInfo),
  actors: encoded.actors.map(actorInfo),
  queues: encoded.queues ?? []
})

export type Snapshot = ReturnType<typeof snapshot>
