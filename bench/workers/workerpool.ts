/**
 * The methods of workerpool.
 */
import workerpool from "workerpool"
import { add } from "./tasks.ts"
import { touch } from "./work.ts"

workerpool.worker({
  add,
  bounce: (bytes: Uint8Array<ArrayBuffer>) => new workerpool.Transfer(touch(bytes), [bytes.buffer])
})
