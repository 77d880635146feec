/**
 * Measures the CPU use of other processes during a measurement. A measurement that shared its cores is unreliable and can be repeated.
 */
import * as fs from "node:fs"
import * as os from "node:os"

/** The CPU time used until one moment, in milliseconds. */
interface Reading {
  readonly busy: number
  readonly idle: number
  readonly own: number
}

// clock ticks of Linux are hundredths of a second
const millisecondsOfTick = 10

// the CPU time of all ended descendants of this process
const ofChildren = (): number => {
  if (process.platform !== "linux") return NaN
  const fields = fs.readFileSync("/proc/self/stat", "utf8").split(") ")[1]!.split(" ")
  return (Number(fields[13]) + Number(fields[14])) * millisecondsOfTick
}

/** Reads the CPU time used until now. */
export const read = (): Reading => {
  let busy = 0
  let idle = 0
  for (const { times } of os.cpus()) {
    busy += times.user + times.nice + times.sys + times.irq
    idle += times.idle
  }
  return { busy, idle, own: ofChildren() }
}

/** The share of all cores that other processes have used since a reading; NaN if the system does not report it. */
export const since = (before: Reading): number => {
  const { busy, idle, own } = read()
  const others = busy - before.busy - (own - before.own)
  return Math.max(0, others) / (busy - before.busy + idle - before.idle)
}
