/**
 * The gate before what threads load: no more are behind it than it has places, and no place is lost with a thread.
 */
import { assert, describe, it } from "@effect/vitest"
import { setImmediate } from "node:timers/promises"
import { Worker } from "node:worker_threads"
import { leave, make } from "../../../src/node/startup/loadSemaphore.ts"

// passes the gate, says so, and stays behind it until it may go
const visitor = `
const { parentPort, threadId, workerData } = require("node:worker_threads")
import(workerData.url).then(({ enter, leave }) => {
  const { gate, go, inside, most } = workerData
  enter(gate, threadId)
  const now = Atomics.add(inside, 0, 1) + 1
  for (let seen = Atomics.load(most, 0); seen < now; seen = Atomics.load(most, 0)) Atomics.compareExchange(most, 0, seen, now)
  parentPort.postMessage("behind")
  Atomics.wait(go, 0, 0)
  Atomics.sub(inside, 0, 1)
  leave(gate, threadId)
})
`

const counter = () => new Int32Array(new SharedArrayBuffer(4))

/** What visitors share. */
const scene = (places: number) => ({ gate: make(places), go: counter(), inside: counter(), most: counter() })

type Scene = ReturnType<typeof scene>

const visit = (scene: Scene) => {
  const url = new URL("../../../src/node/startup/loadSemaphore.ts", import.meta.url).href
  const worker = new Worker(visitor, { eval: true, execArgv: [], workerData: { url, ...scene } })
  const first = (...events: ReadonlyArray<string>) =>
    new Promise<void>((resolve) => events.forEach((event) => worker.once(event, () => resolve())))
  return { worker, thread: worker.threadId, behind: first("message", "exit"), ended: first("exit") }
}

// waking them tells how many there are: they look again, and wait again
const waiting = async ({ gate }: Scene, visitors: number): Promise<void> => {
  while (Atomics.notify(gate, 0) !== visitors) await setImmediate()
}

const letGo = ({ go }: Scene): void => {
  Atomics.store(go, 0, 1)
  Atomics.notify(go, 0)
}

describe("the load semaphore", () => {
  it("admits at most as many threads as it has slots, and admits all threads in the end", async () => {
    const shared = scene(2)
    const visitors = Array.from({ length: 8 }, () => visit(shared))
    await waiting(shared, 6)
    assert.strictEqual(shared.inside[0], 2)
    letGo(shared)
    await Promise.all(visitors.flatMap(({ behind, ended }) => [behind, ended]))
    assert.strictEqual(shared.most[0], 2)
    assert.deepStrictEqual(Array.from(shared.gate), [8, 0, 0])
  })

  it("releases the slot of a terminated thread, and survives the termination of a waiting thread", async () => {
    const shared = scene(1)
    const first = visit(shared)
    await first.behind
    const [second, third] = [visit(shared), visit(shared)]
    await waiting(shared, 2)
    await second.worker.terminate()
    leave(shared.gate, second.thread)
    await first.worker.terminate()
    assert.strictEqual(shared.gate[1], first.thread)
    leave(shared.gate, first.thread)
    letGo(shared)
    await Promise.all([third.behind, third.ended])
    assert.strictEqual(shared.gate[1], 0)
  })
})
