// Runs once before the tests: bundles Effect and the sources, so that a worker of a test starts in a third of the time. Files that
// change afterwards are loaded one by one.
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import { pathToFileURL } from "node:url"
import type { TestProject } from "vitest/node"
import * as WorkerBundle from "../../src/node/startup/workerBundle.ts"

const root = path.resolve(import.meta.dirname, "..", "..")
const src = path.join(root, "src")
const link = path.join(src, "node", "prebuilt")
// outside the sources, so that searches do not find the bundle
const cache = path.join(root, "node_modules", ".cache", "uactor")
const folder = path.join(cache, `prebuilt-${process.pid}`)

const isCurrent = (): boolean =>
  WorkerBundle.open({
    effect: new URL(".", import.meta.resolve("effect/Effect")).href,
    uactor: `${pathToFileURL(src)}/`
  }) !== undefined

export const setup = ({ vitest }: TestProject): void => {
  // the page that the server of the observer sends
  execFileSync(process.execPath, [path.join(root, "tools", "page.ts"), "--if-changed"], { stdio: "inherit" })
  // the coverage of the bundle does not count for its files
  if (vitest.config.coverage.enabled) return fs.rmSync(link, { force: true })
  if (isCurrent()) return
  execFileSync(process.execPath, [path.join(root, "tools", "prebuild.ts"), src, folder], { stdio: "inherit" })
  // the rename is atomic, because workers of another run may be reading the bundle
  fs.symlinkSync(folder, `${folder}.link`, "junction")
  fs.renameSync(`${folder}.link`, link)
  const hour = 3_600_000
  for (const name of fs.readdirSync(cache).filter((name) => name.startsWith("prebuilt-"))) {
    const other = path.join(cache, name)
    if (fs.statSync(other).mtimeMs < Date.now() - hour) fs.rmSync(other, { recursive: true, force: true })
  }
}
