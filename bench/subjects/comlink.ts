/**
 * comlink, with its adapter for Node.
 */
import { transfer, wrap } from "comlink"
import nodeEndpoint from "comlink/dist/esm/node-adapter.mjs"
import { Worker } from "node:worker_threads"
import { bouncing } from "../payloads.ts"
import { promises, type Subject, worker } from "../subject.ts"
import type { Api } from "../workers/comlink.ts"

const open = () => {
  const port = new Worker(worker("comlink"))
  return { remote: wrap<Api>(nodeEndpoint(port)), close: () => port.terminate() }
}

export const subject: Subject = {
  call: async () => {
    const { close, remote } = open()
    return promises((n) => remote.add({ n }), close)
  },

  transfer: async () => {
    const { close, remote } = open()
    return bouncing((bytes) => remote.bounce(transfer(bytes, [bytes.buffer])), close)
  }
}
