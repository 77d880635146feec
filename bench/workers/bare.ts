/**
 * A thread that only answers, without imports.
 */
import { parentPort } from "node:worker_threads"

parentPort!.on("message", (n: number) => parentPort!.postMessage(n + 1))
