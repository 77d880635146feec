/**
 * The script of a worker that loads a module of behaviours. It enables Node's compile cache, which saves a fifth of the start, before it
 * loads Effect and this library. The cache stays disabled while coverage is measured, because cached code blurs the coverage.
 * `NODE_DISABLE_COMPILE_CACHE` disables the cache.
 */
import "./startup/nodeVersion.ts"
import process from "node:process"
import { setImmediate } from "node:timers"
import { threadId, workerData } from "node:worker_threads"
import * as Bootstrap from "./startup/bootstrap.ts"
import { compileCache, exceptionsEndMain } from "./startup/features.ts"
import * as ImportHooks from "./startup/importHooks.ts"
import * as LoadSemaphore from "./startup/loadSemaphore.ts"
import * as WorkerBundle from "./startup/workerBundle.ts"

if (process.env[Bootstrap.childKey] !== undefined) Bootstrap.ignoreSignals()
if (process.env["NODE_V8_COVERAGE"] === undefined) compileCache.enable()
// only threads have the semaphore: processes share no memory
const semaphore = (workerData as { readonly [LoadSemaphore.semaphoreKey]?: LoadSemaphore.LoadSemaphore } | null)
  ?.[LoadSemaphore.semaphoreKey]
if (semaphore !== undefined) LoadSemaphore.enter(semaphore, threadId)
ImportHooks.install()

const worker = await import("./worker/serve.ts")
if (semaphore !== undefined) LoadSemaphore.leave(semaphore, threadId)
const served = worker.serveModule((module) => import(/* webpackIgnore: true */ /* @vite-ignore */ module))
// in Bun, an uncaught exception ends no process whose main module still awaits
if (exceptionsEndMain) await served

// the host terminates a thread, and a terminated thread writes no cache
setImmediate(() => {
  compileCache.flush()
  WorkerBundle.keep()
})
