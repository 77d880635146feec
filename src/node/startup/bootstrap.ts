/**
 * The start data of a worker, and the constants that a host and its workers share.
 */
import process from "node:process"
import { fileURLToPath } from "node:url"
import { isMainThread, workerData } from "node:worker_threads"
import type { ConfigValues } from "../../internal/workers/configValues.ts"
import type { WorkerPlace } from "../../internal/workers/placement.ts"

/** Where the logs and traces of a worker go: to the program, to the exporters of the worker's own module, or nowhere. */
export type Telemetry = "relay" | "own" | "none"

/** The start data of a worker. */
export interface Boot extends WorkerPlace {
  /** the URL of the module of behaviours, or of the script of the program that the worker runs */
  readonly module: string
  /** the values for the layer of the behaviours */
  readonly config: ConfigValues
  readonly telemetry: Telemetry
}

/** The key under which a thread finds its {@link Boot} in `workerData`, or in its first message if the program made the thread. */
export const bootKey = "~uactor/boot"

/** The number of frames at which a batch to or from a thread is sent immediately, so that the receiver can start early. */
export const threadFlushAt = 16

/** The number of frames at which a batch to or from a child process is sent immediately. */
export const processFlushAt = 64

/**
 * The environment variable that marks a child. Its value is the URL of the script of the program that the child runs, or `1` if the
 * child runs the script of this library. The child deletes the variable, so that its own child processes are not marked.
 */
export const childKey = "UACTOR_CHILD"

/** Whether this process was started as a worker: it deletes the variable later. */
export const isChild: boolean = isMainThread && process.env[childKey] !== undefined

/** Whether this thread or process was started as a worker and does not serve behaviours yet. */
export const isStarting = (): boolean =>
  isMainThread ? process.env[childKey] !== undefined : workerData?.[bootKey] !== undefined

/**
 * The file descriptors of a child: a pipe for messages to the child, a pipe for messages from the child, a pipe between host and
 * watcher, and a file for Node's report of a fatal error. The child inherits the stdout and stderr of its host.
 */
export const stdio = (report: number | undefined): Array<"ignore" | "inherit" | "pipe" | number> => [
  "ignore",
  "inherit",
  "inherit",
  "pipe",
  "pipe",
  "pipe",
  report ?? "ignore"
]
export const downFd = 3
export const upFd = 4
export const controlFd = 5
export const reportFd = 6

/** The signals that a child ignores. They may be sent to all processes of the program, and the host decides how to react. */
const ignored: ReadonlyArray<NodeJS.Signals> = ["SIGINT", "SIGTERM", "SIGHUP"]

/** Makes this child ignore these signals. */
export const ignoreSignals = (): void => {
  for (const signal of ignored) process.on(signal, () => undefined)
}

/** The exit code of a child whose pipe from the host has closed. */
export const cutOff = 144

const loadingKey = Symbol.for("uactor/loading")
const loading = globalThis as { [loadingKey]?: string | undefined }

/** Loads the module of behaviours in a worker. */
export const load = async (module: string, importModule: (module: string) => Promise<unknown>): Promise<unknown> => {
  loading[loadingKey] = module
  try {
    return await importModule(module)
  } finally {
    loading[loadingKey] = undefined
  }
}

/** Returns the module that this worker is loading. */
export const loaded = (): string | undefined => loading[loadingKey]

// returns the script of the program that this worker runs, until the script serves behaviours
const startingScript = (): string | undefined =>
  isMainThread ? process.env[childKey] : (workerData?.[bootKey] as Boot | undefined)?.module

/** Throws in a worker that loads this module or runs this script: each such worker would start another worker, without end. */
export const checkNotLoading = (module: string, layer: string): void => {
  if (loaded() === module) {
    throw new Error(
      `${layer}: a worker is loading ${module} and would start another worker with it, without end. ` +
        "Put the code that the module runs as a program inside `if (import.meta.main)`."
    )
  }
  if (startingScript() === module) {
    throw new Error(
      `${layer}: a worker is running ${module} and would start another worker with it, without end. ` +
        "A file that is both the program and the worker must check `NodeActorWorker.isWorker` first."
    )
  }
}

/** Returns the path of a file URL. */
export const pathOf = fileURLToPath
