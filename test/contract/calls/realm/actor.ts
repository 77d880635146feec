/** An actor that gives back what it is given, under schemas that look at classes. */
import * as Effect from "effect/Effect"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import * as Actor from "../../../../src/Actor.ts"

const Everything = Schema.Struct({
  at: Schema.Date,
  bytes: Schema.Uint8Array,
  counts: Schema.ReadonlyMap(Schema.String, Schema.Date),
  tags: Schema.ReadonlySet(Schema.Int),
  text: Schema.RegExp,
  any: Schema.Any
})

export class Mirror extends Actor.Service<Mirror>()("Mirror", {
  protocol: [
    Rpc.make("show", { payload: Everything, success: Everything }),
    Rpc.make("die", { success: Schema.Int })
  ]
}) {}

export default Mirror.toLayer({
  show: (everything) => Effect.succeed(everything),
  die: () => Effect.die(new RangeError("out of range", { cause: new Date(5) }))
})
