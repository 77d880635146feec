/**
 * Keeps this thread and its workers on different cores (Linux with `taskset`).
 * Without pinning, the kernel sometimes runs both on one core. Then a round trip is cheap for every subject, and the figure is meaningless.
 */
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"

// the helper threads of V8 and libuv, which are not pinned
const helpers = /^(V8Worker|DelayedTask|SignalInspector|libuv-worker)/

const tasks = (): ReadonlyArray<string> => fs.readdirSync("/proc/self/task")

const children = (): ReadonlyArray<string> =>
  tasks().flatMap((tid) => {
    try {
      return fs.readFileSync(`/proc/self/task/${tid}/children`, "utf8").split(" ").filter(Boolean)
    } catch {
      // the thread has ended meanwhile
      return []
    }
  })

const nameOf = (tid: string): string => {
  try {
    return fs.readFileSync(`/proc/self/task/${tid}/comm`, "utf8")
  } catch {
    return ""
  }
}

const program = "taskset"

const taskset = (...args: ReadonlyArray<string>): boolean => spawnSync(program, args).status === 0

/** The cores that this process may use; empty if pinning is not possible. */
export const cores = (): ReadonlyArray<number> => {
  if (process.platform !== "linux" || !taskset("--version")) return []
  const list = /^Cpus_allowed_list:\s*(.*)$/m.exec(fs.readFileSync("/proc/self/status", "utf8"))?.[1] ?? ""
  return list.split(",").flatMap((part) => {
    const [from, to = from] = part.split("-").map(Number)
    return from === undefined || to === undefined ? [] : Array.from({ length: to - from + 1 }, (_, i) => from + i)
  })
}

/** Makes the functions that pin and unpin; `undefined` if pinning is not possible. */
export const make = (): { readonly pin: () => void; readonly unpin: () => void } | undefined => {
  const all = cores()
  if (all.length < 2) return undefined
  const own = new Set(tasks())
  const put = (core: string, tid: string, ...flags: ReadonlyArray<string>): void => {
    if (!taskset(...flags, "-cp", core, tid)) throw new Error(`taskset ${core} ${tid} failed`)
  }
  return {
    pin: () => {
      put(String(all[0]), String(process.pid))
      const threads = tasks().filter((tid) => !own.has(tid) && !helpers.test(nameOf(tid)))
      const workers = [
        ...threads.map((tid) => [tid] as const),
        ...children().map((pid) => [pid, "-a"] as const)
      ]
      if (workers.length === 0) throw new Error("no worker to pin")
      for (const [i, [id, ...flags]] of workers.entries()) put(String(all[(i + 1) % all.length]), id, ...flags)
    },
    unpin: () => put(all.join(","), String(process.pid))
  }
}
