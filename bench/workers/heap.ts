/**
 * The heap use of this thread after a garbage collection.
 */
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

setFlagsFromString("--expose-gc")
const gc = runInNewContext("gc") as () => void

/** Collects garbage. */
export const collect = (): void => {
  gc()
  gc()
}

/** Returns the used heap in bytes. */
export const heapUsed = (): number => {
  collect()
  return process.memoryUsage().heapUsed
}
