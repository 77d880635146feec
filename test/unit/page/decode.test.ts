/** The page fills in the fields that the JSON of the server leaves out. */
import { assert, describe, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import { ActorInfo, type LatencyInfo } from "../../../src/observer/ActorInfo.ts"
import { Snapshot, WorkerInfo } from "../../../src/observer/Snapshot.ts"
import * as Decode from "../../../src/page/api/decode.ts"

/** The fields that every actor has in its JSON. */
const actor: typeof ActorInfo.Encoded = {
  id: "Cart-1",
  name: "Cart",
  address: "Cart#1@thread-1",
  worker: "thread-1",
  mailbox: { capacity: 8 },
  counters: {},
  handles: {}
}

const worker: typeof WorkerInfo.Encoded = { id: "thread-1", kind: "thread", actors: 1 }

const totals = { workers: 1, blocked: 0, actors: 1, restarting: 0, waiting: 0, queued: 0, running: 0 }

/** An instance as plain values, without the fields that are `Option.none`. */
const plain = (value: unknown): unknown => {
  if (Option.isOption(value)) return plain(Option.getOrUndefined(value))
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== "object" || value === null) return value
  const fields = Object.entries(value).map(([name, field]) => [name, plain(field)] as const)
  return Object.fromEntries(fields.filter(([, field]) => field !== undefined))
}

/** Compares what the page makes of a JSON with what the schema makes of it, and the JSON with that of the schema. */
const compare = <A, I>(schema: Schema.Codec<A, I>, json: I, ofPage: (json: I) => unknown): void => {
  const decoded = Schema.decodeSync(schema)(json)
  assert.deepStrictEqual(Schema.encodeSync(schema)(decoded), json)
  assert.deepStrictEqual(ofPage(json), plain(decoded))
}

describe("what the page makes of a JSON is what the schema makes of it", () => {
  it("for an actor whose fields have the usual values", () => {
    compare(ActorInfo, actor, Decode.actorInfo)
  })

  it("for an actor without a duration that is measured, and for one with some", () => {
    const none: typeof LatencyInfo.Encoded = { client: {}, wait: {}, server: {} }
    compare(ActorInfo, { ...actor, latency: none }, Decode.actorInfo)
    const some = { ...none, client: { count: 3, p50: 1.5, p99: 2, buckets: [0, 3] } }
    compare(ActorInfo, { ...actor, latency: some }, Decode.actorInfo)
  })

  it("for an actor whose fields have other values", () => {
    compare(ActorInfo, {
      ...actor,
      state: "Ended",
      incarnation: 2,
      mailbox: { capacity: 8, waiting: 1, queued: 2, running: 3, forked: 4, concurrency: 5, onFull: "fail" },
      counters: { made: 9, failed: 1 },
      handles: { held: 1 },
      handling: [{ call: "c", actor: "Cart-1", method: "Cart.add", forMillis: 7, caller: "Shop-1" }],
      methods: [{ method: "add", ok: 2, p50: 0.5 }, { method: "items" }],
      budget: { used: 1, max: 2, windowMillis: 3 },
      ended: { at: 4, reason: "Killed", message: "killed" }
    }, Decode.actorInfo)
  })

  it("for a worker, and for a snapshot", () => {
    compare(WorkerInfo, worker, Decode.workerInfo)
    compare(
      Snapshot,
      { seq: 1, at: 2, totals, systems: [], workers: [worker], actors: [actor], truncated: 0 },
      Decode.snapshot
    )
  })
})
