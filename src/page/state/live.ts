/** Keeps the state up to date: asks the program again and again, and connects again when nobody answers. */
import type { Client } from "../api/client.ts"
import { sleep, whileHidden } from "../api/repeat.ts"
import { RequestError } from "../api/request.ts"
import { forgetToken } from "../api/token.ts"
import type { Event, Program } from "../api/types.ts"
import { append } from "./eventLog.ts"
import { makeReading } from "./reading.ts"
import { type Connection, nothing, remember, type State } from "./state.ts"
import type { Store } from "./store.ts"

/** The time between two snapshots: longer if there are many rows. */
const interval = (rows: number): number => rows <= 1_000 ? 1_000 : 3_000

/** The time between two searches for deadlocks, for which the program asks all workers twice. */
const searchInterval = 2_000

/** The time between two attempts to connect. */
const retryInterval = 1_000

const isSame = (a: Program | undefined, b: Program): boolean => a?.pid === b.pid && a.startedAt === b.startedAt

/** Reads events until their stream ends. The next request says why it has ended. */
const readEvents = async (client: Client, store: Store<State>, signal: AbortSignal): Promise<void> => {
  let waiting: Array<Event> = []
  const flush = (): void => {
    if (waiting.length === 0) return
    store.set({ log: append(store.get().log, waiting) })
    waiting = []
  }
  const timer = setInterval(flush, 250)
  try {
    for await (const event of await client.events(signal)) waiting.push(event)
  } catch {
    // nobody reads on
  } finally {
    clearInterval(timer)
    flush()
  }
}

/** Asks the program until a request fails. */
const follow = async (client: Client, store: Store<State>): Promise<never> => {
  const program = await client.program()
  if (!isSame(store.get().program, program)) store.set(nothing)
  store.set({ program })
  const end = new AbortController()
  void readEvents(client, store, end.signal)
  let searchedAt = 0
  try {
    while (true) {
      await whileHidden()
      const { limit, order, reading } = store.get()
      const snapshot = await client.snapshot({ sort: order, limit })
      const next = makeReading(snapshot, reading?.snapshot)
      store.set({
        reading: next,
        history: remember(store.get().history, next),
        connection: { status: "Connected", message: "" }
      })
      if (performance.now() - searchedAt > searchInterval) {
        searchedAt = performance.now()
        store.set({ deadlocks: await client.deadlocks() })
      }
      await sleep(interval(snapshot.actors.length))
    }
  } finally {
    end.abort()
  }
}

/** Where nothing listens on a port of this computer, the process of the server has ended: the program, or `uactor page`. */
const isLocal = (): boolean => /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(location.hostname)

/** What a failed request says, after what was known before. */
const connectionOf = (error: unknown, program: Program | undefined, before: Connection): Connection => {
  if (!(error instanceof RequestError)) throw error
  const { message, reason } = error
  if (reason === "Unauthorized") return { status: reason, message: "The program refuses the token of this page." }
  // the first failure may be a connection that has broken
  const isGone = reason === "Unreachable" && before.status !== "Connected" && isLocal()
  const name = `The program${program === undefined ? "" : ` ${program.pid}`}`
  if (reason === "Ended") return { status: "Ended", message: `${name} has ended.` }
  if (isGone) return { status: "Ended", message: `${name}, or the command that shows it, has ended.` }
  return { status: "Lost", message }
}

/** Keeps the state up to date, as long as the program accepts the token. */
export const live = async (client: Client, store: Store<State>): Promise<void> => {
  while (true) {
    try {
      await follow(client, store)
    } catch (error) {
      const { connection, program } = store.get()
      const next = connectionOf(error, program, connection)
      store.set({ connection: next })
      if (next.status === "Unauthorized") {
        forgetToken()
        return store.set(nothing)
      }
    }
    await sleep(retryInterval)
    await whileHidden()
  }
}
