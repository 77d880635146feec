/**
 * A hand-written worker with plain `postMessage`: one request and one answer for each call, numbered by the caller. Runs in a thread or in a
 * child process.
 */
import { type MessagePort, parentPort } from "node:worker_threads"
import { accept, compute, endsOf, isRefused, type PurchaseLike, touch } from "./work.ts"

/** A call. */
export type Request =
  | { readonly id: number; readonly add: number }
  | { readonly id: number; readonly buy: PurchaseLike }
  | { readonly id: number; readonly bounce: Uint8Array<ArrayBuffer> }
  | { readonly id: number; readonly ends: Uint8Array }
  | { readonly id: number; readonly work: number }
  | { readonly id: number; readonly ints: number }

/** An answer. */
export interface Response {
  readonly id: number
  readonly value?: unknown
  readonly error?: string
}

const chunk = 256

const stream = (port: MessagePort, count: number): void => {
  for (let from = 1; from <= count; from += chunk) {
    port.postMessage(Array.from({ length: Math.min(chunk, count - from + 1) }, (_, i) => from + i))
  }
}

const answer = (request: Request): Response => {
  const { id } = request
  if ("add" in request) return { id, value: request.add + 1 }
  if ("ends" in request) return { id, value: endsOf(request.ends) }
  if ("work" in request) return { id, value: compute(request.work) }
  if ("buy" in request) {
    return isRefused(request.buy.id) ? { id, error: "sold out" } : { id, value: accept(request.buy) }
  }
  throw new Error("no such method")
}

if (parentPort !== null) {
  const port = parentPort
  port.on("message", (request: Request) => {
    if ("ints" in request) return stream(port, request.ints)
    if ("bounce" in request) {
      const bytes = touch(request.bounce)
      return port.postMessage({ id: request.id, value: bytes }, [bytes.buffer])
    }
    port.postMessage(answer(request))
  })
} else {
  process.on("message", (request: Request) => process.send!(answer(request)))
}
