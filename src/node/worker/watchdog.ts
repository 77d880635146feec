/**
 * The watcher: the second thread of a child. The watcher does not depend on the main thread, whose event loop may be blocked by a
 * handler or by the loading of a module. The watcher ends the process when the host, or the host thread that started the child, has
 * ended (L1). It reports the started calls that block the main thread (C3). Before the host kills the process, the watcher keeps
 * further calls from starting and reports the started calls (F7).
 */
import { once } from "node:events"
import { Worker } from "node:worker_threads"
import * as StartedCalls from "../../internal/actor/startedCalls.ts"
import { controlFd } from "../startup/bootstrap.ts"
import * as Pipe from "../transport/pipe.ts"

const code = `
  const { parentPort, workerData: startedCalls } = require("node:worker_threads")
  const fs = require("node:fs")
  const { Socket } = require("node:net")
  const { serialize } = require("node:v8")
  const parent = process.ppid
  const end = () => process.kill(process.pid, "SIGKILL")

  const say = (...message) => {
    const bytes = Buffer.concat([Buffer.alloc(${Pipe.headLength}), serialize(message)])
    bytes.writeUInt32LE(${Pipe.mark}, 0)
    bytes.writeUInt32LE(bytes.length - ${Pipe.headLength}, 4)
    socket.write(bytes)
  }

  // reads the count of batches last: it includes the batches of all ids cleared before
  const read = () => {
    for (let i = 0; i < 1000; i++) {
      const moves = Atomics.load(startedCalls, ${StartedCalls.movesAt})
      const notes = new Int32Array(startedCalls.length)
      notes[${StartedCalls.countAt}] = Atomics.load(startedCalls, ${StartedCalls.countAt})
      for (let at = ${StartedCalls.firstAt}; at < startedCalls.length; at++) notes[at] = Atomics.load(startedCalls, at)
      notes[${StartedCalls.sentAt}] = Atomics.load(startedCalls, ${StartedCalls.sentAt})
      if (moves % 2 === 0 && Atomics.load(startedCalls, ${StartedCalls.movesAt}) === moves) return Array.from(notes)
    }
  }

  const isOpen = () => {
    try { return fs.fstatSync(${controlFd}) !== undefined } catch { return false }
  }

  let socket = new Socket({ fd: ${controlFd} })
  // the constructor of Bun ignores the descriptor
  if (socket.pending) socket = new Socket().connect({ fd: ${controlFd} })
  socket
    .on("data", () => {
      Atomics.store(startedCalls, ${StartedCalls.stopAt}, ${StartedCalls.stopping})
      // the main thread may still remove its note of a call that does not start
      Atomics.wait(startedCalls, ${StartedCalls.stopAt}, ${StartedCalls.stopping}, 5)
      say("stopped", read())
    })
    .on("error", end)
    .on("close", end)
  // the program may close the descriptor; in Deno, only its socket can use the descriptor
  const hasState = isOpen()
  let before = "", announced = ""
  setInterval(() => {
    if (process.ppid !== parent || hasState && !isOpen()) return end()
    const ids = Array.from(startedCalls).slice(${StartedCalls.firstAt}, ${StartedCalls.firstAt} + Math.min(startedCalls[${StartedCalls.countAt}], ${StartedCalls.capacity}))
    const now = ids.join()
    if (now !== "" && now === before && now !== announced) {
      announced = now
      say("started", ids)
    }
    before = now
  }, 500)
  say("watching")
  parentPort.postMessage(undefined)
`

/** Starts the watcher. Completes when the watcher runs. `notes`: the started calls of this process. */
export const start = async (notes: Int32Array): Promise<void> => {
  const watcher = new Worker(code, {
    eval: true,
    workerData: notes,
    resourceLimits: { maxOldGenerationSizeMb: 8, stackSizeMb: 1 },
    execArgv: []
  })
  // from now on the watcher does not depend on this thread
  await once(watcher, "message")
  watcher.unref()
}
