/**
 * nact, which keeps its actors in the caller's thread: `query`, its ask.
 */
import { dispatch, query, spawn, start } from "nact"
import { promises, type Subject } from "../subject.ts"

// what the function given to `query` receives
type Reply = Parameters<typeof dispatch<number>>[0]

interface Add {
  readonly n: number
  readonly reply: Reply
}

export const subject: Subject = {
  memory: async () => {
    const system = start()
    const adder = spawn(
      system,
      (calls: number, { n, reply }: Add) => {
        dispatch(reply, n + 1)
        return calls + 1
      },
      "adder",
      { initialState: 0 }
    )
    return promises(
      (n) => query(adder, (reply: Reply) => ({ n, reply }), 10_000),
      async () => undefined
    )
  }
}
