/**
 * piscina, with the default `atomics`. Its tasks answer immediately, so they share a worker only in cases with concurrent calls.
 */
import { fileURLToPath } from "node:url"
import { Piscina } from "piscina"
import { mixed, resident, speedUp } from "../gauges.ts"
import { bouncing, expectedSum, purchase, refused, sumOf } from "../payloads.ts"
import { promises, type Subject, timed, worker } from "../subject.ts"

// the number of calls that share the thread
const shared = 64

const pool = (threads: number, concurrentTasksPerWorker: number, module = "tasks") =>
  new Piscina({
    filename: fileURLToPath(worker(module)),
    minThreads: threads,
    maxThreads: threads,
    concurrentTasksPerWorker
  })

const once = async () => {
  const threads = pool(1, 1)
  if (await threads.run({ n: 1 }, { name: "add" }) !== 2) throw new Error("the wrong answer")
  return threads
}

export const subject: Subject = {
  call: async () => {
    const threads = pool(1, shared)
    return promises((n) => threads.run({ n }, { name: "add" }), () => threads.destroy())
  },

  queued: async () => {
    const threads = pool(1, shared / 2)
    return promises((n) => threads.run({ n }, { name: "add" }), () => threads.destroy())
  },

  mixed: () => {
    const threads = pool(2, 1)
    return mixed({ work: (rounds) => threads.run(rounds, { name: "work" }), close: () => threads.destroy() })
  },

  schema: async () => {
    const threads = pool(1, shared)
    const buy = async (i: number): Promise<number> => {
      try {
        return sumOf(await threads.run(purchase(i), { name: "buy" }))
      } catch (error) {
        return error instanceof Error && error.message === "sold out" ? refused : NaN
      }
    }
    return promises(buy, () => threads.destroy(), expectedSum)
  },

  transfer: async () => {
    const threads = pool(1, 1, "piscina")
    return bouncing(
      (bytes) => threads.run(bytes, { name: "bounce", transferList: [bytes.buffer] }),
      () => threads.destroy()
    )
  },

  cpu: async (tools) =>
    speedUp(tools, async (workers, rounds, expected) => {
      const threads = pool(workers, 1)
      return promises(() => threads.run(rounds(), { name: "work" }), () => threads.destroy(), expected)
    }),

  start: async () => {
    const pools: Array<Piscina> = []
    return {
      read: async () => {
        const ms = await timed(async () => pools.push(await once()))
        await pools.pop()!.destroy()
        return ms
      },
      close: async () => undefined
    }
  },

  resident: async (tools) => {
    const pools: Array<Piscina> = []
    return resident(tools, async () => pools.push(await once()), () => Promise.all(pools.map((pool) => pool.destroy())))
  }
}
