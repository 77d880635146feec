/**
 * Hooks that resolve imports inside Effect and this library quickly.
 *
 * A worker loads some two hundred files of Effect and of this library, with about a thousand imports. Resolving these imports is most of
 * the cost of a start, because Node searches for files, links and manifests for each import. Inside the two packages the search is
 * unnecessary: every file is an ES module, and its relative imports are URLs. The hooks resolve these imports themselves, with the result
 * that Node would return, and load the files from disk or from a bundle. Node resolves all other imports.
 */
import * as fs from "node:fs"
import type * as module from "node:module"
import * as path from "node:path"
import process from "node:process"
import { registerHooks } from "./features.ts"
import * as WorkerBundle from "./workerBundle.ts"

// with these arguments, the program has its own loaders or a debugger, which must see every module
const loaders =
  /(?:^|\s)(?:--import|--require|-r|--loader|--experimental-loader|--preserve-symlinks|--inspect(?:-brk|-wait)?)(?=[\s=]|$)/

const hasLoaders = (): boolean => loaders.test([...process.execArgv, process.env["NODE_OPTIONS"] ?? ""].join(" "))

// returns the folder of a file with a known name, or `undefined` if a bundler has moved the code
const rootOf = (url: string, ending: RegExp): string | undefined =>
  url.startsWith("file:") && ending.test(url) ? url.replace(ending, "/") : undefined

const effectUrl = (): string => {
  try {
    return import.meta.resolve("effect/Effect")
  } catch {
    // a bundle contains Effect
    return ""
  }
}

// the files of a package are JavaScript, and the sources are TypeScript
const formats = new Map([[".js", "module"], [".ts", "module-typescript"]] as const)

/** Installs the hooks. */
export const install = (): void => {
  const effect = rootOf(effectUrl(), /\/Effect\.js$/)
  const uactor = rootOf(import.meta.url, /\/node\/startup\/importHooks\.[jt]s$/)
  if (effect === undefined || uactor === undefined || registerHooks === undefined || hasLoaders()) return
  const isOurs = (url: string): boolean => url.startsWith(effect) || url.startsWith(uactor)
  const prebuilt = WorkerBundle.open({ effect, uactor })
  // the target of a package name depends only on the folder of the importing file
  const packages = new Map<string, module.ResolveFnOutput>()
  registerHooks({
    resolve: (specifier, context, next) => {
      const parent = context.parentURL
      if (parent === undefined || !isOurs(parent)) return next(specifier, context)
      if (specifier.startsWith(".")) {
        const format = formats.get(path.extname(specifier) as ".js" | ".ts")
        return format === undefined
          ? next(specifier, context)
          : { url: new URL(specifier, parent).href, format, shortCircuit: true }
      }
      if (!specifier.startsWith("effect")) return next(specifier, context)
      const key = `${parent.startsWith(effect)} ${specifier}`
      const known = packages.get(key)
      if (known !== undefined) return known
      const found = next(specifier, context)
      packages.set(key, { ...found, shortCircuit: true })
      return found
    },
    load: (url, context, next) => {
      if (!isOurs(url)) return next(url, context)
      const source = prebuilt?.(url) ?? (url.endsWith(".js") ? fs.readFileSync(new URL(url)) : undefined)
      return source === undefined ? next(url, context) : { source, format: "module", shortCircuit: true }
    }
  })
}
