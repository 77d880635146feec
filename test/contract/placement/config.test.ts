import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, type Layer, Redacted, Schedule, Schema } from "effect"
import { Worker } from "node:worker_threads"
import { SpawnError } from "../../../src/ActorError.ts"
import { ActorSystem } from "../../../src/ActorSystem.ts"
import * as Handle from "../../../src/Handle.ts"
import * as NodeActorSystem from "../../../src/node/NodeActorSystem.ts"
import * as Supervision from "../../../src/Supervision.ts"
import * as WorkerConfig from "../../../src/WorkerConfig.ts"
import { defectOf } from "../support/asserts.ts"
import { onEveryPlacement } from "../support/placements.ts"
import behaviours, { Level, Limit, live, Settings, Tenant, Unreadable } from "./actors/config.ts"

const fileOf = (name: string): URL => new URL(`./actors/${name}.ts`, import.meta.url)
const module = fileOf("config")

const settings = { tenant: "acme", since: new Date(0), limit: new Limit({ calls: 3 }), key: Redacted.make("secret") }
const config = Context.merge(Settings.config(settings), Level.config("high"))

/** Uses an actor whose module has the configuration. */
const useTenant = Effect.gen(function*() {
  const tenant = yield* Tenant.spawn()
  assert.strictEqual(yield* tenant.label(), "acme since 1970-01-01T00:00:00.000Z")
  assert.strictEqual(yield* tenant.level(), "high")
  assert.deepStrictEqual(yield* tenant.limit(), new Limit({ calls: 3 }))
  assert.isTrue(yield* tenant.isLimit())
  return tenant
})

onEveryPlacement({ module, behaviours }, (placement) => {
  it.live("T4: config reaches the layer of the module and the behaviours as services, decoded by their schemas", () =>
    Effect.provide(useTenant, placement.layer({ config })))

  it.live("T4: several workers receive the config", () =>
    Effect.provide(Effect.all([useTenant, useTenant], { concurrency: 2 }), placement.layer({ config, workers: 2 })))
})

onEveryPlacement({ module, behaviours }, (placement) => {
  it.live("T4: a restarted actor has the config", () =>
    Effect.gen(function*() {
      const tenant = yield* useTenant
      yield* Effect.exit(tenant.exit())
      assert.strictEqual(yield* tenant.level(), "high")
    }).pipe(
      Supervision.supervised(Supervision.make({ schedule: Schedule.spaced("1 millis") })),
      Effect.provide(placement.layer({ config }))
    ))

  it.live("T4: without the value of a service that the module requires, spawn fails, and the error names the service", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Tenant.spawn())
      assert.instanceOf(error, SpawnError)
      assert.strictEqual(error.reason, "ModuleFailed")
      assert.include(error.message, "actors/config.ts requires the config Level")
      assert.include(error.message, "which the option `config` of the system does not contain")
    }).pipe(Effect.provide(placement.layer({ config: Settings.config(settings) }))))

  it.live("T4: a value that the worker cannot read fails the spawn, and the error names the service and the field", () =>
    Effect.gen(function*() {
      const options = { module: fileOf("config-unreadable"), config: Unreadable.config({ collector: { url: "x" } }) }
      const system = placement.name === "threads"
        ? NodeActorSystem.layerThreads(options)
        : NodeActorSystem.layerProcesses(options)
      const error = yield* Effect.flip(Effect.provide(Tenant.spawn(), system))
      assert.instanceOf(error, SpawnError)
      assert.strictEqual(error.reason, "ModuleFailed")
      assert.include(error.message, "the config Unreadable does not fit its schema: only written, never read")
      assert.include(error.message, `at ["collector"]["url"]`)
    }))

  it.live("T4: config reaches a script that serves behaviours", () =>
    Effect.provide(
      useTenant,
      placement.name === "threads"
        ? NodeActorSystem.layerThreads({ worker: fileOf("config-script"), config })
        : NodeActorSystem.layerProcesses({ worker: fileOf("config-script"), config })
    ))
}, { except: ["memory"], reason: "in memory, a missing value does not compile, and nothing crashes" })

it.live("T4: config reaches a thread that the program made", () =>
  Effect.provide(
    useTenant,
    NodeActorSystem.layerThreads({ worker: () => new Worker(fileOf("config-script")), config })
  ).pipe(Effect.scoped))

it.live("T4: in memory, a value that cannot be read is a defect of the layer that names the service and the field", () =>
  Effect.gen(function*() {
    const system = ActorSystem.layer(Unreadable.layer, { config: Unreadable.config({ collector: { url: "x" } }) })
    const defect = defectOf(yield* Effect.exit(Effect.provide(Effect.void, system)))
    assert.instanceOf(defect, TypeError)
    assert.include(defect.message, "the config Unreadable does not fit its schema: only written, never read")
    assert.include(defect.message, `at ["collector"]["url"]`)
  }))

it.effect("T4: the services of a module can be tested with a value of their own, without a config", () =>
  Effect.gen(function*() {
    assert.strictEqual((yield* Settings).tenant, "acme")
  }).pipe(Effect.provideService(Settings, settings)))

describe("config", () => {
  it("P8: a value that does not fit its schema is rejected, and the error names the service and every wrong field", () => {
    const value = { ...settings, tenant: 5, since: "today" } as unknown as typeof settings
    assert.throws(() => Settings.config(value), TypeError, "Settings.config: the value does not fit its schema: ")
    assert.throws(() => Settings.config(value), TypeError, `at ["tenant"]`)
    assert.throws(() => Settings.config(value), TypeError, `at ["since"]`)
  })

  it("P8: a value that cannot be sent is rejected", () => {
    class Open extends WorkerConfig.Service<Open>()("Open", { any: Schema.Unknown }) {}
    assert.throws(() => Open.config({ any: () => 1 }), TypeError, "Open.config: the value cannot be sent: ")
    const value = { any: { list: [1, () => 1], url: new URL("http://localhost") } }
    const refused = "any.list[1] is a function, any.url is a URL; send its `href`"
    assert.throws(() => Open.config(value), TypeError, `Open.config: the value cannot be sent: ${refused}`)
  })

  it("P8: the error names the wrong fields of a class, and those beside it", () => {
    class Limits
      extends WorkerConfig.Service<Limits>()("Limits", { limit: Limit, size: Schema.Int, name: Schema.String })
    {}
    const value = { limit: { calls: 3 }, size: 1.5, name: 7 } as unknown as (typeof Limits)["Service"]
    for (const field of ["limit", "size", "name"]) {
      assert.throws(() => Limits.config(value), TypeError, `at ["${field}"]`)
    }
  })

  it("P8: a schema with handles is rejected", () => {
    assert.throws(
      () => WorkerConfig.Service()("Shared", { ref: Handle.Ref(Schema.Int) }),
      TypeError,
      `WorkerConfig.Service("Shared"): a configuration cannot contain handles`
    )
  })

  it.live("T4: a value is encoded when it is made: a later change of an object in it has no effect", () =>
    Effect.gen(function*() {
      class Tags extends WorkerConfig.Service<Tags>()("Tags", { any: Schema.Unknown }) {}
      const any = ["a"]
      const config = Tags.config({ any })
      any.push("b")
      const layer = Effect.provideContext(Effect.provide(Tags, Tags.layer), config)
      assert.deepStrictEqual(yield* layer, { any: ["a"] })
    }))

  const systems: Readonly<Record<string, (config: any) => Layer.Layer<ActorSystem>>> = {
    "ActorSystem.layer": (config) => ActorSystem.layer(live, { config }) as Layer.Layer<ActorSystem>,
    "NodeActorSystem.layerThreads": (config) => NodeActorSystem.layerThreads({ module, config }),
    "NodeActorSystem.layerProcesses": (config) => NodeActorSystem.layerProcesses({ module, config })
  }
  for (const [name, layer] of Object.entries(systems)) {
    it(`P8: ${name} rejects a config that is not the result of \`config\``, () => {
      const text =
        `${name}: config must be the result of \`config\` of a WorkerConfig.Service, such as Settings.config({ … }), not `
      assert.throws(() => layer(settings), TypeError, `${text}another value`)
      assert.throws(
        () => layer(Context.make(Settings, settings)),
        TypeError,
        `${text}a context with the service Settings`
      )
      assert.throws(
        () => layer(Context.make(Settings, settings).pipe(Context.add(Level, "high"))),
        TypeError,
        `${text}a context with the services Settings, Level`
      )
    })
  }
})
