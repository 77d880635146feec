/**
 * Random schedules of calls between actors, some of them inside locks. If all calls of a schedule are answered, no deadlock has been proved meanwhile; if a deadlock is
 * proved, its calls are not answered until one of them is interrupted. With `TESTS=all`, 10,000 schedules.
 */
import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Logger, Schedule } from "effect"
import * as Handle from "../../../src/Handle.ts"
import { Observer } from "../../../src/Observer.ts"
import { forked, upTo } from "../support/asserts.ts"
import { onEveryPlacement } from "../support/placements.ts"
import behaviours, { step, Walker } from "./actors/walker.ts"

const fixture = { module: new URL("./actors/walker.ts", import.meta.url), behaviours }
const isAll = process.env["TESTS"] === "all"
const counts = { memory: isAll ? 8_000 : 200, threads: isAll ? 1_500 : 40, processes: isAll ? 500 : 15 }

/** How long new schedules begin, in milliseconds: on a busy machine, each reading waits for workers that do not get to run. */
const limit = isAll ? Infinity : 40_000

/** Random integers below a bound, from a seed (mulberry32). */
const random = (seed: number) => (bound: number): number => {
  seed = seed + 0x6D2B79F5 | 0
  let t = Math.imul(seed ^ seed >>> 15, 1 | seed)
  t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t
  return Math.floor(((t ^ t >>> 14) >>> 0) / 2 ** 32 * bound)
}

const methods = ["walk", "walk", "walk", "walkBriefly", "walkAside"] as const

onEveryPlacement(fixture, (placement) => {
  const layer = Layer.mergeAll(placement.layer({ workers: 3 }), Observer.layer, Logger.layer([]))

  it.live("no schedule has a false proof", () =>
    Effect.gen(function*() {
      const observer = yield* Observer
      const proofs = Effect.map(
        observer.deadlocks,
        (cycles) => cycles.filter(({ certainty }) => certainty === "proved")
      )
      const actors = yield* Effect.forEach(upTo(4), () => Walker.spawn())
      for (const actor of actors) yield* actor.meet({ peers: actors })
      // three locks of actors, each of which uses its own one without a call, and one of the program
      const locks = yield* Effect.all([...actors.slice(0, 3).map((actor) => actor.lock()), Handle.makeLock])
      for (const actor of actors) yield* actor.share({ locks })
      const seen = { answered: 0, deadlocked: 0 }
      const end = performance.now() + limit
      for (const schedule of upTo(counts[placement.name])) {
        if (performance.now() > end) break
        const below = random(schedule)
        const calls = yield* Effect.forEach(upTo(1 + below(4)), () => {
          const path = upTo(below(4)).map(() => step(below(4), below(3), Math.max(0, below(8) - 3)))
          return forked(Effect.exit(actors[below(4)]![methods[below(methods.length)]!]({ path })))
        })
        const isDone = () => calls.every((call) => call.pollUnsafe() !== undefined)
        // a schedule that waits for ever without a proof is a deadlock with a timeout or out of line
        let rounds = 0
        const proved = yield* Effect.repeat(
          Effect.map(proofs, (proofs) => [proofs, isDone()] as const),
          { until: ([proofs, isDone]) => isDone || proofs.length > 0 || ++rounds === 15 }
        )
        const [cycles] = proved
        if (cycles.length > 0) {
          seen.deadlocked++
          const ids = cycles.flatMap(({ calls }) => calls.map(({ call }) => call)).toSorted()
          // nothing ends them: all of their calls are found again
          for (let i = 0; i < 3; i++) {
            const again = (yield* proofs).flatMap(({ calls }) => calls.map(({ call }) => call))
            assert.includeMembers(again, ids, `schedule ${schedule}`)
          }
          assert.isFalse(isDone(), `schedule ${schedule}`)
        } else if (isDone()) seen.answered++
        yield* Fiber.interruptAll(calls)
        yield* Effect.repeat(observer.snapshot(), {
          until: ({ totals }) => totals.queued + totals.running + totals.waiting === 0,
          schedule: Schedule.spaced(1)
        })
      }
      // the schedules are of both kinds
      assert.isAbove(seen.answered, 0)
      assert.isAbove(seen.deadlocked, 0)
    }).pipe(Effect.scoped, Effect.provide(layer)), isAll ? 1_800_000 : 240_000)
})
