/**
 * Workers as child processes: a batch is one message of Node's own IPC channel,
 * in its `advanced` serialization, which carries what structured clone carries.
 */
import { fork, type ForkOptions } from "node:child_process"
import type { Socket } from "node:net"
import type { Readable } from "node:stream"
import { type LinkEnd, nowhere } from "../../internal/link.ts"
import type { Placement } from "../../internal/system/placement.ts"
import type { Batch } from "../../internal/wire.ts"
import { begunFd, type Boot, pathOf, processFlushAt, stdio, terminated } from "./boot.ts"
import { enter, workers } from "./census.ts"
import { entry } from "./place.ts"
import { Vigil } from "./spin.ts"

/** What a child is started with. */
export interface ProcessBoot extends Boot {
  /** how long to look for the next message before sleeping, in milliseconds */
  readonly spin: number
  /** how many workers live in the process of the host; a message that is a number says it anew */
  readonly workers: number
}

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
export const placement = (module: string, spin: number, options: ChildOptions): Placement => ({
  kind: "process",
  start: (events) => {
    const boot: ProcessBoot = { module, spin, workers: workers[0]! + 1 }
    const forkOptions: ForkOptions = {
      serialization: "advanced",
      stdio,
      ...(options.env === undefined ? {} : { env: { ...process.env, ...options.env } }),
      ...(options.execArgv === undefined ? {} : { execArgv: [...process.execArgv, ...options.execArgv] })
    }
    const child = fork(pathOf(entry), [JSON.stringify(boot)], forkOptions)
    const leave = enter((workers) => {
      if (child.connected) child.send(workers)
    })
    const vigil = new Vigil(spin, workers, nowhere)
    let end: LinkEnd | undefined
    let exited = false
    let killTimer: ReturnType<typeof setTimeout> | undefined
    // V8 aborts a process that is out of heap, and only its stderr says why
    let isOutOfMemory = false
    const onError = ({ message }: Error): void => {
      if (child.pid === undefined) {
        end ??= { reason: "Crashed", message: `the process could not be started: ${message}` }
        return finish(null, null)
      }
      // it is going down, and its exit says why, or it lives on out of reach
      killTimer ??= setTimeout(() => {
        end ??= { reason: "Disconnected", message: `the process could not be reached: ${message}` }
        child.kill("SIGKILL")
      }, unreachableTimeout)
    }
    child.on("error", onError)
    // without descriptors for them there are no pipes
    const stderr = child.stderr as Socket | undefined
    const begun = child.stdio?.[begunFd] as Readable | undefined
    stderr?.on("error", onError).on("data", (chunk: Uint8Array) => {
      process.stderr.write(chunk)
      isOutOfMemory ||= String(chunk).includes("heap out of memory")
    })
    begun?.on("error", onError).on("readable", () => {
      for (let id = begun.read(4); id !== null; id = begun.read(4)) events.onBegun(id.readInt32LE())
    })
    const finish = (code: number | null, signal: NodeJS.Signals | null): void => {
      if (exited) return
      exited = true
      leave()
      clearTimeout(killTimer)
      child.removeAllListeners()
      // late errors of a channel that is going down concern nobody any more
      child.on("error", () => undefined)
      // a process that the child has started may hold it still, and go on writing
      stderr?.unref()
      events.onEnd(end ?? endOf(code, signal, isOutOfMemory))
    }
    child.on("message", (batch) => {
      vigil.arrived()
      events.onBatch(batch as unknown as Batch)
      if (events.isAwaited()) vigil.begin()
    })
    // the channel has been read to its end before "exit" counts, so no answer is lost
    let code: number | null = null
    let signal: NodeJS.Signals | null = null
    let isOver = false
    let isDisconnected = false
    const settle = (): void => {
      if (isOver && isDisconnected) finish(code, signal)
    }
    child.on("exit", (exitCode, exitSignal) => {
      code = exitCode
      signal = exitSignal
      if (!child.connected) isDisconnected = true
      // all that it has written to its stderr has arrived, and is read in the next turn; another process may hold that for longer
      setImmediate(() =>
        setImmediate(() => {
          isOver = true
          settle()
        })
      )
    })
    child.on("disconnect", () => {
      isDisconnected = true
      settle()
    })
    return {
      link: {
        send: (batch) => {
          if (!child.connected) return
          child.send(batch)
          vigil.begin()
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
