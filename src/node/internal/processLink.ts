/**
 * Workers as child processes: a batch is one message of Node's own IPC channel,
 * in its `advanced` serialization, which carries what structured clone carries.
 */
import { fork, type ForkOptions } from "node:child_process"
import type { LinkEnd } from "../../internal/link.ts"
import type { Placement } from "../../internal/system.ts"
import { type Boot, pathOf, processFlushAt, terminated } from "./boot.ts"
import { entry } from "./place.ts"

// how long a child that is killed may take over its last words, in milliseconds
const lastWordsTimeout = 100

// how long a child whose channel has failed may take to exit by itself, in milliseconds
const unreachableTimeout = 1_000

/** The options of a child process. */
export interface ChildOptions {
  readonly env?: Readonly<Record<string, string>> | undefined
  readonly execArgv?: ReadonlyArray<string> | undefined
}

// signals that a process gets for what it did itself
const crashes = new Set<NodeJS.Signals>(["SIGABRT", "SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGTRAP"])

const endOf = (code: number | null, signal: NodeJS.Signals | null, isOutOfMemory: boolean): LinkEnd => {
  if (isOutOfMemory) return { reason: "OutOfMemory", message: "the process ran out of memory" }
  if (signal !== null) {
    return { reason: crashes.has(signal) ? "Crashed" : "Killed", message: `the process was ended by ${signal}` }
  }
  if (code === terminated) return { reason: "Killed", message: "the process was ended by SIGTERM" }
  return { reason: "Crashed", message: `the process exited with code ${code}` }
}

/** Starts child processes. */
export const placement = (module: string, options: ChildOptions): Placement => ({
  kind: "process",
  start: (events) => {
    const boot: Boot = { module }
    const forkOptions: ForkOptions = {
      serialization: "advanced",
      stdio: ["ignore", "inherit", "pipe", "ipc"],
      ...(options.env === undefined ? {} : { env: { ...process.env, ...options.env } }),
      ...(options.execArgv === undefined ? {} : { execArgv: [...process.execArgv, ...options.execArgv] })
    }
    const child = fork(pathOf(entry), [JSON.stringify(boot)], forkOptions)
    let end: LinkEnd | undefined
    let exited = false
    let killTimer: ReturnType<typeof setTimeout> | undefined
    // V8 aborts a process that is out of heap, and only its stderr says why
    let isOutOfMemory = false
    let stderrOpen = true
    child.stderr!.on("data", (chunk: Uint8Array) => {
      process.stderr.write(chunk)
      isOutOfMemory ||= String(chunk).includes("heap out of memory")
    })
    child.stderr!.on("close", () => {
      stderrOpen = false
      settle()
    })
    const finish = (code: number | null, signal: NodeJS.Signals | null): void => {
      if (exited) return
      exited = true
      clearTimeout(killTimer)
      child.removeAllListeners()
      // late errors of a channel that is going down concern nobody any more
      child.on("error", () => undefined)
      events.onEnd(end ?? endOf(code, signal, isOutOfMemory))
    }
    child.on("message", events.onBatch)
    child.on("error", ({ message }) => {
      if (child.pid === undefined) {
        end ??= { reason: "Crashed", message: `the process could not be started: ${message}` }
        return finish(null, null)
      }
      // it is going down, and its exit says why, or it lives on out of reach
      killTimer ??= setTimeout(() => {
        end ??= { reason: "Disconnected", message: `the process could not be reached: ${message}` }
        child.kill("SIGKILL")
      }, unreachableTimeout)
    })
    // the channel has been read to its end before "exit" counts, so no answer is lost
    let code: number | null = null
    let signal: NodeJS.Signals | null = null
    let isOver = false
    let isDisconnected = false
    const settle = (): void => {
      if (isOver && isDisconnected && !(signal === "SIGABRT" && stderrOpen)) finish(code, signal)
    }
    child.on("exit", (exitCode, exitSignal) => {
      code = exitCode
      signal = exitSignal
      isOver = true
      if (!child.connected) isDisconnected = true
      settle()
    })
    child.on("disconnect", () => {
      isDisconnected = true
      settle()
    })
    return {
      link: {
        send: (batch) => {
          if (child.connected) child.send(batch)
        },
        flushAt: processFlushAt
      },
      // it ends by itself, with its code 0
      release: () => {
        end ??= { reason: "Stopped", message: "closed" }
      },
      // it may still say what it has begun, if its event loop is free to (C1)
      kill: (why) => {
        end ??= why
        child.kill("SIGTERM")
        clearTimeout(killTimer)
        killTimer = setTimeout(() => child.kill("SIGKILL"), lastWordsTimeout)
      }
    }
  }
})
