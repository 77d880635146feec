/** What this process holds: after a test, and after a test file, nothing may be left of what it started (L1). */
import { afterAll, afterEach, assert, beforeEach } from "@effect/vitest"
import * as fs from "node:fs"
import { setImmediate, setTimeout } from "node:timers/promises"

/** How many of each kind of thing this process holds. */
type Holdings = ReadonlyMap<string, number>

const hasProc = fs.existsSync("/proc/self/task")

const readProc = (path: string): string => {
  try {
    return fs.readFileSync(path, "utf8").trim()
  } catch {
    // a thread that ended while the directory was read
    return ""
  }
}

/** The ids of this process's child processes. */
export const childPids = (): ReadonlyArray<number> =>
  hasProc
    ? fs.readdirSync("/proc/self/task").flatMap((task) =>
      readProc(`/proc/self/task/${task}/children`).split(" ").filter((pid) => pid !== "").map(Number)
    )
    : []

// threads that a runtime starts for its own use when it first needs them: Node, then Bun, then Deno
const ownThreads =
  /^(?:libuv-worker|JITWorker|JSC|HeapHelper|Bun|mi-scavenger|s Signal Sender|ollector Thread|V8 DefaultWorke|tokio-runtime|deno$)/

/** The names of this process's threads, but for those that the runtime starts for its own use when it first needs them. */
export const threadNames = (): ReadonlyArray<string> =>
  hasProc
    ? fs.readdirSync("/proc/self/task").map((task) => readProc(`/proc/self/task/${task}/comm`))
      .filter((name) => name !== "" && !ownThreads.test(name))
    : []

/** How many file descriptors this process has open. */
export const openDescriptors = (): number => hasProc ? fs.readdirSync("/proc/self/fd").length : 0

/** What this process holds now: threads, children, handles and timers of the event loop, listeners on `process`. */
export const holdings = (): Holdings => {
  const out = new Map<string, number>()
  const count = (kind: string, n = 1): void => void out.set(kind, (out.get(kind) ?? 0) + n)
  for (const kind of process.getActiveResourcesInfo()) count(kind)
  for (const name of threadNames()) count(`thread ${name}`)
  for (const pid of childPids()) count(`child process ${pid}`)
  for (const event of process.eventNames()) {
    // Deno listens to these when a program first listens to others
    if (event === "newListener" || event === "removeListener") continue
    count(`listener of process for ${String(event)}`, process.listenerCount(event))
  }
  return out
}

const added = (before: Holdings, now: Holdings): ReadonlyArray<string> =>
  Array.from(now).flatMap(([kind, n]) =>
    n > (before.get(kind) ?? 0) ? [`${kind}: ${n} (${before.get(kind) ?? 0} before)`] : []
  )

/** Waits until this process holds nothing more than it did before; fails with what is left. */
export const assertNothingAdded = async (before: Holdings): Promise<void> => {
  const start = performance.now()
  for (let round = 0;; round++) {
    const left = added(before, holdings())
    if (left.length === 0) return
    // a handle takes the event loop a few turns to close, and a process as long as the machine needs to end; a timer that was
    // forgotten would go by itself, and is not waited for
    const patience = left.every((kind) => kind.startsWith("Timeout")) ? 2_000 : 60_000
    if (round > 100 && performance.now() - start > patience) assert.fail(`left behind: ${left.join(", ")}`)
    await (round < 10 ? setImmediate() : setTimeout(10))
  }
}

const warnings: Array<string> = []
process.on("warning", (warning) => {
  if (warning.name === "MaxListenersExceededWarning") warnings.push(String(warning))
})
// their handles are made when they are first used
void [process.stdout, process.stderr]

/** Checks after each test of the enclosing `describe` that the test has left nothing behind. */
export const checkLeaks = (inCluster: boolean): void => {
  let before: Holdings = holdings()
  // the test runner has one timer of its own while tests run, which reports to its parent
  const withTimers = (n: number): Holdings => new Map([...before, ["Timeout", n], ["Immediate", 0]])
  beforeEach(() => {
    warnings.length = 0
    before = holdings()
  })
  afterEach(async () => {
    // a cluster that tests share has timers of its own
    await assertNothingAdded(withTimers(inCluster ? Infinity : 1))
    assert.deepStrictEqual(warnings, [])
  }, 120_000)
  afterAll(() => assertNothingAdded(withTimers(0)), 120_000)
}
