/** The content of a handle inside an encoded value. */
import type * as Codes from "./codes.ts"

/** A direct route to an actor, an object or a pending result; or a `Route…` code. */
export type RouteInfo =
  | readonly [
    channel: number,
    /** the id of the target on the channel */
    id: number,
    /** the mailbox of an actor */
    info: Codes.MailboxInfo | undefined,
    /** the relay restarts the actor, and then sends the calls again that have not run */
    isSupervised: boolean
  ]
  | typeof Codes.RouteUnavailable
  | typeof Codes.RouteMarked

/** A pending result, by its number, with the direct route to it, if there is one. */
export const WireDeferred = 0
/** A completed result. */
export const WireKnown = 1
/**
 * An object, by its number, with the name and the address of its owner, and the direct route to it, if there is one. For an actor also the
 * timeout of its calls in milliseconds, if it has one, and its id.
 */
export const WireObject = 2
/** A handle that the receiver itself exported, by its number. `relay`: the pending result that replaces it if the export is gone. */
export const WireYours = 3
/** A handle forwarded inside one thread, by the number of its share (shares.ts). */
export const WireShare = 4

/** The content of a handle. */
export type WireContent =
  | readonly [kind: typeof WireDeferred, id: number, route?: RouteInfo | undefined]
  | [kind: typeof WireKnown, completion: Codes.CompletionCode, value: unknown, isPacked?: boolean]
  | readonly [
    kind: typeof WireObject,
    id: number,
    name: string,
    address: string,
    route?: RouteInfo | undefined,
    callTimeout?: number | undefined,
    actorId?: string | undefined
  ]
  | readonly [kind: typeof WireYours, id: number, relay: number | undefined]
  | readonly [kind: typeof WireShare, id: number]
