/**
 * Workers as threads. A batch is one `postMessage`, or a record of a ring in shared memory. The worker notes the calls that it has
 * started but not announced in shared memory. So the host knows which calls have started, even if it kills the thread during a busy loop.
 */
import process from "node:process"
import { MessageChannel, type ResourceLimits, Worker } from "node:worker_threads"
import { length } from "../../internal/actor/interruption.ts"
import * as StartedCalls from "../../internal/actor/startedCalls.ts"
import { type Deadline, Deadlines } from "../../internal/runtime/deadlines.ts"
import type { LinkEnd, Notes } from "../../internal/wire/link.ts"
import type { ConfigValues } from "../../internal/workers/configValues.ts"
import type { Placement } from "../../internal/workers/placement.ts"
import * as ThreadProbe from "../inspect/threadProbe.ts"
import { bootKey, type Telemetry, threadFlushAt } from "../startup/bootstrap.ts"
import { page } from "../startup/builtFiles.ts"
import { threadsStopFirst } from "../startup/features.ts"
import * as LoadSemaphore from "../startup/loadSemaphore.ts"
import type { Program } from "../startup/workerScript.ts"
import { isOfWatchMode, show } from "../transport/foreignMessages.ts"
import { LoopPoller } from "../transport/loopPoller.ts"
import { drain } from "../transport/portReader.ts"
import { makeRing, type Posted, Receiver, Sender } from "../transport/ring.ts"
import type { ThreadBoot, ThreadChannel } from "../transport/startMessages.ts"
import * as ThrownText from "../transport/thrownText.ts"
import { add, workers } from "../transport/workerCount.ts"
import * as Cores from "./cores.ts"
import { type Given, hasInputType, startThread } from "./nodeArguments.ts"
import { forward } from "./outputForwarding.ts"

const makeNotes = () => {
  const memory = (length: number) => new Int32Array(new SharedArrayBuffer(length * Int32Array.BYTES_PER_ELEMENT))
  return { startedCalls: memory(StartedCalls.length), interrupts: memory(length) } satisfies Notes
}

// `uncaught` holds the thrown value, which may be any value
const endOf = (uncaught: { readonly thrown: unknown } | undefined, code: number): LinkEnd => {
  const end: LinkEnd = { reason: "Crashed", message: `the thread exited with code ${code}` }
  if (uncaught === undefined) return end
  const { thrown } = uncaught
  if (thrown instanceof Error && "code" in thrown && thrown.code === "ERR_WORKER_OUT_OF_MEMORY") {
    return { reason: "OutOfMemory", message: "the thread ran out of memory" }
  }
  return { ...end, detail: `uncaught ${ThrownText.textOf(thrown)}` }
}

// The deadlines for threads to stop. V8 stops code at the next function entry or loop iteration, so no further call starts. Native
// code (`execSync`, a database query) continues until it returns.
const stops = new Deadlines(1_000)

/** The options of the program for its threads. */
export interface ThreadOptions extends Given {
  readonly config: ConfigValues
  readonly telemetry: Telemetry
  readonly resourceLimits?: ResourceLimits | undefined
}

const threadWith = (name: string, script: string, boot: ThreadBoot, options: ThreadOptions): Worker => {
  const { resourceLimits } = options
  // with `--input-type`, Node refuses to start a thread from a file
  const asText = hasInputType()
  return startThread(options, (given) =>
    new Worker(asText ? `import(${JSON.stringify(script)})` : new URL(script), {
      name,
      ...given,
      eval: asText,
      // a thread that goes on after its end would take a slot for ever
      workerData: {
        [bootKey]: boot,
        ...(threadsStopFirst ? { [LoadSemaphore.semaphoreKey]: LoadSemaphore.semaphore } : {})
      },
      transferList: [boot.port],
      stdout: true,
      stderr: true,
      ...(resourceLimits === undefined ? {} : { resourceLimits })
    }))
}

// The program makes the thread: the options of `new Worker` belong to the program, and the thread gets its first data by message.
const threadOf = (make: () => Worker, boot: ThreadBoot): Worker => {
  const worker: unknown = make()
  if (!(worker instanceof Worker)) {
    throw new TypeError(`the function \`worker\` must return a Worker of node:worker_threads, not ${show(worker)}`)
  }
  worker.postMessage({ [bootKey]: boot }, [boot.port])
  return worker
}

// the codes of errors with which Node refuses to run a script
const refusals = new Set<unknown>(["ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND", "ERR_UNKNOWN_FILE_EXTENSION"])

// for a thread with a script of the program that ended before it served behaviours
const hintOf = ({ script }: Program, thrown: unknown, code: number): string => {
  if (code === 0) return `: ${script()} did not call NodeActorWorker.serve`
  if (!(thrown instanceof Error && "code" in thrown && refusals.has(thrown.code))) return ""
  return `: the worker script is missing. A build has to write the script to a file of its own (${page})`
}

/** Starts threads. */
export const placement = (
  program: Program,
  spin: number,
  options: ThreadOptions
): Placement => ({
  kind: "thread",
  behaviours: `the layer of ${program.name}`,
  cores: () => Cores.count(),
  start: (name, place, events) => {
    const notes = makeNotes()
    const rings = { down: makeRing(), up: makeRing() }
    const { port1: port, port2 } = new MessageChannel()
    const { config, telemetry } = options
    const boot: ThreadBoot = {
      ...place,
      module: program.name,
      config,
      telemetry,
      notes,
      port: port2,
      rings,
      spin,
      workers
    }
    const worker = program.make === undefined
      ? threadWith(name, program.script(), boot, options)
      : threadOf(program.make, boot)
    const { threadId } = worker
    const remove = add()
    let end: LinkEnd | undefined
    let uncaught: { readonly thrown: unknown } | undefined
    let isServing = false
    const receiver = new Receiver(rings.up, (batch) => {
      isServing = true
      poller.arrived()
      events.onBatch(batch)
      if (events.isAwaited()) poller.begin()
    })
    const sender = new Sender(rings.down, port)
    const poller = new LoopPoller(spin, workers, receiver)
    const onUnreadable = (error: Error): void => {
      terminate({ reason: "Disconnected", message: `a message of the thread could not be read: ${error.message}` })
      // delivers a batch with a number that is too high, which signals a lost batch: from then on, the notes prove nothing
      receiver.posted([Infinity])
    }
    port.on("message", (message: Posted) => receiver.posted(message)).on("messageerror", onUnreadable)
    worker.on("message", (message: unknown) => {
      if (!isOfWatchMode(message)) events.onForeign(show(message))
    })
    worker.on("messageerror", ({ message }) => events.onForeign(`an unreadable message: ${message}`))
    worker.on("error", (thrown: unknown) => {
      uncaught = { thrown }
    })
    let printing = 2
    let onPrinted: (() => void) | undefined
    const written = (): void => {
      if (--printing === 0) onPrinted?.()
    }
    for (const [from, to] of [[worker.stdout, process.stdout], [worker.stderr, process.stderr]] as const) {
      // if the program made the thread, Node or the program may read its output
      if (from.listenerCount("data") > 0) from.once("end", written)
      else forward(from, to, written)
    }
    let isOver = false
    let stop: Deadline | undefined
    const finish = (full: LinkEnd): void => {
      if (isOver) return
      isOver = true
      // from here on, a call that has no note has not started
      if (!threadsStopFirst) Atomics.store(notes.startedCalls, StartedCalls.stopAt, StartedCalls.stopping)
      worker.removeAllListeners("message").removeAllListeners("messageerror")
      // reads the last messages of the thread
      drain(port, (message) => receiver.posted(message as Posted), onUnreadable)
      port.close()
      receiver.take()
      onPrinted = () => {
        onPrinted = undefined
        events.onEnd(full)
      }
      // a requested end is reported after all output has been written, any other end immediately
      if (printing === 0 || full.reason !== "Stopped") onPrinted()
    }
    worker.on("exit", (code) => {
      stops.delete(stop)
      remove()
      LoadSemaphore.leave(LoadSemaphore.semaphore, threadId)
      const full = end ?? endOf(uncaught, code)
      const hint = isServing || program.isModule || end !== undefined ? "" : hintOf(program, uncaught?.thrown, code)
      finish({ ...full, message: full.message + hint })
      worker.removeAllListeners()
    })
    const terminate = (why: LinkEnd): void => {
      const full = end ??= why
      void worker.terminate()
      // the thread has ended, but writing its output takes too long
      if (isOver) return onPrinted?.()
      stop ??= stops.start(() => {
        events.onLeftover()
        finish(full)
        // the thread prints nothing before the native code returns, and the host does not wait for that
        onPrinted?.()
      })
    }
    return {
      link: {
        send: (batch, transfer) => {
          sender.send(batch, transfer)
          poller.begin()
        },
        flushAt: threadFlushAt,
        ...notes,
        makeChannel: () => {
          const { port1, port2 } = new MessageChannel()
          const [here, there] = [makeNotes(), makeNotes()]
          const [down, up] = [makeRing(), makeRing()]
          return [
            {
              end: { port: port1, rings: { out: down, in: up }, caller: here, runner: there } satisfies ThreadChannel,
              transfer: [port1],
              caller: here
            },
            {
              end: { port: port2, rings: { out: up, in: down }, caller: there, runner: here } satisfies ThreadChannel,
              transfer: [port2],
              caller: there
            }
          ]
        }
      },
      release: () => terminate({ reason: "Stopped", message: "closed" }),
      kill: terminate,
      probe: ThreadProbe.probeOf(worker)
    }
  }
})
