import { assert } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { serialize } from "node:v8"
import { ProtocolError } from "../../../src/ActorError.ts"
import { defectOf, errorOf } from "../support/asserts.ts"
import { onOneWorker } from "../support/sharedWorkers.ts"
import behaviours, { Random, random } from "./actors/random-values.ts"

const fixture = { module: new URL("./actors/random-values.ts", import.meta.url), behaviours }

const seeds = Array.from({ length: 500 }, (_, i) => i + 1)

/** What became of each value, in memory: the other placements must say the same. */
let first: ReadonlyArray<string> | undefined

const deepest = /nested more than/

onOneWorker(fixture, Random.layer(), (it, placement) => {
  it.effect(
    "C6: every placement delivers the same values, and rejects the same values with the same text",
    () =>
      Effect.gen(function*() {
        const actor = yield* Random.spawn()
        const say = (seed: number) =>
          Effect.gen(function*() {
            const sent = yield* Effect.exit(actor.echo({ value: random(seed) }))
            const made = yield* Effect.exit(actor.make({ seed }))
            if (Exit.isSuccess(made)) {
              // it is deep enough for the payload around it to be too deep
              if (!Exit.isSuccess(sent)) return String(defectOf(sent))
              assert.isTrue(serialize(sent.value).equals(serialize(made.value)), `seed ${seed}`)
              return "sent"
            }
            const error = errorOf(made)
            assert.instanceOf(error, ProtocolError)
            const text = String(defectOf(sent))
            if (!deepest.test(text)) assert.notMatch(error.message, deepest)
            return text
          })
        const all = yield* Effect.forEach(seeds, say, { concurrency: 8 })
        yield* actor.ping()
        if (placement.isMemory) first = all
        else assert.deepStrictEqual(all, first)
        // there are some of each
        for (const pattern of [/^sent$/, deepest, / is a function/, / is a Proxy/, / cannot be read/]) {
          assert.isTrue(all.some((text) => pattern.test(text)), String(pattern))
        }
      }),
    120_000
  )
}, { inCluster: "all" })
