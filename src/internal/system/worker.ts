/**
 * One worker as its host sees it: the connection to it, whether it is alive, and
 * how it ended.
 */
import * as Context from "effect/Context"
import * as Tracer from "effect/Tracer"
import type { Client } from "../client.ts"
import type { LinkEnd } from "../link.ts"
import { Peer } from "../peer.ts"
import type { Locate, Target } from "../target.ts"
import * as Wire from "../wire.ts"
import type { SystemOptions } from "./options.ts"
import type { Placement, WorkerHandle } from "./placement.ts"

let workerCount = 0

/** What its host does about a worker. */
interface WorkerListener {
  /** once, when nothing is left of it */
  readonly onEnd: (worker: Worker, end: LinkEnd) => void
  /** an interruption of a call to this actor was not acknowledged in time */
  readonly onUnresponsive: (worker: Worker, target: Pick<Target, "address">) => void
}

/** One worker and the connection to it. */
export class Worker {
  readonly name: string
  readonly peer: Peer
  readonly handle: WorkerHandle
  ending = false
  ended = false
  bootFailure: string | undefined
  /** set where we end the worker ourselves, which is no crash to report */
  isKilled = false
  private readonly listeners = new Set<() => void>()
  private heartbeat: ReturnType<typeof setTimeout> | undefined
  private awaitsPong = false

  readonly locate: Locate = (name, id) => `${name}#${id}@${this.name}`

  constructor(
    placement: Placement,
    options: SystemOptions,
    tracer: Tracer.Tracer,
    listener: WorkerListener
  ) {
    this.name = `${placement.kind}-${++workerCount}`
    this.handle = placement.start({
      onBatch: (batch) => this.peer.onBatch(batch),
      isAwaited: () => this.peer.isAwaiting,
      onBegun: (id) => this.client.started(id, 0),
      onEnd: (end) => {
        if (this.ended) return
        this.ended = this.ending = true
        clearTimeout(this.heartbeat)
        const full = this.client.describe(this.bootFailure === undefined ? end : { ...end, message: this.bootFailure })
        listener.onEnd(this, full)
        this.peer.end(full)
        for (const listener of this.listeners) listener()
        this.listeners.clear()
      }
    })
    this.peer = Peer.host(this.handle.link, Context.make(Tracer.Tracer, tracer), {
      onReady: () => {
        if (options.heartbeat !== Infinity) this.beatIn(options.heartbeat)
      },
      onPong: () => {
        this.awaitsPong = false
      },
      onBootFailed: (message) => {
        this.bootFailure = message
        this.kill({ reason: "Crashed", message })
      },
      onEnded: () => this.handle.release(),
      onBroken: (message) => this.handle.kill({ reason: "Disconnected", message }),
      onUnresponsive: (target) => listener.onUnresponsive(this, target)
    }, options.interruptTimeout)
  }

  get client(): Client {
    return this.peer.client
  }

  /** how many actors live in it */
  get actors(): number {
    return this.client.callees.actors.size
  }

  /** Ends it now, whatever it does. */
  kill(end: LinkEnd): void {
    if (this.isKilled) return
    this.isKilled = this.ending = true
    this.handle.kill(end)
  }

  private beatIn(every: number): void {
    this.heartbeat = setTimeout(() => this.beat(every), every)
  }

  // each beat has its whole time from when it was sent, also where this side is blocked itself for longer than that
  private beat(every: number): void {
    this.awaitsPong = true
    this.client.outbox.push1(Wire.Ping)
    this.heartbeat = setTimeout(() => {
      // an answer that has come meanwhile is read before the turn of the event loop ends
      setImmediate(() => {
        if (this.ended) return
        if (!this.awaitsPong) return this.beat(every)
        this.handle.kill({ reason: "Unresponsive", message: `${this.name} did not answer within ${every} ms` })
      })
    }, every)
  }

  /** Calls back once, when nothing is left of the worker; returns how to stop listening. */
  whenEnded(listener: () => void): () => void {
    if (this.ended) {
      listener()
      return () => undefined
    }
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }
}
