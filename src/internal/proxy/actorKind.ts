/**
 * The common properties of the actors of one kind on a connection, as their callers see them.
 */
import type * as Methods from "../codec/methods.ts"
import type * as Frames from "../wire/frames.ts"
import * as CallTimeouts from "./callTimeouts.ts"

/** The common properties of the actors of one kind. */
export interface ActorKind {
  /** for each method, its index on the wire; -1 for a method that the actor does not serve */
  readonly wireMethods: ReadonlyArray<number>
  readonly capacity: number
  readonly concurrency: number
  readonly suspends: boolean
  /** the maximum number of unfinished tells from one side, whether known to have started or not */
  readonly tells: number
  /** the actor has no build step */
  readonly ready: boolean
  readonly supervision: Frames.Plan | undefined
  /** the timeout of calls in milliseconds, for the methods without a timeout of their own */
  readonly callTimeout: number | undefined
  readonly callTimeouts: CallTimeouts.CallTimeouts
  /** the timeout of runs in milliseconds, for the unary methods without a timeout of their own */
  readonly runTimeout: number | undefined
  readonly runTimeouts: CallTimeouts.RunTimeouts
}

// the default mailbox capacity; no caller awaits the end of a tell, so nothing else bounds the tells that run concurrently
const minTellLimit = 4096

/** The kind of an actor that its worker has not described yet. */
export const unknownKind: ActorKind = {
  wireMethods: [],
  capacity: Infinity,
  concurrency: 1,
  suspends: true,
  tells: Infinity,
  ready: false,
  supervision: undefined,
  callTimeout: undefined,
  callTimeouts: undefined,
  runTimeout: undefined,
  runTimeouts: undefined
}

// at least the capacity of the mailbox plus the concurrency of the actor
const tellsOf = (capacity: number, concurrency: number): number =>
  Math.max(minTellLimit, capacity + (concurrency === Infinity ? 0 : concurrency))

/** The kind of actor that a worker describes, to callers with these methods. */
export const kindOf = (methods: ReadonlyArray<Methods.Method>, info: Frames.MailboxInfo): ActorKind => {
  const capacity = info.capacity < 0 ? Infinity : info.capacity
  const concurrency = info.concurrency < 0 ? Infinity : info.concurrency
  return {
    wireMethods: methods.map((method) => info.methods.indexOf(method.signature)),
    capacity,
    concurrency,
    suspends: info.suspends,
    tells: tellsOf(capacity, concurrency),
    ready: info.ready,
    supervision: info.supervision,
    callTimeout: info.callTimeout,
    callTimeouts: CallTimeouts.make(info.actor, methods, info.callTimeout),
    runTimeout: info.runTimeout,
    runTimeouts: CallTimeouts.ofRuns(info.actor, methods, info.runTimeout)
  }
}

/** The kind of an actor whose spawner has set the timeout of runs. */
export const withRunTimeout = (
  actor: string,
  methods: ReadonlyArray<Methods.Method>,
  kind: ActorKind,
  runTimeout: number
): ActorKind => ({ ...kind, runTimeout, runTimeouts: CallTimeouts.ofRuns(actor, methods, runTimeout) })

/** The kind of an actor whose spawner has set the timeout of calls. */
export const withCallTimeout = (
  actor: string,
  methods: ReadonlyArray<Methods.Method>,
  kind: ActorKind,
  callTimeout: number
): ActorKind => ({ ...kind, callTimeout, callTimeouts: CallTimeouts.make(actor, methods, callTimeout) })

const objectKinds = new WeakMap<ReadonlyArray<Methods.Method>, ActorKind>()

/** The kind of an object behind a handle, which takes any number of calls at once. */
export const objectKindOf = (name: string, methods: ReadonlyArray<Methods.Method>): ActorKind => {
  let kind = objectKinds.get(methods)
  if (kind === undefined) {
    const wireMethods = methods.map((_, index) => index)
    const callTimeouts = CallTimeouts.make(name, methods, undefined)
    const runTimeouts = CallTimeouts.ofRuns(name, methods, undefined)
    kind = { ...unknownKind, wireMethods, concurrency: Infinity, tells: minTellLimit, callTimeouts, runTimeouts }
    objectKinds.set(methods, kind)
  }
  return kind
}
