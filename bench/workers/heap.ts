/**
 * How much heap this thread holds, once what is garbage is gone.
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

/** Bytes in use. */
export const heapUsed = (): number => {
  collect()
  return process.memoryUsage().heapUsed
}
