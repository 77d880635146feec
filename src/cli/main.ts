#!/usr/bin/env node
/**
 * The command `uactor`. It needs `@effect/platform-node`, which programs may do without.
 */
import "../node/startup/nodeVersion.ts"
import process from "node:process"

try {
  const { run } = await import("./run.ts")
  run()
} catch (error) {
  const { code, message } = error as NodeJS.ErrnoException
  if (code !== "ERR_MODULE_NOT_FOUND" || !message.includes("@effect/platform-node")) throw error
  process.stderr.write(
    "uactor: the command needs the package @effect/platform-node: npm install --save-dev @effect/platform-node\n"
  )
  process.exitCode = 2
}
