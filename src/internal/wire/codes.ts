/** The codes and the structured values in the fields of frames. */
import type { LogLevel, Severity } from "effect/LogLevel"
import type { SpanKind } from "effect/Tracer"
import type { ActorExited } from "../../ActorError.ts"

// ---- Spawned ----

/** The actor runs. */
export const SpawnOk = 0
/** The behaviour failed with its typed error. */
export const SpawnFailed = 1
/** The build died or was interrupted. */
export const SpawnDied = 2
/** The module of the worker has no behaviour of that name. */
export const SpawnNotServed = 3
/** The arguments could not be decoded. */
export const SpawnArgsInvalid = 4
/** The layer of the behaviours lacks a service that the build requires. */
export const SpawnLacksService = 5

/** The detail of each outcome of a spawn. */
export interface SpawnDetails {
  /** `undefined`: the link has carried the information of this definition before */
  readonly [SpawnOk]: MailboxInfo | undefined
  /** the encoded error */
  readonly [SpawnFailed]: unknown
  readonly [SpawnDied]: EncodedCause
  /** the names of the behaviours of the module */
  readonly [SpawnNotServed]: ReadonlyArray<string>
  /** the reason */
  readonly [SpawnArgsInvalid]: string
  /** the key of the service */
  readonly [SpawnLacksService]: string
}

/** The outcome of a spawn. */
export type SpawnStatus = keyof SpawnDetails

// ---- Failed ----

/** The typed error of the method. */
export const FailureError = 1
/** Defects, interruptions, and typed errors beside them. */
export const FailureCause = 2
/** The call was removed from the mailbox and never ran. Acknowledges an interruption. */
export const FailureRemoved = 3
/** The handler ran, and was interrupted before it ended. Acknowledges an interruption. */
export const FailureInterrupted = 4
/** The actor could not decode the call, which did not run. */
export const FailureUndecodable = 5
/** The call ran, and its result could not be encoded. */
export const FailureUnencodable = 6
/** The mailbox was full. The call did not run. */
export const FailureMailboxFull = 7
/** The actor is closed or closing. The call did not run. */
export const FailureStopped = 8
/** The call was running when the actor was closed. */
export const FailureStoppedRunning = 9
/** The call was forwarded, and failed there with an error of the engine. */
export const FailureRelayed = 10

/** The detail of each failure of a call. */
export interface FailureDetails {
  /** the encoded error */
  readonly [FailureError]: unknown
  readonly [FailureCause]: EncodedCause
  readonly [FailureRemoved]: undefined
  readonly [FailureInterrupted]: undefined
  /** the reason */
  readonly [FailureUndecodable]: string
  /** the reason */
  readonly [FailureUnencodable]: string
  /** the capacity of the mailbox */
  readonly [FailureMailboxFull]: number
  readonly [FailureStopped]: undefined
  /** present if the actor was killed, has crashed by itself, or is restarted by its group */
  readonly [FailureStoppedRunning]: typeof killed | typeof crashed | typeof restarted | undefined
  /** the encoded error */
  readonly [FailureRelayed]: unknown
}

/** Whether a failure proves that the call did not run. */
export const provesNotRun = (failure: FailureCode): boolean =>
  failure === FailureRemoved || failure === FailureUndecodable || failure === FailureMailboxFull ||
  failure === FailureStopped

/** The reason for which a call failed. */
export type FailureCode = keyof FailureDetails

// ---- Complete, DeferredDone ----

/** The result succeeded. */
export const CompleteSuccess = 0
/** The result failed with its typed error. */
export const CompleteError = 1
/** The result failed in another way. */
export const CompleteCause = 2
/** The actor has ended. */
export const CompleteStopped = 3
/** The result could not be encoded. */
export const CompleteUnencodable = 4
/** The result was forwarded, which failed with an error of the engine. */
export const CompleteRelayed = 5

/** The value of each completion of a result. */
export interface CompletionValues {
  /** the encoded result */
  readonly [CompleteSuccess]: unknown
  /** the encoded error */
  readonly [CompleteError]: unknown
  readonly [CompleteCause]: EncodedCause
  readonly [CompleteStopped]: undefined
  /** the reason */
  readonly [CompleteUnencodable]: string
  /** the encoded error */
  readonly [CompleteRelayed]: unknown
}

/** The way in which a result completed. */
export type CompletionCode = keyof CompletionValues

// ---- Started ----

/** The handler runs concurrently (`Rpc.fork`) and does not count towards `concurrency`. */
export const FlagForked = 1
/** The handler is declared `Rpc.uninterruptible`. Its caller waits for its end without a timeout. */
export const FlagUninterruptible = 2
/** The handler is interrupted, and itself awaits the acknowledgement of a call that it has interrupted. */
export const FlagWaits = 4
/** The frame does not accept a tell. A forwarded tell is accepted when the actor to which it is forwarded accepts it. */
export const FlagUnaccepted = 8
/** The call has started in a relay, which forwards it. */
export const FlagRelay = 16

// ---- Route ----

/** There is no direct route now. There may be one later. */
export const RouteUnavailable = 0
/** `Disembargo` follows the relayed calls. `Disembargoed` comes on the given channel. */
export const RouteMarked = 1

// ---- values ----

/** The target of the calls of a worker to its host, which serves each actor that it has spawned there (remote/hostObject.ts). */
export const hostTarget = -1

/** In `Close` and `Failed`: the actor was killed. */
export const killed = "killed"

/** In `Failed`: the actor has crashed by itself. */
export const crashed = "crashed"

/** In `Close` and `Failed`: the actor is restarted by its group. */
export const restarted = "restarted"

/** The number of stream items in transit, where the caller does not choose it. */
export const defaultWindow = 1024

/** Many numbers of a stream in one block of memory, which costs a fraction of an array of them. */
export type Packed = Int32Array | Float64Array

/** The parts of a call beside its payload. */
export interface Extras {
  /** the caller's span: trace id, span id, sampled */
  readonly trace?: readonly [traceId: string, spanId: string, sampled: boolean] | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** a tell: the mailbox accepts it, and its result is not sent */
  readonly discard?: boolean | undefined
  /** the maximum number of stream items in transit (`streamBufferSize`) */
  readonly window?: number | undefined
  /** the span of the call waits for `Begun` */
  readonly reportsBegin?: boolean | undefined
  /** the annotations of the logs of the caller, and its minimum log level, where they differ from the defaults */
  readonly log?:
    | readonly [annotations: Readonly<Record<string, unknown>> | undefined, level: LogLevel | undefined]
    | undefined
  /** the encoded values of references of the user, by their keys */
  readonly values?: Readonly<Record<string, unknown>> | undefined
}

/** An entry of a log. */
export type LogRecord = readonly [
  level: Severity,
  /** in milliseconds since the epoch */
  time: number,
  message: ReadonlyArray<unknown>,
  annotations: Readonly<Record<string, unknown>>,
  /** the labels of the log spans, and when they began */
  spans: ReadonlyArray<readonly [label: string, time: number]>,
  cause: EncodedCause | undefined,
  /** the span in which the entry was made */
  trace: Extras["trace"]
]

/** A span that has ended. */
export type SpanRecord = readonly [
  name: string,
  traceId: string,
  spanId: string,
  parent: Extras["trace"],
  kind: SpanKind,
  /** in nanoseconds since the epoch */
  times: readonly [start: bigint, end: bigint],
  attributes: Readonly<Record<string, unknown>>,
  events: ReadonlyArray<readonly [name: string, time: bigint, attributes: Readonly<Record<string, unknown>>]>,
  links: ReadonlyArray<readonly [span: NonNullable<Extras["trace"]>, attributes: Readonly<Record<string, unknown>>]>,
  /** `undefined`: it has succeeded */
  cause: EncodedCause | undefined
]

/** What does not change in a metric: its type, its name, its description, its attributes, and whether a counter never decreases. */
export type MetricDefinition = readonly [
  type: "Counter" | "Frequency" | "Gauge" | "Histogram" | "Summary",
  id: string,
  description: string | undefined,
  attributes: Readonly<Record<string, string>>,
  incremental: boolean
]

/**
 * The value of a metric since it was made: the number of a counter or a gauge, or the numbers of the others. Of a histogram, the pairs are the
 * upper bounds of the buckets and the number of values up to the bound; of a frequency, words and their number; of a summary, quantiles.
 */
export type MetricState =
  | number
  | bigint
  | readonly [
    pairs: ReadonlyArray<readonly [key: number | string, value: number | undefined]>,
    count: number,
    min: number,
    max: number,
    sum: number
  ]

/** A change of a metric. */
export type MetricRecord = readonly [
  /** the number of the metric in its worker */
  series: number,
  /** in the first change of the metric */
  definition: MetricDefinition | undefined,
  /** `undefined`: the metric was removed */
  state: MetricState | undefined
]

/** Which ends of an actor restart it. */
export type Restart = "on-death" | "on-defect" | "always" | "never"

/** The restart policy of an actor as plain data; times in milliseconds. */
export interface Plan {
  readonly delays: ReadonlyArray<number>
  /** the schedule ends after these delays */
  readonly ends: boolean
  readonly maxRestarts: number
  readonly window: number
  readonly restart: Restart
}

/** What a caller must know of an actor to number its calls and to limit them. `-1` stands for "unbounded". */
export interface MailboxInfo {
  /** the name of the actor's definition */
  readonly actor: string
  /** the signatures of the methods, in order: the tag, and the names of the payload fields that are sent without names */
  readonly methods: ReadonlyArray<string>
  readonly capacity: number
  readonly concurrency: number
  readonly suspends: boolean
  /** the actor has no build step: it runs as soon as it is started */
  readonly ready: boolean
  /** the behaviour's restart policy */
  readonly supervision: Plan | undefined
  /** the timeout of calls in milliseconds, for methods without a timeout of their own */
  readonly callTimeout: number | undefined
  /** the timeout of runs in milliseconds, for unary methods without a timeout of their own */
  readonly runTimeout: number | undefined
}

/** An encoded cause: its reasons, in order. */
export type EncodedCause = ReadonlyArray<
  readonly ["Fail", unknown] | readonly ["Die", unknown] | readonly ["Interrupt", number | undefined]
>

/** How the actor or the object behind a relay has ended; `undefined`: it was stopped. */
export type TargetExit = readonly [reason: ActorExited["reason"], message: string] | undefined

/** An encoded exit without its value: `undefined` for success. */
export type EncodedExit = EncodedCause | undefined
