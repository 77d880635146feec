/**
 * The functions of Node that other runtimes lack, each with its replacement. A function is used if it works, whatever the runtime is.
 */
import * as module from "node:module"
import { Socket, type SocketConstructorOpts } from "node:net"
import process from "node:process"
import * as v8 from "node:v8"

const { enableCompileCache, flushCompileCache, getCompileCacheDir, registerHooks }: Partial<typeof module> = module

const nothing = (): undefined => undefined

/** Node's cache of compiled modules. Deno has its own, which needs no call. */
export const compileCache = {
  enable: enableCompileCache ?? nothing,
  flush: flushCompileCache ?? nothing,
  folder: getCompileCacheDir ?? nothing
}

/** Registers hooks for imports; `undefined` in Bun, whose workers therefore load each file by itself. */
export { registerHooks }

// the constructor of Bun throws
const hasSerializer = (): boolean => {
  try {
    return typeof new v8.Serializer().writeValue === "function"
  } catch {
    return false
  }
}

/** V8's serializer of values; `undefined` in Bun, whose engine is not V8: `v8.serialize` and `v8.deserialize` replace it. */
export const serializers = hasSerializer()
  ? { Serializer: v8.Serializer, Deserializer: v8.Deserializer }
  : undefined

/** Whether an uncaught exception ends a process whose main module awaits at its top level. Bun prints the exception, and the process goes on. */
export const exceptionsEndMain = process.versions["bun"] === undefined

/** Whether the code of a thread has stopped when its end is reported. In Deno, the code goes on until its next wait, or without end. */
export const threadsStopFirst = process.versions["deno"] === undefined

/** Opens a socket on a file descriptor of this process. The constructor of Bun ignores the descriptor. */
export const socketOf = (fd: number, direction: Pick<SocketConstructorOpts, "readable" | "writable">): Socket => {
  const socket = new Socket({ fd, ...direction })
  return socket.pending ? new Socket().connect({ fd } as never) : socket
}
