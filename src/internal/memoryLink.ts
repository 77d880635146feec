/**
 * A link between two ends in one process: what is sent is copied as structured
 * clone would copy it, so an actor behaves in memory as it does in a worker.
 */
import type * as Context from "effect/Context"
import { begunCapacity, type Link } from "./link.ts"
import { Peer } from "./peer.ts"
import type { Placement } from "./system.ts"
import * as Wire from "./wire.ts"

const uncopied = Symbol()

// plain data is copied here, several times faster; anything else makes the whole value go through structured clone
const copyPlain = (value: unknown, depth: number): unknown => {
  if (typeof value !== "object" || value === null) {
    return typeof value === "function" || typeof value === "symbol" ? uncopied : value
  }
  if (depth === 0) return uncopied
  if (Array.isArray(value)) {
    const out: Array<unknown> = new Array(value.length)
    for (let i = 0; i < value.length; i++) {
      const item = copyPlain(value[i], depth - 1)
      if (item === uncopied) return uncopied
      out[i] = item
    }
    return out
  }
  const proto = Object.getPrototypeOf(value)
  if (proto !== Object.prototype && proto !== null) return uncopied
  const out: Record<string, unknown> = {}
  for (const key of Object.keys(value)) {
    const item = copyPlain((value as Record<string, unknown>)[key], depth - 1)
    if (item === uncopied) return uncopied
    out[key] = item
  }
  return out
}

const copyBatch = (batch: Wire.Batch, transfer: ReadonlyArray<unknown> | undefined): Wire.Batch => {
  if (transfer !== undefined) return structuredClone(batch, { transfer: transfer as Array<ArrayBuffer> })
  for (let i = 0; i < batch.length; i++) {
    const value = batch[i]
    if (typeof value === "object" && value !== null || typeof value === "function" || typeof value === "symbol") {
      const copy = copyPlain(value, 16)
      batch[i] = copy === uncopied ? structuredClone(value) : copy
    }
  }
  return batch
}

/** Actors as fibers of this process. */
export const placement = (behaviours: Context.Context<never>): Placement => ({
  kind: "memory",
  start: (events) => {
    let open = true
    const begun = new Int32Array(begunCapacity + 1)
    const deliver = (onBatch: (batch: Wire.Batch) => void): Link["send"] => (batch, transfer) => {
      const copy = copyBatch(batch, transfer)
      queueMicrotask(() => onBatch(copy))
    }
    const toServer = deliver((batch) => {
      if (open) peer.onBatch(batch)
    })
    const link: Link = { send: toServer, flushAt: Infinity, begun }
    const peer = Peer.worker({ send: deliver(events.onBatch), flushAt: Infinity, begun }, behaviours)
    peer.server.runner.outbox.push1(Wire.Ready)
    const stop = (end: Parameters<typeof events.onEnd>[0]): void => {
      if (!open) return
      open = false
      peer.end(end)
      queueMicrotask(() => events.onEnd(end))
    }
    return { link, release: () => stop({ reason: "Stopped", message: "closed" }), kill: stop }
  }
})
