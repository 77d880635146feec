/**
 * The workers of a system: starts one worker for each actor, or a fixed number of shared workers; ends workers, and logs the crash of
 * a worker (F6).
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { LogLevel } from "effect/LogLevel"
import * as References from "effect/References"
import * as Tracer from "effect/Tracer"
import * as ActorId from "../actor/actorId.ts"
import { LostTells } from "../client/lostTells.ts"
import * as Events from "../monitor/events.ts"
import { Replay } from "../observe/replay.ts"
import type { ActorProxy } from "../proxy/actorProxy.ts"
import { type Deadline, Deadlines } from "../runtime/deadlines.ts"
import { setImmediate } from "../runtime/immediates.ts"
import type * as Inspection from "../session/inspection.ts"
import { SessionGroup } from "../session/session.ts"
import type { LinkEnd } from "../wire/link.ts"
import { type Log, type Report, reporter } from "./log.ts"
import type { SystemOptions } from "./options.ts"
import type { Placement } from "./placement.ts"
import { Spares } from "./spares.ts"
import { WorkerConnection } from "./workerConnection.ts"

/** Actors and their incarnations, for a log line. */
export const namesOf = (proxies: ReadonlyArray<ActorProxy>): string => {
  const shown = proxies.slice(0, 10).map(({ address, incarnation, paused }) =>
    `${address} (incarnation ${incarnation.number + (paused === "restarting" ? 1 : 0)})`
  )
  if (proxies.length > shown.length) shown.push(`and ${proxies.length - shown.length} more`)
  return shown.join(", ")
}

/** The workers of a system. */
export class WorkerSet {
  private readonly placement: Placement
  private readonly options: SystemOptions
  private readonly tracer: Tracer.Tracer
  private readonly logLevel: LogLevel
  private readonly replay: Replay
  private readonly log: Log
  private readonly report: Report
  readonly all = new Set<WorkerConnection>()
  private readonly spares: Spares
  private readonly sessions = new SessionGroup()
  /** the number of workers that have been started */
  private started = 0
  private readonly idOf: (worker: string) => string
  /** the deadlines for workers and actors to end, or to answer at their end */
  readonly endings: Deadlines
  private readonly beats: Deadlines
  /** the accepted tells that were lost */
  readonly lostTells: LostTells

  constructor(placement: Placement, options: SystemOptions, context: Context.Context<never>, log: Log) {
    this.placement = placement
    this.options = options
    this.tracer = Context.get(context, Tracer.Tracer)
    this.logLevel = Context.get(context, References.MinimumLogLevel)
    this.replay = new Replay(context)
    this.log = log
    this.report = reporter(context)
    this.idOf = ActorId.workerIds(options.name ?? placement.kind)
    this.endings = new Deadlines(options.shutdownTimeout)
    this.beats = new Deadlines(options.heartbeat)
    this.lostTells = new LostTells(log)
    this.spares = new Spares(options.spares, () => this.start(), log)
  }

  /** the number of workers */
  get size(): number {
    return this.all.size
  }

  /** the number of actors */
  get actors(): number {
    let actors = 0
    for (const { size } of this.all) actors += size
    return actors
  }

  /** the ends of all links at this side, for observers */
  get sources(): ReadonlyArray<Inspection.Source> {
    this.sessions.name ??= this.idOf("links")
    return [
      ...Array.from(this.all, ({ id, session }) => session.source(`${id}:`, `${id}^`)),
      ...this.sessions.sources
    ]
  }

  /** whether each actor has a worker of its own */
  get areDedicated(): boolean {
    return this.options.workers === "dedicated"
  }

  /** The worker for a new actor: a new worker, or the shared worker with the fewest actors. */
  acquire(): WorkerConnection {
    const { workers } = this.options
    if (workers !== "dedicated") {
      let open = 0
      let emptiest: WorkerConnection | undefined
      for (const worker of this.all) {
        if (worker.ending || this.spares.has(worker)) continue
        open++
        if (emptiest === undefined || worker.size < emptiest.size) emptiest = worker
      }
      if (emptiest !== undefined && open >= workers) return emptiest
    }
    const spare = this.spares.take()
    if (spare === undefined) return this.start()
    // the start of a thread takes time of this thread, which the new actor needs first
    setImmediate(() => this.spares.fill())
    return spare
  }

  /** Starts the workers that are started ahead. */
  startSpares(): void {
    this.spares.fill()
  }

  private start(): WorkerConnection {
    const worker = new WorkerConnection(
      ++this.started,
      this.idOf,
      this.sessions,
      this.placement,
      this.options,
      this.beats,
      this.tracer,
      this.logLevel,
      this.replay.traces,
      {
        onReady: (worker) => this.spares.ready(worker),
        onEnd: (worker, end) => {
          this.all.delete(worker)
          this.replay.ended(worker.id)
          Events.ofWorker(worker.id, { _tag: "WorkerEnded", reason: end.reason, message: end.message })
          this.spares.ended(worker, end)
          this.reportCrash(worker, end)
        },
        onLeftover: (worker) =>
          this.log(
            Effect.logWarning(
              `${worker.name} has ended, but its thread still runs native code, and ends when that code returns`
            ),
            { actor: namesOf(worker.actors) }
          ),
        onForeign: (worker, message) =>
          this.log(
            Effect.logWarning(
              `${worker.name}: a message that its code has sent to the program is ignored, and so are all later ones: ${message}`
            ),
            { actor: namesOf(worker.actors) }
          ),
        onLogs: (worker, records, dropped) => this.replay.logs(worker.id, records, dropped),
        onSpans: (_, records) => this.replay.spans(records),
        onMetrics: (worker, records) => this.replay.metrics(worker.id, records),
        onTellLost: this.lostTells.add,
        onTellFailed: this.report,
        onUnresponsive: (worker, { address }) =>
          this.kill(
            worker,
            `${address} did not react to an interruption within ${this.options.interruptTimeout} ms`,
            "its worker"
          )
      }
    )
    this.all.add(worker)
    Events.ofWorker(worker.id, { _tag: "WorkerStarted" })
    return worker
  }

  /** Asks a worker to end, and kills the worker if it does not end in time; completes when the worker has ended completely. */
  end(worker: WorkerConnection): Effect.Effect<void> {
    return Effect.callback((resume) => {
      worker.ending = true
      for (const proxy of worker.actors) proxy.close()
      const deadline = this.endings.start(() =>
        this.kill(worker, `${worker.name} did not end within ${this.endings.timeout} ms`, "it")
      )
      worker.client.endWorker()
      worker.whenEnded(() => {
        this.endings.delete(deadline)
        resume(Effect.void)
      })
    })
  }

  /**
   * Kills a worker if an actor of it that has been asked to close does not close in time. Returns the deadline, one of `endings`.
   *
   * A worker that still starts answers no request. If the worker is shared, the deadline starts again when it is missed before the start:
   * as long as a spawn or a restart of another actor waits for the worker, which `spawnTimeout` bounds, and once after the start (F1).
   */
  killUnlessClosed(worker: WorkerConnection, { address }: ActorProxy): Deadline {
    let isReady = worker.isReady || !worker.isShared
    const deadline = this.endings.start(() => {
      if (!isReady && (worker.isReady || worker.awaitsBuild)) {
        isReady = worker.isReady
        this.endings.add(deadline)
      } else this.kill(worker, `${address} did not close within ${this.endings.timeout} ms`, "its worker")
    })
    return deadline
  }

  /** Ends all workers. */
  get endAll(): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.spares.end()
      return Effect.forEach(this.all, (worker) => this.end(worker), { concurrency: "unbounded", discard: true })
    })
  }

  /** Kills a worker that has missed a deadline. */
  private kill(worker: WorkerConnection, message: string, what: "it" | "its worker"): void {
    if (worker.isKilled) return
    const reason = "Killed"
    const actor = namesOf(worker.actors)
    this.log(Effect.logWarning(`${message}: ${what} is killed`), { actor, reason })
    worker.kill({ reason, message })
  }

  private reportCrash(worker: WorkerConnection, end: LinkEnd): void {
    if (worker.isKilled || end.reason === "Stopped") return
    // the end of a first build is the failure of its `spawn`
    const proxies = worker.actors.filter(({ paused }) => paused !== "building")
    if (proxies.length === 0) return
    const { reason } = end
    const message = `${worker.name} ended: ${end.message}`
    const failure = Cause.fail(proxies[0]!.exited(reason, "Unknown", message))
    this.log(Effect.logError(message), { actor: namesOf(proxies), reason }, failure)
  }
}
