/**
 * The connections to the inspector of the main thread of a child, in a thread that the watcher starts at the first of them. The thread passes
 * on commands, results and events as JSON. It resumes a paused main thread itself, so that the main thread waits for no other process.
 *
 * The thread stays, without a timer and without a connection, until the child exits: Node may abort the process if a thread ends while the
 * main thread still removes a connection of that thread.
 */

// the events that the host uses
const events = ["Debugger.scriptParsed", "Debugger.paused", "HeapProfiler.addHeapSnapshotChunk"]

/** The code of the thread. It receives the requests of the host (`WatcherRequest`), and `["exit"]`, and sends the reports of the watcher. */
export const code = `
  const { parentPort, workerData: open } = require("node:worker_threads")
  const { Session } = require("node:inspector")
  const encoder = new TextEncoder()
  const pass = (id, message) => {
    const { buffer } = encoder.encode(JSON.stringify(message))
    parentPort.postMessage(["inspected", id, buffer], [buffer])
  }

  const sessions = new Map()
  let turning
  const openSession = (id) => {
    const session = new Session()
    session.on("Debugger.paused", () => session.post("Debugger.resume"))
    for (const event of ${JSON.stringify(events)}) session.on(event, (message) => pass(id, message))
    try {
      session.connectToMainThread()
    } catch ({ message }) {
      return parentPort.postMessage(["closed", id, message])
    }
    Atomics.add(open, 0, 1)
    sessions.set(id, session)
    // messages of the main thread arrive only while the event loop of this thread turns
    turning ??= setInterval(() => {}, 5)
  }
  const closeSession = (id) => {
    const session = sessions.get(id)
    if (!sessions.delete(id)) return
    session.disconnect()
    if (sessions.size === 0) turning = clearInterval(turning)
    Atomics.sub(open, 0, 1)
    Atomics.notify(open, 0)
  }

  parentPort.on("message", ([kind, id, command]) => {
    if (kind === "open") return openSession(id)
    if (kind === "close") return closeSession(id)
    if (kind === "exit") {
      for (const id of sessions.keys()) closeSession(id)
      return
    }
    sessions.get(id)?.post(command.method, command.params, (error, result) =>
      pass(id, error ? { id: command.id, error: error.message } : { id: command.id, result }))
  })
`
