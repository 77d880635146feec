/**
 * Where the contract is tested: the same body runs in memory, on threads, in child processes, and for actors of a cluster, and after every
 * test nothing may be left of what it started (L1).
 */
import { afterAll, afterEach, assert, beforeEach, describe } from "@effect/vitest"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Layer from "effect/Layer"
import * as fs from "node:fs"
import { setImmediate, setTimeout } from "node:timers/promises"
import { ActorSystem } from "../../../src/ActorSystem.ts"
import * as NodeActorSystem from "../../../src/node/NodeActorSystem.ts"
import type { Given } from "../../../src/WorkerConfig.ts"
import * as InCluster from "./inCluster.ts"
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

// ---- the leak check ----

/** How many of each kind of thing this process holds. */
type Holdings = ReadonlyMap<string, number>

const hasProc = fs.existsSync("/proc/self/task")

const readProc = (path: string): string => {
  try {
    return fs.readFileSync(path, "utf8").trim()
  } catch {
    // a thread that ended while the directory was read
    return ""
  }
}

/** The ids of this process's child processes. */
export const childPids = (): ReadonlyArray<number> =>
  hasProc
    ? fs.readdirSync("/proc/self/task").flatMap((task) =>
      readProc(`/proc/self/task/${task}/children`).split(" ").filter((pid) => pid !== "").map(Number)
    )
    : []

// threads that a runtime starts for its own use when it first needs them: Node, then Bun, then Deno
const ownThreads =
  /^(?:libuv-worker|JITWorker|JSC|HeapHelper|Bun|mi-scavenger|s Signal Sender|ollector Thread|V8 DefaultWorke|tokio-runtime|deno$)/

/** The names of this process's threads, but for those that the runtime starts for its own use when it first needs them. */
export const threadNames = (): ReadonlyArray<string> =>
  hasProc
    ? fs.readdirSync("/proc/self/task").map((task) => readProc(`/proc/self/task/${task}/comm`))
      .filter((name) => name !== "" && !ownThreads.test(name))
    : []

/** How many file descriptors this process has open. */
export const openDescriptors = (): number => hasProc ? fs.readdirSync("/proc/self/fd").length : 0

/** What this process holds now: threads, children, handles and timers of the event loop, listeners on `process`. */
export const holdings = (): Holdings => {
  const out = new Map<string, number>()
  const count = (kind: string, n = 1): void => void out.set(kind, (out.get(kind) ?? 0) + n)
  for (const kind of process.getActiveResourcesInfo()) count(kind)
  for (const name of threadNames()) count(`thread ${name}`)
  for (const pid of childPids()) count(`child process ${pid}`)
  for (const event of process.eventNames()) {
    // Deno listens to these when a program first listens to others
    if (event === "newListener" || event === "removeListener") continue
    count(`listener of process for ${String(event)}`, process.listenerCount(event))
  }
  return out
}

const added = (before: Holdings, now: Holdings): ReadonlyArray<string> =>
  Array.from(now).flatMap(([kind, n]) =>
    n > (before.get(kind) ?? 0) ? [`${kind}: ${n} (${before.get(kind) ?? 0} before)`] : []
  )

/** Waits until this process holds nothing more than it did before; fails with what is left. */
export const assertNothingAdded = async (before: Holdings): Promise<void> => {
  const start = performance.now()
  for (let round = 0;; round++) {
    const left = added(before, holdings())
    if (left.length === 0) return
    // a handle takes the event loop a few turns to close, and a process as long as the machine needs to end; a timer that was
    // forgotten would go by itself, and is not waited for
    const patience = left.every((kind) => kind.startsWith("Timeout")) ? 2_000 : 60_000
    if (round > 100 && performance.now() - start > patience) assert.fail(`left behind: ${left.join(", ")}`)
    await (round < 10 ? setImmediate() : setTimeout(10))
  }
}

const warnings: Array<string> = []
process.on("warning", (warning) => {
  if (warning.name === "MaxListenersExceededWarning") warnings.push(String(warning))
})
// their handles are made when they are first used
void [process.stdout, process.stderr]

const checkLeaks = (inCluster: boolean): void => {
  let before: Holdings = holdings()
  // the test runner has one timer of its own while tests run, which reports to its parent
  const withTimers = (n: number): Holdings => new Map([...before, ["Timeout", n], ["Immediate", 0]])
  beforeEach(() => {
    warnings.length = 0
    before = holdings()
  })
  afterEach(async () => {
    // a cluster that tests share has timers of its own
    await assertNothingAdded(withTimers(inCluster ? Infinity : 1))
    assert.deepStrictEqual(warnings, [])
  }, 120_000)
  afterAll(() => assertNothingAdded(withTimers(0)), 120_000)
}
