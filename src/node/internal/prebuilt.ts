/**
 * What a worker loads, as one script. A worker loads some two hundred files of
 * Effect and of this library. They are shipped once more as a script, which takes
 * a third of the time, because there are fewer files and because V8's code for it
 * is kept as it is after a start, with all that a start has compiled; Node's own
 * compile cache keeps what was compiled before a module ran.
 *
 * Whoever imports one of the files, the module of behaviours too, gets a module
 * that passes on what the script has, so there is one copy of everything. All
 * this is for the files that the script was made of; beside another version of
 * Effect, or where somebody has patched a file, and where there is no script, as in
 * the sources, files are loaded one by one.
 */
import * as fs from "node:fs"
import * as module from "node:module"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import * as vm from "node:vm"
import { threadId } from "node:worker_threads"

/** What has been built, in two parts: what each worker needs, and the rest of the package `effect`. */
export interface Prebuilt {
  /** the version of Effect */
  readonly effect: string
  readonly parts: { readonly [part: string]: Part }
}

/** A script. */
export interface Part {
  /** the files that are in it, and how many bytes each has */
  readonly files: { readonly [file: string]: number }
  /** of the script, in hexadecimal */
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
  /** the file for V8's code of it, where it is not yet */
  readonly cache: string | undefined
}

const place = new URL("../prebuilt/", import.meta.url)

const parts = new Map<string, Part>()
const partOf = new Map<string, string>()
const makers = new Map<string, () => Exports>()
const taken = new Map<string, Exports>()
const loaded: Array<Loaded> = []

const readJson = (url: URL): unknown => JSON.parse(fs.readFileSync(url, "utf8"))

const pathIn = (name: string): string => fileURLToPath(new URL(name, place))

// V8 itself finds out whether its code is for this version and these flags
const cacheOf = (name: string, { hash }: Part): string | undefined => {
  const folder = module.getCompileCacheDir()
  return folder === undefined ? undefined : path.join(folder, `uactor-${name}-${hash}`)
}

const run = (name: string): void => {
  const filename = pathIn(`${name}.js`)
  const cache = cacheOf(name, parts.get(name)!)
  const cachedData = cache !== undefined && fs.existsSync(cache) ? fs.readFileSync(cache) : undefined
  const script = new vm.Script(fs.readFileSync(filename, "latin1"), {
    filename,
    ...(cachedData === undefined ? {} : { cachedData })
  })
  const exports: { files?: Readonly<Record<string, () => Exports>> } = {}
  const require = (id: string): unknown => id === "prebuilt:take" ? { take } : process.getBuiltinModule(id)
  script.runInThisContext()(exports, require)
  for (const [file, maker] of Object.entries(exports.files!)) makers.set(file, maker)
  loaded.push({ script, cache: cachedData !== undefined && script.cachedDataRejected === false ? undefined : cache })
}

/**
 * What a file exports, of those that are in a script; for the modules that stand for them.
 *
 * @public
 */
export const take = (file: string): Exports => {
  let exports = taken.get(file)
  if (exports === undefined) {
    if (!makers.has(file)) run(partOf.get(file)!)
    exports = makers.get(file)!()
    taken.set(file, exports)
  }
  return exports
}

// a patched file has another size, but for those whom nothing can help
const isAsBuilt = ({ parts }: Prebuilt, roots: Roots): boolean => {
  const folders = { effect: fileURLToPath(roots.effect), uactor: fileURLToPath(roots.uactor) }
  return Object.values(parts).every(({ files }) =>
    Object.entries(files).every(([file, size]) => {
      const scope = file.startsWith("effect/") ? "effect" : "uactor"
      return fs.statSync(folders[scope] + file.slice(scope.length + 1), { throwIfNoEntry: false })?.size === size
    })
  )
}

/** The source of a module that stands for a file, for those that are in a script. */
export const open = (roots: Roots): ((url: string) => string | undefined) | undefined => {
  const { effect, uactor } = roots
  const index = new URL("./index.json", place)
  if (!fs.existsSync(index)) return undefined
  const prebuilt = readJson(index) as Prebuilt
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

/** Keeps V8's code for the next worker, with what has been compiled until now. */
export const keep = (): void => {
  for (const { cache, script } of loaded.splice(0)) {
    if (cache === undefined) continue
    const file = `${cache}.${process.pid}.${threadId}`
    try {
      fs.writeFileSync(file, script.createCachedData())
      fs.renameSync(file, cache)
    } catch {
      // as with Node's own cache: where nothing can be written, the next worker compiles again
    }
  }
}
