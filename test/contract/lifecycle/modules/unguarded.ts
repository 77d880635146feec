/** A module that is a program as well, and does not ask whether it is run as one. */
import * as Effect from "effect/Effect"
import * as NodeActorSystem from "../../../../src/node/NodeActorSystem.ts"
import { Unserved } from "../../fixtures/lifecycle.ts"

export default Unserved.toLayer({ "never called": () => Effect.void })

await Unserved.spawn().pipe(
  Effect.scoped,
  Effect.provide(NodeActorSystem.layerThreads({ module: import.meta.url })),
  Effect.runPromise
)
