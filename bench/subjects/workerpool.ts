/**
 * workerpool, on threads and in a child process. Its workers run one task at a time.
 */
import { fileURLToPath } from "node:url"
import workerpool from "workerpool"
import { bouncing } from "../payloads.ts"
import { promises, type Subject, worker } from "../subject.ts"

const pool = (workerType: "thread" | "process") =>
  workerpool.pool(fileURLToPath(worker("workerpool")), { workerType, minWorkers: 1, maxWorkers: 1 })

const calls = (workerType: "thread" | "process") => {
  const threads = pool(workerType)
  return promises(
    async (n) => await threads.exec("add", [{ n }]) as number,
    async () => threads.terminate()
  )
}

export const subject: Subject = {
  call: async () => calls("thread"),
  process: async () => calls("process"),

  transfer: async () => {
    const threads = pool("thread")
    return bouncing(
      async (bytes) => await threads.exec("bounce", [bytes], { transfer: [bytes.buffer] }) as unknown,
      async () => threads.terminate()
    )
  }
}
