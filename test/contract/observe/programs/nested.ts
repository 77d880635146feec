/** A program with an actor in a child process, which has an actor on a thread of its own. */
import * as Effect from "effect/Effect"
import * as NodeActorSystem from "../../../../src/node/NodeActorSystem.ts"
import { Till } from "../../fixtures/counted.ts"

await Till.spawn().pipe(
  Effect.flatMap((till) => till.delegate({ item: "bread", amount: 1 })),
  Effect.scoped,
  Effect.provide(NodeActorSystem.layerProcesses({ module: new URL("../../fixtures/counted.ts", import.meta.url) })),
  Effect.runPromise
)
