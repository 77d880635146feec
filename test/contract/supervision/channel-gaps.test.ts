/** A message between two threads that cannot be read: what depends on it settles, and the two go on with another channel. */
import { assert, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { forked } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"
import behaviours, { Callee, Caller } from "./actors/channel-gaps.ts"

const fixture = { module: new URL("./actors/channel-gaps.ts", import.meta.url), behaviours }

// only messages on ports can be spoiled: no thread looks into the rings
const pair = Effect.gen(function*() {
  const journal = yield* Journal.make
  const callee = yield* Callee.spawn({ journal: journal.path })
  const caller = yield* Caller.spawn({ callee })
  assert.strictEqual(yield* caller.echo({ text: "before" }), "before")
  return { callee, caller, journal }
})

onEveryPlacement(fixture, (placement) => {
  for (const lost of ["call", "answer"] as const) {
    it.live(`C1: an unreadable message between two actors settles all calls in progress between the two (${lost})`, () =>
      Effect.gen(function*() {
        const { callee, caller, journal } = yield* pair
        const hanging = yield* forked(caller.hang())
        yield* journal.awaitLine("begun")
        for (let n = 0; n < 3; n++) {
          yield* (lost === "call" ? caller : callee).spoil({ text: "lost" })
          assert.strictEqual(yield* caller.echo({ text: "lost" }), "Disconnected Unknown")
          // the next calls reach the same actor, through the program and on another channel
          for (let i = 0; i < 200; i++) assert.strictEqual(yield* caller.echo({ text: "after" }), "after")
        }
        assert.strictEqual(yield* Fiber.join(hanging), "Disconnected Unknown")
        yield* journal.awaitLine("finalized")
        assert.strictEqual(yield* callee.echo({ text: "program" }), "program")
      }).pipe(Effect.provide(placement.layer({ spin: false }))))
  }

  it.live("H2, H4: handles used on a channel with a lost message continue through the program", () =>
    Effect.gen(function*() {
      const { callee, caller } = yield* pair
      const [items, later] = yield* Effect.all([callee.items(), callee.later()])
      yield* caller.keep({ items, later })
      const taking = yield* forked(caller.take())
      const awaiting = yield* forked(caller.result())
      yield* caller.spoil({ text: "lost" })
      assert.strictEqual(yield* caller.echo({ text: "lost" }), "Disconnected Unknown")
      assert.strictEqual(yield* Fiber.join(taking), "Disconnected Unknown")
      yield* items.offer("next")
      assert.strictEqual(yield* caller.take(), "next")
      yield* callee.finish({ text: "result" })
      assert.strictEqual(yield* Fiber.join(awaiting), "result")
      // the program has its own, and one that is handed on again works
      yield* caller.keep({ items, later })
      yield* items.offer("item")
      assert.strictEqual(yield* caller.take(), "item")
    }).pipe(Effect.provide(placement.layer({ spin: false }))))
}, { except: ["memory", "processes"], reason: "only threads have channels to each other" })
