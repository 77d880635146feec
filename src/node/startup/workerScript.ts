/**
 * The scripts that workers run: the script of this library, which loads a module of behaviours, or a script of the program, which
 * serves its behaviours itself.
 */
import * as path from "node:path"
import { pathToFileURL } from "node:url"
import type { Worker } from "node:worker_threads"
import { absence, exists, page, withFile } from "./builtFiles.ts"

/** The options of a system that name the program of its workers. */
export interface Named {
  readonly module?: string | URL | undefined
  readonly entry?: string | URL | undefined
  readonly worker?: string | URL | (() => Worker) | undefined
}

/** The program of the workers of a system. */
export interface Program {
  /** the module of behaviours, or the script of the program, for messages */
  readonly name: string
  /** whether the script of this library loads the module `name`; otherwise the script serves the behaviours itself */
  readonly isModule: boolean
  /** returns the file that a worker runs; throws if the file does not exist */
  readonly script: () => string
  /** starts a thread, in place of `script` */
  readonly make: (() => Worker) | undefined
}

// the names that Node gives to programs without a file
const notFiles = /(?:^|[\\/])(?:\[(?:eval\d*|stdin|worker(?: |%20)eval)\]|REPL\d*)$/

/** Converts an absolute path, a file URL or a result of `import.meta.resolve` to the URL of an existing file, if the file exists. */
const fileUrl = (file: string | URL, option: string, layer: string, example: string): string => {
  // a program in plain JavaScript may pass any value
  const text = String((file as Partial<URL> | null | undefined)?.href ?? file)
  if (notFiles.test(text)) {
    throw new TypeError(
      `${layer}: ${option} must be a file that a worker can load. "${text}" is not a file, but Node's name for the code of --eval, ` +
        "--print, the standard input or the REPL"
    )
  }
  if (text.startsWith("file:") || text.startsWith("data:")) return withFile(text)
  if (path.isAbsolute(text)) return withFile(pathToFileURL(text).href)
  throw new TypeError(
    `${layer}: ${option} must be a file URL or an absolute path, such as new URL("./${example}", import.meta.url), not "${text}"`
  )
}

// returns the script of this library, in the sources or in `dist`; some bundlers remove `import.meta.url`
const ownScript = (): string => {
  const { url } = import.meta as Partial<ImportMeta>
  if (url === undefined) return missing("the code of uactor is in a bundle without `import.meta.url`")
  const [, ending] = /\/node\/startup\/workerScript(\.[jt]s)$/.exec(url) ?? []
  // a file `entry.js` near a bundle belongs to the program
  if (ending === undefined) return missing(`the code of uactor is in the bundle ${url}`)
  const script = new URL(`../entry${ending}`, url).href
  return exists(script) ? script : missing(`${script} does not exist`)
}

const missing = (why: string): never => {
  throw new Error(
    `the worker script of uactor is missing: ${why}. Keep the packages uactor and effect out of the bundle, or bundle a worker ` +
      `script and name it with the option \`worker\` (${page})`
  )
}

const scriptFile = (url: string, option: string): string => {
  const absent = absence(url)
  if (absent === undefined) return url
  throw new Error(
    `the file of the option \`${option}\` is missing: ${absent}. A build must write the file (${page})`
  )
}

/** Returns the program that the options of a system name. */
export const programOf = ({ entry, module, worker }: Named, layer: string): Program => {
  if (worker === undefined) {
    const name = fileUrl(module!, "module", layer, "counter.ts")
    if (entry === undefined) return { name, isModule: true, script: ownScript, make: undefined }
    const url = fileUrl(entry, "entry", layer, "uactor-worker.js")
    return { name, isModule: true, script: () => scriptFile(url, "entry"), make: undefined }
  }
  if (module !== undefined || entry !== undefined) {
    throw new TypeError(
      `${layer}: the options worker and ${module === undefined ? "entry" : "module"} exclude each other`
    )
  }
  if (typeof worker === "function") {
    const name = "the script of the function `worker`"
    return { name, isModule: false, script: () => name, make: worker }
  }
  const name = fileUrl(worker, "worker", layer, "counter.worker.ts")
  return { name, isModule: false, script: () => scriptFile(name, "worker"), make: undefined }
}
