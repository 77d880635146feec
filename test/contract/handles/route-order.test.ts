/**
 * The order of the calls of one caller to one actor or object, while calls take one route and the next calls take another. With
 * `TESTS=all`, 100,000 calls.
 */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { onEveryPlacement } from "../support/placements.ts"
import behaviours, { Callee, Caller, relay } from "./actors/route-order.ts"

const fixture = { module: new URL("./actors/route-order.ts", import.meta.url), behaviours }

const calls = process.env["TESTS"] === "all" ? 100_000 : 2_000
const seed = Math.floor(Math.random() * 2 ** 30)

onEveryPlacement(fixture, (placement) => {
  for (const workers of placement.isMemory ? ["dedicated"] as const : ["dedicated", 1] as const) {
    const where = workers === 1 ? "in one worker" : "each in its own worker"

    it.live(`H5: the release of a handle follows the tells that were accepted ahead of it (${where})`, () =>
      Effect.gen(function*() {
        const callee = yield* Callee.spawn()
        for (const tells of [1, 50, 500]) {
          const { calls: before } = yield* callee.seen()
          const caller = yield* Caller.spawn({ callee, journal: yield* callee.journal() })
          yield* caller.tellAndRelease({ tells })
          let calls = before
          while (calls < before + tells) ({ calls } = yield* callee.seen())
        }
      }).pipe(Effect.provide(placement.layer({ workers }))))

    for (const target of ["actor", "object"] as const) {
      it.live(
        `C2, C10: ${calls} calls of an ${target} start in their order, whichever routes they take (${where})`,
        () =>
          Effect.gen(function*() {
            // in memory, the caller itself would be slow
            relay.isSlow = !placement.isMemory
            const callee = yield* Callee.spawn()
            const caller = yield* Caller.spawn({ callee, journal: yield* callee.journal() })
            yield* caller.call({ target, calls, seed })
            // the last tells have been accepted, and start ahead of this call
            const { calls: made, early } = yield* callee.seen()
            assert.isUndefined(early, `seed ${seed}`)
            assert.strictEqual(made, calls)
          }).pipe(Effect.provide(placement.layer({ workers }))),
        600_000
      )
    }
  }
})
