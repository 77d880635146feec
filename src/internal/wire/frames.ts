/**
 * The wire protocol on one page: the opcode, the sender and the fields of each frame that passes between the two ends of a link.
 *
 * A frame is an opcode and a fixed number of fields. All frames that one end sends in one turn are one *batch*: a flat array, which
 * structured clone carries several times faster than an array of objects.
 *
 * A *request* goes to the end that serves, an *answer* to the end that calls. Both ends serve and call: the end that started the
 * worker spawns actors there, and each end calls the objects whose handles it holds.
 *
 * To add a frame: add its opcode, and its line in the table. A new field gets an entry in fields.ts: its type, and its check for links
 * whose peer is not trusted. The compiler then requires a handler (client.ts or server.ts).
 */
import type * as Codes from "./codes.ts"
import type { Fields } from "./fields.ts"
import type { Batch } from "./link.ts"

export * from "./codes.ts"
export type { Batch }

// ---- requests: calls ----

/** Calls a method. */
export const Call = 1
/** Calls a method, with {@link Codes.Extras}. */
export const CallWith = 2
/** Interrupts a call. The answer of the call acknowledges the interruption. */
export const Interrupt = 3
/** Allows a stream to send further items. */
export const Credit = 4

// ---- requests: actors ----

/** Spawns an actor. Answered by `Spawned`. */
export const Spawn = 8
/** Spawns an actor whose `MailboxInfo.ready` is true. Not answered. */
export const Start = 9
/** Closes an actor. Answered by `Closed`. */
export const Close = 10
/** Asks the `onExit` of a behaviour for its vote. Answered by `Voted`. */
export const Vote = 11

// ---- requests: handles ----

/** Interrupts the computation of a pending result. `Complete` acknowledges the interruption. */
export const Cancel = 16
/** Releases a handle. */
export const Release = 17
/** Exports an object again, under an id that the holder chooses, for a third party to which the holder forwards it. */
export const Share = 18
/**
 * Asks a relay for a direct route to the actor behind a handle. If the actor takes calls as a target on a channel, asks instead to pass
 * `Disembargo` to the actor's worker behind all relayed calls. Answered by `Route`.
 */
export const ResolveRoute = 19

// ---- requests: channels between workers ----

/** Opens a channel to another worker, or, without an end, between actors of this worker. */
export const Introduce = 24
/** Serves an actor, an object or a pending result on a channel, too. Answered on the channel by `Exported`. */
export const Provide = 25
/** Ends a `Provide`. */
export const Unprovide = 26
/**
 * Asks for `Disembargoed` on a channel, or on this link. Follows the last call on the route that the caller leaves for another route.
 */
export const Disembargo = 27
/** The peer of a channel has ended. Answered by `Left`. */
export const PeerDied = 28
/** A message on a channel was lost. Goes from the worker that misses it to the host, and from the host to both workers. Answered by `Left`. */
export const Severed = 29
/** An actor of the peer of a channel does not react to an interruption (C3). */
export const Unresponsive = 30

// ---- requests: life of the link ----

/** Asks for a `Pong`. */
export const Ping = 40
/** Closes all actors and releases the worker's layer. Answered by `Ended`. */
export const End = 41
/** Asks for `Heap`. */
export const MeasureHeap = 42
/** Asks what only the worker knows, for an observer. Answered by `Inspected`. */
export const Inspect = 43
/** Asks what only the worker knows of some actors, for an observer. Answered by `ActorsRead`. */
export const ReadActors = 44
/** Asks about the systems that the worker has made, for an observer, or cancels such a question. Answered by `Observed`. */
export const Observe = 45

// ---- answers: calls ----

/** A call succeeded. */
export const Settled = 64
/** A call succeeded with a result that is pending. A number in place of an object, which would be cloned. */
export const DeferredPending = 65
/** A call succeeded with a result that has completed already. */
export const DeferredDone = 66
/** A call ended in any other way. */
export const Failed = 67
/** A call has left the mailbox, and has not settled in the same turn. */
export const Started = 68
/** The mailbox has accepted a tell. */
export const Accepted = 69
/** Items of a stream. */
export const Chunk = 70
/** The handler of a call has begun, whose `Extras` ask for this frame. */
export const Begun = 71

// ---- answers: actors ----

/** An actor was built, or was not. */
export const Spawned = 72
/** The scope of an actor or an object has closed. */
export const Closed = 73
/** The vote of `onExit`. */
export const Voted = 74
/** An actor has crashed by itself: no further call of it starts. Its running calls end, its scope closes, and `Closed` follows. */
export const Crashed = 75

// ---- answers: handles ----

/** A pending result has completed. */
export const Complete = 80
/** Announces to the peer on a channel whether the target of a `Provide` is served. `Closed` or `Complete` may follow. */
export const Exported = 81
/** The direct route to the actor behind a handle; `undefined`: there is no route, now or later. */
export const Route = 82
/** The actor or the object behind a relay has ended. The holder answers with `Release`, after its last call. */
export const Exited = 83

// ---- answers: channels between workers ----

/** All calls that `Disembargo` followed have been read. */
export const Disembargoed = 88
/** All calls of the ended worker have ended here. */
export const Left = 89

// ---- answers: life of the link ----

/** The module of behaviours is loaded and its layer is built. */
export const Ready = 104
/** The module could not be loaded, or its layer could not be built. */
export const BootFailed = 105
/** Answers `Ping`. */
export const Pong = 106
/** Answers `End`. */
export const Ended = 107
/** The worker is about to die. All calls that have started are announced before this frame. */
export const LastWords = 108
/** A batch from the host was lost. The state of the calls in progress is unknown. */
export const Gap = 109
/** Answers `MeasureHeap`. */
export const Heap = 110
/** What the code of the worker has logged. */
export const Logs = 111
/** The spans that have ended in a worker. */
export const Spans = 112
/** The metrics of a worker that have changed. */
export const Metrics = 113
/** Answers `Inspect`. */
export const Inspected = 114
/** Answers `ReadActors`. */
export const ActorsRead = 115
/** Answers `Observe`. */
export const Observed = 116

// ---- the table ----

/** The end that sends a frame. `inside`: either end, in one process only, because a channel between workers leaves no process. */
type Sender = "host" | "worker" | "either" | "inside"

/** A frame: its sender, and its fields in order. */
interface Layout {
  readonly sender: Sender
  readonly fields: ReadonlyArray<keyof Fields>
}

const sentBy = (sender: Sender) => <const Names extends ReadonlyArray<keyof Fields>>(...fields: Names) => ({
  sender,
  fields
})

const host = sentBy("host")
const worker = sentBy("worker")
const either = sentBy("either")
const inside = sentBy("inside")

const requests = {
  [Call]: either("callId", "target", "method", "payload"),
  [CallWith]: either("callId", "target", "method", "payload", "extras"),
  [Interrupt]: either("callId"),
  [Credit]: either("callId", "consumed"),

  [Spawn]: host("target", "definition", "args", "number"),
  [Start]: host("target", "definition", "number"),
  [Close]: host("target", "drain", "exit"),
  [Vote]: host("target", "exit"),

  [Cancel]: either("handle"),
  [Release]: either("handle"),
  [Share]: either("newHandle", "handle"),
  [ResolveRoute]: either("handle", "channelOrNone", "targetOrNone"),

  [Introduce]: inside("channel", "channelEnd", "interruptTimeout"),
  [Provide]: inside("channel", "newHandle", "target", "isResult"),
  [Unprovide]: inside("channel", "handle"),
  [Disembargo]: either("channelOrNone", "target"),
  [PeerDied]: inside("channel", "reason", "message"),
  [Severed]: inside("channel"),
  [Unresponsive]: inside("channel", "address"),

  [Ping]: host(),
  [End]: host(),
  [MeasureHeap]: host(),
  [Inspect]: host("inspection", "what"),
  [ReadActors]: host("inspection", "targets"),
  [Observe]: host("inspection", "question")
} satisfies Layouts

const answers = {
  [Settled]: either("callId", "result"),
  [DeferredPending]: either("callId", "handle", "reserved"),
  [DeferredDone]: either("callId", "completion", "completionValue"),
  [Failed]: either("callId", "failure", "failureDetail"),
  [Started]: either("callId", "flags"),
  [Accepted]: either("callId"),
  [Chunk]: either("callId", "items"),
  [Begun]: either("callId", "time"),

  [Spawned]: worker("target", "spawnStatus", "spawnDetail"),
  [Closed]: either("target", "cause"),
  [Voted]: worker("target", "vote"),
  [Crashed]: worker("target", "cause"),

  [Complete]: either("handle", "completion", "completionValue"),
  [Exported]: either("handle", "isServed"),
  [Route]: either("handle", "route"),
  [Exited]: either("handle", "targetExit"),

  [Disembargoed]: either("target"),
  [Left]: inside("channel"),

  [Ready]: worker(),
  [BootFailed]: worker("message"),
  [Pong]: worker(),
  [Ended]: worker(),
  [LastWords]: worker("message"),
  [Gap]: worker("message"),
  [Heap]: worker("heapUsed"),
  [Logs]: worker("logs", "dropped"),
  [Spans]: worker("spans"),
  [Metrics]: worker("metrics"),
  [Inspected]: worker("inspection", "reading"),
  [ActorsRead]: worker("inspection", "servedFacts"),
  [Observed]: worker("inspection", "observed")
} satisfies Layouts

/** The layout of each frame. */
export const layouts = { ...requests, ...answers }

type Layouts = Readonly<Record<number, Layout>>

type TupleOf<Names extends ReadonlyArray<keyof Fields>> = Names extends
  readonly [infer Name extends keyof Fields, ...infer Rest extends ReadonlyArray<keyof Fields>]
  ? [...Fields[Name], ...TupleOf<Rest>]
  : []

/** The opcode of a request. */
export type Request = keyof typeof requests
/** The opcode of an answer. */
export type Answer = keyof typeof answers
/** An opcode. */
export type Opcode = Request | Answer
/** The fields of a frame, as a tuple with the name of each field. */
export type FieldsOf<Op extends Opcode> = TupleOf<(typeof layouts)[Op]["fields"]>
/** A frame by itself: a union of tuples, discriminated by the opcode. */
export type Frame<Op extends Opcode = Opcode> = { [One in Op]: [op: One, ...fields: FieldsOf<One>] }[Op]

// ---- handles in values ----

/**
 * Added to the opcode of a frame whose value exports handles. The value is then sent as `[value, handles]`. Each item of `handles`
 * is the same object as in the value; structured clone preserves this identity. A value that is itself a handle is sent alone.
 * Plain data is therefore never mistaken for a handle. In a `Chunk`, the only item is sent in this way. A completed result inside a
 * value is marked in the same way, beside its completion.
 */
export const CarriesHandles = 128

// the fields whose values may export handles
const carriers = ["args", "payload", "result", "failureDetail", "items", "completionValue"] as const

/** The frames that may export handles. */
export type Carrier = {
  [Op in Opcode]: (typeof layouts)[Op]["fields"][number] & (typeof carriers)[number] extends never ? never : Op
}[Opcode]

/** The opcode of a frame that exports handles if `flag` is {@link CarriesHandles}, and none if it is 0. */
export const carrying = <Op extends Carrier>(op: Op, flag: number): Op => op + flag as Op

// ---- derived from the table ----

/** Whether the frame is an answer. */
export const isAnswer = (op: number): boolean => op >= Settled

/** The frames that prove whether a call has started: with `callId` as their first field. */
export const reportsCall: ReadonlySet<number> = new Set([Settled, DeferredPending, DeferredDone, Failed, Started])

/** The number of slots of each frame in a batch, by opcode, the opcode included. */
export const sizes: ReadonlyArray<number> = derive((fields) => fields.length + 1)

/** The index in its frame of the value that may export handles, by opcode. */
export const valueAt: ReadonlyArray<number | undefined> = derive((fields) => {
  const at = fields.findIndex((name) => (carriers as ReadonlyArray<string>).includes(name))
  return at < 0 ? undefined : at + 1
})

function derive<A>(f: (fields: ReadonlyArray<keyof Fields>) => A): ReadonlyArray<A> {
  const out: Array<A> = []
  for (const [op, { fields }] of Object.entries(layouts)) out[Number(op)] = out[Number(op) + CarriesHandles] = f(fields)
  return out
}
