/**
 * Actors on worker threads and in child processes. Workers load their modules through Node's compile cache, which lies in the
 * folder for temporary files; `NODE_COMPILE_CACHE` puts it elsewhere, and `NODE_DISABLE_COMPILE_CACHE` switches it off. Effect
 * itself and this library they load as one script, made when this library was built, where the installed version of Effect is the
 * one it was made of: `import { Effect } from "effect"` in a module of behaviours gives what is in the script. With another
 * version, with one that has been patched, or if Node was started with hooks of its own (`--import`, `--require`, `--loader`) or
 * to be debugged (`--inspect`), which see everything, workers load file by file and take twice as long to start.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { ActorSystem } from "../ActorSystem.ts"
import * as Options from "../internal/system/options.ts"
import * as System from "../internal/system/system.ts"
import { millis } from "../internal/times.ts"
import * as Boot from "./internal/boot.ts"
import * as ProcessLink from "./internal/processLink.ts"
import * as ThreadLink from "./internal/threadLink.ts"

/**
 * What both kinds of worker have in common. Times are measured by the machine's own clock, not by the program's `Clock`; more than
 * twelve days are the same as `Infinity`.
 *
 * @category models
 * @since 0.1.0
 */
export interface SystemOptions {
  /**
   * the module of behaviours, whose default export is a layer: an absolute path, a file URL, or what `import.meta.resolve`
   * returned. A `.ts` file runs as it is.
   */
  readonly module: string | URL
  /** one worker for each actor (`"dedicated"`, the default), or so many workers that share all actors */
  readonly workers?: "dedicated" | number | undefined
  /**
   * how long the worker may take to start and to build the behaviour; then it is closed, which takes up to `shutdownTimeout` where
   * nothing reacts, and `spawn` fails. 30 seconds by default.
   */
  readonly spawnTimeout?: Duration.Input | undefined
  /** how long closing may take, finalizers included; then the worker is killed. 5 seconds by default. */
  readonly shutdownTimeout?: Duration.Input | undefined
  /** how long an interrupted handler may take to react; then its worker is killed. 5 seconds by default. */
  readonly interruptTimeout?: Duration.Input | undefined
  /**
   * how often each worker is asked whether it is there; one that has not answered by the next time is killed, and its actors end
   * as `Unresponsive`. Not at all by default: a long computation blocks a worker rightly.
   */
  readonly heartbeat?: Duration.Input | undefined
}

/**
 * @category models
 * @since 0.1.0
 */
export interface ThreadOptions extends SystemOptions {
  /**
   * limits of each thread, in megabytes; a thread that exceeds its heap ends as `OutOfMemory`. Those with which V8 would end the
   * whole program are refused: less than 3 for the old generation, and less than 0.25 for the stack.
   */
  readonly resourceLimits?:
    | {
      readonly maxOldGenerationSizeMb?: number
      readonly maxYoungGenerationSizeMb?: number
      readonly stackSizeMb?: number
    }
    | undefined
  /**
   * how long a thread looks for the next message before it sleeps, while calls come in quick succession and a core is free for
   * it: each worker after a message, and the caller's thread while it awaits an answer. 50 microseconds by default; `false`: none
   * of them looks.
   */
  readonly spin?: Duration.Input | false | undefined
}

/**
 * @category models
 * @since 0.1.0
 */
export interface ProcessOptions extends SystemOptions {
  /** environment variables of each child, beside those of this process */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** arguments of Node itself for each child, beside those of this process, such as `--max-old-space-size=256` */
  readonly execArgv?: ReadonlyArray<string> | undefined
  /**
   * how long a process looks for the next message before it sleeps, while calls come in quick succession and a core is free for
   * it: each child after a message, and the caller's while it awaits an answer. 300 microseconds by default, because messages
   * between processes take longer; `false`: none of them looks.
   */
  readonly spin?: Duration.Input | false | undefined
}

const options = (layer: string, options: SystemOptions): Options.SystemOptions => {
  const workers = options.workers ?? "dedicated"
  if (workers !== "dedicated" && !(Number.isInteger(workers) && workers >= 1)) {
    throw new RangeError(`${layer}: workers must be "dedicated" or an integer of at least 1, not ${workers}`)
  }
  return { ...Options.timeouts(layer, options), workers }
}

const layer = (name: string, module: string, system: ReturnType<typeof System.make>): Layer.Layer<ActorSystem> =>
  Layer.effect(
    ActorSystem,
    Effect.suspend(() => {
      Boot.checkNotLoading(module, name)
      return system
    })
  )

const spinOf = (layer: string, { spin }: ThreadOptions | ProcessOptions, ofItself: Duration.Input): number =>
  spin === false ? 0 : millis(`${layer}: spin`, spin ?? ofItself)

// below these, and beyond that stack, V8 ends the whole program and not the thread
const limits = [
  ["maxOldGenerationSizeMb", 3, Infinity],
  ["maxYoungGenerationSizeMb", 0, Infinity],
  ["stackSizeMb", 0.25, 2 ** 20]
] as const

const limitsOf = (layer: string, resourceLimits: ThreadOptions["resourceLimits"]): typeof resourceLimits => {
  for (const [limit, least, most] of limits) {
    const value = resourceLimits?.[limit]
    if (value === undefined || typeof value === "number" && value >= least && value <= most) continue
    throw new RangeError(
      `${layer}: resourceLimits.${limit} must be a number from ${least} to ${most}, not ${value}`
    )
  }
  return resourceLimits
}

/**
 * Actors on worker threads. However many are started at once, no more than there are cores load Effect and this library at a time,
 * because they would hinder each other; then each loads the module of its actors.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerThreads = (threads: ThreadOptions): Layer.Layer<ActorSystem> => {
  const name = "NodeActorSystem.layerThreads"
  const module = Boot.moduleUrl(threads.module, name)
  return layer(
    name,
    module,
    System.make(
      ThreadLink.placement(module, spinOf(name, threads, "50 micros"), limitsOf(name, threads.resourceLimits)),
      options(name, threads)
    )
  )
}

/**
 * Actors in child processes: each has its own memory and event loop, and its death hurts nobody else. A child ends by itself
 * when this process is gone, or the thread of it in which the system was made.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerProcesses = (processes: ProcessOptions): Layer.Layer<ActorSystem> => {
  const name = "NodeActorSystem.layerProcesses"
  const module = Boot.moduleUrl(processes.module, name)
  return layer(
    name,
    module,
    System.make(
      ProcessLink.placement(module, spinOf(name, processes, "300 micros"), processes),
      options(name, processes)
    )
  )
}
