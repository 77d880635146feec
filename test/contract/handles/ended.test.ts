/** The handles of an object and the references to an actor, after the end of the actor. */
import { assert, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import * as ActorRef from "../../../src/ActorRef.ts"
import { forked, left } from "../support/asserts.ts"
import { onEveryPlacement } from "../support/placements.ts"
import behaviours, { held, Holder, Owner } from "./actors/ended.ts"

const fixture = { module: new URL("./actors/ended.ts", import.meta.url), behaviours }

const pair = Effect.gen(function*() {
  const [owner, holder] = yield* Effect.all([Owner.spawn(), Holder.spawn()], { concurrency: 2 })
  return { owner, holder, greeter: yield* owner.greeter() }
})

const ends = {
  stop: { end: ActorRef.stop, reasons: ["Stopped NotRun", "Stopped NotRun"], exit: "success" },
  kill: { end: ActorRef.kill, reasons: ["Killed NotRun", "Killed NotRun"], exit: "Killed NotRun" },
  // the worker goes on, and closes the object
  crash: {
    end: (owner: typeof Owner.ref.Type) => Effect.exit(owner.crash()),
    reasons: ["Stopped NotRun", "Crashed NotRun"],
    exit: "Crashed NotRun"
  }
}

onEveryPlacement(fixture, (placement) => {
  // in memory, the holder and the program are in one thread
  const heldBy = (holder: typeof Holder.ref.Type) =>
    placement.isMemory ? Effect.sync(held) : Effect.map(holder.held(), (its) => its + held())

  for (const [how, { end, exit, reasons }] of Object.entries(ends)) {
    it.live(
      `H5: neither a holder nor its relay keeps an entry of an object or a reference after the end of the actor (${how})`,
      () =>
        Effect.gen(function*() {
          const before = held()
          const { greeter, holder, owner } = yield* pair
          yield* holder.keep({ greeter, owner })
          assert.deepStrictEqual(yield* holder.reasons(), ["success", "success"])
          yield* end(owner)
          yield* Effect.repeat(heldBy(holder), { until: (n) => n === before })
          assert.deepStrictEqual(yield* holder.reasons(), reasons)
          assert.strictEqual(yield* holder.exit(), exit)
        }).pipe(Effect.scoped, Effect.provide(placement.layer())),
      20_000
    )

    it.live(
      `H5: a handle that comes back after the end of the actor names the reason of the end (${how})`,
      () =>
        Effect.gen(function*() {
          const before = held()
          const { greeter, holder, owner } = yield* pair
          yield* holder.keep({ greeter, owner })
          yield* end(owner)
          yield* Effect.scoped(
            Effect.gen(function*() {
              const [theirs, ref] = yield* Effect.all([holder.greeter(), holder.owner()])
              const next = yield* Holder.spawn()
              yield* next.keep({ greeter: theirs, owner: ref })
              assert.deepStrictEqual(yield* next.reasons(), reasons)
              assert.strictEqual(yield* next.exit(), exit)
              yield* ActorRef.stop(next)
            })
          )
          yield* Effect.repeat(heldBy(holder), { until: (n) => n === before })
        }).pipe(Effect.scoped, Effect.provide(placement.layer())),
      20_000
    )

    it.live(
      `H5: a handle that is decoded after the end of the actor is not held (${how})`,
      () =>
        Effect.gen(function*() {
          const before = held()
          const { greeter, holder, owner } = yield* pair
          const keeping = yield* forked(holder.keepLater({ greeter, owner, gated: 1 }))
          yield* left
          yield* end(owner)
          yield* holder.openGate()
          yield* Fiber.join(keeping)
          yield* Effect.repeat(heldBy(holder), { until: (n) => n === before })
          assert.deepStrictEqual(yield* holder.reasons(), reasons)
          assert.strictEqual(yield* holder.exit(), exit)
        }).pipe(Effect.scoped, Effect.provide(placement.layer())),
      20_000
    )
  }

  it.live("H5: a call that waits for the exit of an actor behind a relay learns the exit", () =>
    Effect.gen(function*() {
      const { greeter, holder, owner } = yield* pair
      yield* holder.keep({ greeter, owner })
      const awaiting = yield* forked(holder.exit())
      assert.deepStrictEqual(yield* holder.reasons(), ["success", "success"])
      yield* ActorRef.kill(owner)
      assert.strictEqual(yield* Fiber.join(awaiting), "Killed NotRun")
    }).pipe(Effect.scoped, Effect.provide(placement.layer())))
})
