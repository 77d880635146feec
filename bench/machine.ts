/**
 * The machine and the software versions of a run.
 */
import { createRequire } from "node:module"
import * as os from "node:os"
import * as path from "node:path"

/** The machine of a run. */
export interface Machine {
  readonly date: string
  readonly cpu: string
  readonly cores: number
  readonly memoryGb: number
  readonly system: string
  readonly node: string
  /** the load average of the last minute at the start of the run */
  readonly load: number
  readonly pinned: boolean
  readonly versions: Readonly<Record<string, string>>
}

const packages = ["effect", "piscina", "tinypool", "workerpool", "poolifier", "comlink", "nact", "xstate"]

const root = path.dirname(import.meta.dirname)

const versionOf = (name: string): string => {
  const { version } = createRequire(import.meta.url)(
    path.join(root, "node_modules", name, "package.json")
  ) as { readonly version: string }
  return version
}

/** Describes this machine. */
export const describe = (pinned: boolean): Machine => ({
  date: new Date().toISOString().slice(0, 10),
  cpu: os.cpus()[0]?.model ?? "unknown",
  cores: os.availableParallelism(),
  memoryGb: Math.round(os.totalmem() / 2 ** 30),
  system: `${os.type()} ${os.release().split(".").slice(0, 2).join(".")}, ${os.arch()}`,
  node: process.version,
  load: Math.round(os.loadavg()[0]! * 100) / 100,
  pinned,
  versions: Object.fromEntries(packages.map((name) => [name, versionOf(name)]))
})
