/**
 * The probe of a child process, in its host. The watcher of the child opens the connections to the inspector, each in a thread of its own, so
 * that no port is opened and the main thread of the child takes part in nothing.
 */
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import { type Figures, type Probe, ProbeError } from "../../internal/monitor/probe.ts"
import { Deadlines } from "../../internal/runtime/deadlines.ts"
import type { WatcherReport, WatcherRequest } from "../transport/startMessages.ts"
import * as Inspections from "./inspections.ts"
import { figuresLimit } from "./limits.ts"

/** A result or an event that the thread of a connection has passed on. */
interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: unknown
  readonly result?: unknown
  readonly error?: string
}

type Done = (result: Effect.Effect<unknown, ProbeError>) => void

interface Connection {
  readonly onEvent: Inspections.OnEvent
  readonly onEnd: Inspections.OnEnd
  readonly pending: Map<number, Done>
}

const decoder = new TextDecoder()

// The watcher itself waits for the main thread until the limit. The watcher of a suspended process does not answer.
const limits = new Deadlines(2 * figuresLimit)

/** The questions to one child. */
export class ProcessProbe implements Probe {
  readonly pid: number
  readonly threadId = 0
  private readonly ask: (request: WatcherRequest) => void
  private last = 0
  private readonly connections = new Map<number, Connection>()
  private readonly figuresAsked = new Map<number, (figures: Figures) => void>()
  private isOver = false

  /** `ask`: sends a request to the watcher */
  constructor(pid: number, ask: (request: WatcherRequest) => void) {
    this.pid = pid
    this.ask = ask
  }

  private readonly open: Inspections.Target["open"] = (onEvent, onEnd) =>
    Effect.suspend(() => {
      if (this.isOver) return Effect.fail(ended())
      const connection = ++this.last
      const pending = new Map<number, Done>()
      this.connections.set(connection, { onEvent, onEnd, pending })
      this.ask(["open", connection])
      let last = 0
      return Effect.succeed<Inspections.Inspector>({
        post: (method, params, done) => {
          pending.set(++last, done)
          this.ask(["post", connection, { id: last, method, params }])
        },
        close: Effect.sync(() => {
          if (this.connections.delete(connection)) this.ask(["close", connection])
        })
      })
    })

  readonly figures: Effect.Effect<Figures> = Effect.callback((resume) => {
    if (this.isOver) return resume(Effect.succeed({}))
    const id = ++this.last
    const stop = (): void => {
      limits.delete(deadline)
      this.figuresAsked.delete(id)
    }
    const deadline = limits.start(() => answer({}))
    const answer = (figures: Figures): void => {
      stop()
      resume(Effect.succeed(figures))
    }
    this.figuresAsked.set(id, answer)
    this.ask(["figures", id])
    return Effect.sync(stop)
  })

  private readonly target: Inspections.Target = { open: this.open, lock: Semaphore.makeUnsafe(1) }

  readonly blockedStack = Inspections.blockedStack(this.target)
  readonly busyStack = Inspections.busyStack(this.target)
  readonly heapSnapshot = Inspections.heapSnapshot(this.target)

  cpuProfile(millis: number): Effect.Effect<unknown, ProbeError> {
    return Inspections.cpuProfile(this.target, millis)
  }

  /** The watcher has answered. */
  onReport([kind, id, content]: WatcherReport): void {
    if (kind === "figures") return this.figuresAsked.get(id)?.(content)
    const connection = this.connections.get(id)
    if (connection === undefined) return
    if (kind === "closed") {
      this.connections.delete(id)
      const why = content === undefined
        ? ended()
        : new ProbeError("Unsupported", `the process cannot be inspected: ${content}`)
      return connection.onEnd(why)
    }
    const { error, id: command, method, params, result } = JSON.parse(decoder.decode(content)) as Message
    if (command === undefined) return connection.onEvent(method!, params)
    const done = connection.pending.get(command)
    connection.pending.delete(command)
    done?.(error === undefined ? Effect.succeed(result) : Effect.fail(new ProbeError("Failed", error)))
  }

  /** The child has ended. */
  end(): void {
    this.isOver = true
    for (const id of this.connections.keys()) this.onReport(["closed", id, undefined])
    for (const answer of this.figuresAsked.values()) answer({})
  }
}

const ended = (): ProbeError => new ProbeError("WorkerEnded", "the process has ended")
