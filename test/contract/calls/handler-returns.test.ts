import { assert, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Stream } from "effect"
import * as Actor from "../../../src/Actor.ts"
import { assertTypeError, defectOf, forked } from "../support/asserts.ts"
import { onEveryPlacement } from "../support/placements.ts"
import { onOneWorker } from "../support/sharedWorkers.ts"
import behaviours, { Builder, Carrier, Forker, textless } from "./actors/sendable.ts"

const fixture = { module: new URL("./actors/sendable.ts", import.meta.url), behaviours }

onOneWorker(fixture, Carrier.layer(), (it) => {
  for (const what of Object.keys(textless) as Array<keyof typeof textless>) {
    it.effect(`C1: a handler that does not return an effect affects its call only (${what})`, () =>
      Effect.gen(function*() {
        const carrier = yield* Carrier.spawn()
        // in one message, so that nobody is left behind in it
        const before = yield* forked(carrier.ping())
        const odd = yield* forked(Effect.exit(carrier.return({ what })))
        const after = yield* forked(carrier.ping())
        const why = (text: string) => what === "a revoked proxy" ? "revoked" : text
        assertTypeError(yield* Fiber.join(odd), why("Carrier.return: its handler must return an effect"))
        assert.deepStrictEqual([yield* Fiber.join(before), yield* Fiber.join(after)], ["pong", "pong"])
        const stream = yield* Effect.exit(Stream.runDrain(carrier.stream({ what })))
        assertTypeError(stream, why("Carrier.stream: its handler must return a stream"))
        assert.isDefined(defectOf(yield* Effect.exit(carrier.inside({ what }))))
        assert.strictEqual(yield* carrier.ping(), "pong")
      }))

    it.effect(`H1: a handle of what is not an effect affects its call only (${what})`, () =>
      Effect.gen(function*() {
        const forker = yield* Forker.spawn()
        const promised = yield* Effect.exit(forker.fork({ what }))
        // whether the handler dies or the result does
        assert.isDefined(defectOf(Exit.isSuccess(promised) ? yield* Effect.exit(promised.value.await) : promised))
        assert.strictEqual(yield* forker.ping(), "pong")
      }))
  }

  it.effect("C6: methods whose joined names and fields are the same text are different methods", () =>
    Effect.gen(function*() {
      const carrier = yield* Carrier.spawn()
      assert.deepStrictEqual(
        [
          yield* carrier.delete({ all: true }),
          yield* carrier["delete,all"](),
          yield* carrier["[\"delete\",\"all\"]"]()
        ],
        ["delete(true)", "delete,all()", "[\"delete\",\"all\"]()"]
      )
    }))
}, { inCluster: true })

onEveryPlacement(fixture, (placement) => {
  it.live("L2: a behaviour that returns neither an effect nor handlers is a defect of spawn", () =>
    Effect.gen(function*() {
      for (const how of ["textless", "nothing"] as const) {
        assert.isDefined(defectOf(yield* Effect.exit(Builder.spawn(how))))
      }
    }).pipe(Effect.provide(placement.layer())))

  it.live("L5: a vote that is not an effect is a defect of the body", () =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(Actor.use(Builder, ["vote"], () => Effect.fail("body")))
      assert.isDefined(defectOf(exit))
    }).pipe(Effect.provide(placement.layer())))
})
