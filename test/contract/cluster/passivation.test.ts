import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as ActorCluster from "../../../src/ActorCluster.ts"
import { ActorSystem } from "../../../src/ActorSystem.ts"
import { Tally, TallyLive } from "../fixtures/cluster.ts"
import { upTo } from "../support/asserts.ts"
import { underLoad } from "../support/cluster.ts"
import * as Journal from "../support/journal.ts"

it.live("K1: an actor that is not called ends, the next call starts it, and no call around its end is lost", () =>
  Effect.gen(function*() {
    const journal = yield* Journal.make
    const runner = ActorCluster.layer(Tally, {
      args: (id) => ({ id, journal: journal.path, failures: 0 }),
      maxIdleTime: "1 second"
    }).pipe(Layer.provide(ActorSystem.layer(TallyLive)), Layer.provideMerge(ActorCluster.layerMemory))
    yield* Effect.gen(function*() {
      const tally = yield* ActorCluster.client(Tally)
      assert.deepStrictEqual(yield* tally("idle").who(), { id: "idle", start: 1 })
      // each is called about when it has been idle for long enough; a call that fails ends the load
      const ids = upTo(20).map(String)
      const load = yield* underLoad(ids, (id) => Effect.delay(tally(id).add({ by: 1 }), 900 + 10 * Number(id)))
      // the cluster looks for idle actors every 5 seconds
      yield* journal.awaitLine("idle ends")
      assert.deepStrictEqual(yield* tally("idle").who(), { id: "idle", start: 2 })
      while ((yield* journal.lines).filter((line) => line === "idle ends").length < 2) yield* Effect.sleep("50 millis")
      for (const calls of yield* load) assert.isAtLeast(calls, 5)
    }).pipe(Effect.provide(runner))
  }).pipe(Effect.scoped))
