/**
 * The number of cores that this process may use: the cores to which it is bound, and no more than its cgroups allow. A container often has the
 * affinity for all cores of its machine, and a quota of processor time.
 */
import * as fs from "node:fs"
import { availableParallelism } from "node:os"

/** Reads a file of the system as text. Throws if there is none. */
type Read = (file: string) => string

const root = "/sys/fs/cgroup"

const readOr = <A>(read: () => string, parse: (text: string) => A, otherwise: A): A => {
  try {
    return parse(read())
  } catch {
    // the file does not exist: another version of cgroups, or another system
    return otherwise
  }
}

// a cgroup and all that contain it; in a container, the path may be that of the machine, and only the root exists
const withParents = (path: string): ReadonlyArray<string> => {
  const parts = path.split("/").filter((part) => part !== "")
  return Array.from({ length: parts.length + 1 }, (_, n) => parts.slice(0, n).map((part) => `/${part}`).join(""))
}

const coresOf = (quota: number, period: number): number => quota > 0 && period > 0 ? quota / period : Infinity

// version 2: one file with the quota and the period, such as "150000 100000"; "max" is no quota
const limit2 = (read: Read, path: string): number =>
  readOr(() => read(`${root}${path}/cpu.max`), (text) => {
    const [quota, period] = text.trim().split(" ").map(Number)
    return coresOf(quota ?? NaN, period ?? NaN)
  }, Infinity)

// version 1: a file for the quota, which is -1 if there is none, and one for the period
const limit1 = (read: Read, controllers: string, path: string): number => {
  const number = (name: string) => readOr(() => read(`${root}/${controllers}${path}/${name}`), Number, NaN)
  return coresOf(number("cpu.cfs_quota_us"), number("cpu.cfs_period_us"))
}

/** The number of cores that cgroups allow; `Infinity` if they do not limit it. */
const cgroupLimit = (read: Read): number => {
  const groups = readOr(() => read("/proc/self/cgroup"), (text) => text.trim().split("\n"), [])
  const limits = groups.flatMap((group) => {
    const [, controllers = "", path = ""] = /^\d+:([^:]*):(.*)$/.exec(group) ?? []
    if (controllers === "") return withParents(path).map((path) => limit2(read, path))
    return controllers.split(",").includes("cpu")
      ? withParents(path).map((path) => limit1(read, controllers, path))
      : []
  })
  return Math.min(Infinity, ...limits)
}

/** The number of cores: at least 1, and a part of a core does not count. */
export const count = (
  read: Read = (file) => fs.readFileSync(file, "utf8"),
  available: number = availableParallelism()
): number => Math.max(1, Math.floor(Math.min(available, cgroupLimit(read))))
