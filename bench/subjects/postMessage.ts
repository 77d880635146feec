/**
 * Plain `postMessage`: the minimum cost of a library that sends one message for each call.
 */
import { fork } from "node:child_process"
import { fileURLToPath } from "node:url"
import { type Transferable, Worker } from "node:worker_threads"
import { crowd, crowded, idle, resident, speedUp } from "../gauges.ts"
import { bouncing, checkSum, expectedSum, kept, purchase, refused, sumOf } from "../payloads.ts"
import { promises, type Subject, timed, worker } from "../subject.ts"
import type { Request, Response } from "../workers/postMessage.ts"
import type { PurchaseLike } from "../workers/work.ts"

// maps each answer to its waiting call
const correlate = (send: (request: Request, transfer?: ReadonlyArray<Transferable>) => void) => {
  const waiting = new Map<number, (response: Response) => void>()
  let ids = 0
  return {
    onResponse: (response: Response): void => {
      waiting.get(response.id)!(response)
      waiting.delete(response.id)
    },
    request: (make: (id: number) => Request, transfer?: ReadonlyArray<Transferable>): Promise<Response> =>
      new Promise((resolve) => {
        const id = ids++
        waiting.set(id, resolve)
        send(make(id), transfer)
      })
  }
}

const thread = () => {
  const port = new Worker(worker("postMessage"))
  const { onResponse, request } = correlate((request, transfer) => port.postMessage(request, transfer))
  port.on("message", onResponse)
  return { request, close: () => port.terminate() }
}

// starts a thread, and waits for its first answer
const bare = async (): Promise<Worker> => {
  const port = new Worker(worker("bare"))
  const answer = new Promise((resolve) => port.once("message", resolve))
  port.postMessage(1)
  if (await answer !== 2) throw new Error("the wrong answer")
  return port
}

const starter = () => {
  const ports: Array<Worker> = []
  return {
    start: async () => ports.push(await bare()),
    close: () => Promise.all(ports.map((port) => port.terminate()))
  }
}

export const subject: Subject = {
  call: async () => {
    const { close, request } = thread()
    return promises(async (n) => (await request((id) => ({ id, add: n }))).value as number, close)
  },

  process: async () => {
    const child = fork(fileURLToPath(worker("postMessage")), { serialization: "advanced" })
    const { onResponse, request } = correlate((request) => child.send(request))
    child.on("message", (response) => onResponse(response as Response))
    return promises(
      async (n) => (await request((id) => ({ id, add: n }))).value as number,
      async () => child.kill()
    )
  },

  schema: async () => {
    const { close, request } = thread()
    const buy = async (i: number): Promise<number> => {
      const { error, value } = await request((id) => ({ id, buy: purchase(i) }))
      return error === undefined ? sumOf(value as PurchaseLike) : refused
    }
    return promises(buy, close, expectedSum)
  },

  transfer: async () => {
    const { close, request } = thread()
    return bouncing(
      async (bytes) => (await request((id) => ({ id, bounce: bytes }), [bytes.buffer])).value,
      close
    )
  },

  shared: async () => {
    const { close, request } = thread()
    const { bytes, check, mark } = kept()
    return {
      close,
      run: async (n) => {
        for (let i = 0; i < n; i++) {
          mark(i)
          check(i, (await request((id) => ({ id, ends: bytes }))).value as number)
        }
      }
    }
  },

  stream: async () => {
    const port = new Worker(worker("postMessage"))
    const sum = (n: number): Promise<number> =>
      new Promise((resolve) => {
        let sum = 0
        let count = 0
        const onChunk = (items: ReadonlyArray<number>): void => {
          for (const item of items) sum += item
          count += items.length
          if (count < n) return
          port.off("message", onChunk)
          resolve(sum)
        }
        port.on("message", onChunk)
        port.postMessage({ id: 0, ints: n } satisfies Request)
      })
    return { close: () => port.terminate(), run: async (n) => checkSum(n, await sum(n)) }
  },

  cpu: async (tools) =>
    speedUp(tools, async (workers, rounds, expected) => {
      const threads = Array.from({ length: workers }, thread)
      let next = 0
      return promises(
        async () => (await threads[next++ % workers]!.request((id) => ({ id, work: rounds() }))).value as number,
        () => Promise.all(threads.map(({ close }) => close())),
        expected
      )
    }),

  start: async () => {
    const ports: Array<Worker> = []
    return {
      read: async () => {
        const ms = await timed(async () => ports.push(await bare()))
        await ports.pop()!.terminate()
        return ms
      },
      close: async () => undefined
    }
  },

  resident: async (tools) => {
    const { close, start } = starter()
    return resident(tools, start, close)
  },

  crowd: async (tools) => crowd(tools, async () => starter()),

  crowded: async (tools) => {
    const { close, start } = starter()
    return crowded(tools, start, close)
  },

  idle: async () => {
    const { close, start } = starter()
    return idle(start, close)
  }
}
