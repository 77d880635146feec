/** All that the page shows. */
import type { Cycle, Program } from "../api/types.ts"
import { emptyLog, type EventLog } from "./eventLog.ts"
import type { Reading } from "./reading.ts"
import { readRoute, type Route } from "./route.ts"
import { readTheme, type Theme } from "./theme.ts"

/**
 * Whether the page hears of the program: `NoToken`, the address has none; `Unauthorized`, the program refuses it; `Connecting`, `Connected`;
 * `Lost`, nobody answers, and `Ended`, the program or the server has ended: the page goes on asking.
 */
export interface Connection {
  readonly status: "NoToken" | "Unauthorized" | "Connecting" | "Connected" | "Lost" | "Ended"
  /** in words, empty if there is nothing to say */
  readonly message: string
}

/** A moment of the head. */
export interface Moment {
  readonly at: number
  readonly callsPerSecond: number | undefined
  readonly p99Millis: number | undefined
  readonly waiting: number
}

/** The number of moments of a sparkline. */
const moments = 120

export const remember = (history: ReadonlyArray<Moment>, reading: Reading): ReadonlyArray<Moment> => [
  ...history.slice(1 - moments),
  {
    at: reading.snapshot.at,
    callsPerSecond: reading.callsPerSecond,
    p99Millis: reading.p99Millis,
    waiting: reading.snapshot.totals.waiting + reading.snapshot.totals.queued
  }
]

export type Grouping = "worker" | "kind" | "pool" | "spawner"

/** The orders in which the program lists its actors. */
export const orders = ["load", "waiting", "rate", "p99", "restarts", "age"] as const
export type Order = (typeof orders)[number]

/** What the user has chosen. */
interface Choices {
  readonly theme: Theme
  readonly route: Route
  readonly grouping: Grouping
  /** the program lists this many actors, in this order */
  readonly limit: number
  readonly order: Order
  /** shows only actors with this text in their id, their state or their worker */
  readonly filter: string
  /** what the page goes on showing; undefined: the newest */
  readonly frozen: Reading | undefined
}

/** A question to the user before an action. */
export interface Question {
  readonly text: string
  /** the name of the button that runs the action */
  readonly verb: string
  readonly run: () => Promise<unknown>
  /** what the page says after it */
  readonly done: string
}

export interface State extends Choices {
  readonly connection: Connection
  readonly program: Program | undefined
  readonly reading: Reading | undefined
  readonly history: ReadonlyArray<Moment>
  readonly deadlocks: ReadonlyArray<Cycle>
  readonly log: EventLog
  /** the last thing that the page has done, for screen readers and for the eye */
  readonly notice: string
  readonly question: Question | undefined
}

/** What is known of a program, before anything is. */
export const nothing = {
  program: undefined,
  reading: undefined,
  history: [],
  deadlocks: [],
  log: emptyLog,
  frozen: undefined,
  // it is about an actor or a worker of the program
  question: undefined
} as const

export const initial = (): State => ({
  ...nothing,
  connection: { status: "Connecting", message: "" },
  theme: readTheme(),
  route: readRoute(),
  grouping: "worker",
  limit: 256,
  order: "load",
  filter: "",
  notice: ""
})
