/**
 * The workers of a system: starts one for each actor, or as many as are to be
 * shared; ends them, and tells in the log of those that end by themselves (F6).
 */
import * as Effect from "effect/Effect"
import type * as Tracer from "effect/Tracer"
import type { LinkEnd } from "../link.ts"
import type { Target } from "../target.ts"
import * as Wire from "../wire.ts"
import type { Log } from "./log.ts"
import type { SystemOptions } from "./options.ts"
import type { Placement } from "./placement.ts"
import { Worker } from "./worker.ts"

// actors and their incarnations, for a log line
const namesOf = (targets: ReadonlyArray<Target>): string => {
  const shown = targets.slice(0, 10).map(({ address, incarnation, restarting }) =>
    `${address} (incarnation ${incarnation.number + (restarting ? 1 : 0)})`
  )
  if (targets.length > shown.length) shown.push(`and ${targets.length - shown.length} more`)
  return shown.join(", ")
}

/** The workers of a system. */
export class Workers {
  private readonly placement: Placement
  private readonly options: SystemOptions
  private readonly tracer: Tracer.Tracer
  private readonly log: Log
  private readonly all = new Set<Worker>()

  constructor(placement: Placement, options: SystemOptions, tracer: Tracer.Tracer, log: Log) {
    this.placement = placement
    this.options = options
    this.tracer = tracer
    this.log = log
  }

  /** whether each actor has a worker of its own */
  get areDedicated(): boolean {
    return this.options.workers === "dedicated"
  }

  /** The worker for another actor: a new one, or the emptiest of those that are shared. */
  acquire(): Worker {
    const { workers } = this.options
    if (workers !== "dedicated") {
      let open = 0
      let emptiest: Worker | undefined
      for (const worker of this.all) {
        if (worker.ending) continue
        open++
        if (emptiest === undefined || worker.actors < emptiest.actors) emptiest = worker
      }
      if (emptiest !== undefined && open >= workers) return emptiest
    }
    const worker = new Worker(this.placement, this.options, this.tracer, {
      onEnd: (worker, end) => {
        this.all.delete(worker)
        this.reportCrash(worker, end)
      },
      onUnresponsive: (worker, { address }) =>
        this.kill(
          worker,
          `${address} did not react to an interruption within ${this.options.interruptTimeout} ms`,
          "its worker"
        )
    })
    this.all.add(worker)
    return worker
  }

  /** Asks a worker to end, and kills it if it does not; completes when nothing is left of it. */
  end(worker: Worker): Effect.Effect<void> {
    return Effect.callback((resume) => {
      worker.ending = true
      for (const target of worker.client.callees.actors.values()) target.refuse()
      const timer = this.options.shutdownTimeout === Infinity ? undefined : setTimeout(
        () => this.kill(worker, `${worker.name} did not end within ${this.options.shutdownTimeout} ms`, "it"),
        this.options.shutdownTimeout
      )
      worker.client.outbox.push1(Wire.End)
      worker.whenEnded(() => {
        clearTimeout(timer)
        resume(Effect.void)
      })
    })
  }

  /** Ends every worker that is left. */
  get endAll(): Effect.Effect<void> {
    return Effect.suspend(() =>
      Effect.forEach(this.all, (worker) => this.end(worker), { concurrency: "unbounded", discard: true })
    )
  }

  /** Ends a worker that does not do what it must. */
  kill(worker: Worker, message: string, what: "it" | "its worker"): void {
    if (worker.isKilled) return
    const reason = "Killed"
    const actor = namesOf(worker.client.callees.actors.values())
    this.log(Effect.logWarning(`${message}: ${what} is killed`), { actor, reason })
    worker.kill({ reason, message })
  }

  private reportCrash(worker: Worker, end: LinkEnd): void {
    if (worker.isKilled || end.reason === "Stopped") return
    // the end of a first build is the failure of its `spawn`
    const targets = worker.client.callees.actors.values().filter((target) =>
      target.build === undefined || target.restarting
    )
    if (targets.length === 0) return
    this.log(Effect.logError(`${worker.name} ended: ${end.message}`), { actor: namesOf(targets), reason: end.reason })
  }
}
