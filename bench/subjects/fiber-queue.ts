/**
 * Many hand-written Effect actors in one thread: each actor is a fiber and a Queue. The only message between threads is the order to start.
 */
import { Worker } from "node:worker_threads"
import { warmUps } from "../gauges.ts"
import { type Subject, timed, worker } from "../subject.ts"
import type { Order } from "../workers/fiber-queue.ts"

const open = () => {
  const port = new Worker(worker("fiber-queue"))
  const order = (order: Order): Promise<number> =>
    new Promise((resolve, reject) => {
      port.once("message", (answer: number | string) => {
        if (typeof answer === "number") resolve(answer)
        else reject(new Error(answer))
      })
      port.postMessage(order)
    })
  return { order, close: () => port.terminate() }
}

export const subject: Subject = {
  spawn: async (tools) => {
    const n = tools.shared.actors
    const { close, order } = open()
    const read = async (): Promise<number> => {
      const ms = await timed(() => order({ spawn: n }))
      await order({ stop: true })
      return ms * 1000 / n
    }
    for (let i = 0; i < warmUps(n); i++) await read()
    tools.pin()
    return { close, read }
  },

  hop: async ({ shared }) => {
    const { close, order } = open()
    await order({ spawn: shared.actors })
    return {
      close,
      run: async (n, width) => {
        if (await order({ ask: n, width }) !== n * (n + 1) / 2) throw new Error("the wrong answers")
      }
    }
  },

  bytes: async ({ shared }) => {
    const { close, order } = open()
    await order({ spawn: 500 })
    return {
      close,
      read: async () => {
        const before = await order({ heap: true })
        await order({ spawn: shared.actors })
        return (await order({ heap: true }) - before) / shared.actors
      }
    }
  }
}
