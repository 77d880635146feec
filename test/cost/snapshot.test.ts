/** What a snapshot of many actors costs, in bytes. `npm run bench -- observe` measures its time. */
import { assert, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { Observer, Snapshot } from "../../src/Observer.ts"
import { onEveryPlacement } from "../contract/support/placements.ts"
import behaviours, { Cheap } from "./actors/cost.ts"

const fixture = { module: new URL("./actors/cost.ts", import.meta.url), behaviours }
const encode = Schema.encodeEffect(Schema.toCodecJson(Snapshot))

onEveryPlacement(fixture, (placement) => {
  it.live("a snapshot of 256 of 10,000 actors that have been called has at most 64 kB", () =>
    Effect.gen(function*() {
      const observer = yield* Observer
      const actors = yield* Effect.replicateEffect(Cheap.spawn(), 10_000)
      for (const cheap of actors) yield* cheap.echo({ n: 1 })
      const snapshot = yield* observer.snapshot({ filter: { name: "Cheap" } })
      assert.strictEqual(snapshot.actors.length, 256)
      assert.isAtLeast(snapshot.truncated, 9_744)
      const json = JSON.stringify(yield* encode(snapshot))
      assert.isAtMost(json.length, 65_536)
    }).pipe(Effect.scoped, Effect.provide(Layer.merge(placement.layer(), Observer.layer))), 600_000)
}, { except: ["threads", "processes"], reason: "10,000 workers are too many, and the rows of actors are the same" })
