import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, type Layer } from "effect"
import { setTimeout } from "node:timers/promises"
import * as ActorRef from "../../../src/ActorRef.ts"
import { ActorSystem } from "../../../src/ActorSystem.ts"
import { NodeActorSystem } from "../../../src/node/index.ts"
import behaviours, { Resource, Voter } from "../fixtures/lifecycle.ts"
import { defectOf, forked } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"

const module = new URL("../fixtures/lifecycle.ts", import.meta.url)

/** What may be said of a system in plain JavaScript. */
type Anything = { readonly [option: string]: unknown }

const systems: { readonly [name: string]: (options: Anything) => Layer.Layer<ActorSystem> } = {
  "ActorSystem.layer": (options) => ActorSystem.layer(behaviours, options),
  "NodeActorSystem.layerThreads": (options) => NodeActorSystem.layerThreads({ module, ...options }),
  "NodeActorSystem.layerProcesses": (options) => NodeActorSystem.layerProcesses({ module, ...options })
}

for (const [name, layer] of Object.entries(systems)) {
  describe(name, () => {
    const times = ["spawnTimeout", "shutdownTimeout", "interruptTimeout"]
    if (name !== "ActorSystem.layer") times.push("spin", "heartbeat")
    for (const option of times) {
      it(`P8: an invalid time in ${option} is rejected with the name of the option`, () => {
        const says = option === "heartbeat" ? "longer than 0" : "a duration of at least 0"
        for (const value of [-1, NaN, "-Infinity", "nonsense", true]) {
          assert.throws(
            () => layer({ [option]: value }),
            RangeError,
            `${name}: ${option} must be ${says}, not ${String(value)}`
          )
        }
      })
    }
  })
}

for (const name of ["NodeActorSystem.layerThreads", "NodeActorSystem.layerProcesses"]) {
  it(`P8: ${name} rejects a heartbeat of 0, which would kill every worker`, () => {
    assert.throws(() => systems[name]!({ heartbeat: 0 }), RangeError, `${name}: heartbeat must be longer than 0, not 0`)
  })

  it(`P8: ${name} rejects an invalid module, and the error shows the value`, () => {
    for (const module of [undefined, null, 5, "./relative.ts"]) {
      const says = `${name}: module must be a file URL or an absolute path`
      assert.throws(() => systems[name]!({ module }), TypeError, says)
      assert.throws(() => systems[name]!({ module }), TypeError, `not "${String(module)}"`)
    }
  })
}

describe("resourceLimits", () => {
  const layerOf = (resourceLimits: Anything) => systems["NodeActorSystem.layerThreads"]!({ resourceLimits })
  const refused: ReadonlyArray<[limit: string, range: string, values: ReadonlyArray<unknown>]> = [
    ["maxOldGenerationSizeMb", "3 to Infinity", [NaN, -1, 0, 1, 2.4, -Infinity, "64", null]],
    ["maxYoungGenerationSizeMb", "0 to Infinity", [NaN, -1, "16", true]],
    ["stackSizeMb", "0.25 to 1048576", [NaN, -1, 0, 0.2, Infinity, 1e12, "4"]]
  ]
  for (const [limit, range, values] of refused) {
    it(`P8: a ${limit} that is not a number, or that makes V8 abort the program, is rejected by name`, () => {
      for (const value of values) {
        assert.throws(
          () => layerOf({ [limit]: value }),
          RangeError,
          `NodeActorSystem.layerThreads: resourceLimits.${limit} must be a number from ${range}, not ${String(value)}`
        )
      }
    })
  }

  it("P8: valid and absent limits are accepted", () => {
    layerOf({ maxOldGenerationSizeMb: 3, maxYoungGenerationSizeMb: 0, stackSizeMb: 0.25 })
    layerOf({ maxOldGenerationSizeMb: Infinity, maxYoungGenerationSizeMb: Infinity, stackSizeMb: undefined })
  })

  for (
    const limits of [
      { maxOldGenerationSizeMb: 3 },
      { maxOldGenerationSizeMb: 5, maxYoungGenerationSizeMb: 0 },
      { stackSizeMb: 0.25 },
      { stackSizeMb: 1048576 }
    ]
  ) {
    it.live(`L2: a limit too low for the actors, or too high for the machine, fails the spawn: ${JSON.stringify(limits)}`, () =>
      Effect.gen(function*() {
        const exit = yield* Effect.exit(Effect.scoped(Voter.spawn()))
        assert.isTrue(Exit.isFailure(exit))
      }).pipe(Effect.provide(layerOf(limits))))
  }
})

onEveryPlacement({ module, behaviours }, (placement) => {
  for (const time of ["30 days", Infinity] as const) {
    it.live(`L4: with timeouts of ${time}, the program waits for an actor without limit`, () =>
      Effect.gen(function*() {
        const journal = yield* Journal.make
        const resource = yield* Resource.spawn({ journal: journal.path })
        const hanging = yield* forked(resource.hang())
        yield* journal.awaitLine("hanging")
        yield* Fiber.interrupt(hanging)
        const waiting = yield* forked(resource.wait({ line: "waited" }))
        yield* journal.awaitLine("waiting")
        const stopping = yield* forked(ActorRef.stop(resource, { drain: time }))
        // a timer that is too long for Node is one of a millisecond: one of those that was set before this one fires before it
        yield* Effect.promise(() => setTimeout(1))
        yield* journal.note("go")
        assert.strictEqual(yield* Fiber.join(waiting), "waited")
        yield* Fiber.join(stopping)
      }).pipe(
        Effect.provide(placement.layer({
          spawnTimeout: time,
          shutdownTimeout: time,
          interruptTimeout: time,
          heartbeat: time
        }))
      ))
  }

  it.live("P8: an invalid drain time is a defect of stop that names the option, and no actor is stopped", () =>
    Effect.gen(function*() {
      const voter = yield* Voter.spawn()
      for (const drain of [-1, NaN, "nonsense"]) {
        const defect = defectOf(yield* Effect.exit(ActorRef.stop(voter, { drain: drain as 0 })))
        assert.instanceOf(defect, RangeError)
        assert.strictEqual(defect.message, `ActorRef.stop: drain must be a duration of at least 0, not ${drain}`)
      }
      assert.strictEqual(yield* voter.echo({ n: 1 }), 1)
    }).pipe(Effect.provide(placement.layer())))
})
