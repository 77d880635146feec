/**
 * What a worker runs first: switches on Node's compile cache, which saves a fifth
 * of a start, before anything is loaded that it could save. `NODE_DISABLE_COMPILE_CACHE`
 * switches it off; while coverage is measured it stays off, because it would blur that.
 */
import * as module from "node:module"
import * as Prebuilt from "./internal/prebuilt.ts"
import * as QuickImports from "./internal/quickImports.ts"

if (process.env["NODE_V8_COVERAGE"] === undefined) module.enableCompileCache()
QuickImports.install()

const worker = await import("./worker.ts")
await worker.start((module) => import(module))

// a thread is ended from outside, where nothing would be written any more
setImmediate(() => {
  module.flushCompileCache()
  Prebuilt.keep()
})
