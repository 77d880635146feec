/**
 * Measurements that are not the timing of a loop.
 */
import { freemem } from "node:os"
import { setTimeout as sleep } from "node:timers/promises"
import { type Gauge, timed, type Tools, type Work } from "./subject.ts"
import { collect } from "./workers/heap.ts"
import { lateness, watchTimers } from "./workers/lateness.ts"
import { compute } from "./workers/work.ts"

const megabyte = 1024 * 1024

// the number of rounds of `compute` that take a millisecond on this machine
const roundsOfMillisecond = (): number => {
  const rounds = 2_000_000
  let best = Infinity
  for (let i = 0; i < 10; i++) {
    const start = performance.now()
    compute(rounds)
    best = Math.min(best, performance.now() - start)
  }
  return Math.round(rounds / best)
}

/** The speed-up of two workers over one. `open` makes a pool; each operation of the pool computes the requested number of rounds. */
export const speedUp = (
  { pin, quick, unpin }: Tools,
  open: (workers: number, rounds: () => number, expected: () => number) => Promise<Work>
): Gauge => {
  const short = { rounds: 100, expected: compute(100) }
  const rounds = roundsOfMillisecond()
  const long = { rounds, expected: compute(rounds) }
  const tasks = quick ? 400 : 2000
  // the code between two tasks runs rarely, so V8 compiles it late, on threads that compete with two workers for the cores
  const warmMs = quick ? 800 : 1500
  const time = async (workers: number): Promise<number> => {
    unpin()
    let task = short
    const pool = await open(workers, () => task.rounds, () => task.expected)
    // the workers of each pool are new; warms up their compiled code before the measurement
    await pool.run(2000, 16)
    task = long
    pin()
    for (const start = performance.now(); performance.now() - start < warmMs;) await pool.run(50, 16)
    const ms = await timed(() => pool.run(tasks, 16))
    await pool.close()
    return ms
  }
  return {
    read: async () => {
      const one = await time(1)
      return one / await time(2)
    },
    close: async () => undefined
  }
}

/** A pool of two workers that compute the requested number of rounds. */
export interface TaskPool {
  readonly work: (rounds: number) => Promise<number>
  readonly close: () => Promise<unknown>
}

// the rounds of a short task: about a millisecond. Each subject has a process of its own, and none measures the speed of the machine anew.
const taskRounds = 700_000
const shortTasks = 40

/** The median time of forty tasks of about a millisecond, called just after a task 300 times as long. */
export const mixed = async ({ close, work }: TaskPool): Promise<Gauge> => {
  const expected = compute(taskRounds)
  const task = async (): Promise<number> => {
    const start = performance.now()
    if (await work(taskRounds) !== expected) throw new Error("the wrong answer")
    return performance.now() - start
  }
  const tasks = (n: number) => Promise.all(Array.from({ length: n }, task))
  // starts all workers, and compiles their code
  await tasks(200)
  return {
    close,
    read: async () => {
      const long = work(300 * taskRounds)
      const times = await tasks(shortTasks)
      await long
      return times.toSorted((a, b) => a - b)[shortTasks / 2]!
    }
  }
}

/** The least median time of `mixed`: one worker has the long task, and the other one computes the short tasks without a pause. */
export const mixedIdeally = async (): Promise<Gauge> => ({
  close: async () => undefined,
  read: async () => {
    const start = performance.now()
    for (let i = 0; i <= shortTasks / 2; i++) compute(taskRounds)
    return performance.now() - start
  }
})

/** The lateness of timers in this thread, or in a called worker; `there` starts the watch in the worker and returns its result. */
export const late = (
  { pin, quick }: Tools,
  calls: Work,
  there: { readonly begin: () => Promise<void>; readonly end: () => Promise<number> }
): Gauge => ({
  close: calls.close,
  read: async () => {
    await calls.run(10_000, 64)
    pin()
    await there.begin()
    watchTimers()
    const until = performance.now() + (quick ? 400 : 1500)
    while (performance.now() < until) await calls.run(500, 1)
    return Math.max(lateness(), await there.end())
  }
})

const settled = async (): Promise<number> => {
  await sleep(300)
  collect()
  return process.memoryUsage.rss()
}

/**
 * The number of warm-up rounds for the start of many actors. After them, the code of a start is compiled, and compiled again after the first
 * full garbage collections, which discard the assumptions of the compiled code. A collection before each sample would discard them each time.
 */
export const warmUps = (actors: number): number => actors > 10_000 ? 1 : 50

/** The growth of the process for each thread that `start` starts, in megabytes. */
export const resident = (
  { quick }: Tools,
  start: () => Promise<unknown>,
  close: () => Promise<unknown>
): Gauge => ({
  close,
  read: async () => {
    const threads = quick ? 2 : 8
    await start()
    const before = await settled()
    for (let i = 0; i < threads; i++) await start()
    return (await settled() - before) / megabyte / threads
  }
})

// the maximum memory of a thread of any subject, in megabytes
const roomOfThread = 48

const startAll = async ({ count }: Tools, start: () => Promise<unknown>): Promise<void> => {
  const room = count * roomOfThread
  if (freemem() < room * megabyte) throw new Error(`${count} threads need ${room} MB of free memory`)
  await Promise.all(Array.from({ length: count }, start))
}

/** The time to start many threads together, in milliseconds. `open` makes new threads for each sample. */
export const crowd = (
  tools: Tools,
  open: () => Promise<{ readonly start: () => Promise<unknown>; readonly close: () => Promise<unknown> }>
): Gauge => ({
  close: async () => undefined,
  read: async () => {
    const { close, start } = await open()
    const ms = await timed(() => startAll(tools, start))
    await close()
    return ms
  }
})

/** The growth of the process for each of many threads that start together, in megabytes. */
export const crowded = (tools: Tools, start: () => Promise<unknown>, close: () => Promise<unknown>): Gauge => ({
  close,
  read: async () => {
    await start()
    const before = await settled()
    await startAll(tools, start)
    return (await settled() - before) / megabyte / tools.count
  }
})

// V8 compacts a new heap of some megabytes once or twice after eight idle seconds
const tidied = 25_000

/** The CPU seconds that 64 idle threads use in ten seconds. */
export const idle = (start: () => Promise<unknown>, close: () => Promise<unknown>): Gauge => ({
  close,
  read: async () => {
    for (let i = 0; i < 64; i++) await start()
    await sleep(tidied)
    const before = process.cpuUsage()
    await sleep(10_000)
    const { system, user } = process.cpuUsage(before)
    return (system + user) / 1e6
  }
})
