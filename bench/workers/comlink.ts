/**
 * The object that comlink exposes.
 */
import { expose, transfer } from "comlink"
import nodeEndpoint from "comlink/dist/esm/node-adapter.mjs"
import { parentPort } from "node:worker_threads"
import { add } from "./tasks.ts"
import { touch } from "./work.ts"

const api = {
  add,
  bounce: (bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> => transfer(touch(bytes), [bytes.buffer])
}

/** The type of the exposed object. */
export type Api = typeof api

expose(api, nodeEndpoint(parentPort!))
