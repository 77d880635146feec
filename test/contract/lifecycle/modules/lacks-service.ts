/** Behaviours that require a service, which the layer of the module does not provide. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import * as Actor from "../../../../src/Actor.ts"

class Database extends Context.Service<Database, { readonly rows: number }>()("test/Database") {}

export class Reader extends Actor.Service<Reader>()("Reader", {
  protocol: [Rpc.make("rows", { success: Schema.Int })]
}) {}

const reader = Reader.toLayer(() =>
  Effect.map(Database, ({ rows }) => Reader.handlers({ rows: () => Effect.succeed(rows) }))
)

// as untyped code may write it
export default reader as Layer.Layer<Layer.Success<typeof reader>>

/** The same, where the layer of the module itself requires the service. */
export const unbuilt = Layer.merge(reader, Layer.effectDiscard(Database)) as Layer.Layer<Layer.Success<typeof reader>>
