/**
 * Actors on worker threads and in child processes. Two measures shorten the start of a worker:
 *
 * - Node's compile cache, in the directory for temporary files. The environment variable `NODE_COMPILE_CACHE` sets another directory, and
 *   `NODE_DISABLE_COMPILE_CACHE` disables the cache.
 * - A bundle of Effect and this library, which the build of this library has made. `import { Effect } from "effect"` in a module of
 *   behaviours resolves to the bundle.
 *
 * A worker does not use the bundle if the installed version of Effect is not the bundled version or has been patched, or if Node was
 * started with hooks (`--import`, `--require`, `--loader`) or for debugging (`--inspect`). Then the worker loads Effect and this library
 * file by file, which doubles the time of its start.
 *
 * @module
 * @since 0.1.0
 */
import "./startup/nodeVersion.ts"
import "./diagnostics.ts"
import type * as Config from "effect/Config"
import type * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Worker } from "node:worker_threads"
import { ActorSystem } from "../ActorSystem.ts"
import { millis } from "../internal/actor/durations.ts"
import * as System from "../internal/system/system.ts"
import * as ConfigValues from "../internal/workers/configValues.ts"
import * as Options from "../internal/workers/options.ts"
import type { Given } from "../WorkerConfig.ts"
import * as ConfiguredOptions from "./host/configuredOptions.ts"
import * as NodeArguments from "./host/nodeArguments.ts"
import * as ProcessPlacement from "./host/processPlacement.ts"
import * as ThreadPlacement from "./host/threadPlacement.ts"
import * as ObserverEnvironment from "./observer/environment.ts"
import * as Bootstrap from "./startup/bootstrap.ts"
import { type Program, programOf } from "./startup/workerScript.ts"

/**
 * The common options of threads and child processes. The timeouts are measured by the clock of the machine, not by the `Clock` of the
 * program. A time of more than twelve days is the same as `Infinity`.
 *
 * @category models
 * @since 0.1.0
 */
export interface SystemOptions {
  /**
   * One worker for each actor (`"dedicated"`, the default), or the number of workers that share all actors, an integer of at least 1.
   */
  readonly workers?: "dedicated" | number | undefined
  /**
   * The number of workers that are started ahead, an integer of at least 0; 0 by default. A spawn, a restart, the growth of a pool and a
   * replaced member of a pool take such a worker, which has loaded its module, and the system starts another one. Each needs the memory of a
   * worker. A worker that fails before it is used is a warning in the log, and is replaced after a delay that grows with each failure.
   */
  readonly spares?: number | undefined
  /**
   * The time in which the worker must start and build the behaviour. After it, the worker is closed, which takes up to `shutdownTimeout`
   * if the worker does not react, and `spawn` fails. 30 seconds by default.
   */
  readonly spawnTimeout?: Duration.Input | undefined
  /** The time in which an actor must close, finalizers included. After it, the worker is killed. 5 seconds by default. */
  readonly shutdownTimeout?: Duration.Input | undefined
  /** The time in which a handler must react to an interruption. After it, its worker is killed. 5 seconds by default. */
  readonly interruptTimeout?: Duration.Input | undefined
  /**
   * The interval between the heartbeats of each worker, longer than 0. A worker that has not answered a heartbeat before the next one is
   * killed, and its actors end with the reason `Unresponsive`. `Infinity` by default, which disables heartbeats: a long computation may
   * block its worker.
   */
  readonly heartbeat?: Duration.Input | undefined
  /**
   * The name of the workers. They are numbered: with the name `"pricing"`, the workers are `pricing-1`, `pricing-2`, … The name of a worker is
   * in the addresses of its actors (`Counter#1@pricing-2`) and in the log. It is also the `name` of a thread (`threadName`), which debuggers
   * show, and the `process.title` of a child process, which `ps` shows. `"thread"` and `"process"` by default. A function as the option
   * `worker` passes a `name` to `new Worker` itself.
   */
  readonly name?: string | undefined
  /**
   * The values for the layer of the module or script, each made by `config` of a `WorkerConfig.Service`. Each worker receives them, also
   * after a restart. `Context.merge` joins several values.
   *
   * @example
   * ```ts
   * import { Schema } from "effect"
   * import { WorkerConfig } from "uactor"
   * import { NodeActorSystem } from "uactor/node"
   *
   * class Settings extends WorkerConfig.Service<Settings>()("Settings", { tenant: Schema.String }) {}
   *
   * // the module exports `Actor.module(CounterLive.pipe(Layer.provide(Settings.layer)))`
   * const system = NodeActorSystem.layerThreads({
   *   module: new URL("./counter.ts", import.meta.url),
   *   config: Settings.config({ tenant: "acme" })
   * })
   * ```
   */
  readonly config?: Context.Context<Given<any>> | undefined
  /**
   * Where the logs, the spans and the metrics of the workers go.
   *
   * - `"relay"`, the default: to the `Logger` of the program, with time, level, annotations, log spans, cause and trace, and with the
   *   annotations `uactor.actor` and `uactor.worker`; to the tracer of the program, if it has one, with ids and times; and to the metric
   *   registry of the program, where counters and histograms are added up. A `Logger`, a tracer and a registry that the module provides for
   *   itself take precedence.
   * - `"own"`: to the `Logger` and the tracer of the module; by default the logs are printed to the output of the worker. Its metrics stay there.
   * - `"none"`: nowhere, unless the module provides a `Logger` or a tracer. The metrics of the worker stay there.
   */
  readonly telemetry?: "relay" | "own" | "none" | undefined
  /**
   * Which spans the system makes, if the program has a tracer.
   *
   * - `"full"`, the default: a client span around each call in a span, a server span around its handler, and spans for spawns, restarts,
   *   closes and the growth of pools.
   * - `"server"`: the spans of the handlers.
   * - `"off"`: none. The spans of the code of a handler are then in the span of the caller.
   *
   * The annotation `Actor.Tracing` of a method takes precedence for its calls.
   */
  readonly tracing?: "full" | "server" | "off" | undefined
}

/**
 * The surroundings of the code in a worker: its environment and its arguments.
 *
 * @category models
 * @since 0.2.0
 */
export interface WorkerSurroundings {
  /**
   * The environment variables of each worker. As in Node, they replace the variables of this process, which a worker has by default. To add
   * a variable, copy them: `env: { ...process.env, LEVEL: "debug" }`. A variable that is `undefined` is left out. A thread has a copy: a
   * change of `process.env` in one thread or in this process is not visible in another thread.
   *
   * The environment is text for the whole worker. `config` passes typed values to the layer of the module.
   */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** The arguments of each worker, which its code finds in `process.argv` after the first two values. None by default. */
  readonly argv?: ReadonlyArray<string> | undefined
  /**
   * Node's own arguments for each worker, such as `--import=tsx`, in addition to the arguments of this process. The additional arguments
   * come last. Arguments that apply to one program only (`--eval`, `--print`, `--test`, `--input-type`, …) are not passed from this process
   * to its workers; in `execArgv` they are a `RangeError`.
   *
   * A thread accepts the arguments that Node applies to each thread: `--import`, `--require`, `--conditions`, `--enable-source-maps`,
   * `--no-warnings`, … It does not accept the arguments of the whole process, such as those of V8: with `--max-old-space-size` in
   * `execArgv`, `spawn` fails with a `SpawnError` that names the argument. The option `resourceLimits` bounds the heap of a thread.
   *
   * A child process accepts all arguments. If the program is debugged (`--inspect`), each child listens on a free port and does not wait for
   * a debugger. Threads follow the defaults of Node.
   */
  readonly execArgv?: ReadonlyArray<string> | undefined
}

/**
 * The program of the workers as a module of behaviours. The worker script of this library loads the module.
 *
 * @category models
 * @since 0.1.0
 */
export interface ModuleOptions {
  /**
   * The module of behaviours, whose default export is a layer: an absolute path, a file URL, or a result of `import.meta.resolve`. Node
   * runs a `.ts` file without a build. If the file does not exist, because a build has compiled it, the worker loads the `.js`, `.mjs` or
   * `.cjs` file beside it.
   */
  readonly module: string | URL
  /**
   * The worker script of this library (`uactor/worker`), if a bundler has put it into a separate file: an absolute path or a file URL. The
   * module and this script must share one copy of Effect, in a common chunk.
   */
  readonly entry?: string | URL | undefined
  /** Not with `module`. */
  readonly worker?: undefined
}

/**
 * The program of the workers as a script that calls `NodeActorWorker.serve`. A bundler may bundle the script and all its imports into one
 * file.
 *
 * @category models
 * @since 0.1.0
 */
export interface ScriptOptions {
  /**
   * The script: an absolute path or a file URL. Node runs a `.ts` file without a build. If the file does not exist, because a build has
   * compiled it, the `.js`, `.mjs` or `.cjs` file beside it runs.
   */
  readonly worker: string | URL
  /** Not with `worker`. */
  readonly module?: undefined
  /** Not with `worker`. */
  readonly entry?: undefined
}

/**
 * The program of the threads as a function that makes a thread: `() => new Worker(new URL("./counter.worker.ts", import.meta.url))`. It
 * is for bundlers that recognize this form and bundle the script. The script calls `NodeActorWorker.serve`. `Worker` comes from
 * `node:worker_threads`. Pass other options of the thread, such as `resourceLimits`, to `new Worker`.
 *
 * @category models
 * @since 0.1.0
 */
export interface WorkerOptions {
  /** Makes a thread. The system calls it once for each worker. */
  readonly worker: () => Worker
  /** Not with `worker`. */
  readonly module?: undefined
  /** Not with `worker`. */
  readonly entry?: undefined
  /** Not with a function as `worker`, which passes them to `new Worker`. */
  readonly resourceLimits?: undefined
  /** Not with a function as `worker`, which passes it to `new Worker`. */
  readonly env?: undefined
  /** Not with a function as `worker`, which passes them to `new Worker`. */
  readonly argv?: undefined
  /** Not with a function as `worker`, which passes them to `new Worker`. */
  readonly execArgv?: undefined
}

/**
 * The options of `layerThreads`: the program of the threads, and their settings.
 *
 * @category models
 * @since 0.1.0
 */
export type ThreadOptions = ThreadSettings & (ModuleOptions | ScriptOptions | WorkerOptions)

/**
 * The options of threads, besides their program.
 *
 * @category models
 * @since 0.1.0
 */
export interface ThreadSettings extends SystemOptions, WorkerSurroundings {
  /**
   * The memory limits of each thread, in megabytes; the limits of Node by default. The actors of a thread that exceeds its heap limit end
   * with the reason `OutOfMemory`. Limits with which V8 aborts the whole program are rejected with a `RangeError`: less than 3 for the old
   * generation, and less than 0.25 for the stack.
   *
   * V8 aborts the whole program before the thread can end if a single operation, such as `JSON.parse` of a large text, needs more than the
   * limit, and sometimes also if many objects are allocated fast. The library cannot prevent that. If it may happen, use `layerProcesses` with `execArgv: ["--max-old-space-size=…"]`:
   * there, only the child process ends.
   */
  readonly resourceLimits?:
    | {
      /** The old generation of the heap. */
      readonly maxOldGenerationSizeMb?: number
      /** The young generation of the heap, for new objects. */
      readonly maxYoungGenerationSizeMb?: number
      /** The stack. */
      readonly stackSizeMb?: number
    }
    | undefined
  /**
   * How long a thread polls for the next message before it sleeps. A worker polls after a message, and the thread of a caller polls while
   * it waits for an answer; both poll only while calls follow each other quickly and a core is free. 50 microseconds by default; `false`
   * disables polling.
   */
  readonly spin?: Duration.Input | false | undefined
}

/**
 * The options of `layerProcesses`: the program of the child processes, and their settings.
 *
 * @category models
 * @since 0.1.0
 */
export type ProcessOptions = ProcessSettings & (ModuleOptions | ScriptOptions)

/**
 * The options of child processes, besides their program.
 *
 * @category models
 * @since 0.1.0
 */
export interface ProcessSettings extends SystemOptions, WorkerSurroundings {
  /**
   * How long a process polls for the next message before it sleeps. A child polls after a message, and the process of a caller polls while
   * it waits for an answer; both poll only while calls follow each other quickly and a core is free. 300 microseconds by default, because
   * messages between processes take longer than between threads; `false` disables polling.
   */
  readonly spin?: Duration.Input | false | undefined
}

const options = (layer: string, options: SystemOptions): Options.SystemOptions => {
  const workers = options.workers ?? "dedicated"
  if (workers !== "dedicated" && !(Number.isInteger(workers) && workers >= 1)) {
    throw new RangeError(`${layer}: workers must be "dedicated" or an integer of at least 1, not ${workers}`)
  }
  const spares = options.spares ?? 0
  if (!Number.isInteger(spares) || spares < 0) {
    throw new RangeError(`${layer}: spares must be an integer of at least 0, not ${spares}`)
  }
  return { ...Options.checked(layer, options), workers, spares, name: nameOf(layer, options.name) }
}

const nameOf = (layer: string, name: unknown): string | undefined => {
  if (name === undefined || typeof name === "string" && /^\P{Cc}+$/u.test(name)) return name
  throw new TypeError(
    `${layer}: name must be a string of at least one character, without control characters, not ${JSON.stringify(name)}`
  )
}

const telemetries = ["relay", "own", "none"] as const

const telemetryOf = (layer: string, { telemetry = "relay" }: SystemOptions): Bootstrap.Telemetry => {
  if (telemetries.includes(telemetry)) return telemetry
  throw new RangeError(`${layer}: telemetry must be "relay", "own" or "none", not ${JSON.stringify(telemetry)}`)
}

const layer = (name: string, program: Program, system: ReturnType<typeof System.make>): Layer.Layer<ActorSystem> =>
  Layer.effect(
    ActorSystem,
    Effect.suspend(() => {
      Bootstrap.checkNotLoading(program.name, name)
      return Effect.andThen(ObserverEnvironment.open(Bootstrap.isChild), system)
    })
  )

const spinOf = (layer: string, { spin }: ThreadSettings | ProcessSettings, defaultSpin: Duration.Input): number =>
  spin === false ? 0 : millis(`${layer}: spin`, spin ?? defaultSpin)

// outside of these bounds, V8 aborts the whole program instead of the thread
const limits = [
  ["maxOldGenerationSizeMb", 3, Infinity],
  ["maxYoungGenerationSizeMb", 0, Infinity],
  ["stackSizeMb", 0.25, 2 ** 20]
] as const

const limitsOf = (layer: string, resourceLimits: ThreadSettings["resourceLimits"]): typeof resourceLimits => {
  for (const [limit, min, max] of limits) {
    const value = resourceLimits?.[limit]
    if (value === undefined || typeof value === "number" && value >= min && value <= max) continue
    throw new RangeError(
      `${layer}: resourceLimits.${limit} must be a number from ${min} to ${max}, not ${value}`
    )
  }
  return resourceLimits
}

// checks and returns the options of workers that threads and processes share
const workerOptions = (layer: string, options: ThreadOptions | ProcessOptions): ProcessPlacement.ProcessOptions => {
  NodeArguments.check(layer, options)
  const { argv, env, execArgv } = options
  return {
    argv,
    env,
    execArgv,
    config: ConfigValues.valuesOf(layer, options.config),
    telemetry: telemetryOf(layer, options)
  }
}

/**
 * A system whose actors run on worker threads. Throws a `RangeError` or a `TypeError` that names the option if an option is out of range
 * or does not fit the others.
 *
 * At most as many threads as there are cores load Effect and this library at the same time, because more threads would slow each other
 * down. Then each thread loads the module of behaviours.
 *
 * Messages that the code of a thread sends with `parentPort.postMessage` are ignored, and one line in the log shows the first of them.
 * `node --watch` works with threads.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerThreads = (threads: ThreadOptions): Layer.Layer<ActorSystem> => {
  const name = "NodeActorSystem.layerThreads"
  const program = programOf(threads, name)
  if (program.make !== undefined) {
    const option = (["resourceLimits", "env", "argv", "execArgv"] as const).find((key) => threads[key] !== undefined)
    if (option !== undefined) {
      throw new TypeError(`${name}: ${option} cannot be combined with a function \`worker\`: pass it to \`new Worker\``)
    }
  }
  const worker = workerOptions(name, threads)
  const resourceLimits = limitsOf(name, threads.resourceLimits)
  return layer(
    name,
    program,
    System.make(
      ThreadPlacement.placement(program, spinOf(name, threads, "50 micros"), { ...worker, resourceLimits }),
      options(name, threads)
    )
  )
}

/**
 * A system whose actors run in child processes. Each child has its own memory and event loop, and its death affects no other worker. A
 * child ends by itself when this process ends, or the thread of this process in which the system was made. Throws a `RangeError` or a
 * `TypeError` that names the option if an option is out of range or does not fit the others.
 *
 * Messages that the code of a child sends with `process.send` are ignored, and one line in the log shows the first of them. `node --watch`
 * works with child processes.
 *
 * A child ignores `SIGINT`, `SIGTERM` and `SIGHUP`, which terminals and service managers send to all processes of a program. This process
 * decides how to react to them; if it ends normally, it closes its actors. Code in a child may handle these signals.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerProcesses = (processes: ProcessOptions): Layer.Layer<ActorSystem> => {
  const name = "NodeActorSystem.layerProcesses"
  const program = programOf(processes, name)
  if (program.make !== undefined) {
    throw new TypeError(`${name}: worker must be an absolute path or a file URL: a function can only make threads`)
  }
  const worker = workerOptions(name, processes)
  return layer(
    name,
    program,
    System.make(
      ProcessPlacement.placement(program, spinOf(name, processes, "300 micros"), worker),
      options(name, processes)
    )
  )
}

/**
 * Options of which each is a value, a `Config`, or a record of `Config`s; or one `Config` of all options.
 *
 * @category models
 * @since 0.2.0
 */
export type Configured<Options> = ConfiguredOptions.Configured<Options>

/**
 * Like {@link layerThreads}, with options that Effect's `Config` reads. An option that is not set is read from its variable, if there is one:
 * `UACTOR_WORKERS`, `UACTOR_SPAWN_TIMEOUT`, `UACTOR_SHUTDOWN_TIMEOUT`, `UACTOR_INTERRUPT_TIMEOUT`, `UACTOR_HEARTBEAT`, `UACTOR_SPIN`,
 * `UACTOR_TELEMETRY`, `UACTOR_TRACING`. The
 * values are those of the options, as text: `2`, `10 seconds`, `Infinity`, `false`.
 *
 * Fails with a `ConfigError` if a value is missing or wrong. The error names every such variable. A value that the option itself refuses is
 * reported after all values have been read, and its error names the option.
 *
 * @example
 * ```ts no-run
 * import { Config } from "effect"
 * import { NodeActorSystem } from "uactor/node"
 *
 * export const system = NodeActorSystem.layerThreadsConfig({
 *   module: new URL("./counter.ts", import.meta.url),
 *   workers: Config.Int("POOL_THREADS").pipe(Config.withDefault(2))
 * })
 * ```
 *
 * @category layers
 * @since 0.2.0
 */
export const layerThreadsConfig = (
  options: Configured<ThreadOptions>
): Layer.Layer<ActorSystem, Config.ConfigError> => Layer.unwrap(ConfiguredOptions.withOptions(options, layerThreads))

/**
 * Like {@link layerProcesses}, with options that Effect's `Config` reads, as for {@link layerThreadsConfig}.
 *
 * @category layers
 * @since 0.2.0
 */
export const layerProcessesConfig = (
  options: Configured<ProcessOptions>
): Layer.Layer<ActorSystem, Config.ConfigError> => Layer.unwrap(ConfiguredOptions.withOptions(options, layerProcesses))
