/**
 * The watcher: the second thread of a child. The watcher does not depend on the main thread, whose event loop may be blocked by a
 * handler or by the loading of a module. The watcher ends the process when the host, or the host thread that started the child, has
 * ended (L1). It reports the started calls that block the main thread (C3). Before the host kills the process, the watcher keeps
 * further calls from starting and reports the started calls (F7).
 *
 * The watcher also answers the questions of the host: it reports the figures of the process, and opens connections to the inspector of the
 * main thread (inspectorRelay.ts).
 */
import { once } from "node:events"
import { performance } from "node:perf_hooks"
import process from "node:process"
import * as v8 from "node:v8"
import { Worker } from "node:worker_threads"
import * as StartedCalls from "../../internal/actor/startedCalls.ts"
import { figuresLimit } from "../inspect/limits.ts"
import { controlFd } from "../startup/bootstrap.ts"
import * as Pipe from "../transport/pipe.ts"
import * as InspectorRelay from "./inspectorRelay.ts"

const code = `
  const { parentPort, Worker, workerData: { startedCalls, connections, relayCode } } = require("node:worker_threads")
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

  // a thread of its own has the memory for profiles, and the watcher does not depend on it
  let relay
  const inspectors = new Set()
  const inspect = (request) => {
    const [kind, id] = request
    if (kind === "open") inspectors.add(id)
    if (kind === "close") inspectors.delete(id)
    if (relay === undefined) {
      if (kind !== "open") return
      relay = new Worker(relayCode, { eval: true, workerData: connections, execArgv: [] })
      let error = "the thread of the connection has ended"
      relay
        .on("message", (report) => say(...report))
        .on("error", ({ message }) => { error = message })
        .on("exit", () => {
          relay = undefined
          Atomics.store(connections, 0, 0)
          Atomics.notify(connections, 0)
          for (const id of inspectors) say("closed", id, error)
          inspectors.clear()
        })
    }
    relay.postMessage(request)
  }

  // the main thread reports its own part of the figures, unless it is blocked
  const asked = new Map()
  const askFigures = (id) => {
    const { user, system } = process.cpuUsage()
    const figures = { cpu: { user, system }, rss: process.memoryUsage.rss() }
    const answer = (own) => {
      clearTimeout(timer)
      asked.delete(id)
      say("figures", id, { ...figures, ...own })
    }
    const timer = setTimeout(answer, ${figuresLimit}, {})
    asked.set(id, answer)
    parentPort.postMessage(id)
  }
  parentPort.on("message", (message) => {
    // the main thread exits, and would wait for the connections
    if (message === "exit") relay?.postMessage(["exit"])
    else asked.get(message[0])?.(message[1])
  })

  const stop = () => {
    Atomics.store(startedCalls, ${StartedCalls.stopAt}, ${StartedCalls.stopping})
    // the main thread may still remove its note of a call that does not start
    Atomics.wait(startedCalls, ${StartedCalls.stopAt}, ${StartedCalls.stopping}, 5)
    say("stopped", read())
  }
  const onRequest = (request) => {
    if (request[0] === "stop") stop()
    else if (request[0] === "figures") askFigures(request[1])
    else inspect(request)
  }

  const isOpen = () => {
    try { return fs.fstatSync(${controlFd}) !== undefined } catch { return false }
  }

  let rest = ""
  let socket = new Socket({ fd: ${controlFd} })
  // the constructor of Bun ignores the descriptor
  if (socket.pending) socket = new Socket().connect({ fd: ${controlFd} })
  socket
    .setEncoding("utf8")
    .on("data", (text) => {
      const lines = (rest + text).split("\\n")
      rest = lines.pop()
      for (const line of lines) onRequest(JSON.parse(line))
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

// the figures that only this thread can measure
const ownFigures = () => {
  const { active, idle } = performance.eventLoopUtilization()
  const { heap_size_limit: limit, used_heap_size: used } = v8.getHeapStatistics()
  return { eventLoop: { active, idle }, heap: { used, limit } }
}

// the longest time that an exit waits for the connections to the inspector to end, in milliseconds
const exitLimit = 1_000

/** Starts the watcher. Completes when the watcher runs. `notes`: the started calls of this process. */
export const start = async (notes: Int32Array): Promise<void> => {
  // the number of connections to the inspector of this thread
  const connections = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  const watcher = new Worker(code, {
    eval: true,
    workerData: { startedCalls: notes, connections, relayCode: InspectorRelay.code },
    resourceLimits: { maxOldGenerationSizeMb: 8, stackSizeMb: 1 },
    execArgv: []
  })
  // from now on the watcher does not depend on this thread
  await once(watcher, "message")
  watcher.on("message", (id: number) => watcher.postMessage([id, ownFigures()]))
  process.on("exit", () => {
    if (Atomics.load(connections, 0) === 0) return
    watcher.postMessage("exit")
    const until = performance.now() + exitLimit
    for (let open = Atomics.load(connections, 0); open > 0; open = Atomics.load(connections, 0)) {
      const left = until - performance.now()
      if (left <= 0) return
      Atomics.wait(connections, 0, open, left)
    }
  })
  watcher.unref()
}
