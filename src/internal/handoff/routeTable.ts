/**
 * The direct routes of one channel, at the end that uses them. The host announces each route on its own link, and the peer announces
 * on the channel that it serves the route. Either message may arrive first, so the two meet here, by the id of the route.
 *
 * For each id, the peer sends `Exported` once, in the order of the ids. `Closed` or `Complete` may follow.
 */
import type { Client, Routes } from "../client/client.ts"
import { IntMap } from "../collections/intMap.ts"
import type { ActorProxy } from "../proxy/actorProxy.ts"
import * as Frames from "../wire/frames.ts"

/** A direct route to an actor, an object or a pending result of the peer. */
export interface DirectRoute {
  /** The peer serves the route. */
  opened(): void
  /** The peer has read the calls sent ahead of `Disembargo`. */
  disembargoed(): void
  /** The pending result has completed, which ends the route. */
  completed(status: Frames.CompletionCode, value: unknown): void
  /** The route has ended. */
  closed(): void
  /** the proxy whose calls take the route; `undefined` for a pending result */
  readonly caller: ActorProxy | undefined
}

interface AcceptedRoute {
  readonly route: DirectRoute
  isOpen: boolean
}

/** What is known of a route without a holder: the peer's announcement, or that the route has been released. */
type EarlyRoute = "open" | "closed" | "released" | readonly [status: Frames.CompletionCode, value: unknown]

/** The direct routes of one channel. */
export class RouteTable implements Routes {
  private readonly accepted = new IntMap<AcceptedRoute>()
  private readonly early = new Map<number, EarlyRoute>()
  /** the highest id that the peer has announced */
  private latest = 0
  private hasEnded = false
  private readonly clientOf: () => Client

  constructor(clientOf: () => Client) {
    this.clientOf = clientOf
  }

  /** the client that makes the calls of the channel */
  get client(): Client {
    return this.clientOf()
  }

  get size(): number {
    return this.accepted.size + this.early.size
  }

  // ---- holders ----

  /** Adds a route that the host has announced. */
  accept(id: number, route: DirectRoute): void {
    const early = this.early.get(id)
    this.early.delete(id)
    if (this.hasEnded || early === "closed") return route.closed()
    if (typeof early === "object") return route.completed(...early)
    const isOpen = early === "open"
    this.accepted.set(id, { route, isOpen })
    if (isOpen) route.opened()
  }

  /** Releases a route, which may never have been accepted. */
  release(id: number): void {
    const accepted = this.accepted.delete(id)
    const isOpen = accepted?.isOpen ?? this.early.get(id) === "open"
    this.early.delete(id)
    if (this.hasEnded) return
    if (isOpen) this.client.outbox.push(Frames.Release, id)
    else if (id > this.latest) this.early.set(id, "released")
  }

  /** Interrupts the computation of a pending result. */
  cancel(id: number): void {
    this.client.outbox.push(Frames.Cancel, id)
  }

  // ---- the peer ----

  exported(id: number, isServed: boolean): void {
    this.latest = id
    const accepted = this.accepted.get(id)
    if (accepted !== undefined) {
      accepted.isOpen = isServed
      if (isServed) accepted.route.opened()
      else this.closed(id)
    } else if (this.early.delete(id)) {
      if (isServed) this.client.outbox.push(Frames.Release, id)
    } else this.early.set(id, isServed ? "open" : "closed")
  }

  disembargoed(id: number): void {
    this.accepted.get(id)?.route.disembargoed()
  }

  // a message about a route that is neither accepted nor open has crossed its release

  complete(id: number, status: Frames.CompletionCode, value: unknown): void {
    const accepted = this.accepted.delete(id)
    if (accepted !== undefined) accepted.route.completed(status, value)
    else if (this.early.get(id) === "open") this.early.set(id, [status, value])
  }

  closed(id: number): void {
    const accepted = this.accepted.delete(id)
    if (accepted !== undefined) accepted.route.closed()
    else if (this.early.get(id) === "open") this.early.set(id, "closed")
  }

  refused(proxy: ActorProxy): boolean {
    if (proxy.closing) return false
    const accepted = this.accepted.get(proxy.id)
    if (accepted?.route.caller === proxy) this.closed(proxy.id)
    return true
  }

  pause(): ReadonlyArray<ActorProxy> {
    const callers: Array<ActorProxy> = []
    for (const { route: { caller } } of this.accepted.values()) {
      if (caller === undefined) continue
      caller.pause("routing")
      callers.push(caller)
    }
    return callers
  }

  end(): void {
    this.hasEnded = true
    const accepted = this.accepted.values()
    this.accepted.clear()
    this.early.clear()
    for (const { route } of accepted) route.closed()
  }
}
