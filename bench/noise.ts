/**
 * How much of the machine other processes use while something is measured. A
 * measurement that had to share its cores says little, so it can be repeated.
 */
import * as fs from "node:fs"
import * as os from "node:os"

/** What had been used at one time, in milliseconds of CPU. */
interface Reading {
  readonly busy: number
  readonly idle: number
  readonly own: number
}

// clock ticks of Linux are hundredths of a second
const millisecondsOfTick = 10

// what our children and theirs have used, once they have ended
const ofChildren = (): number => {
  if (process.platform !== "linux") return NaN
  const fields = fs.readFileSync("/proc/self/stat", "utf8").split(") ")[1]!.split(" ")
  return (Number(fields[13]) + Number(fields[14])) * millisecondsOfTick
}

/** Reads what has been used until now. */
export const read = (): Reading => {
  let busy = 0
  let idle = 0
  for (const { times } of os.cpus()) {
    busy += times.user + times.nice + times.sys + times.irq
    idle += times.idle
  }
  return { busy, idle, own: ofChildren() }
}

/** The share of all cores that others have used since then; NaN where that cannot be told. */
export const since = (before: Reading): number => {
  const { busy, idle, own } = read()
  const others = busy - before.busy - (own - before.own)
  return Math.max(0, others) / (busy - before.busy + idle - before.idle)
}
