/**
 * Workers as threads: a batch is one `postMessage`, or goes through a ring in shared memory. What a worker has begun and
 * not announced is noted in shared memory, so even a thread that is killed in
 * the middle of a busy loop leaves no doubt about the calls behind it.
 */
import { inspect } from "node:util"
import { MessageChannel, type MessagePort, type ResourceLimits, Worker } from "node:worker_threads"
import { length } from "../../internal/interruption.ts"
import { begunCapacity, type Channel, type LinkEnd, type Notes } from "../../internal/link.ts"
import type { Placement } from "../../internal/system/placement.ts"
import { type Boot, bootKey, threadFlushAt } from "./boot.ts"
import { enter, workers } from "./census.ts"
import * as Gate from "./gate.ts"
import { entry } from "./place.ts"
import { makeRing, type Posted, Receiver, type Ring, Sender } from "./ringLink.ts"
import { Vigil } from "./spin.ts"

/** What a thread is started with. */
export interface ThreadBoot extends Boot {
  readonly notes: Notes
  /** for messages to the thread, and for those from it */
  readonly rings: { readonly down: Ring; readonly up: Ring }
  /** how long to look for the next message before sleeping, in milliseconds */
  readonly spin: number
  /** how many workers live in this process */
  readonly workers: Int32Array<SharedArrayBuffer>
}

/** One end of a channel between two threads. */
export interface ThreadChannel extends Pick<Channel, "caller" | "runner"> {
  readonly port: MessagePort
}

const makeNotes = (): Notes => {
  const memory = (length: number) => new Int32Array(new SharedArrayBuffer(length * Int32Array.BYTES_PER_ELEMENT))
  return { begun: memory(begunCapacity + 1), interrupts: memory(length) }
}

const endOf = (error: unknown, code: number): LinkEnd => {
  if (error === undefined) return { reason: "Crashed", message: `the thread exited with code ${code}` }
  if ((error as { readonly code?: string }).code === "ERR_WORKER_OUT_OF_MEMORY") {
    return { reason: "OutOfMemory", message: "the thread ran out of memory" }
  }
  return { reason: "Crashed", message: `uncaught ${error instanceof Error ? error.stack : inspect(error)}` }
}

/** Starts threads. */
export const placement = (
  module: string,
  spin: number,
  resourceLimits: ResourceLimits | undefined
): Placement => ({
  kind: "thread",
  start: (events) => {
    const notes = makeNotes()
    const rings = { down: makeRing(), up: makeRing() }
    const boot: ThreadBoot = { module, notes, rings, spin, workers }
    const worker = new Worker(entry, {
      workerData: { [bootKey]: boot, [Gate.gateKey]: Gate.gate },
      ...(resourceLimits === undefined ? {} : { resourceLimits })
    })
    const { threadId } = worker
    const leave = enter()
    let end: LinkEnd | undefined
    let error: unknown
    const receiver = new Receiver(rings.up, (batch) => {
      vigil.arrived()
      events.onBatch(batch)
      if (events.isAwaited()) vigil.begin()
    })
    const sender = new Sender(rings.down, worker)
    const vigil = new Vigil(spin, workers, receiver)
    worker.on("message", (message: Posted) => receiver.posted(message))
    worker.on("messageerror", (error) => {
      end ??= { reason: "Crashed", message: `a message of the thread could not be read: ${error.message}` }
      // as one that comes too early: what was lost with it proves nothing any more
      receiver.posted([Infinity])
      void worker.terminate()
    })
    worker.on("error", (uncaught) => {
      error = uncaught
    })
    worker.on("exit", (code) => {
      leave()
      Gate.leave(Gate.gate, threadId)
      worker.removeAllListeners()
      // its last words
      receiver.take()
      events.onEnd(end ?? endOf(error, code))
    })
    const terminate = (why: LinkEnd): void => {
      end ??= why
      void worker.terminate()
    }
    return {
      link: {
        send: (batch, transfer) => {
          sender.send(batch, transfer)
          vigil.begin()
        },
        flushAt: threadFlushAt,
        ...notes,
        makeChannel: () => {
          const { port1, port2 } = new MessageChannel()
          const [here, there] = [makeNotes(), makeNotes()]
          return [
            {
              end: { port: port1, caller: here, runner: there } satisfies ThreadChannel,
              transfer: [port1],
              caller: here
            },
            {
              end: { port: port2, caller: there, runner: here } satisfies ThreadChannel,
              transfer: [port2],
              caller: there
            }
          ]
        }
      },
      release: () => terminate({ reason: "Stopped", message: "closed" }),
      kill: terminate
    }
  }
})
