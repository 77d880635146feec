/**
 * What a view may ask a program over its socket, as an Effect RPC group. The requests and the answers are lines of JSON.
 */
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as RpcSerialization from "effect/rpc/RpcSerialization"
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import { ActorInfo, Cycle, Event, Explanation, Frame, ObserverError, Snapshot, WorkerInfo } from "../../Observer.ts"

/** The number of the protocol. A view refuses a program with another number. */
export const version = 2

/** The maximum number of views that are connected to one program. */
export const maxReaders = 8

/** The maximum length of a line that a program reads, in bytes. */
export const maxRequest = 65_536

/** The maximum length of a line that a view reads, in bytes. */
const maxAnswer = 4 * 1_048_576

/** The length of a piece of a file, in bytes or characters. */
export const pieceSize = 32_768

/** The number of actors or workers in one line. */
export const pageSize = 32

/** The maximum time of a CPU profile, in milliseconds. */
export const maxProfileMillis = 600_000

/** The header that names the view, for the log of the program. */
export const clientHeader = "uactor-client"

/** The first words of the answer to a view for which there is no place. */
export const tooManyReaders = "TooManyReaders"

/** The lines of a program: short requests. */
export const programLines = RpcSerialization.layerNdjsonWith({ maxBufferSize: maxRequest })

/** The lines of a view: long answers. */
export const viewLines = RpcSerialization.layerNdjsonWith({ maxBufferSize: maxAnswer })

/** What a view may do besides reading. */
export const Action = Schema.Literals(["stop", "kill", "restart", "profile", "heap"])
export type Action = typeof Action.Type

/** The program has not allowed the action. */
export class ActionNotAllowed extends Schema.TaggedError<ActionNotAllowed>()("ActionNotAllowed", {
  action: Action,
  message: Schema.String
}) {}

/** The program of a socket. */
export class ProgramInfo extends Schema.Class<ProgramInfo>("uactor/NodeObserver/ProgramInfo")({
  /** the `version` of its protocol */
  protocol: Schema.Int,
  pid: Schema.Int,
  /** the script of the process; empty if it has none */
  script: Schema.String,
  directory: Schema.String,
  /** the version of the runtime */
  runtime: Schema.String,
  /** in milliseconds since 1970 */
  startedAt: Schema.Number,
  actions: Schema.Array(Action)
}) {}

/** A snapshot in parts, because a line is short. */
const SnapshotPart = Schema.Union([
  Schema.TaggedStruct("Head", Struct.omit(Snapshot.fields, ["workers", "actors"])),
  Schema.TaggedStruct("Workers", { workers: Schema.Array(WorkerInfo) }),
  Schema.TaggedStruct("Actors", { actors: Schema.Array(ActorInfo) })
])
export type SnapshotPart = typeof SnapshotPart.Type

const actionError = Schema.Union([ObserverError, ActionNotAllowed])

/** An integer from a minimum to a maximum. */
export const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** The maximum number of calls that are listed of an actor. */
export const callsField = { calls: Schema.optionalKey(between(0, 100)) }

/** Which actors a snapshot lists. */
export const snapshotFields = {
  sort: Schema.optionalKey(Schema.Literals(["load", "waiting", "rate", "p99", "restarts", "age"])),
  name: Schema.optionalKey(Schema.String),
  worker: Schema.optionalKey(Schema.String),
  pool: Schema.optionalKey(Schema.String),
  limit: Schema.optionalKey(between(0, 10_000)),
  ...callsField
}

export const ObserverRpcs = RpcGroup.make(
  Rpc.make("program", { success: ProgramInfo }),
  Rpc.make("snapshot", {
    payload: snapshotFields,
    success: SnapshotPart,
    stream: true
  }),
  Rpc.make("actor", { payload: { id: Schema.String, ...callsField }, success: Schema.Option(ActorInfo) }),
  // of a call or an actor
  Rpc.make("why", { payload: { id: Schema.String }, success: Schema.Option(Explanation) }),
  Rpc.make("deadlocks", { success: Cycle, stream: true }),
  Rpc.make("events", { success: Event, stream: true }),
  Rpc.make("stack", { payload: { worker: Schema.String }, success: Frame, error: ObserverError, stream: true }),
  // the pieces of a text in the format of Prometheus
  Rpc.make("metrics", { success: Schema.String, stream: true }),
  // the pieces of a `.cpuprofile` file
  Rpc.make("cpuProfile", {
    payload: { worker: Schema.String, millis: between(1, maxProfileMillis) },
    success: Schema.String,
    error: actionError,
    stream: true
  }),
  // the pieces of a `.heapsnapshot` file
  Rpc.make("heapSnapshot", {
    payload: { worker: Schema.String },
    success: Schema.Uint8Array,
    error: actionError,
    stream: true
  }),
  Rpc.make("stop", { payload: { actor: Schema.String, drain: Schema.Boolean }, error: actionError }),
  Rpc.make("kill", { payload: { actor: Schema.String }, error: actionError }),
  Rpc.make("restart", { payload: { actor: Schema.String }, error: actionError })
)
