/**
 * What a worker runs first: switches on Node's compile cache, which saves a fifth
 * of a start, before anything is loaded that it could save. `NODE_DISABLE_COMPILE_CACHE`
 * switches it off; while coverage is measured it stays off, because it would blur that.
 */
import * as module from "node:module"
import { threadId, workerData } from "node:worker_threads"
import * as Gate from "./internal/gate.ts"
import * as Prebuilt from "./internal/prebuilt.ts"
import * as QuickImports from "./internal/quickImports.ts"

if (process.env["NODE_V8_COVERAGE"] === undefined) module.enableCompileCache()
// a child shares no memory with others
const gate = (workerData as { readonly [Gate.gateKey]?: Gate.Gate } | null)?.[Gate.gateKey]
if (gate !== undefined) Gate.enter(gate, threadId)
QuickImports.install()

const worker = await import("./worker.ts")
if (gate !== undefined) Gate.leave(gate, threadId)
await worker.start((module) => import(module))

// a thread is ended from outside, where nothing would be written any more
setImmediate(() => {
  module.flushCompileCache()
  Prebuilt.keep()
})
