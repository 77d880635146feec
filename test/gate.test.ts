/**
 * The gate before what threads load: no more are behind it than it has places, and no place is lost with a thread.
 */
import { assert, describe, it } from "@effect/vitest"
import { Worker } from "node:worker_threads"
import { type Gate, leave, make } from "../src/node/internal/gate.ts"

// passes the gate, and says so; stays behind it for a while, or until it is ended
const visitor = `
const { parentPort, threadId, workerData } = require("node:worker_threads")
import(workerData.url).then(({ enter, leave }) => {
  const { gate, inside, most, stays } = workerData
  enter(gate, threadId)
  const now = Atomics.add(inside, 0, 1) + 1
  for (let seen = Atomics.load(most, 0); seen < now; seen = Atomics.load(most, 0)) Atomics.compareExchange(most, 0, seen, now)
  parentPort.postMessage("behind")
  if (stays) return setInterval(() => undefined, 1000)
  Atomics.wait(inside, 0, now, 20)
  Atomics.sub(inside, 0, 1)
  leave(gate, threadId)
})
`

const counter = () => new Int32Array(new SharedArrayBuffer(4))

const visit = (gate: Gate, { inside = counter(), most = counter(), stays = false } = {}) => {
  const url = new URL("../src/node/internal/gate.ts", import.meta.url).href
  const worker = new Worker(visitor, { eval: true, execArgv: [], workerData: { url, gate, inside, most, stays } })
  const first = (...events: ReadonlyArray<string>) =>
    new Promise<void>((resolve) => events.forEach((event) => worker.once(event, () => resolve())))
  const ended = first("exit")
  return { worker, thread: worker.threadId, online: first("online"), behind: first("message", "exit"), ended }
}

describe("the gate", () => {
  it("has no more threads behind it than it has places, and lets all of them in", async () => {
    const gate = make(2)
    const most = counter()
    const inside = counter()
    const visitors = Array.from({ length: 8 }, () => visit(gate, { inside, most }))
    await Promise.all(visitors.flatMap(({ behind, ended }) => [behind, ended]))
    assert.strictEqual(most[0], 2)
    assert.deepStrictEqual(Array.from(gate), [8, 0, 0])
  })

  it("takes back the place of a thread that has been ended, behind it or before it", async () => {
    const gate = make(1)
    const first = visit(gate, { stays: true })
    await first.behind
    const [second, third] = [visit(gate), visit(gate)]
    await Promise.all([second.online, third.online])
    await second.worker.terminate()
    leave(gate, second.thread)
    await first.worker.terminate()
    assert.strictEqual(gate[1], first.thread)
    leave(gate, first.thread)
    await Promise.all([third.behind, third.ended])
    assert.strictEqual(gate[1], 0)
  })
})
