/**
 * tinypool, on threads and in a child process.
 */
import { fileURLToPath } from "node:url"
import { Tinypool } from "tinypool"
import { bouncing } from "../payloads.ts"
import { promises, type Subject, worker } from "../subject.ts"

const pool = (options: { readonly runtime: "worker_threads" | "child_process"; readonly module?: string }) =>
  new Tinypool({
    runtime: options.runtime,
    filename: fileURLToPath(worker(options.module ?? "tasks")),
    minThreads: 1,
    maxThreads: 1,
    concurrentTasksPerWorker: 64
  })

const calls = (runtime: "worker_threads" | "child_process") => {
  const threads = pool({ runtime })
  return promises(
    (n) => threads.run({ n }, { name: "add" }) as Promise<number>,
    () => threads.destroy()
  )
}

export const subject: Subject = {
  call: async () => calls("worker_threads"),
  process: async () => calls("child_process"),

  transfer: async () => {
    const threads = pool({ runtime: "worker_threads", module: "tinypool" })
    return bouncing(
      (bytes) => threads.run(bytes, { name: "bounce", transferList: [bytes.buffer] }) as Promise<unknown>,
      () => threads.destroy()
    )
  }
}
