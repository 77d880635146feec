import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, type Scope } from "effect"
import { SpawnError } from "../../src/ActorError.ts"
import * as ActorRef from "../../src/ActorRef.ts"
import { NodeActorSystem } from "../../src/node/index.ts"
import { Unserved } from "./fixtures/lifecycle.ts"
import layerAwaits, { Awaiting } from "./fixtures/module-awaits.ts"
import layerHangs from "./fixtures/module-layer-hangs.ts"
import layerNotes, { Holder } from "./fixtures/module-layer-notes.ts"
import * as Journal from "./journal.ts"
import { onEveryPlacement } from "./placements.ts"

/** A journal for what is not told its arguments: the layer of a module. */
const journalOfModule: Effect.Effect<Journal.Journal, never, Scope.Scope> = Effect.gen(function*() {
  const journal = yield* Journal.make
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      process.env["UACTOR_TEST_JOURNAL"] = journal.path
    }),
    () => Effect.sync(() => delete process.env["UACTOR_TEST_JOURNAL"])
  )
  return journal
})

describe("a module whose layer holds something", () => {
  const module = new URL("./fixtures/module-layer-notes.ts", import.meta.url)
  onEveryPlacement({ module, behaviours: layerNotes }, (placement) => {
    it.live("L4: a worker's layer is built once, shared by its actors, and released after them", () =>
      Effect.gen(function*() {
        const journal = yield* journalOfModule
        yield* Effect.gen(function*() {
          const first = yield* Holder.spawn()
          const second = yield* Holder.spawn()
          yield* first.ping()
          yield* ActorRef.stop(second)
          yield* first.ping()
        }).pipe(Effect.scoped, Effect.provide(placement.layer({ workers: 1 })))
        assert.deepStrictEqual(yield* journal.lines, [
          "the layer is there",
          "the actor is there",
          "the actor is there",
          "the actor is gone",
          "the actor is gone",
          "the layer is gone"
        ])
      }))

    it.live("L4: a dedicated worker's layer is released with its actor", () =>
      Effect.gen(function*() {
        const journal = yield* journalOfModule
        yield* Effect.gen(function*() {
          yield* Effect.scoped(Holder.spawn())
          const lines = yield* journal.lines
          assert.deepStrictEqual(lines.slice(0, 3), ["the layer is there", "the actor is there", "the actor is gone"])
          // in memory the layer is the system's
          assert.deepStrictEqual(lines.slice(3), placement.isMemory ? [] : ["the layer is gone"])
        }).pipe(Effect.provide(placement.layer()))
        assert.strictEqual((yield* journal.lines).at(-1), "the layer is gone")
      }))
  })
})

describe("a module that awaits others", () => {
  const module = new URL("./fixtures/module-awaits.ts", import.meta.url)
  onEveryPlacement({ module, behaviours: layerAwaits }, (placement) => {
    it.live("L2: a module may await others at its top, and whatever way a module is loaded, it is there once", () =>
      Effect.gen(function*() {
        const actor = yield* Awaiting.spawn()
        assert.deepStrictEqual(yield* actor.doubled(), [])
      }).pipe(Effect.scoped, Effect.provide(placement.layer())))
  })

  it.live("L2: hooks that Node is told to load first see every file that a worker loads", () =>
    Effect.gen(function*() {
      const journal = yield* journalOfModule
      const preload = new URL("./fixtures/preload-notes.ts", import.meta.url).href
      yield* Awaiting.spawn().pipe(
        Effect.scoped,
        Effect.provide(NodeActorSystem.layerProcesses({ module, execArgv: ["--import", preload] }))
      )
      const files = yield* journal.lines
      assert.include(files, "Effect.js")
      // one that only Effect itself imports
      assert.include(files, "internal/effect.js")
    }))
})

describe("a module whose layer does not let go", () => {
  const module = new URL("./fixtures/module-layer-hangs.ts", import.meta.url)
  onEveryPlacement({ module, behaviours: layerHangs }, (placement) => {
    it.live("L4: a worker whose layer does not let go is killed after shutdownTimeout, and a log line says so", () =>
      Effect.gen(function*() {
        const warnings: Array<string> = []
        const logger = Logger.make(({ logLevel, message }) => {
          if (logLevel === "Warn") warnings.push(String(message))
        })
        const system = placement.layer({ shutdownTimeout: "100 millis" })
        yield* Effect.scoped(Holder.spawn()).pipe(Effect.provide(system), Effect.provide(Logger.layer([logger])))
        assert.lengthOf(warnings, 1)
        assert.include(warnings[0], "100 ms")
      }))

    it.live("L4: so is a shared worker, when its system ends", () =>
      Effect.gen(function*() {
        const warnings: Array<string> = []
        const logger = Logger.make(({ logLevel, message }) => {
          if (logLevel === "Warn") warnings.push(String(message))
        })
        const system = placement.layer({ shutdownTimeout: "100 millis", workers: 1 })
        yield* Effect.scoped(Holder.spawn()).pipe(Effect.provide(system), Effect.provide(Logger.layer([logger])))
        assert.lengthOf(warnings, 1)
        assert.include(warnings[0], "100 ms")
      }))
  }, { except: ["memory"], reason: "in memory the layer is the program's own, and ends as its finalizers say" })
})

describe("a module whose layer fails half-way", () => {
  const module = new URL("./fixtures/module-layer-fails.ts", import.meta.url)
  onEveryPlacement({ module, behaviours: Layer.empty }, (placement) => {
    it.live("L2: a layer that fails half-way releases what it had acquired", () =>
      Effect.gen(function*() {
        const journal = yield* journalOfModule
        const error = yield* Effect.flip(Effect.provide(Unserved.spawn(), placement.layer()))
        assert.strictEqual(error.reason, "ModuleFailed")
        assert.deepStrictEqual(yield* journal.lines, ["released"])
      }))
  }, { except: ["memory"], reason: "a system in memory is given its layer, and loads no module" })
})

describe("a module that is a program as well", () => {
  const module = new URL("./fixtures/module-unguarded.ts", import.meta.url)
  const systems = {
    threads: NodeActorSystem.layerThreads({ module }),
    processes: NodeActorSystem.layerProcesses({ module })
  }
  for (const [placement, layer] of Object.entries(systems)) {
    it.live(`L2: one that would start workers without end is told so (${placement})`, () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Unserved.spawn())
        assert.instanceOf(error, SpawnError)
        assert.strictEqual(error.reason, "ModuleFailed")
        assert.include(error.message, `NodeActorSystem.layerThreads: a worker is loading ${module.href}`)
        assert.include(error.message, "`if (import.meta.main)`")
      }).pipe(Effect.scoped, Effect.provide(layer)))
  }
})
