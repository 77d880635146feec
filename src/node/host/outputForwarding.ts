/**
 * Forwards the output of a thread to the stdout and stderr of its host, with backpressure. Output that cannot be written, because
 * the stream no longer has a reader, is dropped, as `console` in the host does.
 */
import type { Readable, Writable } from "node:stream"

const ignore = (): void => undefined

/** Forwards one stream to another, which stays open. Calls back when all output has been written. */
export const forward = (from: Readable, to: Writable, onWritten: () => void): void => {
  let isEnded = false
  let writing: Uint8Array | undefined
  const written = (chunk: Uint8Array): void => {
    if (writing !== chunk) return
    writing = undefined
    if (isEnded) onWritten()
    else from.resume()
  }
  from.on("data", (chunk: Uint8Array) => {
    from.pause()
    writing = chunk
    to.write(chunk, (error) => {
      // the stream emits "error" after this callback
      if (error && to.listenerCount("error") === 0) to.once("error", ignore)
      written(chunk)
    })
    // a program that captures its own output replaces `write` with a function that may never call back
    if (to.writableLength === 0) written(chunk)
  })
  from.on("end", () => {
    isEnded = true
    if (writing === undefined) onWritten()
  })
}
