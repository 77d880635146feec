/** A program with an actor that logs and then needs more memory than its thread has. The program prints the log. */
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as NodeActorSystem from "../../../../src/node/NodeActorSystem.ts"
import { Scribe } from "../../fixtures/scribe.ts"

const printed = Logger.make<unknown, void>(({ message }) => console.log(String(message)))

await Scribe.spawn().pipe(
  Effect.flatMap((scribe) => Effect.exit(scribe.end({ how: "memory" }))),
  Effect.scoped,
  Effect.provide(NodeActorSystem.layerThreads({
    module: new URL("../../fixtures/scribe.ts", import.meta.url),
    resourceLimits: { maxOldGenerationSizeMb: 64 }
  })),
  Effect.provide(Logger.layer([printed])),
  Effect.runPromise
)
