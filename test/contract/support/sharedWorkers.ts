/**
 * Runs tests on shared workers, which start once for each placement, before the first test. Starting workers is most of the cost of a
 * test.
 */
import { layer, type Vitest } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { ActorSystem } from "../../../src/ActorSystem.ts"
import { type Fixture, onEveryPlacement, type Placement } from "./placements.ts"

const numbers = { 1: "one worker", 2: "two workers" } as const

/**
 * Runs `body` once for each placement, with an `it` whose tests share a system with one worker or two; `actor` is the layer of an
 * actor that keeps a worker alive.
 */
const onWorkers = <A, E>(
  fixture: Fixture,
  workers: keyof typeof numbers,
  actor: Layer.Layer<A, E, ActorSystem>,
  body: (it: Vitest.MethodsNonLive<A | ActorSystem>, placement: Placement) => void
): void =>
  onEveryPlacement(fixture, (placement) => {
    const system = Layer.provideMerge(actor, placement.layer({ workers }))
    layer(system, { excludeTestServices: true, timeout: "2 minutes" })(`in ${numbers[workers]}`, (it) =>
      body(it, placement))
  }, { areWorkersShared: true })

/** The layer of actors that keep so many workers alive. */
const keepers = <A, E>(
  spawn: Effect.Effect<A, E, ActorSystem | Scope.Scope>,
  workers: keyof typeof numbers
): Layer.Layer<never, E, ActorSystem> => Layer.effectDiscard(Effect.replicateEffect(spawn, workers))

/**
 * Runs `body` once for each placement, with an `it` whose tests have a system with one worker; `actor` is the layer of an actor
 * that keeps the worker alive.
 */
export const onOneWorker = <A, E>(
  fixture: Fixture,
  actor: Layer.Layer<A, E, ActorSystem>,
  body: (it: Vitest.MethodsNonLive<A | ActorSystem>, placement: Placement) => void
): void => onWorkers(fixture, 1, actor, body)

/**
 * Runs `body` once for each placement, with an `it` whose tests have a system with two workers; `spawn` makes an actor that keeps a
 * worker alive. Of two actors that a test spawns one after the other, each is in a worker of its own.
 */
export const onTwoWorkers = <A, E>(
  fixture: Fixture,
  spawn: Effect.Effect<A, E, ActorSystem | Scope.Scope>,
  body: (it: Vitest.MethodsNonLive<ActorSystem>, placement: Placement) => void
): void => onWorkers(fixture, 2, keepers(spawn, 2), body)

/**
 * Runs `body` twice for each placement, with an `it` whose tests have a system with two workers, or with one; `spawn` makes an actor
 * that keeps a worker alive. Of two actors that a test spawns one after the other, each is in a worker of its own if there are two.
 */
export const onTwoWorkersAndOne = <A, E>(
  fixture: Fixture,
  spawn: Effect.Effect<A, E, ActorSystem | Scope.Scope>,
  body: (it: Vitest.MethodsNonLive<ActorSystem>, placement: Placement, workers: 1 | 2) => void
): void => {
  for (const workers of [2, 1] as const) {
    onWorkers(fixture, workers, keepers(spawn, workers), (it, placement) => body(it, placement, workers))
  }
}
