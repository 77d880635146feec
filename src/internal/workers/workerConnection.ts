/**
 * One worker as its host sees it: the connection to the worker, its heartbeat, and its end.
 */
import * as Context from "effect/Context"
import type { LogLevel } from "effect/LogLevel"
import * as Tracer from "effect/Tracer"
import * as ActorId from "../actor/actorId.ts"
import type { Client, ClientEvents } from "../client/client.ts"
import type { Method } from "../codec/methods.ts"
import type { ServedFacts } from "../metrics/actorFacts.ts"
import * as Durations from "../metrics/durations.ts"
import * as Events from "../monitor/events.ts"
import type { Answer, Question } from "../monitor/rows.ts"
import type { ObservedWorker } from "../monitor/systems.ts"
import type { ActorProxy, Locate } from "../proxy/actorProxy.ts"
import type { Deadline, Deadlines } from "../runtime/deadlines.ts"
import { messageOf } from "../runtime/describe.ts"
import { performance, queueMicrotask } from "../runtime/globals.ts"
import { atomically, notify } from "../runtime/notify.ts"
import { Session, type SessionGroup } from "../session/session.ts"
import type { Reading } from "../waits/calls.ts"
import type { LinkEnd } from "../wire/link.ts"
import type { SystemOptions } from "./options.ts"
import type { Placement, WorkerEvents, WorkerHandle, WorkerPlace } from "./placement.ts"

/** The reactions of a host to the events of a worker. */
interface WorkerListener {
  /** called once, when the worker has loaded its module and built its layer */
  readonly onReady: (worker: WorkerConnection) => void
  /** called once, when the worker has ended completely */
  readonly onEnd: (worker: WorkerConnection, end: LinkEnd) => void
  /** called once, when user code in the worker has sent `message`, formatted as text, on a public channel */
  readonly onForeign: (worker: WorkerConnection, message: string) => void
  /** the worker was terminated, but native code continues in it */
  readonly onLeftover: (worker: WorkerConnection) => void
  /** the code of the worker has logged entries */
  readonly onLogs: (worker: WorkerConnection, ...logs: Parameters<ClientEvents["onLogs"]>) => void
  /** spans of the worker have ended */
  readonly onSpans: (worker: WorkerConnection, ...spans: Parameters<ClientEvents["onSpans"]>) => void
  /** metrics of the worker have changed */
  readonly onMetrics: (worker: WorkerConnection, ...metrics: Parameters<ClientEvents["onMetrics"]>) => void
  /** an accepted tell to an actor of the worker did not run, or may not have run to completion */
  readonly onTellLost: ClientEvents["onTellLost"]
  /** the handler of an accepted tell has failed */
  readonly onTellFailed: ClientEvents["onTellFailed"]
  /** an interruption of a call to this actor was not acknowledged in time */
  readonly onUnresponsive: (worker: WorkerConnection, proxy: Pick<ActorProxy, "address">) => void
}

// a worker that the operating system cannot start, for lack of memory or processes, ends before it is ready
const start = (placement: Placement, name: string, place: WorkerPlace, events: WorkerEvents): WorkerHandle => {
  try {
    return placement.start(name, place, events)
  } catch (error) {
    const message = `the ${placement.kind} could not be started: ${messageOf(error)}`
    queueMicrotask(() => events.onEnd({ reason: "Crashed", message }))
    return { link: { send: () => undefined, flushAt: Infinity }, release: () => undefined, kill: () => undefined }
  }
}

const noHandles = { lent: [], held: [] }

/** One worker and the connection to it. */
export class WorkerConnection implements ObservedWorker {
  readonly name: string
  /** the id of the worker in the program: its name, and what distinguishes it from the workers of other systems and other workers */
  readonly id: string
  /** the layer of the behaviours, for messages */
  readonly behaviours: string
  readonly session: Session
  readonly handle: WorkerHandle
  /** the worker has loaded its module and built the layer, and serves actors */
  isReady = false
  ending = false
  ended = false
  bootFailure: string | undefined
  /** the host has killed the worker, so its end is not reported as a crash */
  isKilled = false
  readonly isShared: boolean
  private readonly listeners = new Set<() => void>()
  private heartbeat: Deadline | undefined
  private awaitsPong = false
  private hasWarned = false
  private readonly startedAt = performance.now()
  private answerListeners: Set<() => void> | undefined
  unansweredSince: number | undefined
  /** the questions of observers that wait for an answer, by number */
  private inspections: Map<number, (answer: never) => void> | undefined
  private asked = 0
  private onMeasured: ((heapUsed: number) => void) | undefined

  private readonly locate: Locate = (name, id) => `${name}#${id}@${this.name}`

  /** `number`: the number of the worker in its system; `idOf`: returns the id of the worker from its name */
  constructor(
    number: number,
    idOf: (name: string) => string,
    sessions: SessionGroup,
    placement: Placement,
    options: SystemOptions,
    beats: Deadlines,
    tracer: Tracer.Tracer,
    logLevel: LogLevel,
    traces: boolean,
    listener: WorkerListener
  ) {
    this.isShared = options.workers !== "dedicated"
    this.name = `${options.name ?? placement.kind}-${number}`
    this.id = idOf(this.name)
    this.behaviours = placement.behaviours
    this.handle = start(placement, this.name, {
      id: this.id,
      host: ActorId.ownPrefix(),
      logLevel,
      traces,
      timing: Durations.isOn,
      tracing: options.tracing
    }, {
      onBatch: (batch) => this.session.onBatch(batch),
      isAwaited: () => this.session.isAwaiting,
      onCallStarted: (id) => this.client.startedByNote(id),
      onLeftover: () => listener.onLeftover(this),
      onForeign: (message) => {
        if (this.hasWarned) return
        this.hasWarned = true
        listener.onForeign(this, message)
      },
      onEnd: (end) => {
        if (this.ended) return
        this.ended = this.ending = true
        beats.delete(this.heartbeat)
        const full = this.client.evidence.describe(
          this.bootFailure === undefined ? end : { ...end, message: this.bootFailure }
        )
        this.reportLeases()
        atomically(() => {
          listener.onEnd(this, full)
          this.session.end(full)
          for (const listener of this.listeners) notify(listener, undefined)
          this.listeners.clear()
        })
      }
    })
    this.session = Session.host(sessions, this.handle.link, Context.make(Tracer.Tracer, tracer), {
      onReady: () => {
        this.isReady = true
        if (beats.timeout !== Infinity) this.beat(beats)
        Events.ofWorker(this.id, { _tag: "WorkerReady", bootMillis: Math.round(performance.now() - this.startedAt) })
        listener.onReady(this)
      },
      onPong: () => {
        this.awaitsPong = false
        if (this.answerListeners !== undefined) this.answered()
      },
      onHeap: (heapUsed) => {
        const { onMeasured } = this
        this.onMeasured = undefined
        if (onMeasured !== undefined) notify(onMeasured, heapUsed)
      },
      onBootFailed: (message) => {
        this.bootFailure = message
        this.kill({ reason: "Crashed", message })
      },
      onEnded: () => this.handle.release(),
      onBroken: (message) => this.crash({ reason: "Disconnected", message }),
      onLogs: (records, dropped) => listener.onLogs(this, records, dropped),
      onSpans: (records) => listener.onSpans(this, records),
      onMetrics: (records) => listener.onMetrics(this, records),
      onInspected: (inspection, reading) => this.inspected(inspection, reading),
      onActorsRead: (inspection, facts) => this.inspected(inspection, facts),
      onObserved: (inspection, answer) => this.inspected(inspection, answer),
      onTellLost: listener.onTellLost,
      onTellFailed: listener.onTellFailed,
      onUnresponsive: (proxy) => listener.onUnresponsive(this, proxy)
    }, options.interruptTimeout)
    this.client.worker = this.id
    this.client.placement = placement.kind
    this.client.tracing = options.tracing
  }

  get traffic(): Session["traffic"] {
    return this.session.traffic
  }

  get handleKinds(): ObservedWorker["handleKinds"] {
    const { exports, imports } = this.session.ends
    return exports.size + imports.size === 0 ? noHandles : { lent: exports.kinds, held: imports.kinds }
  }

  // an event for observers, if the worker ends with handles
  private reportLeases(): void {
    const { exports, imports } = this.session.ends
    if (exports.size + imports.size === 0) return
    Events.ofWorker(this.id, { _tag: "HandleLeaseEnded", lent: exports.size, held: imports.size })
  }

  get client(): Client {
    return this.session.client
  }

  /** the actors that live in the worker */
  get actors(): ReadonlyArray<ActorProxy> {
    return this.client.proxies.actors.values()
  }

  /** the number of actors that live in the worker */
  get size(): number {
    return this.client.proxies.actors.size
  }

  /** Whether a spawn or a restart of an actor waits for this worker. */
  get awaitsBuild(): boolean {
    return this.actors.some(({ owner }) => owner?.awaitsBuild === true)
  }

  /** Makes the proxy of an actor that is to be built here. */
  open(name: string, methods: ReadonlyArray<Method>): ActorProxy {
    return this.client.proxies.open(name, this.locate, methods)
  }

  /** Prepares the build of the next incarnation of an actor here. */
  adopt(proxy: ActorProxy): void {
    this.client.proxies.adopt(proxy, this.locate)
  }

  /** Whether an actor lives here, or is being built here. */
  has(proxy: ActorProxy): boolean {
    return this.client.proxies.actors.get(proxy.id) === proxy
  }

  /** Removes an actor that no longer lives here. */
  remove(proxy: ActorProxy): void {
    this.client.proxies.actors.delete(proxy.id)
  }

  /** Whether the host holds exports of this actor. All exports of a dedicated worker belong to its actor. */
  holdsOf(proxy: ActorProxy): boolean {
    const { imports } = this.session.ends
    return this.isShared ? imports.holdsOf(proxy) : imports.size > 0
  }

  /** Kills the worker immediately. */
  kill(end: LinkEnd): void {
    if (this.isKilled) return
    this.isKilled = this.ending = true
    this.handle.kill(end)
  }

  // like `kill`, but the end of the worker is reported as a crash
  private crash(end: LinkEnd): void {
    this.ending = true
    this.handle.kill(end)
  }

  whenAnswered(listener: () => void): () => void {
    const listeners = this.answerListeners ??= new Set()
    listeners.add(listener)
    // one ping asks for all, however long the answer takes
    if (this.unansweredSince === undefined) {
      this.unansweredSince = performance.now()
      this.client.ping()
    }
    return () => listeners.delete(listener)
  }

  inspect(onAnswer: (reading: Reading) => void): () => void {
    return this.ask(onAnswer, (inspection) => this.client.inspect(inspection))
  }

  observe(question: Question, onAnswer: (answer: Answer) => void): () => void {
    const forget = this.ask(onAnswer, (inspection) => this.client.observe(inspection, question))
    const inspection = this.asked
    return () => {
      // the worker still works on the answer
      if (forget() && !this.ended) this.client.observe(inspection, ["cancel"])
    }
  }

  readActors(
    ids: ReadonlyArray<number>,
    onAnswer: (facts: ReadonlyArray<ServedFacts | undefined>) => void
  ): () => void {
    const { near } = this.handle
    if (near === undefined) return this.ask(onAnswer, (inspection) => this.client.readActors(inspection, ids))
    onAnswer(near.factsOf(ids))
    return () => undefined
  }

  private ask(onAnswer: (answer: never) => void, send: (inspection: number) => void): () => boolean {
    const inspection = ++this.asked
    const inspections = this.inspections ??= new Map()
    inspections.set(inspection, onAnswer)
    send(inspection)
    return () => inspections.delete(inspection)
  }

  private inspected(inspection: number, answer: unknown): void {
    const onAnswer = this.inspections?.get(inspection)
    this.inspections?.delete(inspection)
    if (onAnswer !== undefined) notify(onAnswer as (answer: unknown) => void, answer)
  }

  private answered(): void {
    const listeners = this.answerListeners!
    this.answerListeners = undefined
    this.unansweredSince = undefined
    for (const listener of listeners) notify(listener, undefined)
  }

  private beat(beats: Deadlines): void {
    this.heartbeat = beats.start(() => {
      if (this.awaitsPong) {
        return this.crash({
          reason: "Unresponsive",
          message: `${this.name} did not answer within ${beats.timeout} ms`
        })
      }
      this.awaitsPong = true
      this.client.ping()
      this.beat(beats)
    })
  }

  /** Calls back with the used size of the heap of the worker, in bytes, unless the worker ends first. One measurement at a time. */
  measureHeap(onMeasured: (heapUsed: number) => void): void {
    this.onMeasured = onMeasured
    this.client.measureHeap()
  }

  /** Calls back once, when the worker has ended completely. Returns the function that detaches the listener. */
  whenEnded(listener: () => void): () => void {
    if (this.ended) {
      listener()
      return () => undefined
    }
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }
}
