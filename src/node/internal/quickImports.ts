/**
 * Quick imports of the files that every worker loads.
 *
 * A worker loads some two hundred files of Effect and of this library, which
 * import each other a thousand times, and finding out where each import leads
 * is most of what its start costs: Node looks for files, links and manifests
 * again and again. Inside the folder of either package there is nothing to find
 * out. A relative import of an ES module leads where its URL says, and every
 * file is an ES module. So these imports are answered at once, with what Node
 * would have said, or from a bundle, and all others are left to Node.
 */
import * as fs from "node:fs"
import * as module from "node:module"
import * as Prebuilt from "./prebuilt.ts"

// whoever loads modules in a way of their own, or looks at them, sees all of them
const loaders =
  /(?:^|\s)(?:--import|--require|-r|--loader|--experimental-loader|--preserve-symlinks|--inspect(?:-brk|-wait)?)(?=[\s=]|$)/

const hasLoaders = (): boolean => loaders.test([...process.execArgv, process.env["NODE_OPTIONS"] ?? ""].join(" "))

// the folder of a file whose name is known; nothing where a bundler has put the code elsewhere
const rootOf = (url: string, ending: RegExp): string | undefined =>
  url.startsWith("file:") && ending.test(url) ? url.replace(ending, "/") : undefined

const effectUrl = (): string => {
  try {
    return import.meta.resolve("effect/Effect")
  } catch {
    // in a bundle that needs no package any more
    return ""
  }
}

/** Answers imports inside Effect and this library, from now on. */
export const install = (): void => {
  const effect = rootOf(effectUrl(), /\/Effect\.js$/)
  const uactor = rootOf(import.meta.url, /\/node\/internal\/quickImports\.[jt]s$/)
  if (effect === undefined || uactor === undefined || hasLoaders()) return
  const isOurs = (url: string): boolean => url.startsWith(effect) || url.startsWith(uactor)
  const prebuilt = Prebuilt.open({ effect, uactor })
  // what a package's name stands for depends on the folder of the importing file, and on nothing else
  const packages = new Map<string, module.ResolveFnOutput>()
  module.registerHooks({
    resolve: (specifier, context, next) => {
      const parent = context.parentURL
      if (parent === undefined || !isOurs(parent)) return next(specifier, context)
      if (specifier.startsWith(".")) {
        return specifier.endsWith(".js")
          ? { url: new URL(specifier, parent).href, format: "module", shortCircuit: true }
          : next(specifier, context)
      }
      if (!specifier.startsWith("effect")) return next(specifier, context)
      const key = `${parent.startsWith(effect)} ${specifier}`
      const known = packages.get(key)
      if (known !== undefined) return known
      const found = next(specifier, context)
      packages.set(key, { ...found, shortCircuit: true })
      return found
    },
    load: (url, context, next) =>
      url.endsWith(".js") && isOurs(url)
        ? { source: prebuilt?.(url) ?? fs.readFileSync(new URL(url)), format: "module", shortCircuit: true }
        : next(url, context)
  })
}
