import { assert, describe, it } from "@effect/vitest"
import { Config, ConfigProvider, Effect, type Layer } from "effect"
import * as ActorRef from "../../../src/ActorRef.ts"
import type { ActorSystem } from "../../../src/ActorSystem.ts"
import * as NodeActorSystem from "../../../src/node/NodeActorSystem.ts"
import { Surroundings } from "./actors/surroundings.ts"

const module = new URL("./actors/surroundings.ts", import.meta.url)

type Options = NodeActorSystem.Configured<NodeActorSystem.ModuleOptions & NodeActorSystem.SystemOptions>

const layers: Readonly<Record<string, (options: Options) => Layer.Layer<ActorSystem, Config.ConfigError>>> = {
  layerThreadsConfig: NodeActorSystem.layerThreadsConfig,
  layerProcessesConfig: NodeActorSystem.layerProcessesConfig
}

const withEnv = (env: Readonly<Record<string, string>>) =>
  Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env })))

/** The workers of two actors. */
const workersOfTwo = Effect.gen(function*() {
  const refs = [yield* Surroundings.spawn(), yield* Surroundings.spawn()]
  return refs.map((ref) => ActorRef.address(ref).split("@")[1])
}).pipe(Effect.scoped)

for (const [name, layer] of Object.entries(layers)) {
  describe(name, () => {
    it.live("T5: reads options from Configs, beside options that are values", () =>
      Effect.gen(function*() {
        const options = { module, name: Config.String("NAME"), workers: Config.Int("WORKERS") }
        const workers = yield* Effect.provide(workersOfTwo, layer(options))
        assert.deepStrictEqual(workers, ["pricing-1", "pricing-1"])
      }).pipe(withEnv({ NAME: "pricing", WORKERS: "1" })))

    it.live("T5: reads all options from one Config", () =>
      Effect.gen(function*() {
        const options = Config.map(Config.String("NAME"), (name) => ({ module, name }))
        const workers = yield* Effect.provide(workersOfTwo, layer(options))
        assert.deepStrictEqual(workers, ["pricing-1", "pricing-2"])
      }).pipe(withEnv({ NAME: "pricing" })))

    it.live("T5: reads options that the program does not set from the variables UACTOR_*", () =>
      Effect.gen(function*() {
        const workers = yield* Effect.provide(workersOfTwo, layer({ module }))
        assert.strictEqual(workers[0], workers[1])
      }).pipe(withEnv({
        UACTOR_WORKERS: "1",
        UACTOR_SPAWN_TIMEOUT: "1 minute",
        UACTOR_SHUTDOWN_TIMEOUT: "Infinity",
        UACTOR_INTERRUPT_TIMEOUT: "2 seconds",
        UACTOR_HEARTBEAT: "1 minute",
        UACTOR_SPIN: "false",
        UACTOR_TELEMETRY: "none",
        UACTOR_TRACING: "server"
      })))

    it.live("T5: an option of the program takes precedence over its variable, which is not read", () =>
      Effect.gen(function*() {
        const workers = yield* Effect.provide(workersOfTwo, layer({ module, workers: 2 }))
        assert.notStrictEqual(workers[0], workers[1])
      }).pipe(withEnv({ UACTOR_WORKERS: "none" })))

    const wrong: ReadonlyArray<[variable: string, value: string, expected: string]> = [
      ["UACTOR_WORKERS", "0", "dedicated, or an integer of at least 1"],
      ["UACTOR_WORKERS", "1.5", "dedicated, or an integer of at least 1"],
      ["UACTOR_SPAWN_TIMEOUT", "soon", "a duration of at least 0"],
      ["UACTOR_SHUTDOWN_TIMEOUT", "-1 seconds", "a duration of at least 0"],
      ["UACTOR_INTERRUPT_TIMEOUT", "5000", "a duration of at least 0"],
      ["UACTOR_HEARTBEAT", "0 seconds", "a duration longer than 0"],
      ["UACTOR_SPIN", "true", "false, or a duration of at least 0"],
      ["UACTOR_TELEMETRY", "all", "relay, own or none"],
      ["UACTOR_TRACING", "all", "full, server or off"]
    ]
    for (const [variable, value, expected] of wrong) {
      it.effect(`T5: ${variable}=${value} is a ConfigError that names the variable and the values it may have`, () =>
        Effect.gen(function*() {
          const error = yield* Effect.flip(Effect.provide(Effect.void, layer({ module })))
          assert.strictEqual(error._tag, "ConfigError")
          assert.include(error.message, `Expected ${expected}`)
          assert.include(error.message, `at ["${variable}"]`)
        }).pipe(withEnv({ [variable]: value })))
    }

    it.effect("T5: several wrong variables and missing Configs are one ConfigError that names all of them", () =>
      Effect.gen(function*() {
        const options = { module, name: Config.String("NAME"), env: { TENANT: Config.String("TENANT") } }
        const error = yield* Effect.flip(Effect.provide(Effect.void, layer(options)))
        assert.strictEqual(error._tag, "ConfigError")
        const names = ["NAME", "TENANT", "UACTOR_WORKERS", "UACTOR_HEARTBEAT", "UACTOR_SPIN"]
        for (const name of names) assert.include(error.message, `at ["${name}"]`)
        assert.strictEqual(error.message.match(/at \["/g)!.length, names.length)
        assert.include(error.message, "Expected dedicated, or an integer of at least 1")
        assert.include(error.message, "Expected a duration longer than 0")
      }).pipe(
        withEnv({
          UACTOR_WORKERS: "0",
          UACTOR_HEARTBEAT: "never",
          UACTOR_SPIN: "true",
          UACTOR_SPAWN_TIMEOUT: "1 second"
        })
      ))

    it.effect("T5: a Config that is missing is a ConfigError that names its path", () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Effect.provide(Effect.void, layer({ module, name: Config.String("NAME") })))
        assert.strictEqual(error._tag, "ConfigError")
        assert.include(error.message, "NAME")
      }).pipe(withEnv({})))

    it.effect("T5: a Config with a value that the option does not take is a ConfigError that names the option", () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Effect.provide(Effect.void, layer({ module, workers: Config.Int("WORKERS") })))
        assert.strictEqual(error._tag, "ConfigError")
        assert.include(error.message, `workers must be "dedicated" or an integer of at least 1, not 0`)
      }).pipe(withEnv({ WORKERS: "0" })))
  })
}

it.effect("T5: an error of the ConfigProvider itself is reported instead of the wrong variables", () =>
  Effect.gen(function*() {
    const error = yield* Effect.flip(Effect.provide(Effect.void, NodeActorSystem.layerThreadsConfig({ module })))
    assert.strictEqual(error.cause._tag, "SourceError")
    assert.include(error.message, "the store is closed")
  }).pipe(Effect.provide(ConfigProvider.layer(ConfigProvider.make(([name]) =>
    name === "UACTOR_SPIN"
      ? Effect.fail(new ConfigProvider.SourceError({ message: "the store is closed" }))
      : Effect.succeed(ConfigProvider.makeValue("none"))
  )))))

it.effect("T5: reads a part of an option", () =>
  Effect.gen(function*() {
    const system = NodeActorSystem.layerThreadsConfig({
      module,
      resourceLimits: { maxOldGenerationSizeMb: Config.Finite("HEAP_MB") }
    })
    const error = yield* Effect.flip(Effect.provide(Effect.void, system))
    assert.include(error.message, "resourceLimits.maxOldGenerationSizeMb must be a number from 3 to Infinity, not 1")
  }).pipe(withEnv({ HEAP_MB: "1" })))
