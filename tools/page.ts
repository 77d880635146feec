// Bundles the page of the observer, src/page, into `dist/page`: three files that the server sends as they are, and the licenses of the packages
// in them. With `--if-changed`, only if a source is newer.
import * as fs from "node:fs"
import * as path from "node:path"
import process from "node:process"
import { build } from "vite"

const root = path.resolve(import.meta.dirname, "..")
const sources = path.join(root, "src", "page")
const outDir = path.join(root, "dist", "page")

const isCurrent = (): boolean => {
  const bundle = fs.statSync(path.join(outDir, "LICENSES.txt"), { throwIfNoEntry: false })
  const patterns = ["src/page/**/*.{ts,css,html}", "src/observer/*.ts"]
  const files = [import.meta.filename, ...fs.globSync(patterns.map((pattern) => path.join(root, pattern)))]
  return bundle !== undefined && files.every((file) => fs.statSync(file).mtimeMs < bundle.mtimeMs)
}

if (process.argv.includes("--if-changed") && isCurrent()) process.exit(0)

const licenses = ["preact", "htm", "uplot"].map((name) => {
  const folder = path.join(root, "node_modules", name)
  const { version } = JSON.parse(fs.readFileSync(path.join(folder, "package.json"), "utf8")) as {
    readonly version: string
  }
  return `${name} ${version}\n\n${fs.readFileSync(path.join(folder, "LICENSE"), "utf8").trim()}\n`
})

await build({
  configFile: false,
  root: sources,
  base: "./",
  logLevel: "warn",
  publicDir: false,
  build: {
    outDir,
    emptyOutDir: true,
    target: "es2023",
    // the policy of the page refuses `data:` addresses
    assetsInlineLimit: 0,
    modulePreload: false,
    cssMinify: true,
    rolldownOptions: {
      output: {
        codeSplitting: false,
        entryFileNames: "page.js",
        assetFileNames: "page[extname]"
      }
    }
  }
})
fs.writeFileSync(path.join(outDir, "LICENSES.txt"), licenses.join("\n\n"))
