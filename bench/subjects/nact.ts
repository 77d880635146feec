/**
 * nact, with its `query` (ask). Its actors run in the thread of the caller.
 */
import { dispatch, query, spawn, start } from "nact"
import { promises, type Subject } from "../subject.ts"

// the argument of the function passed to `query`
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
