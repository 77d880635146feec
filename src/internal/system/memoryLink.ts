/**
 * A link between two ends in one process: what is sent is copied as structured
 * clone would copy it, so an actor behaves in memory as it does in a worker.
 */
import type * as Context from "effect/Context"
import * as Delivery from "../delivery.ts"
import { begunCapacity, type Link } from "../link.ts"
import { Peer } from "../peer.ts"
import * as Wire from "../wire.ts"
import type { Placement } from "./placement.ts"

/** Actors as fibers of this process. */
export const placement = (behaviours: Context.Context<never>): Placement => ({
  kind: "memory",
  start: (events) => {
    let open = true
    const begun = new Int32Array(begunCapacity + 1)
    const toHost = Delivery.to(events.onBatch)
    const toServer = Delivery.to((batch) => {
      if (open) peer.onBatch(batch)
    })
    const link: Link = { send: toServer.send, flushAt: Infinity, begun }
    const peer = Peer.worker({ send: toHost.send, flushAt: Infinity, begun }, behaviours)
    peer.server.runner.outbox.push1(Wire.Ready)
    const stop = (end: Parameters<typeof events.onEnd>[0]): void => {
      if (!open) return
      open = false
      peer.end(end)
      queueMicrotask(() => {
        toHost.drain()
        events.onEnd(end)
      })
    }
    return { link, release: () => stop({ reason: "Stopped", message: "closed" }), kill: stop }
  }
})
