/** A module that awaits others at its top, which it loads in every way there is. */
import * as Effect from "effect/Effect"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import { createRequire } from "node:module"
import * as Actor from "../../../../src/Actor.ts"

const require = createRequire(import.meta.url)
const barrel = await import("effect")
const here = await import("../../../../src/index.ts")

const instances: Readonly<Record<string, boolean>> = {
  "effect/Effect": Effect.succeed === barrel.Effect.succeed,
  "effect/Schema": Schema.Struct === barrel.Schema.Struct,
  "effect by require": (require("effect") as typeof barrel).Effect.succeed === Effect.succeed,
  "effect/Effect by require": (require("effect/Effect") as typeof Effect).succeed === Effect.succeed,
  "effect/Effect by URL":
    ((await import(import.meta.resolve("effect/Effect"))) as typeof Effect).succeed === Effect.succeed,
  "this library": here.Actor.Service === Actor.Service
}

export class Awaiting extends Actor.Service<Awaiting>()("Awaiting", {
  protocol: [Rpc.make("doubled", { success: Schema.Array(Schema.String) })]
}) {}

export default Awaiting.toLayer({
  /** what was loaded twice */
  doubled: () => Effect.succeed(Object.keys(instances).filter((name) => !instances[name]))
})
