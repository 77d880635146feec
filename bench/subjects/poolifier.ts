/**
 * poolifier, with a fixed pool and without events, as recommended by its performance guide.
 */
import { fileURLToPath } from "node:url"
import { FixedThreadPool } from "poolifier"
import { mixed } from "../gauges.ts"
import { promises, type Subject, worker } from "../subject.ts"

export const subject: Subject = {
  call: async () => {
    const pool = new FixedThreadPool<{ readonly n: number }, number>(1, fileURLToPath(worker("poolifier")), {
      enableEvents: false
    })
    return promises((n) => pool.execute({ n }), () => pool.destroy())
  },

  mixed: () => {
    const pool = new FixedThreadPool<number, number>(2, fileURLToPath(worker("poolifier-work")), {
      enableEvents: false
    })
    return mixed({ work: (rounds) => pool.execute(rounds), close: () => pool.destroy() })
  }
}
