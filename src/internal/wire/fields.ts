/**
 * The fields of frames: the name, the type, the meaning and the check of each.
 *
 * The table of frames (frames.ts) takes only the types from here. The checks run on a link whose peer is not trusted (validate.ts).
 */
import { ActorExited } from "../../ActorError.ts"
import type { ServedFacts } from "../metrics/actorFacts.ts"
import type { StackFrame } from "../monitor/probe.ts"
import type * as Rows from "../monitor/rows.ts"
import type * as Waits from "../waits/calls.ts"
import type { ByCode, Check, Reading } from "./checks.ts"
import * as Is from "./checks.ts"
import * as Codes from "./codes.ts"
import type { RouteInfo } from "./handleContent.ts"
import type { LinkEnd } from "./link.ts"

// ---- structured values ----

const isHeaders: Check<Readonly<Record<string, string>>> = (
  value,
  reading
): value is Readonly<Record<string, string>> =>
  typeof value === "object" && value !== null && !Array.isArray(value) && reading.admits(value, 2) &&
  Object.values(value).every((item) => typeof item === "string")

const isTrace = Is.optional(Is.tuple<readonly [string, string, boolean]>(Is.isText, Is.isText, Is.isBoolean))

const isRecord: Check<Readonly<Record<string, unknown>>> = (
  value,
  reading
): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value) && reading.admits(value)

const isSeverity = Is.oneOf<Codes.LogRecord[0]>("Fatal", "Error", "Warn", "Info", "Debug", "Trace")
const isLevel = Is.either(isSeverity, Is.oneOf("All" as const, "None" as const))

const isExtras = Is.struct<Codes.Extras>({
  trace: isTrace,
  headers: Is.optional(isHeaders),
  discard: Is.optional(Is.isBoolean),
  window: Is.optional(Is.isTime),
  reportsBegin: Is.optional(Is.isBoolean),
  log: Is.optional(
    Is.tuple<NonNullable<NonNullable<Codes.Extras["log"]>>>(Is.optional(isRecord), Is.optional(isLevel))
  ),
  values: Is.optional(isRecord)
})

// `-1` stands for "unbounded"
const isBound = Is.either(Is.oneOf(-1), Is.isTime)

const isMailboxInfo = Is.struct<Codes.MailboxInfo>({
  actor: Is.isText,
  methods: Is.list(Is.isText),
  capacity: isBound,
  concurrency: isBound,
  suspends: Is.isBoolean,
  ready: Is.isBoolean,
  callTimeout: Is.optional(Is.isTime),
  runTimeout: Is.optional(Is.isTime),
  supervision: Is.optional(
    Is.struct<Codes.Plan>({
      delays: Is.list(Is.isTime),
      ends: Is.isBoolean,
      maxRestarts: Is.isTime,
      window: Is.isTime,
      restart: Is.oneOf<Codes.Restart>("on-death", "on-defect", "always", "never")
    })
  )
})

const isReason: Check<Codes.EncodedCause[number]> = (value, reading): value is Codes.EncodedCause[number] => {
  if (!Array.isArray(value) || value.length !== 2) return false
  const [tag, content] = value as ReadonlyArray<unknown>
  if (tag === "Interrupt") return content === undefined || typeof content === "number"
  return (tag === "Fail" || tag === "Die") && reading.admits(content)
}

const isCause = Is.list(isReason)

const isBigInt: Check<bigint> = (value): value is bigint => typeof value === "bigint"

const isSpan = Is.tuple<NonNullable<Codes.Extras["trace"]>>(Is.isText, Is.isText, Is.isBoolean)

const isSpanRecord = Is.tuple<Codes.SpanRecord>(
  Is.isText,
  Is.isText,
  Is.isText,
  isTrace,
  Is.oneOf<Codes.SpanRecord[4]>("internal", "server", "client", "producer", "consumer"),
  Is.tuple<Codes.SpanRecord[5]>(isBigInt, isBigInt),
  isRecord,
  Is.list(Is.tuple<Codes.SpanRecord[7][number]>(Is.isText, isBigInt, isRecord)),
  Is.list(Is.tuple<Codes.SpanRecord[8][number]>(isSpan, isRecord)),
  Is.optional(isCause)
)

const isLogRecord = Is.tuple<Codes.LogRecord>(
  isSeverity,
  Is.isTime,
  Is.list(Is.isData),
  isRecord,
  Is.list(Is.tuple<readonly [string, number]>(Is.isText, Is.isTime)),
  Is.optional(isCause),
  isTrace
)

const isNumber: Check<number> = (value): value is number => typeof value === "number"

const isMetricRecord = Is.tuple<Codes.MetricRecord>(
  Is.isCount,
  Is.optional(
    Is.tuple<Codes.MetricDefinition>(
      Is.oneOf<Codes.MetricDefinition[0]>("Counter", "Frequency", "Gauge", "Histogram", "Summary"),
      Is.isText,
      Is.optional(Is.isText),
      isHeaders,
      Is.isBoolean
    )
  ),
  Is.optional(
    Is.either(
      Is.either(isNumber, isBigInt),
      Is.tuple<Extract<Codes.MetricState, ReadonlyArray<unknown>>>(
        Is.list(
          Is.tuple<readonly [number | string, number | undefined]>(
            Is.either(isNumber, Is.isText),
            Is.optional(isNumber)
          )
        ),
        isNumber,
        isNumber,
        isNumber,
        isNumber
      )
    )
  )
)
const isMadeCall = Is.struct<Waits.MadeCall>({
  key: Is.isText,
  serial: Is.isCount,
  fibers: Is.list(Is.isCount),
  isSole: Is.isBoolean,
  target: Is.isText,
  method: Is.isText,
  state: Is.oneOf<Waits.MadeCall["state"]>("Waiting", "Pooled", "Paused", "Sent", "Cancelling"),
  queue: Is.optional(Is.tuple<NonNullable<Waits.MadeCall["queue"]>>(Is.isCount, Is.isCount))
})

const isObjectWait = Is.struct<Waits.ObjectWait>({
  object: Is.isCount,
  kind: Is.isText,
  method: Is.isText,
  what: Is.isText,
  permits: Is.optional(
    Is.struct<NonNullable<Waits.ObjectWait["permits"]>>({
      needed: Is.isTime,
      free: Is.isTime,
      holders: Is.list(Is.tuple<readonly [handle: string, permits: number]>(Is.isText, Is.isTime))
    })
  )
})

const isServedCall = Is.struct<Waits.ServedCall>({
  key: Is.isText,
  actor: Is.isText,
  method: Is.isText,
  kind: Is.oneOf<Waits.ServedCall["kind"]>("Actor", "Object", "Relay"),
  state: Is.oneOf<Waits.ServedCall["state"]>("Queued", "Running", "Interrupting"),
  fiber: Is.isCount,
  isForked: Is.isBoolean,
  ahead: Is.isCount,
  forMillis: Is.isTime,
  within: Is.isText,
  at: Is.optional(isObjectWait)
})

const isTexts = Is.list(Is.tuple<readonly [string, string]>(Is.isText, Is.isText))

const isReadingOfCalls: Check<Waits.Reading> = Is.struct<Waits.Reading>({
  made: Is.list(isMadeCall),
  served: Is.list(isServedCall),
  actors: Is.list(
    Is.struct<Waits.ServedActor>({
      id: Is.isText,
      concurrency: Is.isTime,
      running: Is.isCount,
      queued: Is.isCount,
      isOpen: Is.isBoolean
    })
  ),
  waiting: Is.list(
    Is.struct<Waits.OwnWait>({ serial: Is.isCount, fibers: Is.list(Is.isCount), at: isObjectWait })
  ),
  held: Is.list(
    Is.struct<Waits.HeldPermits>({
      serial: Is.isCount,
      handle: Is.isText,
      permits: Is.isTime,
      fibers: Is.list(Is.isCount)
    })
  ),
  handles: Is.list(Is.tuple<Waits.Reading["handles"][number]>(Is.isText, Is.isCount)),
  owners: Is.list(Is.tuple<Waits.Reading["owners"][number]>(Is.isCount, Is.isText)),
  holders: isTexts,
  relays: isTexts,
  pools: Is.list(Is.tuple<Waits.Reading["pools"][number]>(Is.isCount, Is.isText, Is.list(Is.isText))),
  nested: Is.list(
    Is.tuple<Waits.Reading["nested"][number]>(
      Is.isText,
      Is.optional(
        Is.either(Is.isText, (value, reading, code): value is Waits.Reading => isReadingOfCalls(value, reading, code))
      )
    )
  )
})

const isBuckets = Is.optional(Is.list(Is.isCount))

const isServedFacts = Is.struct<ServedFacts>({
  lent: Is.isCount,
  held: Is.isCount,
  wait: isBuckets,
  server: isBuckets
})

const isQuestion: Check<Rows.Question> = Is.either(
  Is.either(
    Is.tuple<Extract<Rows.Question, readonly ["rows", ...ReadonlyArray<unknown>]>>(
      Is.oneOf("rows" as const),
      Is.isText,
      Is.struct<Omit<Rows.Selection, "calls">>({
        sort: Is.optional(
          Is.oneOf<NonNullable<Rows.Selection["sort"]>>("load", "waiting", "rate", "p99", "restarts", "age")
        ),
        filter: Is.optional(
          Is.struct<NonNullable<Rows.Selection["filter"]>>({
            name: Is.optional(Is.isText),
            worker: Is.optional(Is.isText),
            pool: Is.optional(Is.isText)
          })
        ),
        limit: Is.optional(Is.isCount)
      })
    ),
    Is.tuple<readonly ["cpuProfile", worker: string, millis: number]>(
      Is.oneOf("cpuProfile" as const),
      Is.isText,
      Is.isTime
    )
  ),
  Is.either(
    Is.tuple<readonly ["actor" | "stack" | Rows.Action, id: string]>(
      Is.oneOf<"actor" | "stack" | Rows.Action>("actor", "stack", "stop", "drain", "kill", "restart"),
      Is.isText
    ),
    Is.tuple<readonly ["cancel"]>(Is.oneOf("cancel" as const))
  )
)

const isDurations = Is.struct<NonNullable<Rows.ActorRow["latency"]>["client"]>({
  count: Is.isCount,
  p50: Is.isTime,
  p99: Is.isTime,
  buckets: Is.list(Is.isCount)
})

// the numbers of calls by their outcome
const outcomes = {
  ok: Is.isCount,
  failed: Is.isCount,
  defect: Is.isCount,
  interrupted: Is.isCount,
  notRun: Is.isCount,
  unknown: Is.isCount,
  rejected: Is.isCount
}

const isActorRow = Is.struct<Rows.ActorRow>({
  id: Is.isText,
  name: Is.isText,
  address: Is.isText,
  worker: Is.isText,
  state: Is.oneOf<Rows.ActorRow["state"]>(
    "Spawning",
    "Running",
    "Restarting",
    "Draining",
    "Closing",
    "Ended",
    "Unknown"
  ),
  incarnation: Is.isCount,
  startedAt: Is.optional(Is.isTime),
  mailbox: Is.struct<Rows.ActorRow["mailbox"]>({
    waiting: Is.isCount,
    queued: Is.isCount,
    running: Is.isCount,
    forked: Is.isCount,
    capacity: Is.isTime,
    concurrency: Is.isTime,
    onFull: Is.oneOf<Rows.ActorRow["mailbox"]["onFull"]>("suspend", "fail")
  }),
  spawnedBy: Is.optional(Is.isText),
  pool: Is.optional(Is.isText),
  counters: Is.struct<Rows.ActorRow["counters"]>({
    made: Is.isCount,
    ...outcomes,
    tells: Is.isCount,
    restarts: Is.isCount
  }),
  latency: Is.optional(
    Is.struct<NonNullable<Rows.ActorRow["latency"]>>({ client: isDurations, wait: isDurations, server: isDurations })
  ),
  methods: Is.list(
    Is.struct<Rows.ActorRow["methods"][number]>({
      method: Is.isText,
      ...outcomes,
      p50: Is.isTime,
      p99: Is.isTime
    })
  ),
  handles: Is.struct<Rows.ActorRow["handles"]>({ lent: Is.isCount, held: Is.isCount }),
  budget: Is.optional(
    Is.struct<NonNullable<Rows.ActorRow["budget"]>>({ used: Is.isCount, max: Is.isTime, windowMillis: Is.isTime })
  ),
  // the observer knows the calls of all threads
  handling: Is.list<never>(Is.isNever),
  ended: Is.isUndefined
})

const isWorkerRow = Is.struct<Rows.WorkerRow>({
  id: Is.isText,
  kind: Is.oneOf<Rows.WorkerRow["kind"]>("memory", "thread", "process"),
  parent: Is.optional(Is.isText),
  pid: Is.optional(Is.isCount),
  threadId: Is.optional(Is.isCount),
  state: Is.oneOf<Rows.WorkerRow["state"]>("Starting", "Running", "Blocked", "Ending", "Unknown"),
  blockedForMillis: Is.isTime,
  actors: Is.isCount,
  figures: Is.isData as Check<Rows.WorkerRow["figures"]>
})

const isListing = Is.struct<Rows.Listing>({
  totals: Is.struct<Rows.Listing["totals"]>({
    workers: Is.isCount,
    blocked: Is.isCount,
    actors: Is.isCount,
    restarting: Is.isCount,
    waiting: Is.isCount,
    queued: Is.isCount,
    running: Is.isCount
  }),
  systems: Is.list(
    Is.struct<Rows.Listing["systems"][number]>({
      name: Is.isText,
      worker: Is.optional(Is.isText),
      placement: Is.oneOf<Rows.WorkerRow["kind"]>("memory", "thread", "process"),
      workers: Is.isCount,
      actors: Is.isCount,
      lostTells: Is.isCount
    })
  ),
  workers: Is.list(isWorkerRow),
  actors: Is.list(isActorRow),
  keys: Is.list(isNumber),
  truncated: Is.isCount,
  unread: Is.list(
    Is.struct<Waits.Unread>({
      worker: Is.isText,
      reason: Is.oneOf<Waits.Unread["reason"]>("NoAnswer", "Failed"),
      message: Is.isText
    })
  )
})

const isFrame = Is.struct<StackFrame>({
  functionName: Is.isText,
  url: Is.isText,
  line: Is.isInteger,
  column: Is.isInteger
})

const isRefusal = Is.struct<Rows.Refusal>({
  reason: Is.oneOf<Rows.Refusal["reason"]>(
    "NoAnswer",
    "WorkerEnded",
    "Unsupported",
    "Failed",
    "NotFound",
    "NotRestarted"
  ),
  message: Is.isText
})

const isAnswer: Check<Rows.Answer> = Is.either(
  Is.either(
    Is.tuple<Extract<Rows.Answer, readonly ["rows", unknown]>>(Is.oneOf("rows" as const), Is.optional(isListing)),
    Is.tuple<Extract<Rows.Answer, readonly ["actor", unknown]>>(Is.oneOf("actor" as const), isActorRow)
  ),
  Is.either(
    Is.either(
      Is.tuple<readonly ["done"]>(Is.oneOf("done" as const)),
      Is.tuple<readonly ["stack", ReadonlyArray<StackFrame>]>(Is.oneOf("stack" as const), Is.list(isFrame))
    ),
    Is.either(
      Is.tuple<readonly ["cpuProfile", unknown]>(Is.oneOf("cpuProfile" as const), Is.isData),
      Is.tuple<readonly ["refused", Rows.Refusal]>(Is.oneOf("refused" as const), isRefusal)
    )
  )
)

const isRoute: Check<RouteInfo> = Is.either(
  Is.oneOf<typeof Codes.RouteUnavailable | typeof Codes.RouteMarked>(Codes.RouteUnavailable, Codes.RouteMarked),
  Is.tuple<Extract<RouteInfo, ReadonlyArray<unknown>>>(Is.isId, Is.isId, Is.optional(isMailboxInfo), Is.isBoolean)
)

const isReasonOfExit = Is.oneOf<NonNullable<Codes.TargetExit>[0]>(...ActorExited.fields.reason.literals)

const isItems: Check<ReadonlyArray<unknown> | Codes.Packed> = (value, reading): value is ReadonlyArray<unknown> =>
  (Array.isArray(value) || value instanceof Int32Array || value instanceof Float64Array) && reading.admits(value)

const spawnDetails: ByCode<Codes.SpawnDetails> = {
  [Codes.SpawnOk]: Is.optional(isMailboxInfo),
  [Codes.SpawnFailed]: Is.isData,
  [Codes.SpawnDied]: isCause,
  [Codes.SpawnNotServed]: Is.list(Is.isText),
  [Codes.SpawnArgsInvalid]: Is.isText,
  [Codes.SpawnLacksService]: Is.isText
}

const failureDetails: ByCode<Codes.FailureDetails> = {
  [Codes.FailureError]: Is.isData,
  [Codes.FailureCause]: isCause,
  [Codes.FailureRemoved]: Is.isUndefined,
  [Codes.FailureInterrupted]: Is.isUndefined,
  [Codes.FailureUndecodable]: Is.isText,
  [Codes.FailureUnencodable]: Is.isText,
  [Codes.FailureMailboxFull]: Is.isCount,
  [Codes.FailureStopped]: Is.isUndefined,
  [Codes.FailureStoppedRunning]: Is.optional(
    Is.oneOf<typeof Codes.killed | typeof Codes.crashed | typeof Codes.restarted>(
      Codes.killed,
      Codes.crashed,
      Codes.restarted
    )
  ),
  [Codes.FailureRelayed]: Is.isData
}

const completionValues: ByCode<Codes.CompletionValues> = {
  [Codes.CompleteSuccess]: Is.isData,
  [Codes.CompleteError]: Is.isData,
  [Codes.CompleteCause]: isCause,
  [Codes.CompleteStopped]: Is.isUndefined,
  [Codes.CompleteUnencodable]: Is.isText,
  [Codes.CompleteRelayed]: Is.isData
}

const allFlags = Codes.FlagForked | Codes.FlagUninterruptible | Codes.FlagWaits | Codes.FlagUnaccepted |
  Codes.FlagRelay

// ---- the table ----

/** The check of a field. `Element` is the field as an element of the tuple of a frame: its name and its type. */
interface Field<Element extends readonly [unknown]> {
  (value: unknown, reading: Reading, code: unknown): value is Element[0]
  /** for the compiler alone: keeps the name of the element */
  readonly element?: Element
}

const field = <Element extends readonly [unknown]>(check: Check<Element[0]>): Field<Element> => check

/** The check of each field. */
export const fields = {
  /** the slot of a call in the table of its caller, and the generation of the slot */
  callId: field<[callId: number]>(Is.isCount),
  /** an actor, above 0, by a number of the end that spawns it; or an exported object, below 0: see `handle` */
  target: field<[target: number]>(Is.isId),
  /** the index of a method in `MailboxInfo.methods`, or in the schema of a handle */
  method: field<[method: number]>(Is.isCount),
  /** the encoded payload; of a struct of plain fields, the values alone */
  payload: field<[payload: unknown]>(Is.isData),
  extras: field<[extras: Codes.Extras | undefined]>(Is.optional(isExtras)),
  /** the number of stream items that the reader has consumed since the last credit */
  consumed: field<[consumed: number]>(Is.isCount),
  /** the name of the definition of an actor */
  definition: field<[definition: string]>(Is.isText),
  /** the number of an actor in its id */
  number: field<[number: number]>(Is.isId),
  /** the encoded arguments of an actor */
  args: field<[args: unknown]>(Is.isData),
  /** finish all accepted calls first; `killed`, `restarted`: do not, and notify callers of the kill or of the restart */
  drain: field<[drain: boolean | typeof Codes.killed | typeof Codes.restarted]>(
    Is.either(
      Is.isBoolean,
      Is.oneOf<typeof Codes.killed | typeof Codes.restarted>(Codes.killed, Codes.restarted)
    )
  ),
  exit: field<[exit: Codes.EncodedExit]>(Is.optional(isCause)),
  /** the cause of a finalizer that failed, or of a crash */
  cause: field<[cause: Codes.EncodedCause | undefined]>(Is.optional(isCause)),
  /** whether the actor may end; a cause if `onExit` died */
  vote: field<[vote: boolean | Codes.EncodedCause]>(Is.either(Is.isBoolean, isCause)),
  spawnStatus: field<[status: Codes.SpawnStatus]>(Is.codeOf(spawnDetails)),
  /** one of `SpawnDetails`, by the status */
  spawnDetail: field<[detail: unknown]>(Is.byCode(spawnDetails)),
  /** the encoded result of a call */
  result: field<[result: unknown]>(Is.isData),
  failure: field<[failure: Codes.FailureCode]>(Is.codeOf(failureDetails)),
  /** one of `FailureDetails`, by the failure */
  failureDetail: field<[detail: unknown]>(Is.byCode(failureDetails)),
  /** a sum of `Flag…` codes */
  flags: field<[flags: number]>((value, reading, code): value is number =>
    Is.isCount(value, reading, code) && value <= allFlags
  ),
  /** in milliseconds since 1970 */
  time: field<[time: number]>(Is.isTime),
  items: field<[items: ReadonlyArray<unknown> | Codes.Packed]>(isItems),
  completion: field<[completion: Codes.CompletionCode]>(Is.codeOf(completionValues)),
  /** one of `CompletionValues`, by the completion */
  completionValue: field<[value: unknown]>(Is.byCode(completionValues)),
  /** a pending result, above 0, or an object, below 0; odd if the owner chose the number, even if the holder did to share it */
  handle: field<[handle: number]>(Is.isId),
  /** the number under which an object, a result or an actor is to be exported */
  newHandle: field<[newHandle: number]>(Is.isId),
  /** `true`: the target is a pending result */
  isResult: field<[isResult: boolean]>(Is.isBoolean),
  /** `false`: the target of the `Provide` was gone */
  isServed: field<[isServed: boolean]>(Is.isBoolean),
  route: field<[route: RouteInfo | undefined]>(Is.optional(isRoute)),
  targetExit: field<[exit: Codes.TargetExit]>(
    Is.optional(Is.tuple<NonNullable<Codes.TargetExit>>(isReasonOfExit, Is.isText))
  ),
  /** the channel between two workers, by a number of the process that started them */
  channel: field<[channel: number]>(Is.isId),
  /** a channel; 0: this link, or none */
  channelOrNone: field<[channel: number]>(Is.isCount),
  /** a target on a channel; 0: none */
  targetOrNone: field<[target: number]>(Is.isInteger),
  /** the worker's end of a channel, which the link transfers */
  channelEnd: field<[channelEnd: unknown]>(Is.isNever),
  /** the time in milliseconds to react to an interruption, or `Infinity` */
  interruptTimeout: field<[interruptTimeout: number]>(Is.isTime),
  reason: field<[reason: LinkEnd["reason"]]>(
    Is.oneOf("Stopped", "Crashed", "Killed", "OutOfMemory", "Unresponsive", "Disconnected")
  ),
  message: field<[message: string]>(Is.isText),
  /** the used size of the heap, in bytes */
  heapUsed: field<[heapUsed: number]>(Is.isCount),
  /** the number of a question of an observer */
  inspection: field<[inspection: number]>(Is.isCount),
  /** what an observer asks for: the calls in progress */
  what: field<[what: "calls"]>(Is.oneOf("calls" as const)),
  /** the calls in progress in the worker */
  reading: field<[reading: Waits.Reading]>(isReadingOfCalls),
  /** the actors that are asked about */
  targets: field<[targets: ReadonlyArray<number>]>(Is.list(Is.isId)),
  /** the facts of each actor that was asked about, in order; `undefined` for an actor that has none */
  servedFacts: field<[facts: ReadonlyArray<ServedFacts | undefined>]>(Is.list(Is.optional(isServedFacts))),
  /** what an observer asks about the systems that the worker has made */
  question: field<[question: Rows.Question]>(isQuestion),
  observed: field<[observed: Rows.Answer]>(isAnswer),
  /** the entries of a log, in order */
  logs: field<[logs: ReadonlyArray<Codes.LogRecord>]>(Is.list(isLogRecord)),
  /** spans, in the order of their ends */
  spans: field<[spans: ReadonlyArray<Codes.SpanRecord>]>(Is.list(isSpanRecord)),
  /** the metrics that have changed, once each, and in the order of their changes if a metric is removed */
  metrics: field<[metrics: ReadonlyArray<Codes.MetricRecord>]>(Is.list(isMetricRecord)),
  /** the number of entries that are missing because there were too many */
  dropped: field<[dropped: number]>(Is.isCount),
  /** the address of an actor, as errors name it */
  address: field<[address: string]>(Is.isText),
  /** unused: gives `DeferredPending` the size of `DeferredDone`, because one may replace the other */
  reserved: field<[reserved: undefined]>(Is.isUndefined)
}

/** Each field as an element of the tuple of a frame. */
export type Fields = {
  readonly [Name in keyof typeof fields]: (typeof fields)[Name] extends Field<infer Element> ? Element : never
}
