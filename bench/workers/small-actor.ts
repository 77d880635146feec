/**
 * A small actor of a typical program, to measure the cost of a start.
 */
import * as Effect from "effect/Effect"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import { Actor } from "../../src/index.ts"

/** The actor. */
export class Small extends Actor.Service<Small>()("Small", {
  protocol: [Rpc.make("add", { payload: { n: Schema.Int }, success: Schema.Int })]
}) {}

export default Small.toLayer({ add: ({ n }) => Effect.succeed(n + 1) })
