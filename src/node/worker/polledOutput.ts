/**
 * The output of a child for runtimes that do not show how many bytes wait in a socket. An exiting child writes the remaining bytes
 * itself, so it must know this number. This output writes all bytes itself: it tries again while the pipe is full.
 */
import * as fs from "node:fs"
import type { Socket } from "node:net"
import { queueMicrotask, setTimeout } from "../../internal/runtime/globals.ts"
import { socketOf } from "../startup/features.ts"
import type { Output } from "../transport/pipe.ts"

// the interval of the attempts to write to a full pipe, in milliseconds
const interval = 2

class PolledOutput implements Output {
  readonly _handle: { readonly fd: number; writeQueueSize: number }
  private readonly queue: Array<{ readonly bytes: Buffer; readonly onWritten: (() => void) | undefined }> = []

  constructor(fd: number) {
    this._handle = { fd, writeQueueSize: 0 }
  }

  write(bytes: Buffer, onWritten?: () => void): void {
    this._handle.writeQueueSize += bytes.length
    if (this.queue.push({ bytes, onWritten }) === 1) queueMicrotask(() => this.flush())
  }

  // each buffer is written by itself
  cork(): void {}
  uncork(): void {}

  private flush(): void {
    for (let next = this.queue[0]; next !== undefined; next = this.queue[0]) {
      const { bytes, onWritten } = next
      let written = 0
      try {
        written = fs.writeSync(this._handle.fd, bytes)
      } catch (error) {
        // the pipe no longer has a reader, and the close of the other pipe ends this process
        if ((error as NodeJS.ErrnoException).code !== "EAGAIN") written = bytes.length
      }
      this._handle.writeQueueSize -= written
      if (written < bytes.length) {
        this.queue[0] = { bytes: bytes.subarray(written), onWritten }
        return void setTimeout(() => this.flush(), interval)
      }
      this.queue.shift()
      onWritten?.()
    }
  }
}

/** Whether this process can use the descriptor of an open socket. In Deno, it then belongs to the socket alone. */
const isShared = (fd: number): boolean => {
  try {
    return fs.fstatSync(fd).isSocket()
  } catch {
    return false
  }
}

/** Opens the pipe for messages from a child. `input`: the open socket on `inputFd`, the pipe for messages to the child. */
export const outputOf = (fd: number, input: Socket, inputFd: number): Output => {
  const { _handle: handle } = input as Partial<Pick<Output, "_handle">>
  // without a socket, the pipe blocks this thread while it is full
  if (!isShared(inputFd)) return new PolledOutput(fd)
  const socket = socketOf(fd, { readable: false, writable: true })
  socket.unref()
  // the pipe no longer has a reader, and the close of the other pipe ends this process
  socket.on("error", () => undefined)
  return handle?.writeQueueSize === undefined ? new PolledOutput(fd) : socket
}
