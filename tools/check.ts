// Type-checks with the Effect build of tsc when the platform has one (TypeScript errors and Effect diagnostics in one
// pass), else with plain tsc.
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import { version } from "typescript"

const effectTsc = `node_modules/@effect/tsgo-${process.platform}-${process.arch}/artifacts/typescript/${version}/tsc`
const command = fs.existsSync(effectTsc) ? effectTsc : "tsc"
if (command === "tsc") {
  process.stderr.write("check: no Effect build of tsc for this platform, Effect diagnostics are skipped\n")
}
const { status } = spawnSync(command, ["--noEmit", ...process.argv.slice(2)], {
  stdio: "inherit",
  shell: process.platform === "win32"
})
process.exit(status ?? 1)
