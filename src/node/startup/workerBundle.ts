/**
 * The bundle of a worker. A worker loads some two hundred files of Effect and of this library. The package also contains these files as
 * a script, which loads in a third of the time: there are fewer files, and V8's code cache of the script includes all functions compiled
 * during a start. Node's own compile cache includes only code compiled before a module runs.
 *
 * An import of a bundled file, also from the module of behaviours, resolves to a module that re-exports the exports in the script, so
 * there is one copy of each file. Files are loaded one by one if the installed version of Effect differs, if a file has been patched, or
 * if the bundle does not exist, as in the sources.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"
import * as vm from "node:vm"
import { threadId } from "node:worker_threads"
import { compileCache } from "./features.ts"

/** The index of the bundle. It has two parts: the files that each worker needs, and the rest of the package `effect`. */
export interface BundleIndex {
  /** the version of Effect */
  readonly effect: string
  /** for a bundle of source files, its time in milliseconds: an edit may keep the size of a file */
  readonly made?: number | undefined
  readonly parts: { readonly [part: string]: Part }
}

/** A script of the bundle. */
export interface Part {
  /** the size in bytes of each file in the script */
  readonly files: { readonly [file: string]: number }
  /** the hash of the script, in hexadecimal */
  readonly hash: string
}

/** The folders of Effect and of this library, as URLs that end with a slash. */
export interface Roots {
  readonly effect: string
  readonly uactor: string
}

type Exports = Readonly<Record<string, unknown>>

/** A part whose script has run. */
interface Loaded {
  readonly script: vm.Script
  /** the file for V8's code cache of the script, if the cache must still be written */
  readonly cache: string | undefined
}

const folder = new URL("../prebuilt/", import.meta.url)

const parts = new Map<string, Part>()
const partOf = new Map<string, string>()
const makers = new Map<string, () => Exports>()
const exportsOf = new Map<string, Exports>()
const loaded: Array<Loaded> = []

const readJson = (url: URL): unknown => JSON.parse(fs.readFileSync(url, "utf8"))

const pathIn = (name: string): string => fileURLToPath(new URL(name, folder))

// V8 itself checks whether a code cache matches its version and flags
const cacheOf = (name: string, { hash }: Part): string | undefined => {
  const folder = compileCache.folder()
  return folder === undefined ? undefined : path.join(folder, `uactor-${name}-${hash}`)
}

// Frees the bytes of a file after their use: some megabytes, which a thread that collects no garbage would keep for its life.
const free = (bytes: Buffer<ArrayBuffer>): void => {
  // a small buffer shares its memory with others
  if (bytes.length === bytes.buffer.byteLength) bytes.buffer.transfer(0)
}

const readText = (file: string): string => {
  const bytes = fs.readFileSync(file)
  const text = bytes.toString("latin1")
  free(bytes)
  return text
}

const compile = (filename: string, cachedData: Buffer<ArrayBuffer> | undefined): vm.Script => {
  const script = new vm.Script(readText(filename), { filename, ...(cachedData === undefined ? {} : { cachedData }) })
  if (cachedData !== undefined) free(cachedData)
  return script
}

const run = (name: string): void => {
  const cache = cacheOf(name, parts.get(name)!)
  const cachedData = cache !== undefined && fs.existsSync(cache) ? fs.readFileSync(cache) : undefined
  const script = compile(pathIn(`${name}.js`), cachedData)
  const exports: { files?: Readonly<Record<string, () => Exports>> } = {}
  const require = (id: string): unknown => id === "prebuilt:take" ? { take } : process.getBuiltinModule(id)
  script.runInThisContext()(exports, require)
  for (const [file, maker] of Object.entries(exports.files!)) makers.set(file, maker)
  loaded.push({ script, cache: cachedData !== undefined && script.cachedDataRejected === false ? undefined : cache })
}

/**
 * Returns the exports of a bundled file. The modules that replace the bundled files call it.
 *
 * @public
 */
export const take = (file: string): Exports => {
  let exports = exportsOf.get(file)
  if (exports === undefined) {
    if (!makers.has(file)) run(partOf.get(file)!)
    exports = makers.get(file)!()
    exportsOf.set(file, exports)
  }
  return exports
}

// a patch that keeps the size of a file is not detected
const isAsBuilt = ({ made = Infinity, parts }: BundleIndex, roots: Roots): boolean => {
  const folders = { effect: fileURLToPath(roots.effect), uactor: fileURLToPath(roots.uactor) }
  return Object.values(parts).every(({ files }) =>
    Object.entries(files).every(([file, size]) => {
      const scope = file.startsWith("effect/") ? "effect" : "uactor"
      const stat = fs.statSync(folders[scope] + file.slice(scope.length + 1), { throwIfNoEntry: false })
      return stat?.size === size && (scope === "effect" || stat.mtimeMs <= made)
    })
  )
}

/** Opens the bundle. Returns a function from the URL of a bundled file to the source of the module that replaces the file. */
export const open = (roots: Roots): ((url: string) => string | undefined) | undefined => {
  const { effect, uactor } = roots
  const index = new URL("./index.json", folder)
  if (!fs.existsSync(index)) return undefined
  const prebuilt = readJson(index) as BundleIndex
  const { version } = readJson(new URL("../package.json", effect)) as { readonly version: string }
  if (version !== prebuilt.effect || !isAsBuilt(prebuilt, roots)) return undefined
  for (const [name, part] of Object.entries(prebuilt.parts)) {
    parts.set(name, part)
    for (const file of Object.keys(part.files)) partOf.set(file, name)
  }
  const self = JSON.stringify(import.meta.url)
  return (url) => {
    const file = url.startsWith(effect) ? `effect/${url.slice(effect.length)}` : `uactor/${url.slice(uactor.length)}`
    if (!partOf.has(file)) return undefined
    const names = Object.keys(take(file))
    return `import { take } from ${self}
const { ${names.map((name) => `${name}: _${name}`).join(", ")} } = take(${JSON.stringify(file)})
export { ${names.map((name) => `_${name} as ${name}`).join(", ")} }`
  }
}

/** Writes V8's code cache, with all functions compiled so far, for the next worker. */
export const keep = (): void => {
  for (const { cache, script } of loaded.splice(0)) {
    if (cache === undefined) continue
    const file = `${cache}.${process.pid}.${threadId}`
    try {
      fs.writeFileSync(file, script.createCachedData())
      fs.renameSync(file, cache)
    } catch {
      // like Node's own cache: if the directory is not writable, the next worker compiles again
    }
  }
}
