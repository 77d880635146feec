/**
 * Runs tests on shared workers, which start once for each placement, before the first test. Starting workers is most of the cost of a
 * test.
 */
import { layer, type Vitest } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { ActorSystem } from "../../../src/ActorSystem.ts"
import { differs } from "./clusterDifferences.ts"
import * as InCluster from "./inCluster.ts"
import { type Fixture, onEveryPlacement, type Placement, type PlacementsOptions } from "./placements.ts"

const numbers = { 1: "one worker", 2: "two workers" } as const

/** What defines tests. */
type Tests<R> = Pick<Vitest.MethodsNonLive<R>, "effect">

/**
 * Runs `body` once for each placement, with an `it` whose tests share a system with one worker or two; `actor` is the layer of an
 * actor that keeps a worker alive.
 */
const onWorkers = <A, E>(
  fixture: Fixture,
  workers: keyof typeof numbers,
  actor: Layer.Layer<A, E, ActorSystem>,
  body: (it: Tests<A | ActorSystem>, placement: Placement) => void,
  options?: Pick<PlacementsOptions, "inCluster">
): void =>
  onEveryPlacement(fixture, (placement) => {
    // an actor of a cluster keeps no worker alive: it starts with its first call
    const keeper = placement.inCluster ? Layer.provide(actor, InCluster.layerHost) : actor
    const system = Layer.provideMerge(keeper, placement.layer({ workers }))
    layer(system, { excludeTestServices: true, timeout: "2 minutes" })(`in ${numbers[workers]}`, (it) =>
      body(placement.inCluster ? whatHolds(it) : it, placement))
  }, { areWorkersShared: true, ...options })

// leaves out the tests of what differs in a cluster
const whatHolds = <R>({ effect }: Tests<R>): Tests<R> => {
  const where = (name: string, ...test: any): void => differs(name) ? undefined : effect(name, ...test as [never])
  return { effect: Object.assign(where, effect) }
}

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
  body: (it: Tests<A | ActorSystem>, placement: Placement) => void,
  options?: Pick<PlacementsOptions, "inCluster">
): void => onWorkers(fixture, 1, actor, body, options)

/**
 * Runs `body` once for each placement, with an `it` whose tests have a system with two workers; `spawn` makes an actor that keeps a
 * worker alive. Of two actors that a test spawns one after the other, each is in a worker of its own.
 */
export const onTwoWorkers = <A, E>(
  fixture: Fixture,
  spawn: Effect.Effect<A, E, ActorSystem | Scope.Scope>,
  body: (it: Tests<ActorSystem>, placement: Placement) => void
): void => onWorkers(fixture, 2, keepers(spawn, 2), body)

/**
 * Runs `body` twice for each placement, with an `it` whose tests have a system with two workers, or with one; `spawn` makes an actor
 * that keeps a worker alive. Of two actors that a test spawns one after the other, each is in a worker of its own if there are two.
 */
export const onTwoWorkersAndOne = <A, E>(
  fixture: Fixture,
  spawn: Effect.Effect<A, E, ActorSystem | Scope.Scope>,
  body: (it: Tests<ActorSystem>, placement: Placement, workers: 1 | 2) => void,
  options?: Pick<PlacementsOptions, "inCluster">
): void => {
  for (const workers of [2, 1] as const) {
    onWorkers(fixture, workers, keepers(spawn, workers), (it, placement) => body(it, placement, workers), options)
  }
}
