/**
 * The wire protocol, and nothing else: every frame that passes between the two
 * ends of a link, as types on one page.
 *
 * A *batch* is one flat array of frames, all that one side had to say in one
 * turn. A frame is its opcode followed by a fixed number of fields, so a batch
 * of calls is an array of small integers and payloads, which structured clone
 * carries several times faster than an array of objects.
 *
 * Either side may call the other: the side that started the worker spawns actors
 * there, and both call the objects whose handles they hold.
 *
 * Ids: a `target` above 0 names an actor and is chosen by the side that spawns it (on a channel between two workers: by the
 * process that started them),
 * one below 0 names an object behind a handle and is chosen by the side that owns
 * it (odd), or by the holder who shares it (even); a `callId` is a slot and its generation, chosen by the caller. A method is
 * an index into the list of methods that `Spawned` announced, or that the schema
 * of the handle has.
 */

import type { Plan } from "./supervision.ts"

/**
 * Everything one side sends in one turn: the number of the batch on its link, from 0, then frames laid end to end. A batch that
 * comes again is ignored; one that comes too early means that others were lost, which ends the link.
 */
export type Batch = Array<unknown>

// ---- caller to actor ----

/** `[Spawn, target, actor, args]`: build the behaviour `actor` with encoded `args`. */
export const Spawn = 1
/**
 * `[Start, target, actor]`: the same for a behaviour without arguments of which nothing is to be built, as its {@link MailboxInfo}
 * has said; it is not answered.
 */
export const Start = 21
/**
 * `[Close, target, drain, exit]`: end the actor with an encoded exit; `drain` finishes what was accepted first. It may be
 * {@link killed}: then it does not, and callers on other links are told so.
 */
export const Close = 2

/** Of an actor that is closed, or of a call that it has not finished: it was killed. */
export const killed = "killed"
/** `[Call, callId, target, method, payload]`; a payload that is a struct of plain fields is these alone, without their names. */
export const Call = 3
/** `[CallWith, callId, target, method, payload, extras]`: a call with {@link Extras}. */
export const CallWith = 4
/** `[Interrupt, callId]`: the caller no longer wants the answer, and waits for the acknowledgement. */
export const Interrupt = 5
/** `[Credit, callId, items]`: the reader of a stream has consumed `items` more. */
export const Credit = 6
/** `[Vote, target, exit]`: ask the behaviour's `onExit`. */
export const Vote = 7
/** `[Cancel, handle]`: interrupt the making of a result; `Complete` acknowledges it. */
export const Cancel = 10
/** `[Release, handle]`: the holder of a handle has let go. */
export const Release = 11
/** `[Share, new, handle]`: serve the same object once more, under a number chosen here, for someone to whom it is handed on. */
export const Share = 12
/**
 * `[Introduce, channel, end, interruptTimeout]`: here is your end of a channel to another worker; without one, the channel is between
 * actors of yours. What does not react there to an interruption in that time is {@link Stuck}.
 */
export const Introduce = 13
/**
 * `[Pass, channel, new, handle]`: serve an object of yours to the worker at the other end of a channel, and `Served` tells it so; or,
 * above 0, tell it a result of yours as well.
 */
export const Pass = 14
/** `[Unpass, channel, handle]`: a result is not to be told there any more. */
export const Unpass = 17
/**
 * `[Recall, new, channel, shared, object]`: serve here what the worker at the other end of a channel holds as `object`, and shares
 * as `shared` so that it is not let go meanwhile.
 */
export const Recall = 15
/** `[Gone, channel, reason, message]`: the worker at the other end of a channel has ended. */
export const Gone = 16
/** `[Admit, channel, number, target]`: take calls of an actor of yours on a channel as well, where `Served` says so. */
export const Admit = 18
/** `[Seek, handle]`: is there a way to the actor behind that reference which does not lead through you? Answered by `Found`. */
export const Seek = 19
/** `[Stuck, channel, address]`: someone at the other end of a channel does not react to an interruption (C3). */
export const Stuck = 20
/** `[Ping]`: are you there? Answered by `Pong`. */
export const Ping = 9
/** `[End]`: close what is left, release the worker's own layer, and answer `Ended`. */
export const End = 8

// ---- actor to caller ----

const firstAnswer = 32

/** Whether a frame answers: goes from the one who is called to the caller. */
export const isAnswer = (op: number): boolean => op >= firstAnswer

/** `[Ready]`: the module of behaviours has been loaded and its layer built. */
export const Ready = 32
/** `[BootFailed, message]`: it could not be. */
export const BootFailed = 33
/** `[Spawned, target, spawnStatus, value]`: `value` is a {@link MailboxInfo} or what the status says. */
export const Spawned = 34
/** `[Closed, target, cause]`: the actor's scope has closed; `cause` is an encoded cause if a finalizer failed. */
export const Closed = 35
/** `[Settled, callId, value]`: success. */
export const Settled = 36
/** `[Promised, callId, handle, undefined]`: success with a result in the making, as one number and not as an object that is cloned. */
export const Promised = 48
/** `[Known, callId, completion, value]`: success with a result that is there already; see the `Complete…` codes. */
export const Known = 49
/** `[Failed, callId, failure, value]`: any other end of a call; see the `Failure…` codes. */
export const Failed = 37
/** `[Started, callId, flags]`: the call has left the mailbox and has not settled in the turn in which it did. */
export const Started = 38
/** `[Accepted, callId]`: a tell is in the mailbox. */
export const Accepted = 39
/** `[Chunk, callId, items]`: items of a stream; many numbers are {@link Packed}. */
export const Chunk = 40
/** `[Voted, target, vote]`: `vote` is a boolean, or an encoded cause when the vote itself died. */
export const Voted = 41
/** `[Ended]`: the answer to `End`. */
export const Ended = 42
/** `[Complete, handle, completion, value]`: a result that was promised by a handle; see the `Complete…` codes. */
export const Complete = 46
/** `[Served, target]`: an object that was handed on by someone else is served now. */
export const Served = 47
/** `[Found, handle, way]`: there is one, there may be one later, or there is none. */
export const Found = 50
/** `[Left, channel]`: the answer to `Gone`, when what the other worker had called here has ended. */
export const Left = 51
/** `[Broken, message]`: a batch was lost on the way here, so nothing more can be relied on. */
export const Broken = 45
/** `[Pong]` */
export const Pong = 44
/** `[Dying, message]`: the worker is going down; everything that was begun has been announced before this frame. */
export const Dying = 43

/** How many slots of a batch each frame takes, opcode included. */
export const sizes: ReadonlyArray<number> = (() => {
  const out: Array<number> = []
  for (
    const [op, size] of [
      [Spawn, 4],
      [Start, 3],
      [Close, 4],
      [Call, 5],
      [CallWith, 6],
      [Interrupt, 2],
      [Credit, 3],
      [Vote, 3],
      [Cancel, 2],
      [Release, 2],
      [Share, 3],
      [Introduce, 4],
      [Pass, 4],
      [Unpass, 3],
      [Recall, 5],
      [Gone, 4],
      [Admit, 4],
      [Seek, 2],
      [Stuck, 3],
      [Found, 3],
      [Left, 2],
      [Served, 2],
      [Complete, 4],
      [Ping, 1],
      [Pong, 1],
      [Broken, 2],
      [End, 1],
      [Ready, 1],
      [BootFailed, 2],
      [Spawned, 4],
      [Closed, 3],
      [Settled, 3],
      [Promised, 4],
      [Known, 4],
      [Failed, 4],
      [Started, 3],
      [Accepted, 2],
      [Chunk, 3],
      [Voted, 3],
      [Ended, 1],
      [Dying, 2]
    ] as const
  ) out[op] = size
  return out
})()

// ---- codes ----

/** `Spawned`: running; `value` is a {@link MailboxInfo}. */
export const SpawnOk = 0
/** `Spawned`: the behaviour failed with its typed error; `value` is that error, encoded. */
export const SpawnFailed = 1
/** `Spawned`: building died or was interrupted; `value` is an encoded cause. */
export const SpawnDied = 2
/** `Spawned`: the worker's module has no behaviour of that name; `value` lists those it has. */
export const SpawnNotServed = 3
/** `Spawned`: the arguments did not decode; `value` says why. */
export const SpawnArgsInvalid = 4

/** `Failed`: the method's typed error; `value` is that error, encoded. */
export const FailureError = 1
/** `Failed`: `value` is an encoded cause: defects, interruptions, and typed errors beside them. */
export const FailureCause = 2
/** `Failed`: the acknowledgement of an interruption: the call was taken out of the mailbox and never ran. */
export const FailureRemoved = 3
/** `Failed`: the actor could not decode the call, which did not run; `value` says why. */
export const FailureUndecodable = 4
/** `Failed`: the call ran, and what came out could not be encoded; `value` says why. */
export const FailureUnencodable = 5
/** `Failed`: the mailbox was full; `value` is its capacity. */
export const FailureMailboxFull = 6
/** `Failed`: the actor is closed or closing, and the call did not run. */
export const FailureStopped = 7
/** `Failed`: the call was running when the actor was closed. */
export const FailureStoppedRunning = 8
/** `Failed`: the call was passed on, and failed there with an error of the engine; `value` is that error, encoded. */
export const FailureRelayed = 9

/** `Complete`: the result, encoded. */
export const CompleteSuccess = 0
/** `Complete`: the typed error, encoded. */
export const CompleteError = 1
/** `Complete`: an encoded cause. */
export const CompleteCause = 2
/** `Complete`: the actor has ended. */
export const CompleteStopped = 3
/** `Complete`: the result could not be encoded; `value` says why. */
export const CompleteUnencodable = 4
/** `Complete`: the result was to come from further away, which failed with an error of the engine, encoded. */
export const CompleteRelayed = 5

/** `Started`: the handler runs out of line (`Rpc.fork`) and takes no place of `concurrency`. */
export const FlagForked = 1
/** `Started`: the handler was declared `Rpc.uninterruptible`; its end is waited for, however long that takes. */
export const FlagUninterruptible = 2
/** `Started`: the handler has been interrupted, and waits for an acknowledgement itself: of a call that it has made elsewhere. */
export const FlagWaits = 4

/** How many items of a stream may be under way where its caller does not say. */
export const defaultWindow = 1024

/** Numbers in a row, which cost a fraction of what an array of them costs to carry. */
export type Packed = Int32Array | Float64Array

/** What a call may carry beside its payload. */
export interface Extras {
  /** the caller's span: trace id, span id, sampled */
  readonly trace?: readonly [traceId: string, spanId: string, sampled: boolean] | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** a tell: answer once the mailbox has accepted it */
  readonly discard?: boolean | undefined
  /** how many items of a stream may be under way (`streamBufferSize`) */
  readonly window?: number | undefined
}

/** What the caller must know of an actor to number and to hold back its calls. `-1` stands for "unbounded". */
export interface MailboxInfo {
  /** each with the names of the fields that its payload travels without: both ends mean the same ones, or it is another method */
  readonly methods: ReadonlyArray<string>
  readonly capacity: number
  readonly concurrency: number
  readonly suspends: boolean
  /** nothing is to be built: an actor is there as soon as it is asked for */
  readonly ready: boolean
  /** the behaviour's restart policy */
  readonly supervision: Plan | undefined
}

/** An encoded cause: its reasons, in order. */
export type EncodedCause = ReadonlyArray<
  readonly ["Fail", unknown] | readonly ["Die", unknown] | readonly ["Interrupt", number | undefined]
>

/** An encoded exit without its value: `undefined` for success. */
export type EncodedExit = EncodedCause | undefined
