/**
 * Forwarding of imported handles inside one thread. The receiver holds a forwarded handle directly, with a share of its own, just
 * as the forwarder does. The handle therefore does not depend on the forwarder and survives its end (H4). A share waits here under
 * a number, and the link between forwarder and receiver carries only this number.
 */
import type * as Handles from "../handles/handle.ts"
import * as WireHandles from "../handles/wireHandle.ts"

/** A share of a handle. */
interface Share {
  /** creates the receiver's handle */
  readonly take: (from: Handles.Importing) => object
  /** releases a share without a receiver */
  readonly release: () => void
}

// of the thread and not of a system: a share may be in transit between actors of two systems, so its number is unique in the thread
const shares = new Map<number, Share>()
let count = 0

/** Puts a share on the wire. */
export const add = (share: Share): WireHandles.WireHandle => {
  shares.set(++count, share)
  return WireHandles.wire([WireHandles.WireShare, count])
}

/** Takes the share with that number, once. */
export const take = (id: number): Share | undefined => {
  const share = shares.get(id)
  shares.delete(id)
  return share
}
