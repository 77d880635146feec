/**
 * What a host tells its worker at the start, and how a user names a module.
 */
import * as path from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"

/** The first thing a worker reads. */
export interface Boot {
  /** the module of behaviours, as a file URL */
  readonly module: string
}

/** The key under which a thread finds its {@link Boot} in `workerData`. */
export const bootKey = "~uactor/boot"

/** Of a batch to or from a thread: it is sent as soon as it holds so many frames, so that the other side can begin. */
export const threadFlushAt = 16

/** The same of a child process. */
export const processFlushAt = 64

/** The file descriptors of a child. */
export const stdio: Array<"ignore" | "inherit" | "pipe" | "ipc"> = ["ignore", "inherit", "pipe", "ipc", "pipe"]

/** The one among them through which messages go. */
export const channelFd = stdio.indexOf("ipc")

/** The one through which its watcher says what blocks it. */
export const begunFd = stdio.lastIndexOf("pipe")

/** The exit code of a child that was told to end. */
export const terminated = 143

/** An absolute path, a file URL, or what `import.meta.resolve` returned, as a file URL. */
export const moduleUrl = (module: string | URL, layer: string): string => {
  // in plain JavaScript it may be anything
  const text = String((module as Partial<URL> | null | undefined)?.href ?? module)
  if (text.startsWith("file:") || text.startsWith("data:")) return text
  if (path.isAbsolute(text)) return pathToFileURL(text).href
  throw new TypeError(
    `${layer}: module must be a file URL or an absolute path, such as new URL("./counter.ts", import.meta.url), not "${text}"`
  )
}

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

/** Throws where a worker that loads this module would start another one, which would do the same, without end. */
export const checkNotLoading = (module: string, layer: string): void => {
  if (loading[loadingKey] !== module) return
  throw new Error(
    `${layer}: a worker is loading ${module} and would start another worker with it, without end. ` +
      "What the module does as a program belongs behind `if (import.meta.main)`."
  )
}

/** The path of a file URL, for what is started by path. */
export const pathOf = fileURLToPath
