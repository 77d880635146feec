/**
 * Measurements that take more than timing a loop.
 */
import { freemem } from "node:os"
import { setTimeout as sleep } from "node:timers/promises"
import { type Gauge, timed, type Tools, type Work } from "./subject.ts"
import { collect } from "./workers/heap.ts"
import { lateness, watchTimers } from "./workers/lateness.ts"
import { compute } from "./workers/work.ts"

const megabyte = 1024 * 1024

// so many rounds of `compute` take a millisecond here
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

/** How much faster two workers are than one; `open` makes a pool whose every operation computes as many rounds as are asked for. */
export const speedUp = (
  { pin, quick, unpin }: Tools,
  open: (workers: number, rounds: () => number, expected: () => number) => Promise<Work>
): Gauge => {
  const short = { rounds: 100, expected: compute(100) }
  const rounds = roundsOfMillisecond()
  const long = { rounds, expected: compute(rounds) }
  const tasks = quick ? 400 : 2000
  // what goes on between two tasks is compiled late, because it goes on so seldom, and by threads that two workers leave no core for
  const warmMs = quick ? 800 : 1500
  const time = async (workers: number): Promise<number> => {
    unpin()
    let task = short
    const pool = await open(workers, () => task.rounds, () => task.expected)
    // each pool has new workers, and what is measured is not how they compile what they run
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

/** How late timers are here or in a worker while it is called; `there` begins to watch there and tells what was seen. */
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
 * How often to start so many actors until the code that does it is compiled, and has been compiled again after the first
 * collections of all garbage, which take away what it was compiled for. To collect before each sample would do that each time.
 */
export const warmUps = (actors: number): number => actors > 10_000 ? 1 : 50

/** What the process grows by for each thread that `start` starts, in megabytes. */
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

// the most that a thread of any subject takes here, in megabytes
const roomOfThread = 48

const startAll = async ({ count }: Tools, start: () => Promise<unknown>): Promise<void> => {
  const room = count * roomOfThread
  if (freemem() < room * megabyte) throw new Error(`${count} threads need ${room} MB of free memory`)
  await Promise.all(Array.from({ length: count }, start))
}

/** How long it takes to start many threads at once, in milliseconds; `open` gives each sample threads of its own. */
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

/** What the process grows by for each of many threads that are started at once, in megabytes. */
export const crowded = (tools: Tools, start: () => Promise<unknown>, close: () => Promise<unknown>): Gauge => ({
  close,
  read: async () => {
    await start()
    const before = await settled()
    await startAll(tools, start)
    return (await settled() - before) / megabyte / tools.count
  }
})

// V8 tidies a new heap of some megabytes up, once or twice, when it has been idle for eight seconds
const tidied = 25_000

/** The CPU seconds that 64 threads use in ten seconds in which nothing happens. */
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
