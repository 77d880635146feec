/** An actor whose module needs values of the option `config`. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaTransformation from "effect/SchemaTransformation"
import * as Actor from "../../../../src/Actor.ts"
import * as WorkerConfig from "../../../../src/WorkerConfig.ts"

export class Limit extends Schema.Class<Limit>("Limit")({ calls: Schema.Int }) {}

export class Settings extends WorkerConfig.Service<Settings>()("Settings", {
  tenant: Schema.String,
  since: Schema.Date,
  limit: Limit,
  key: Schema.Redacted(Schema.String),
  region: Schema.optionalKey(Schema.String)
}) {}

/** a configuration that is no struct */
export class Level extends WorkerConfig.Service<Level>()("Level", Schema.Literals(["low", "high"])) {}

/** a service of the module, which reads the configuration when its layer is built */
class Store extends Context.Service<Store, { readonly label: string }>()("Store") {
  static readonly layer = Layer.effect(
    Store,
    Effect.map(Settings, ({ since, tenant }) => ({ label: `${tenant} since ${since.toISOString()}` }))
  )
}

export class Tenant extends Actor.Service<Tenant>()("Tenant", {
  protocol: {
    label: Actor.method({ success: Schema.String }),
    level: Actor.method({ success: Schema.Literals(["low", "high"]) }),
    limit: Actor.method({ success: Limit }),
    isLimit: Actor.method({ success: Schema.Boolean }),
    exit: Actor.method()
  }
}) {}

const TenantLive = Tenant.toLayer(Effect.fn(function*() {
  const { label } = yield* Store
  const { limit } = yield* Settings
  return Tenant.handlers({
    label: () => Effect.succeed(label),
    level: () => Level,
    limit: () => Effect.succeed(limit),
    isLimit: () => Effect.succeed(limit instanceof Limit),
    exit: () => Effect.sync(() => process.exit(7))
  })
}))

export const live = TenantLive.pipe(
  Layer.provide(Store.layer),
  Layer.provide([Settings.layer, Level.layer])
)

export default Actor.module(live)

// ---- a configuration that the worker cannot read ----

const WrittenOnly = Schema.String.pipe(
  Schema.decodeTo(
    Schema.String,
    SchemaTransformation.transformEffect<string, string>({
      decode: () => Effect.fail(new SchemaIssue.InvalidValue({ message: "only written, never read" })),
      encode: Effect.succeed
    })
  )
)

export class Unreadable extends WorkerConfig.Service<Unreadable>()("Unreadable", {
  collector: Schema.Struct({ url: WrittenOnly })
}) {}
