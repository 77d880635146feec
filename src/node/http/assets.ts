/**
 * The files of the page, which the build writes into `dist/page`.
 */
import * as fs from "node:fs"
import { fileURLToPath } from "node:url"

const types = {
  "index.html": "text/html; charset=utf-8",
  "page.js": "text/javascript; charset=utf-8",
  "page.css": "text/css; charset=utf-8"
} as const

/** The name of a file. */
export type Name = keyof typeof types

// beside `dist/node`, or, for the sources of a checkout, in its build
const folders = ["../../page/", "../../../dist/page/"].map((folder) => fileURLToPath(new URL(folder, import.meta.url)))

/** A file, or `undefined` in a checkout that has not been built. */
export const read = (name: Name): { readonly type: string; readonly content: Uint8Array } | undefined => {
  // the sources of the page have the names of some files, too
  const folder = folders.find((folder) => fs.existsSync(`${folder}page.js`))
  return folder === undefined ? undefined : { type: types[name], content: fs.readFileSync(folder + name) }
}
