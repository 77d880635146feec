/** The definition of an actor that tells what its callers have provided; the references are declared elsewhere. */
import * as Schema from "effect/Schema"
import { Actor, Handle } from "../../../../src/index.ts"

/** What a handler reads: the tenant, and the year of the deadline; 0 without one. */
export const Seen = Schema.Tuple([Schema.String, Schema.Int])

export const Mirror = Handle.object({ read: Actor.method({ success: Seen }) }, { name: "Mirror" })

export class Bearer extends Actor.Service<Bearer>()("Bearer", {
  protocol: {
    read: Actor.method({ success: Seen }),
    reads: Actor.method({ success: Seen, stream: true }),
    note: Actor.method(),
    /** what the last `note` has read */
    noted: Actor.method({ success: Seen }),
    mirror: Actor.method({ success: Mirror }),
    /** reads an object of the program */
    look: Actor.method({ payload: { mirror: Mirror }, success: Seen })
  }
}) {}

/** calls a bearer */
export class Courier extends Actor.Service<Courier>()("Courier", {
  protocol: {
    ask: Actor.method({ payload: { bearer: Bearer.ref }, success: Seen }),
    askAs: Actor.method({ payload: { bearer: Bearer.ref, tenant: Schema.String }, success: Seen })
  }
}) {}
