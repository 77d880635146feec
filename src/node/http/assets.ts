/**
 * The files of the page, which the build writes into `dist/page`.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import { fileURLToPath } from "node:url"

const types = {
  "index.html": "text/html; charset=utf-8",
  "page.js": "text/javascript; charset=utf-8",
  "page.css": "text/css; charset=utf-8"
} as const

/** The name of a file. */
export type Name = keyof typeof types

// Beside `dist/node`, or, for the sources of a checkout, in its build. Not by `new URL`, whose files bundlers look for; some of them remove
// `import.meta.url`.
const folders = (): ReadonlyArray<string> => {
  const { url } = import.meta as Partial<ImportMeta>
  if (url === undefined) return []
  const here = path.dirname(fileURLToPath(url))
  return ["../../page", "../../../dist/page"].map((folder) => path.join(here, folder))
}

/** A file, or `undefined` in a bundle, and in a checkout that has not been built. */
export const read = (name: Name): { readonly type: string; readonly content: Uint8Array } | undefined => {
  // the sources of the page have the names of some files, too
  const folder = folders().find((folder) => fs.existsSync(path.join(folder, "page.js")))
  return folder === undefined ? undefined : { type: types[name], content: fs.readFileSync(path.join(folder, name)) }
}
