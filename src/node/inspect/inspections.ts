/**
 * Inspections of a worker by the protocol of V8's inspector. The worker takes part in none of them: V8 answers at the next function entry or
 * loop iteration, so that a busy loop is inspected, too. Native code answers when it returns.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import { ProbeError, type StackFrame } from "../../internal/workers/probe.ts"

/** A connection to the inspector of a worker. */
export interface Inspector {
  /** Sends a command, and calls back with its result. */
  readonly post: (method: string, params: object, done: (result: Effect.Effect<unknown, ProbeError>) => void) => void
  /** Ends the connection. A paused worker continues. */
  readonly close: () => void
}

/** The events that a connection passes on. A connection resumes a worker that reports `Debugger.paused`. */
export type OnEvent = (method: string, params: unknown) => void

/** Called when the connection ends by itself, because the worker ends. No result follows. */
export type OnEnd = (why: ProbeError) => void

/** Opens a connection. */
export type Open = (onEvent: OnEvent, onEnd: OnEnd) => Effect.Effect<Inspector, ProbeError>

/** The commands of one connection. */
interface Commands {
  readonly post: (method: string, params?: object, limit?: number) => Effect.Effect<unknown, ProbeError>
}

// how long a worker that runs JavaScript may take to answer, in milliseconds
const answerLimit = 5_000
// the writing of a profile takes longer the longer the profile is
const profileLimit = 60_000
// A worker that runs JavaScript pauses as soon as it has read the command, and an idle worker does not pause.
const pauseLimit = 300

const noAnswer = new ProbeError(
  "NoAnswer",
  "the worker did not answer its inspector: it runs native code, or its process is suspended"
)

// the `Clock` of the program may be another one
const onMachineTime = Effect.provideService(Clock.Clock, Clock.Clock.defaultValue())

// opens a connection, uses it, and closes it
const inspect = <A>(
  open: Open,
  onEvent: OnEvent,
  use: (commands: Commands) => Effect.Effect<A, ProbeError>
): Effect.Effect<A, ProbeError> =>
  Effect.suspend(() => {
    const end = Deferred.makeUnsafe<never, ProbeError>()
    return Effect.acquireUseRelease(
      open(onEvent, (why) => Deferred.doneUnsafe(end, Effect.fail(why))),
      (inspector) =>
        Effect.raceFirst(
          use({
            post: (method, params = {}, limit = answerLimit) =>
              Effect.timeoutOrElse(
                Effect.callback<unknown, ProbeError>((resume) => inspector.post(method, params, resume)),
                { duration: limit, orElse: () => Effect.fail(noAnswer) }
              )
          }),
          Deferred.await(end)
        ),
      (inspector) => Effect.sync(() => inspector.close())
    )
  }).pipe(onMachineTime)

/** The part of the event `Debugger.paused` that is used. Lines and columns count from 0. */
interface Paused {
  readonly callFrames: ReadonlyArray<{
    readonly functionName: string
    readonly location: { readonly scriptId: string; readonly lineNumber: number; readonly columnNumber?: number }
  }>
}

/** The stack of the code that the worker runs now; empty if it is idle. */
export const stack = (open: Open): Effect.Effect<ReadonlyArray<StackFrame>, ProbeError> =>
  Effect.suspend(() => {
    const paused = Deferred.makeUnsafe<Paused>()
    const urls = new Map<string, string>()
    const onEvent: OnEvent = (method, params) => {
      if (method === "Debugger.scriptParsed") {
        const { scriptId, url } = params as { readonly scriptId: string; readonly url: string }
        urls.set(scriptId, url)
      } else if (method === "Debugger.paused") Deferred.doneUnsafe(paused, Effect.succeed(params as Paused))
    }
    return inspect(open, onEvent, ({ post }) =>
      Effect.gen(function*() {
        yield* post("Debugger.enable")
        yield* post("Debugger.pause")
        const event = yield* Effect.timeoutOption(Deferred.await(paused), pauseLimit)
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
  })

/** Profiles a worker for some milliseconds. */
export const cpuProfile = (open: Open, millis: number): Effect.Effect<unknown, ProbeError> =>
  inspect(open, () => undefined, ({ post }) =>
    Effect.gen(function*() {
      yield* post("Profiler.enable")
      yield* post("Profiler.start")
      yield* Effect.sleep(millis)
      const { profile } = (yield* post("Profiler.stop", {}, profileLimit)) as { readonly profile: unknown }
      return profile
    }))

const encoder = new TextEncoder()

/** The parts of a snapshot of the heap. */
export const heapSnapshot = (open: Open): Stream.Stream<Uint8Array, ProbeError> =>
  Stream.callback((queue) => {
    const onEvent: OnEvent = (method, params) => {
      if (method !== "HeapProfiler.addHeapSnapshotChunk") return
      Queue.offerUnsafe(queue, encoder.encode((params as { readonly chunk: string }).chunk))
    }
    const take = inspect(open, onEvent, ({ post }) =>
      post("HeapProfiler.takeHeapSnapshot", { reportProgress: false }, profileLimit))
    return Effect.andThen(take, Queue.end(queue))
  }, { bufferSize: Infinity })
