/**
 * poolifier, with a fixed pool of one thread and without its events, as its
 * guide to performance says.
 */
import { fileURLToPath } from "node:url"
import { FixedThreadPool } from "poolifier"
import { promises, type Subject, worker } from "../subject.ts"

export const subject: Subject = {
  call: async () => {
    const pool = new FixedThreadPool<{ readonly n: number }, number>(1, fileURLToPath(worker("poolifier")), {
      enableEvents: false
    })
    return promises((n) => pool.execute({ n }), () => pool.destroy())
  }
}
