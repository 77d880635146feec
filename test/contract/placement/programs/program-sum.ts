/** An actor whose module, or whose worker script, is the compiled file of a build. */
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import * as Actor from "../../../../src/Actor.ts"

export class Sum extends Actor.Service<Sum>()("Sum", {
  args: Schema.Struct({ start: Schema.Int }),
  protocol: [
    Rpc.make("add", { payload: { n: Schema.Int }, success: Schema.Int }),
    Rpc.make("print", { payload: { line: Schema.String } })
  ]
}) {}

export default Sum.toLayer(({ start }) =>
  Effect.map(Ref.make(start), (sum) => ({
    add: ({ n }) => Ref.updateAndGet(sum, (total) => total + n),
    print: ({ line }) => Effect.sync(() => console.log(line))
  }))
)
