/**
 * The probe of a thread, in the thread that started it. The inspector of the program reaches each thread of the process, and opens no port.
 */
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import process from "node:process"
import { isMainThread, type Worker } from "node:worker_threads"
import { type Figures, type Probe, ProbeError } from "../../internal/monitor/probe.ts"
import { type Deadline, Deadlines } from "../../internal/runtime/deadlines.ts"
import { messageOf } from "../../internal/runtime/describe.ts"
import * as Inspections from "./inspections.ts"
import { figuresLimit } from "./limits.ts"

/** A command or an event in the protocol of the inspector. */
interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: unknown
  readonly result?: unknown
  readonly error?: { readonly message: string }
}

const ended = (): ProbeError => new ProbeError("WorkerEnded", "the thread has ended")

const unsupported = (error: unknown): ProbeError =>
  new ProbeError("Unsupported", `this runtime cannot inspect a thread: ${messageOf(error)}`)

const failed = (error: unknown): ProbeError => new ProbeError("Failed", messageOf(error))

// loads the inspector only when it is used
const sessionOf = async () => {
  const { Session } = await import("node:inspector")
  const session = new Session()
  if (isMainThread) {
    session.connect()
    return { session, disconnect: () => session.disconnect() }
  }
  session.connectToMainThread()
  // answers of the main thread arrive only while the event loop of this thread turns
  const turning = setInterval(() => undefined, 5)
  return {
    session,
    disconnect: () => {
      clearInterval(turning)
      session.disconnect()
    }
  }
}

// The title of a worker is `[worker 2] pricing-1`, with the id of the thread and its name. The property `workerId` is another number.
const threadIdOf = (title: string): number => Number(/^\[?worker (\d+)/i.exec(title)?.[1])

const openOf = (threadId: number): Inspections.Target["open"] => (onEvent, onEnd) =>
  Effect.flatMap(
    Effect.tryPromise({ try: sessionOf, catch: unsupported }),
    ({ disconnect, session }) =>
      Effect.callback<Inspections.Inspector, ProbeError>((resume) => {
        let sessionId: string | undefined
        let last = 0
        const pending = new Map<number, (result: Effect.Effect<unknown, ProbeError>) => void>()
        const inspector: Inspections.Inspector = {
          post: (method, params, done) => {
            // the answer may arrive before `session.post` returns
            pending.set(++last, done)
            const message = JSON.stringify({ id: last, method, params })
            session.post("NodeWorker.sendMessageToWorker", { sessionId: sessionId!, message }, (error) => {
              if (error !== null) onEnd(ended())
            })
          },
          close: Effect.callback((resume) => {
            session.removeAllListeners()
            session.post("NodeWorker.disable", () => {
              disconnect()
              resume(Effect.void)
            })
          })
        }
        session.on("NodeWorker.attachedToWorker", ({ params }) => {
          if (threadIdOf(params.workerInfo.title) === threadId) sessionId = params.sessionId
          // the inspector attaches to all threads of the process
          else session.post("NodeWorker.detach", { sessionId: params.sessionId }, () => undefined)
        })
        session.on("NodeWorker.detachedFromWorker", ({ params }) => {
          if (params.sessionId === sessionId) onEnd(ended())
        })
        session.on("NodeWorker.receivedMessageFromWorker", ({ params }) => {
          if (params.sessionId !== sessionId) return
          const { error, id, method, params: content, result } = JSON.parse(params.message) as Message
          if (id !== undefined) {
            const done = pending.get(id)
            pending.delete(id)
            return done?.(error === undefined ? Effect.succeed(result) : Effect.fail(failed(error.message)))
          }
          if (method === "Debugger.paused") inspector.post("Debugger.resume", {}, () => undefined)
          onEvent(method!, content)
        })
        session.post("NodeWorker.enable", { waitForDebuggerOnStart: false }, (error) => {
          if (error === null && sessionId !== undefined) return resume(Effect.succeed(inspector))
          const why = error === null ? ended() : unsupported(error)
          resume(Effect.andThen(inspector.close, Effect.fail(why)))
        })
      })
  )

// a connection to one thread is attached to all others for a moment
const lock = Semaphore.makeUnsafe(1)

const limits = new Deadlines(figuresLimit)

/** Waits for a value for a limited time; `undefined` if it is late, or cannot be measured. */
const within = async <A>(promise: Promise<A> | undefined): Promise<A | undefined> => {
  let deadline: Deadline | undefined
  const late = new Promise<undefined>((resolve) => {
    deadline = limits.start(() => resolve(undefined))
  })
  try {
    return await Promise.race([promise, late])
  } catch {
    return undefined
  } finally {
    limits.delete(deadline)
  }
}

/** Makes the probe of a thread. */
export const probeOf = (worker: Worker): Probe => {
  const { threadId } = worker
  const target: Inspections.Target = { open: openOf(threadId), lock }
  // other runtimes and older versions of Node lack some of these functions
  const asked: Partial<Pick<Worker, "cpuUsage" | "getHeapSnapshot" | "getHeapStatistics" | "performance">> = worker
  return {
    pid: process.pid,
    threadId,
    figures: Effect.promise(async (): Promise<Figures> => {
      const utilization = asked.performance?.eventLoopUtilization()
      const [heap, cpu] = await Promise.all([
        within(asked.getHeapStatistics?.call(worker)),
        within(asked.cpuUsage?.call(worker))
      ])
      return {
        eventLoop: utilization && { active: utilization.active, idle: utilization.idle },
        cpu: cpu && { user: cpu.user, system: cpu.system },
        heap: heap && { used: heap.used_heap_size, limit: heap.heap_size_limit },
        rss: process.memoryUsage.rss()
      }
    }),
    blockedStack: Inspections.blockedStack(target),
    busyStack: Inspections.busyStack(target),
    cpuProfile: (millis) => Inspections.cpuProfile(target, millis),
    heapSnapshot: Stream.unwrap(Effect.map(
      Effect.tryPromise({
        try: async () => worker.getHeapSnapshot(),
        catch: (error) => asked.getHeapSnapshot === undefined ? unsupported(error) : ended()
      }),
      (file) => Stream.fromAsyncIterable(file as AsyncIterable<Uint8Array>, failed)
    ))
  }
}
