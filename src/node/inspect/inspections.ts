/**
 * Inspections of a worker by the protocol of V8's inspector. The worker takes part in none of them: V8 answers at the next function entry or
 * loop iteration, so that a busy loop is inspected, too. Native code answers when it returns.
 *
 * Only the debugger knows the exact stack, for which it pauses the worker. A worker that pauses while it reads another message of its inspector
 * can stay paused (Node 24.21), and so does a worker whose connection closes before the pause. So only a blocked worker is paused, nothing
 * interrupts that, and a lock keeps the messages of other connections away meanwhile.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import type * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import { ProbeError, type StackFrame } from "../../internal/monitor/probe.ts"

/** A connection to the inspector of a worker. */
export interface Inspector {
  /** Sends a command, and calls back with its result. */
  readonly post: (method: string, params: object, done: (result: Effect.Effect<unknown, ProbeError>) => void) => void
  /** Ends the connection, and a profile that it takes. */
  readonly close: Effect.Effect<void>
}

/** Called with each event of the inspector. A connection resumes a worker that reports `Debugger.paused`. */
export type OnEvent = (method: string, params: unknown) => void

/** Called when the connection ends by itself, because the worker ends. No result follows. */
export type OnEnd = (why: ProbeError) => void

/** A worker that can be inspected. */
export interface Target {
  /** Opens a connection. */
  readonly open: (onEvent: OnEvent, onEnd: OnEnd) => Effect.Effect<Inspector, ProbeError>
  /** held while messages are sent to the worker, and from the command that pauses the worker to the pause */
  readonly lock: Semaphore.Semaphore
}

type Locked = <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E>

/** The use of one connection. */
interface Connection {
  readonly post: Post
  /** Waits; fails when the worker ends. */
  readonly wait: <A>(effect: Effect.Effect<A, ProbeError>) => Effect.Effect<A, ProbeError>
}

type Post = (method: string, params?: object, limit?: number) => Effect.Effect<unknown, ProbeError>

// how long a worker that runs JavaScript may take to answer, in milliseconds
const answerLimit = 5_000
// how long a worker that runs JavaScript may take to pause
const pauseLimit = 5_000
// the writing of a profile or a snapshot takes longer the larger it is
const fileLimit = 120_000

const noAnswer = new ProbeError(
  "NoAnswer",
  "the worker did not answer its inspector: it runs native code, or its process is suspended"
)

// for messages that are not sent under the lock already
const lockedBy = ({ lock }: Target): Locked => (effect) => lock.withPermit(effect)

// the `Clock` of the program may be another one
const onMachineTime = Effect.provideService(Clock.Clock, Clock.Clock.defaultValue())

// opens a connection, uses it until the worker ends, and closes it; `locked` is around each message
const inspect = <A>(
  { open }: Pick<Target, "open">,
  locked: Locked,
  onEvent: OnEvent,
  use: (connection: Connection) => Effect.Effect<A, ProbeError>
): Effect.Effect<A, ProbeError> =>
  Effect.suspend(() => {
    const end = Deferred.makeUnsafe<never, ProbeError>()
    const wait: Connection["wait"] = (effect) => Effect.raceFirst(effect, Deferred.await(end))
    return Effect.acquireUseRelease(
      locked(open(onEvent, (why) => Deferred.doneUnsafe(end, Effect.fail(why)))),
      (inspector) =>
        use({
          wait,
          post: (method, params = {}, limit = answerLimit) =>
            locked(wait(Effect.timeoutOrElse(
              Effect.callback<unknown, ProbeError>((resume) => inspector.post(method, params, resume)),
              { duration: limit, orElse: () => Effect.fail(noAnswer) }
            )))
        }),
      ({ close }) => locked(close)
    )
  }).pipe(onMachineTime)

/** The part of the event `Debugger.paused` that is used. Lines and columns count from 0. */
interface Paused {
  readonly callFrames: ReadonlyArray<{
    readonly functionName: string
    readonly location: { readonly scriptId: string; readonly lineNumber: number; readonly columnNumber?: number }
  }>
}

/** The stack of the code that blocks a worker; empty if the worker has become idle meanwhile. */
export const blockedStack = (target: Target): Effect.Effect<ReadonlyArray<StackFrame>, ProbeError> =>
  Effect.suspend(() => {
    const paused = Deferred.makeUnsafe<Paused>()
    const urls = new Map<string, string>()
    const onEvent: OnEvent = (method, params) => {
      if (method === "Debugger.scriptParsed") {
        const { scriptId, url } = params as { readonly scriptId: string; readonly url: string }
        urls.set(scriptId, url)
      } else if (method === "Debugger.paused") Deferred.doneUnsafe(paused, Effect.succeed(params as Paused))
    }
    const taken = inspect(target, identity, onEvent, ({ post, wait }) =>
      Effect.gen(function*() {
        yield* post("Debugger.enable")
        yield* post("Debugger.pause")
        const event = yield* wait(Effect.timeoutOption(Deferred.await(paused), pauseLimit))
        // otherwise an idle worker would still pause at its next call
        yield* post("Debugger.disable")
        if (Option.isNone(event)) return []
        return event.value.callFrames.map(({ functionName, location }): StackFrame => ({
          functionName,
          url: urls.get(location.scriptId) ?? "",
          line: location.lineNumber + 1,
          column: (location.columnNumber ?? 0) + 1
        }))
      }))
    return target.lock.withPermit(Effect.uninterruptible(taken))
  })

/** The part of a profile that a stack is made from. Lines and columns of functions count from 0, lines of ticks from 1. */
interface Profile {
  readonly nodes: ReadonlyArray<ProfileNode>
  readonly samples?: ReadonlyArray<number>
}

interface ProfileNode {
  readonly id: number
  readonly hitCount: number
  readonly callFrame: {
    readonly functionName: string
    readonly url: string
    readonly lineNumber: number
    readonly columnNumber: number
  }
  readonly children?: ReadonlyArray<number>
  readonly positionTicks?: ReadonlyArray<{ readonly line: number; readonly ticks: number }>
}

const profileOf = ({ post, wait }: Connection, millis: number): Effect.Effect<unknown, ProbeError> =>
  Effect.gen(function*() {
    yield* post("Profiler.start")
    yield* wait(Effect.sleep(millis))
    const { profile } = (yield* post("Profiler.stop", {}, fileLimit)) as { readonly profile: unknown }
    return profile
  })

/** Profiles a worker for some milliseconds. */
export const cpuProfile = (target: Target, millis: number): Effect.Effect<unknown, ProbeError> =>
  inspect(
    target,
    lockedBy(target),
    () => undefined,
    (connection) => Effect.andThen(connection.post("Profiler.enable"), profileOf(connection, millis))
  )

// the times in milliseconds for which a worker is sampled, until the samples show what it does
const sampleTimes = [100, 500]

// so many samples without a function show that the worker runs none
const enoughSamples = 5

// V8's names of what is no function
const isFunction = ({ callFrame: { functionName } }: ProfileNode): boolean => !/^\(.*\)$/.test(functionName)

// whether a function belongs to the program, and not to the runtime; V8 finds the callers of built-in functions in optimized code only by
// chance
const isOfProgram = ({ callFrame: { url } }: ProfileNode): boolean => url !== "" && !url.startsWith("node:")

// the stack of the function with the most samples; `undefined`: too few samples show whether the worker runs any
const busiestStack = ({ nodes, samples = [] }: Profile): ReadonlyArray<StackFrame> | undefined => {
  const byHits = nodes.filter((node) => isFunction(node) && node.hitCount > 0).toSorted((a, b) =>
    b.hitCount - a.hitCount
  )
  const busiest = byHits.find(isOfProgram) ?? byHits[0]
  if (busiest === undefined) return samples.length < enoughSamples ? undefined : []
  const parents = new Map(nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node] as const)))
  const [ticks] = busiest.positionTicks?.toSorted((a, b) => b.ticks - a.ticks) ?? []
  const frames: Array<StackFrame> = []
  for (let node: ProfileNode | undefined = busiest; node !== undefined; node = parents.get(node.id)) {
    const { callFrame: { columnNumber, functionName, lineNumber, url } } = node
    if (!isFunction(node)) continue
    frames.push(
      node === busiest && ticks !== undefined
        ? { functionName, url, line: ticks.line, column: 1 }
        : { functionName, url, line: lineNumber + 1, column: columnNumber + 1 }
    )
  }
  return frames
}

/** The stack of the function that takes most of the time of a worker now; empty if it runs none. */
export const busyStack = (target: Target): Effect.Effect<ReadonlyArray<StackFrame>, ProbeError> =>
  inspect(target, lockedBy(target), () => undefined, (connection) =>
    Effect.gen(function*() {
      yield* connection.post("Profiler.enable")
      for (const millis of sampleTimes) {
        const frames = busiestStack((yield* profileOf(connection, millis)) as Profile)
        if (frames !== undefined) return frames
      }
      return []
    }))

const encoder = new TextEncoder()

/** The parts of a snapshot of the heap. */
export const heapSnapshot = (target: Target): Stream.Stream<Uint8Array, ProbeError> =>
  Stream.callback((queue) => {
    const onEvent: OnEvent = (method, params) => {
      if (method !== "HeapProfiler.addHeapSnapshotChunk") return
      Queue.offerUnsafe(queue, encoder.encode((params as { readonly chunk: string }).chunk))
    }
    const take = inspect(target, lockedBy(target), onEvent, ({ post }) =>
      post("HeapProfiler.takeHeapSnapshot", { reportProgress: false }, fileLimit))
    return Effect.andThen(take, Queue.end(queue))
  }, { bufferSize: Infinity })
