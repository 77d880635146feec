/**
 * The placement of actors in the memory of this process. A value is copied as structured clone would copy it, so an actor behaves in
 * memory as it does in a worker.
 */
import type * as Context from "effect/Context"
import * as StartedCalls from "../actor/startedCalls.ts"
import { queueMicrotask } from "../runtime/globals.ts"
import { Session, SessionGroup } from "../session/session.ts"
import * as InProcessLink from "../wire/inProcessLink.ts"
import type { Link } from "../wire/link.ts"
import type { Placement } from "./placement.ts"

/** Actors as fibers of this process. */
export const placement = (behaviours: Context.Context<never>): Placement => {
  const group = new SessionGroup()
  return {
    kind: "memory",
    behaviours: "the layer that ActorSystem.layer was given",
    cores: () => globalThis.navigator?.hardwareConcurrency ?? 1,
    start: (_name, { id }, events) => {
      let open = true
      const startedCalls = new Int32Array(StartedCalls.length)
      const toHost = InProcessLink.to(group.budget, events.onBatch)
      const toServer = InProcessLink.to(group.budget, (batch) => {
        if (open) session.onBatch(batch)
      })
      const link: Link = { send: toServer.send, flushAt: Infinity, startedCalls }
      const session = Session.worker(group, { send: toHost.send, flushAt: Infinity, startedCalls }, behaviours)
      session.answerAs(id, "memory")
      session.announceReady()
      const stop = (end: Parameters<typeof events.onEnd>[0]): void => {
        if (!open) return
        open = false
        session.end(end)
        queueMicrotask(() => {
          toHost.drain()
          events.onEnd(end)
        })
      }
      return { link, release: () => stop({ reason: "Stopped", message: "closed" }), kill: stop, near: session }
    }
  }
}
