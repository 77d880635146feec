/**
 * Finds the files that a build makes from source files. A build may write `counter.js` in place of `counter.ts` without changing the URL
 * `new URL("./counter.ts", import.meta.url)` in the code. Such a URL stands for the built file.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import { fileURLToPath } from "node:url"

/** The page of the documentation about builds. */
export const page = "docs/build.md in the package uactor"

// for each extension of a source file, the extensions of its built files
const builtEndings: Readonly<Record<string, ReadonlyArray<string>>> = {
  ".ts": [".js", ".mjs", ".cjs"],
  ".tsx": [".js", ".mjs", ".cjs"],
  ".mts": [".mjs", ".js"],
  ".cts": [".cjs", ".js"]
}

/** Whether the file of a file URL exists. */
export const exists = (url: string): boolean => fs.existsSync(fileURLToPath(url))

// returns the URLs of the built files beside a source file
const builtUrls = (url: string): ReadonlyArray<string> => {
  const { pathname } = new URL(url)
  const ending = path.posix.extname(pathname)
  return (builtEndings[ending] ?? []).map((built) => {
    const beside = new URL(url)
    beside.pathname = pathname.slice(0, -ending.length) + built
    return beside.href
  })
}

/** The URL of a file, or of the built file beside it if the file itself does not exist. */
export const withFile = (url: string): string =>
  !url.startsWith("file:") || exists(url) ? url : builtUrls(url).find(exists) ?? url

/** Returns a text which states that a file and its built file do not exist, or `undefined` if the file exists. */
export const absence = (url: string): string | undefined => {
  if (!url.startsWith("file:") || exists(url)) return undefined
  const [built] = builtUrls(url)
  return `${url} does not exist${
    built === undefined ? "" : `, and neither does ${path.posix.basename(built)} beside it`
  }`
}
