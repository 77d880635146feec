// The placements of the contract in a page: the memory of the page.
import type * as Layer from "effect/Layer"
import { ActorSystem } from "../../../src/ActorSystem.ts"
import type { PlacementsOptions } from "../../../test/contract/support/placements.ts"
import { describe } from "../suite/vitest.ts"

interface Options extends NonNullable<Parameters<typeof ActorSystem.layer>[1]> {
  readonly execArgv?: unknown
  readonly heartbeat?: unknown
  readonly resourceLimits?: unknown
  readonly spin?: unknown
  readonly workers?: unknown
}

interface Placement {
  readonly name: string
  readonly isMemory: boolean
  readonly inCluster: boolean
  readonly layer: (options?: Options) => Layer.Layer<ActorSystem>
}

export const onEveryPlacement = (
  { behaviours }: { readonly behaviours: Layer.Layer<never> },
  body: (placement: Placement) => void,
  { except }: PlacementsOptions = {}
): void => {
  if (except?.includes("memory") === true) return
  describe("memory", () =>
    body({
      name: "memory",
      isMemory: true,
      inCluster: false,
      layer: ({ execArgv: _e, heartbeat: _h, resourceLimits: _r, spin: _s, workers: _w, ...options } = {}) =>
        ActorSystem.layer(behaviours, options)
    }))
}
