/** P11: workers that are started ahead. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger, Schedule } from "effect"
import { SpawnError } from "../../../src/ActorError.ts"
import * as ActorPool from "../../../src/ActorPool.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import { ActorSystem } from "../../../src/ActorSystem.ts"
import * as Supervision from "../../../src/Supervision.ts"
import { Unserved } from "../fixtures/lifecycle.ts"
import { logOf, upTo } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"
import layerNotes, { Holder } from "./modules/layer-notes.ts"

// the reports of kills are not for the screen
const quiet = Effect.provide(Logger.layer([]))

/** A journal of the layers of workers, and functions to wait until so many of a line are noted. */
const layers = Effect.gen(function*() {
  const journal = yield* Journal.make
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      process.env["UACTOR_TEST_JOURNAL"] = journal.path
    }),
    () => Effect.sync(() => delete process.env["UACTOR_TEST_JOURNAL"])
  )
  const count = (line: string) => Effect.map(journal.lines, (lines) => lines.filter((each) => each === line).length)
  const noted = (line: string, n: number) =>
    Effect.repeat(count(line), { until: (found) => found === n, schedule: Schedule.spaced(5) })
  return { count, journal, noted }
})

describe("workers that are started ahead", () => {
  const module = new URL("./modules/layer-notes.ts", import.meta.url)
  onEveryPlacement({ module, behaviours: layerNotes }, (placement) => {
    it.live("P11: a spawn takes a worker that has loaded its module, the system starts another one, and all end with the system", () =>
      Effect.gen(function*() {
        const { count, journal, noted } = yield* layers
        yield* Effect.gen(function*() {
          yield* ActorSystem
          // no actor has been spawned yet
          yield* noted("the layer is there", 2)
          const first = yield* Holder.spawn()
          yield* first.ping()
          const lines = yield* journal.lines
          assert.deepStrictEqual(lines.slice(0, 3), ["the layer is there", "the layer is there", "the actor is there"])
          yield* noted("the layer is there", 3)
        }).pipe(Effect.scoped, Effect.provide(placement.layer({ spares: 2 })))
        assert.strictEqual(yield* count("the layer is gone"), 3)
        assert.strictEqual(yield* count("the actor is gone"), 1)
      }).pipe(Effect.scoped))

    it.live("P11: shared workers, and the members of a pool that a resize adds, are taken from the workers started ahead", () =>
      Effect.gen(function*() {
        const { count, noted } = yield* layers
        yield* Effect.gen(function*() {
          const pool = yield* ActorPool.make(Holder, { size: 1 })
          yield* noted("the layer is there", 2)
          yield* pool.resize(2)
          yield* noted("the layer is there", 3)
          yield* pool.broadcast((member) => member.ping())
        }).pipe(Effect.scoped, Effect.provide(placement.layer({ spares: 1 })))
        assert.strictEqual(yield* count("the layer is gone"), 3)
        yield* Effect.gen(function*() {
          const holders = yield* Effect.forEach(upTo(3), () => Holder.spawn())
          assert.lengthOf(new Set(holders.map((holder) => ActorRef.address(holder).replace(/.*@/, ""))), 2)
          yield* noted("the layer is there", 6)
        }).pipe(Effect.scoped, Effect.provide(placement.layer({ workers: 2, spares: 1 })))
      }).pipe(Effect.scoped))

    it.live("P11: a restart takes a worker that was started ahead", () =>
      Effect.gen(function*() {
        const { noted } = yield* layers
        yield* Effect.gen(function*() {
          const pool = yield* Supervision.supervised(
            ActorPool.make(Holder, { size: 1 }),
            Supervision.make({ maxRestarts: 0 })
          )
          const [member] = yield* pool.members
          yield* noted("the layer is there", 2)
          yield* ActorRef.kill(member!)
          yield* pool.resize(1)
          yield* pool.client.ping()
          yield* noted("the layer is there", 3)
        }).pipe(Effect.scoped, Effect.provide(placement.layer({ spares: 1 })), quiet)
      }).pipe(Effect.scoped))

    it("P8: a number of spares that is out of range is rejected with the name of the option", () => {
      for (const spares of [-1, 1.5, NaN]) {
        assert.throws(
          () => placement.layer({ spares }),
          RangeError,
          `spares must be an integer of at least 0, not ${spares}`
        )
      }
    })
  }, { except: ["memory"], reason: "in memory a worker costs no start" })
})

describe("workers that are started ahead and fail", () => {
  const module = new URL("./modules/mended.ts", import.meta.url)
  onEveryPlacement({ module, behaviours: layerNotes }, (placement) => {
    it.live(
      "P11: the log reports the error once, workers start again after growing delays, and all of them when one is ready",
      () =>
        Effect.gen(function*() {
          const { journal, noted } = yield* layers
          const { layer, lines } = logOf("Warn")
          const loads = Effect.map(journal.lines, (lines) =>
            lines.filter((line) => line.startsWith("loaded at ")).map((line) => Number(line.slice(10))))
          const loaded = (n: number) =>
            Effect.repeat(loads, {
              until: (times) =>
                times.length >= n,
              schedule: Schedule.spaced(5)
            })
          yield* Effect.gen(function*() {
            yield* ActorSystem
            yield* loaded(2)
            yield* Journal.until("the failure was logged", () => lines.length > 0)
            // the second failure is not logged
            yield* loaded(3)
            yield* journal.note("mended")
            const times = yield* loaded(5)
            // the delays of 1 s and 2 s begin with the first failure; the first two workers need not load at the same time
            assert.isAtLeast(times[2]! - times[0]!, 900)
            assert.isAtLeast(times[3]! - times[0]!, 2_700)
            yield* noted("the layer is there", 2)
            yield* (yield* Holder.spawn()).ping()
          }).pipe(Effect.scoped, Effect.provide(placement.layer({ spares: 2 })), Effect.provide(layer))
          assert.lengthOf(lines, 1)
          assert.match(lines[0]!.message, /-[12], which was started ahead, ended: .*not mended yet.*started in 1 s$/s)
        }).pipe(Effect.scoped),
      120_000
    )

    it.live("P11: a worker that is killed before it has an actor is replaced", () =>
      Effect.gen(function*() {
        const { journal, noted } = yield* layers
        yield* journal.note("mended")
        const { layer, lines } = logOf("Warn")
        yield* Effect.gen(function*() {
          yield* ActorSystem
          yield* noted("the layer is there", 1)
          yield* journal.note("exit")
          yield* noted("the layer is there", 2)
        }).pipe(Effect.scoped, Effect.provide(placement.layer({ spares: 1 })), Effect.provide(layer))
        assert.lengthOf(lines, 1)
        assert.match(lines[0]!.message, /exited with code 3/)
      }).pipe(Effect.scoped))
  }, { except: ["memory"], reason: "in memory a worker costs no start" })
})

describe("a module that fails to load", () => {
  const module = new URL("./modules/throws.ts", import.meta.url)
  onEveryPlacement({ module, behaviours: layerNotes }, (placement) => {
    it.live("F4: a spawn fails with the failure of the module, also if the workers were started ahead", () =>
      Effect.gen(function*() {
        for (const _ of upTo(2)) {
          const error = yield* Effect.flip(Unserved.spawn())
          assert.instanceOf(error, SpawnError)
          assert.strictEqual(error.reason, "ModuleFailed")
        }
      }).pipe(Effect.scoped, Effect.provide(placement.layer({ spares: 2 })), quiet))
  }, { except: ["memory"], reason: "in memory the program itself loads the module" })
})
