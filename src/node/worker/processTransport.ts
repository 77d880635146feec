/**
 * The transport of a child process: one pipe for each direction, and a watcher thread.
 */
import process from "node:process"
import * as StartedCalls from "../../internal/actor/startedCalls.ts"
import { noPoller } from "../../internal/runtime/eventLoopBudget.ts"
import { setImmediate } from "../../internal/runtime/immediates.ts"
import type { Batch } from "../../internal/wire/frames.ts"
import * as Bootstrap from "../startup/bootstrap.ts"
import { socketOf } from "../startup/features.ts"
import { isOfWatchMode, show } from "../transport/foreignMessages.ts"
import { LoopPoller } from "../transport/loopPoller.ts"
import * as Pipe from "../transport/pipe.ts"
import type { Foreign, ProcessBoot } from "../transport/startMessages.ts"
import { outputOf } from "./polledOutput.ts"
import type { Transport } from "./transport.ts"
import * as Watchdog from "./watchdog.ts"

// the time that an exiting child waits for its host to read the last messages, in milliseconds
const lastWordsTimeout = 1_000

/** Makes the transport of a child process. Completes when the watcher runs. */
export const child = async (): Promise<Transport> => {
  const exit = process.exit.bind(process)
  reportFatalErrors()
  const startedCalls = new Int32Array(new SharedArrayBuffer(StartedCalls.length * Int32Array.BYTES_PER_ELEMENT))
  await Watchdog.start(startedCalls)
  const down = socketOf(Bootstrap.downFd, { readable: true, writable: false })
  const writer = new Pipe.Writer(outputOf(Bootstrap.upFd, down, Bootstrap.downFd))
  const finish = (): void => writer.finish(lastWordsTimeout)
  process.on("exit", finish)
  const send = (message: unknown): void => writer.write(Pipe.encode(message))
  emulateIpc(send)
  let onBoot: (boot: ProcessBoot) => void
  return {
    boot: new Promise((resolve) => {
      onBoot = resolve
    }),
    link: { send, flushAt: Bootstrap.processFlushAt, isRemote: true, startedCalls, onStop: finish },
    listen: ({ onBatch }) => {
      const workerCount = new Int32Array(1)
      let poller: LoopPoller | undefined
      const reader = new Pipe.Reader((message) => {
        if (typeof message === "number") {
          workerCount[0] = message
        } else if (poller === undefined) {
          const boot = message as ProcessBoot
          const { spin, title, workers } = boot
          if (title !== undefined) process.title = title
          workerCount[0] = workers
          poller = new LoopPoller(spin, workerCount, noPoller)
          onBoot(boot)
        } else {
          poller.arrived()
          onBatch(message as Batch)
          poller.begin()
        }
      }, () => onBatch([Infinity]))
      const onLost = (): void => exit(Bootstrap.cutOff)
      down.on("data", (chunk: Buffer) => reader.read(chunk)).on("error", onLost).on("close", onLost)
      return noPoller
    },
    exit: (code) => {
      process.exitCode = code
      // exits only after the current message has been handled
      setImmediate(() => exit(code))
    }
  }
}

// Makes Node report fatal errors to the host, unless the program has configured reports itself.
const reportFatalErrors = (): void => {
  const report: NodeJS.ProcessReport & { excludeNetwork?: boolean } = process.report
  if (report.reportOnFatalError || report.directory !== "" || report.filename !== "") return
  report.reportOnFatalError = report.compact = true
  report.filename = `/dev/fd/${Bootstrap.reportFd}`
  // with network information, the report would look up the host names of all connections
  report.excludeNetwork = true
}

// Emulates Node's IPC channel for programs that use it to notify a process manager of their readiness. The channel has no receiver.
const emulateIpc = (send: (report: Foreign) => void): void => {
  process.connected = true
  process.send = (message: unknown, ...rest: ReadonlyArray<unknown>): boolean => {
    send({ foreign: show(message), watch: isOfWatchMode(message) ? message : undefined })
    const callback = rest.at(-1)
    if (typeof callback === "function") setImmediate(() => callback(null))
    return true
  }
  process.disconnect = () => {
    process.connected = false
  }
}
