/**
 * Tests that need no worker of their own share one for each placement, which is started before the first of them: starting
 * workers is most of what a test costs.
 */
import { layer, type Vitest } from "@effect/vitest"
import * as Layer from "effect/Layer"
import type { ActorSystem } from "../../src/ActorSystem.ts"
import { type Fixture, onEveryPlacement, type Placement } from "./placements.ts"

/**
 * Runs `body` once for each placement, with an `it` whose tests have a system with one worker; `actor` is the layer of an actor
 * that keeps the worker alive.
 */
export const onOneWorker = <A, E>(
  fixture: Fixture,
  actor: Layer.Layer<A, E, ActorSystem>,
  body: (it: Vitest.MethodsNonLive<A | ActorSystem>, placement: Placement) => void
): void =>
  onEveryPlacement(fixture, (placement) => {
    const system = Layer.provideMerge(actor, placement.layer({ workers: 1 }))
    layer(system, { excludeTestServices: true, timeout: "30 seconds" })("in one worker", (it) => body(it, placement))
  })
