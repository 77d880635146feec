/** comlink's adapter for Node has types, but not where TypeScript looks for those of an `.mjs` file. */
declare module "comlink/dist/esm/node-adapter.mjs" {
  import type { Endpoint } from "comlink"
  import type { MessagePort, Worker } from "node:worker_threads"
  export default function nodeEndpoint(port: Worker | MessagePort): Endpoint
}
