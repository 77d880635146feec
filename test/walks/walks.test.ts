/**
 * A short random walk of handles on every placement. `WALKS_SEED` is where its random numbers begin; `npm run soak:walks` walks on.
 */
import { it } from "@effect/vitest"
import { Effect, Logger } from "effect"
import { onEveryPlacement } from "../contract/support/placements.ts"
import { stroll } from "./walk.ts"
import behaviours from "./walker.ts"

const fixture = { module: new URL("./walker.ts", import.meta.url), behaviours }

const seed = Number(process.env["WALKS_SEED"] ?? Math.floor(Math.random() * 1e6))
process.stdout.write(`walks: WALKS_SEED=${seed}\n`)

// the reports of crashes are not for the screen
const quiet = Effect.provide(Logger.layer([]))

const patience = 60_000

onEveryPlacement(fixture, (placement) => {
  for (const workers of placement.isMemory ? ["dedicated"] as const : ["dedicated", 2] as const) {
    const where = workers === 2 ? "on two workers" : "each on its own worker"
    const layer = placement.layer({ workers })

    it.live(
      `H4, H5: randomly forwarded handles reach their objects, and leave no entries (${where})`,
      () => stroll({ seed, steps: 200, width: 4, patience, deaths: false }).pipe(Effect.provide(layer), quiet),
      4 * patience
    )

    it.live(
      `H4: randomly forwarded handles outlive their earlier holders (${where})`,
      () => stroll({ seed, steps: 24, width: 1, patience, deaths: true }).pipe(Effect.provide(layer), quiet),
      4 * patience
    )
  }
})
