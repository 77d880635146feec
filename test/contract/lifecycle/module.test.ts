import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Logger, type Scope } from "effect"
import { setImmediate } from "node:timers/promises"
import { SpawnError } from "../../../src/ActorError.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import { NodeActorSystem } from "../../../src/node/index.ts"
import * as Supervision from "../../../src/Supervision.ts"
import { Unserved } from "../fixtures/lifecycle.ts"
import { errorOf, upTo } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { assertNothingAdded, holdings } from "../support/leaks.ts"
import { onEveryPlacement } from "../support/placements.ts"
import layerAwaits, { Awaiting } from "./modules/awaits.ts"
import lacksService, { Reader } from "./modules/lacks-service.ts"
import layerHangs from "./modules/layer-hangs.ts"
import layerNotes, { Holder } from "./modules/layer-notes.ts"
import layerUnreleased from "./modules/layer-unreleased.ts"
import { Refused, Refusing } from "./modules/refuses.ts"

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

describe("a module whose layer fails when it is released", () => {
  const module = new URL("./modules/layer-unreleased.ts", import.meta.url)
  onEveryPlacement({ module, behaviours: layerUnreleased }, (placement) => {
    it.live("L4: a failure in the release of a worker's layer is logged by the logger of that layer", () =>
      Effect.gen(function*() {
        const journal = yield* journalOfModule
        yield* Effect.scoped(Holder.spawn()).pipe(Effect.provide(placement.layer()))
        const errors = (yield* journal.lines).filter((line) => line.startsWith("Error"))
        assert.strictEqual(errors.length, 1, errors.join())
        assert.match(errors[0]!, /^Error .*the layer of .*unreleased.ts failed when it was released.*it is stuck/)
      }))
  }, { except: ["memory"], reason: "in memory the layer belongs to the program" })
})

describe("a module whose layer holds a resource", () => {
  const module = new URL("./modules/layer-notes.ts", import.meta.url)
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

describe("a module with top-level await", () => {
  const module = new URL("./modules/awaits.ts", import.meta.url)
  onEveryPlacement({ module, behaviours: layerAwaits }, (placement) => {
    it.live("L2: a module may use top-level await, and each module is loaded once, whichever way it is imported", () =>
      Effect.gen(function*() {
        const actor = yield* Awaiting.spawn()
        assert.deepStrictEqual(yield* actor.doubled(), [])
      }).pipe(Effect.scoped, Effect.provide(placement.layer())))
  })

  it.live("L2: hooks preloaded by Node see every file that a worker loads", () =>
    Effect.gen(function*() {
      const journal = yield* journalOfModule
      const preload = new URL("./modules/preload-notes.ts", import.meta.url).href
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

describe("a module whose layer release hangs", () => {
  const module = new URL("./modules/layer-hangs.ts", import.meta.url)
  onEveryPlacement({ module, behaviours: layerHangs }, (placement) => {
    it.live("L4: a worker whose layer release hangs is killed after shutdownTimeout, with a log line", () =>
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

    it.live("L4: a worker whose layer release hangs is killed after shutdownTimeout if its system ends before its actor", () =>
      Effect.gen(function*() {
        const warnings: Array<string> = []
        const logger = Logger.make(({ logLevel, message }) => {
          if (logLevel === "Warn") warnings.push(String(message))
        })
        const system = placement.layer({ shutdownTimeout: "100 millis" })
        yield* Holder.spawn().pipe(Effect.provide(system), Effect.provide(Logger.layer([logger])))
        assert.lengthOf(warnings, 1)
        assert.include(warnings[0], "did not end within 100 ms: it is killed")
      }))

    it.live("L4: a shared worker whose layer release hangs is killed after shutdownTimeout, when its system ends", () =>
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
  }, { except: ["memory"], reason: "in memory the layer belongs to the program and ends with it" })
})

describe("a module whose layer takes long to release", () => {
  const module = new URL("./modules/layer-slow-release.ts", import.meta.url)
  onEveryPlacement({ module, behaviours: Layer.empty }, (placement) => {
    it.live("L4: a system that ends before its actors waits for the release of the layer of a dedicated worker", () =>
      Effect.gen(function*() {
        const journal = yield* journalOfModule
        const holder = yield* Effect.provide(Holder.spawn(), placement.layer())
        assert.deepStrictEqual(yield* journal.lines, [
          "the actor is there",
          "the actor is gone",
          "releases",
          "released"
        ])
        assert.deepStrictEqual(yield* ActorRef.awaitExit(holder), Exit.void)
      }))
  }, { except: ["memory"], reason: "in memory the layer belongs to the program" })
})

describe("a module whose actor fails to start, and whose layer takes long to release", () => {
  const module = new URL("./modules/refuses.ts", import.meta.url)
  const policies = { "without a policy": undefined, "under a policy": Supervision.make() }
  onEveryPlacement({ module, behaviours: Layer.empty }, (placement) => {
    for (const [which, policy] of Object.entries(policies)) {
      it.live(`L1: an interruption of a spawn that has failed waits for the end of the worker (${which})`, () =>
        Effect.gen(function*() {
          const journal = yield* journalOfModule
          const before = holdings()
          yield* Effect.gen(function*() {
            const spawn = policy === undefined ? Refusing.spawn() : Supervision.supervised(Refusing.spawn(), policy)
            const spawning = yield* Effect.forkChild(spawn, { startImmediately: true })
            yield* journal.awaitLine("releases")
            spawning.interruptUnsafe()
            for (const _ of upTo(10)) yield* Effect.promise(() => setImmediate())
            assert.isUndefined(spawning.pollUnsafe())
            yield* journal.note("release")
            const exit = yield* Fiber.await(spawning)
            assert.instanceOf(errorOf(exit), Refused)
            assert.deepStrictEqual(yield* journal.lines, ["releases", "release", "released"])
            // the scope of the spawn is still open
            yield* Effect.promise(() => assertNothingAdded(before))
          }).pipe(Effect.provide(placement.layer()))
        }))
    }
  }, { except: ["memory"], reason: "in memory the layer belongs to the program" })
})

describe("a module whose layer takes long to build", () => {
  const module = new URL("./modules/layer-waits.ts", import.meta.url)
  const shutdownTimeout = "100 millis"
  const forked = Effect.forkChild({ startImmediately: true })
  onEveryPlacement({ module, behaviours: Layer.empty }, (placement) => {
    it.live("F1: an interrupted spawn does not kill a shared worker that starts while another spawn waits for it", () =>
      Effect.gen(function*() {
        const journal = yield* journalOfModule
        yield* Effect.gen(function*() {
          const interrupted = yield* forked(Holder.spawn())
          const other = yield* forked(Holder.spawn())
          const interruption = yield* forked(Fiber.interrupt(interrupted))
          yield* Effect.sleep("500 millis")
          assert.isUndefined(other.pollUnsafe())
          yield* journal.note("start")
          const holder = yield* Fiber.join(other)
          yield* Fiber.join(interruption)
          yield* holder.ping()
          assert.deepStrictEqual(yield* journal.lines, [
            "start",
            "the actor is there",
            "the actor is there",
            "the actor is gone"
          ])
        }).pipe(Effect.scoped, Effect.provide(placement.layer({ workers: 1, shutdownTimeout })))
      }))

    it.live("L1: a shared worker that does not start is killed when the spawns that waited for it have ended", () =>
      Effect.gen(function*() {
        yield* journalOfModule
        yield* Effect.gen(function*() {
          const interrupted = yield* forked(Holder.spawn())
          const other = yield* forked(Effect.exit(Holder.spawn()))
          yield* Fiber.interrupt(interrupted)
          const exit = yield* Fiber.join(other)
          assert(Exit.isFailure(exit))
          assert.strictEqual((yield* Effect.flip(exit)).reason, "Timeout")
        }).pipe(
          Effect.scoped,
          Effect.provide(placement.layer({ workers: 1, shutdownTimeout, spawnTimeout: "500 millis" }))
        )
      }))
  }, { except: ["memory"], reason: "in memory the layer belongs to the program" })
})

describe("a module whose layer fails half-way", () => {
  const module = new URL("./modules/layer-fails.ts", import.meta.url)
  onEveryPlacement({ module, behaviours: Layer.empty }, (placement) => {
    it.live("L2: a layer that fails half-way releases its resources", () =>
      Effect.gen(function*() {
        const journal = yield* journalOfModule
        const error = yield* Effect.flip(Effect.provide(Unserved.spawn(), placement.layer()))
        assert.strictEqual(error.reason, "ModuleFailed")
        assert.deepStrictEqual(yield* journal.lines, ["released"])
      }))
  }, { except: ["memory"], reason: "a system in memory is given its layer, and loads no module" })
})

describe("a module that is also a program", () => {
  const module = new URL("./modules/unguarded.ts", import.meta.url)
  const systems = {
    threads: NodeActorSystem.layerThreads({ module }),
    processes: NodeActorSystem.layerProcesses({ module })
  }
  for (const [placement, layer] of Object.entries(systems)) {
    it.live(`L2: a module that would start workers without end fails the spawn with an explanation (${placement})`, () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Unserved.spawn())
        assert.instanceOf(error, SpawnError)
        assert.strictEqual(error.reason, "ModuleFailed")
        assert.include(error.message, `NodeActorSystem.layerThreads: a worker is loading ${module.href}`)
        assert.include(error.message, "`if (import.meta.main)`")
      }).pipe(Effect.scoped, Effect.provide(layer)))
  }
})

describe("a module that lacks a service", () => {
  const module = new URL("./modules/lacks-service.ts", import.meta.url)
  onEveryPlacement({ module, behaviours: lacksService }, (placement) => {
    it.live("L2: a service that the layer of the module does not provide fails the spawn, which names it", () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Reader.spawn())
        assert.instanceOf(error, SpawnError)
        assert.strictEqual(error.reason, "ModuleFailed")
        const layer = placement.isMemory ? "the layer that ActorSystem.layer was given" : `the layer of ${module.href}`
        assert.strictEqual(error.message, `Reader requires the service test/Database, which ${layer} does not provide`)
      }).pipe(Effect.scoped, Effect.provide(placement.layer())))
  })

  const unbuilt = new URL("./modules/layer-lacks-service.ts", import.meta.url)
  onEveryPlacement({ module: unbuilt, behaviours: lacksService }, (placement) => {
    it.live("L2: a service that the layer of the module requires fails the spawn, which names it", () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Reader.spawn())
        assert.strictEqual(error.reason, "ModuleFailed")
        assert.strictEqual(
          error.message,
          `the layer of ${unbuilt.href} requires the service test/Database, which nothing provides`
        )
      }).pipe(Effect.scoped, Effect.provide(placement.layer())))
  }, { except: ["memory"], reason: "in memory the layer belongs to the program" })
})
