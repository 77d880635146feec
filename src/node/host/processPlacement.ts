/**
 * Workers as child processes. A batch is one message (pipe.ts) on a private pipe of this library, and may contain every value that
 * structured clone carries. A child has no IPC channel of Node (`process.send`), which belongs to the program and its tools.
 */
import { type ChildProcess, spawn } from "node:child_process"
import type { Socket } from "node:net"
import process from "node:process"
import type { Duplex, Readable } from "node:stream"
import * as StartedCalls from "../../internal/actor/startedCalls.ts"
import { type Deadline, Deadlines } from "../../internal/runtime/deadlines.ts"
import { messageOf } from "../../internal/runtime/describe.ts"
import { noPoller } from "../../internal/runtime/eventLoopBudget.ts"
import type { Batch } from "../../internal/wire/frames.ts"
import type { LinkEnd } from "../../internal/wire/link.ts"
import type { ConfigValues } from "../../internal/workers/configValues.ts"
import type { Placement } from "../../internal/workers/placement.ts"
import { ProcessProbe } from "../inspect/processProbe.ts"
import {
  childKey,
  controlFd,
  cutOff,
  downFd,
  pathOf,
  processFlushAt,
  stdio,
  type Telemetry,
  upFd
} from "../startup/bootstrap.ts"
import type { Program } from "../startup/workerScript.ts"
import { LoopPoller } from "../transport/loopPoller.ts"
import * as Pipe from "../transport/pipe.ts"
import type { Foreign, ProcessBoot, WatcherMessage, WatcherRequest } from "../transport/startMessages.ts"
import { add, workers } from "../transport/workerCount.ts"
import * as Cores from "./cores.ts"
import * as HeapReport from "./heapReport.ts"
import { type Given, processStart } from "./nodeArguments.ts"

// The deadlines for two actions: the watcher of a child reports the started calls before a kill, and a child with a failed pipe
// exits by itself. When a deadline is missed, the child is killed.
const ends = new Deadlines(1_000)

// the signals of errors of the process itself
const crashes = new Set<NodeJS.Signals>(["SIGABRT", "SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGTRAP"])

const endOf = (code: number | null, signal: NodeJS.Signals | null, isOutOfMemory: boolean): LinkEnd => {
  if (isOutOfMemory) return { reason: "OutOfMemory", message: "the process ran out of memory" }
  if (signal !== null) {
    return { reason: crashes.has(signal) ? "Crashed" : "Killed", message: `the process was ended by ${signal}` }
  }
  return { reason: "Crashed", message: `the process exited with code ${code}` }
}

// for a child with a script of the program that ended before it served behaviours
const hintOf = (script: string, code: number | null): string =>
  code === 0 ? `: ${script} did not call NodeActorWorker.serve` : ` before ${script} had called NodeActorWorker.serve`

// a batch with a number that is too high, which signals a lost batch: from then on, the notes prove nothing
const lost: Batch = [Infinity]

/** The options of the program for its child processes. */
export interface ProcessOptions extends Given {
  readonly config: ConfigValues
  readonly telemetry: Telemetry
}

/** Starts child processes. */
export const placement = (program: Program, spin: number, options: ProcessOptions): Placement => ({
  kind: "process",
  behaviours: `the layer of ${program.name}`,
  cores: () => Cores.count(),
  start: (name, place, events) => {
    const { argv, env, execArgv, title } = processStart(name, options)
    const script = program.script()
    const report = HeapReport.open()
    let child: ChildProcess
    try {
      child = spawn(process.execPath, [...execArgv, pathOf(script), ...argv], {
        stdio: stdio(report),
        env: { ...env, [childKey]: program.isModule ? "1" : script }
      })
    } catch (error) {
      HeapReport.close(report)
      throw error
    }
    let end: LinkEnd | undefined
    let exited = false
    let deadline: Deadline | undefined
    let pipeError: string | undefined
    // the child starts no call before its watcher runs
    let isWatched = false
    let isKilled = false
    let received = 0
    let notes: Int32Array | undefined
    const isUnreachable = (message: string): void => {
      end ??= { reason: "Disconnected", message: `the process could not be reached: ${message}` }
    }
    const onError = ({ message }: Error): void => {
      if (child.pid === undefined) {
        end ??= { reason: "Crashed", message: `the process could not be started: ${message}` }
        return finish(null, null)
      }
      // either the child is exiting, and its exit gives the reason, or the child still runs but is unreachable
      pipeError ??= message
      deadline ??= ends.start(() => {
        isUnreachable(message)
        child.kill("SIGKILL")
      })
    }
    child.on("error", onError)
    // the child has no pipes if no file descriptors are left
    const pipes = child.stdio as ReadonlyArray<unknown> | undefined
    const down = pipes?.[downFd] as Socket | undefined
    const up = pipes?.[upFd] as Readable | undefined
    const control = pipes?.[controlFd] as Duplex | undefined
    down?.on("error", onError)
    const writer = down && new Pipe.Writer(down)
    const send = (message: unknown): void => {
      const bytes = Pipe.encode(message)
      writer?.write(bytes)
    }
    const remove = add(send)
    const { config, telemetry } = options
    const boot: ProcessBoot = { ...place, module: program.name, config, telemetry, title, spin, workers: workers[0]! }
    send(boot)
    const poller = new LoopPoller(spin, workers, noPoller)
    const watcher = new Pipe.Reader(
      (message) => onWatcherMessage(message as WatcherMessage),
      // the link can continue without the reports of the watcher
      () => undefined
    )
    const ask = (request: WatcherRequest): void => void control?.write(`${JSON.stringify(request)}\n`)
    const probe = child.pid === undefined ? undefined : new ProcessProbe(child.pid, ask)
    const onWatcherMessage = (message: WatcherMessage): void => {
      isWatched = true
      const [kind, content] = message
      if (kind === "figures" || kind === "inspected" || kind === "closed") return probe?.onReport(message)
      if (kind === "started") { for (const id of content) events.onCallStarted(id) }
      if (kind !== "stopped") return
      notes = content && Int32Array.from(content)
      if (notes === undefined || hasAll()) child.kill("SIGKILL")
    }
    // batches that the child sent before it stopped may not have arrived yet
    const hasAll = (): boolean => notes !== undefined && StartedCalls.isProof(notes, received)
    // the child ends as soon as the control pipe closes
    control?.on("error", ({ message }) => isUnreachable(message)).on("data", (chunk: Buffer) => watcher.read(chunk))
    const reader = new Pipe.Reader(
      (message) => {
        if (!Array.isArray(message)) return onForeign(message as Foreign)
        isWatched = true
        received++
        if (hasAll()) child.kill("SIGKILL")
        poller.arrived()
        events.onBatch(message as Batch)
        if (events.isAwaited()) poller.begin()
      },
      (error) => {
        kill({ reason: "Disconnected", message: `a message of the process could not be read: ${messageOf(error)}` })
        events.onBatch(lost)
      }
    )
    const onForeign = ({ foreign, watch }: Foreign): void => {
      if (watch === undefined) events.onForeign(foreign)
      else process.send?.(watch)
    }
    const finish = (code: number | null, signal: NodeJS.Signals | null): void => {
      if (exited) return
      exited = true
      remove()
      probe?.end()
      ends.delete(deadline)
      child.removeAllListeners()
      for (const pipe of [down, up, control]) pipe?.destroy()
      // ignores late errors of the closing pipes
      child.on("error", () => undefined)
      if (code === cutOff) isUnreachable(pipeError ?? "its pipe was closed")
      // V8 aborts a process that runs out of heap
      const isOutOfMemory = signal !== null && crashes.has(signal) && HeapReport.isOutOfMemory(report)
      HeapReport.close(report)
      const full = end ?? endOf(code, signal, isOutOfMemory)
      const hasServed = isWatched || program.isModule || end !== undefined
      events.onEnd(hasServed ? full : { ...full, message: full.message + hintOf(script, code) })
    }
    // the end of the child counts only after its pipe has been read to the end, so no answer is lost
    let code: number | null = null
    let signal: NodeJS.Signals | null = null
    let isOver = false
    let isRead = false
    const settle = (): void => {
      if (isOver && isRead) finish(code, signal)
    }
    child.on("exit", (exitCode, exitSignal) => {
      code = exitCode
      signal = exitSignal
      isOver = true
      settle()
    })
    up?.on("error", onError).on("data", (chunk: Buffer) => reader.read(chunk)).on("close", () => {
      isRead = true
      if (!isOver && child.pid !== undefined) onError(new Error("its pipe was closed"))
      settle()
    })
    const kill = (why: LinkEnd): void => {
      end ??= why
      if (isKilled) return
      isKilled = true
      ends.delete(deadline)
      if (!isWatched) {
        notes = new Int32Array(StartedCalls.length)
        return void child.kill("SIGKILL")
      }
      // the watcher reports the started calls even if the event loop is blocked (F7); a child suspended by a signal reports nothing
      ask(["stop"])
      deadline = ends.start(() => child.kill("SIGKILL"))
    }
    return {
      link: {
        send: (batch) => {
          send(batch)
          poller.begin()
        },
        flushAt: processFlushAt,
        isRemote: true,
        get startedCalls() {
          return notes
        }
      },
      // the child exits by itself, with the code 0
      release: () => {
        end ??= { reason: "Stopped", message: "closed" }
      },
      kill,
      probe
    }
  }
})
