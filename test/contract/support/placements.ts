/**
 * Where the contract is tested: the same body runs in memory, on threads, in child processes, and for actors of a cluster, and after every
 * test nothing may be left of what it started (L1).
 */
import { describe } from "@effect/vitest"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Layer from "effect/Layer"
import { ActorSystem } from "../../../src/ActorSystem.ts"
import * as NodeActorSystem from "../../../src/node/NodeActorSystem.ts"
import type { Given } from "../../../src/WorkerConfig.ts"
import * as InCluster from "./inCluster.ts"
import { checkLeaks } from "./leaks.ts"
import { skipBeyondSample } from "./sample.ts"

/** The options of a system under test; a placement leaves out those that mean nothing to it. */
interface PlacementOptions {
  readonly workers?: "dedicated" | number
  /** not in memory */
  readonly spares?: number
  readonly spawnTimeout?: Duration.Input
  readonly shutdownTimeout?: Duration.Input
  readonly interruptTimeout?: Duration.Input
  /** not in memory */
  readonly heartbeat?: Duration.Input
  /** not in memory */
  readonly spin?: Duration.Input | false
  readonly config?: Context.Context<Given<any>>
  /** not in memory */
  readonly name?: string
  /** not in memory */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** not in memory */
  readonly argv?: ReadonlyArray<string>
  /** not in memory */
  readonly execArgv?: ReadonlyArray<string>
  /** threads only */
  readonly resourceLimits?: NonNullable<NodeActorSystem.ThreadOptions["resourceLimits"]>
  /** not in memory */
  readonly telemetry?: "relay" | "own" | "none"
  readonly tracing?: "full" | "server" | "off"
  /** the limit of the old generation of the heap, in megabytes; not in memory */
  readonly heapMb?: number
}

export interface Placement {
  readonly name: "memory" | "threads" | "processes"
  readonly isMemory: boolean
  /** the actors are reached through a cluster, whose runner hosts them in memory or on threads */
  readonly inCluster: boolean
  /** the layer of a system whose workers load the fixture module */
  readonly layer: (options?: PlacementOptions) => Layer.Layer<ActorSystem>
}

/** A module that workers load, and its default export for the system that loads none. */
export interface Fixture {
  readonly module: URL
  readonly behaviours: Layer.Layer<never, never, Given<any>>
}

const placements = ({ behaviours, module }: Fixture): ReadonlyArray<Placement> => [
  {
    name: "memory",
    isMemory: true,
    inCluster: false,
    layer: ({ config = Context.empty(), interruptTimeout, shutdownTimeout, spawnTimeout, tracing } = {}) =>
      // the type of `config` does not show which values it contains
      ActorSystem.layer(behaviours, {
        config,
        interruptTimeout,
        shutdownTimeout,
        spawnTimeout,
        tracing
      }) as Layer.Layer<
        ActorSystem
      >
  },
  {
    name: "threads",
    isMemory: false,
    inCluster: false,
    layer: ({ heapMb, ...options } = {}) =>
      NodeActorSystem.layerThreads({
        module,
        ...(heapMb === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: heapMb } }),
        ...options
      })
  },
  {
    name: "processes",
    isMemory: false,
    inCluster: false,
    layer: ({ heapMb, resourceLimits: _, ...options } = {}) =>
      NodeActorSystem.layerProcesses({
        module,
        ...(heapMb === undefined ? {} : { execArgv: [`--max-old-space-size=${heapMb}`] }),
        ...options
      })
  }
]

const testsAll = process.env["TESTS"] === "all"

// a child process differs from a thread in nothing that the cluster sees
const hosts: ReadonlyArray<Placement["name"]> = testsAll ? ["memory", "threads"] : ["memory"]

const withClusters = (fixture: Fixture, inCluster: PlacementsOptions["inCluster"]): ReadonlyArray<Placement> => {
  const all = placements(fixture)
  if (inCluster === undefined || inCluster === "all" && !testsAll) return all
  const clusters = all.filter(({ name }) => hosts.includes(name)).map(({ isMemory, layer, name }): Placement => ({
    name,
    isMemory,
    inCluster: true,
    layer: (options) => InCluster.layer(fixture.module, layer(options))
  }))
  return [...all, ...clusters]
}

/** How `onEveryPlacement` runs its body. */
export interface PlacementsOptions {
  /** placements that cannot show the subject of the body, for the `reason` given */
  readonly except?: ReadonlyArray<Placement["name"]>
  readonly reason?: string
  /** whether the tests of the body share their workers */
  readonly areWorkersShared?: boolean
  /** whether the body also runs for actors of a cluster; "all": only where everything is tested, because it takes long */
  readonly inCluster?: true | "all"
}

/** Runs `body` once for each placement, inside a `describe` of its name and with a leak check after each test. */
export const onEveryPlacement = (
  fixture: Fixture,
  body: (placement: Placement) => void,
  options: PlacementsOptions = {}
): void => {
  for (const placement of withClusters(fixture, options.inCluster)) {
    if (options.except?.includes(placement.name)) continue
    describe(placement.inCluster ? `cluster, ${placement.name}` : placement.name, () => {
      if (options.areWorkersShared !== true) skipBeyondSample(placement.name)
      checkLeaks(placement.inCluster)
      body(placement)
    })
  }
}
