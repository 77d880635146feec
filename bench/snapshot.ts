/**
 * A frozen copy of the measured code: the built library, and the benchmark with its types stripped, because the code of users also runs as
 * JavaScript. Edits of the sources during a long run do not change the copy.
 */
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import { stripTypeScriptTypes } from "node:module"
import * as path from "node:path"

const root = path.dirname(import.meta.dirname)

const copy = (from: string, to: string): void => {
  fs.mkdirSync(to, { recursive: true })
  for (const entry of fs.readdirSync(from, { withFileTypes: true })) {
    const source = path.join(from, entry.name)
    if (entry.isDirectory()) copy(source, path.join(to, entry.name))
    else if (entry.name.endsWith(".ts") && !entry.name.endsWith(".d.ts")) {
      const code = stripTypeScriptTypes(fs.readFileSync(source, "utf8"))
      const target = path.join(to, `${entry.name.slice(0, -3)}.js`)
      fs.writeFileSync(target, code.replaceAll(/(["'`]\.[^"'`\n]*)\.ts(?=["'`])/g, "$1.js"))
    }
  }
}

const build = (to: string): void => {
  const tsc = path.join(root, "node_modules", ".bin", "tsc")
  execFileSync(tsc, ["-p", path.join(root, "tools", "tsconfig.build.json"), "--outDir", to])
  execFileSync(process.execPath, [path.join(root, "tools", "prebuild.ts"), to])
}

/** Makes the copy, and returns its folder. */
export const make = (): string => {
  // under node_modules, where the imports of packages resolve and no tool looks
  const folder = path.join(root, "node_modules", ".cache", "uactor-bench", String(process.pid))
  build(path.join(folder, "src"))
  copy(path.join(root, "bench"), path.join(folder, "bench"))
  fs.writeFileSync(path.join(folder, "package.json"), `{ "type": "module" }`)
  return folder
}

/** Removes the copy. */
export const remove = (folder: string): void => fs.rmSync(folder, { recursive: true, force: true })
