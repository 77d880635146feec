// The placements of the contract in a page: the memory of the page.
import type * as Layer from "effect/Layer"
import { ActorSystem } from "../../../src/ActorSystem.ts"
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
  readonly layer: (options?: Options) => Layer.Layer<ActorSystem>
}

export const onEveryPlacement = (
  { behaviours }: { readonly behaviours: Layer.Layer<never> },
  body: (placement: Placement) => void,
  options?: { readonly except: ReadonlyArray<string> }
): void => {
  if (options?.except.includes("memory") === true) return
  describe("memory", () =>
    body({
      name: "memory",
      isMemory: true,
      layer: ({ execArgv: _e, heartbeat: _h, resourceLimits: _r, spin: _s, workers: _w, ...options } = {}) =>
        ActorSystem.layer(behaviours, options)
    }))
}
