// Packages of Debian that the tests need, installed where they are missing and this process may install them.
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import process from "node:process"

/** The result of `find`. If it is undefined, the package is installed first, or the error names the command that installs it. */
export const findOrInstall = (name: string, packageName: string, find: () => string | undefined): string => {
  const found = find()
  if (found !== undefined) return found
  const install = `apt-get install -y --no-install-recommends ${packageName}`
  if (process.getuid?.() === 0 && fs.existsSync("/usr/bin/apt-get")) {
    // test files run at the same time: apt-get refuses to run twice
    const lock = path.join(os.tmpdir(), "uactor-apt-get.lock")
    execFileSync("flock", [lock, "sh", "-c", `apt-get update -qq && ${install} -qq`], {
      stdio: ["ignore", "ignore", "inherit"],
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" }
    })
    const installed = find()
    if (installed !== undefined) return installed
  }
  throw new Error(`${name} is missing: sudo ${install}`)
}
