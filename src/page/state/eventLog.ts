/** The last events, newest last, and how many are missing. */
import type { Event } from "../api/types.ts"

/** An event with a number of its own, by which the page knows its line. */
export interface LoggedEvent {
  readonly n: number
  readonly event: Event
}

export interface EventLog {
  readonly events: ReadonlyArray<LoggedEvent>
  /** the number of all events, and so the number of the next one */
  readonly count: number
  /** the events that the program has dropped, because the page was too slow */
  readonly dropped: number
}

/** The number of events that the page keeps. */
const capacity = 2_000

export const emptyLog: EventLog = { events: [], count: 0, dropped: 0 }

export const append = (log: EventLog, events: ReadonlyArray<Event>): EventLog => ({
  events: [...log.events, ...events.map((event, i) => ({ n: log.count + i, event }))].slice(-capacity),
  count: log.count + events.length,
  dropped: events.reduce((sum, event) => event._tag === "Dropped" ? sum + event.count : sum, log.dropped)
})

/** Whether an event is about an actor. */
export const isAbout = (event: Event, actor: string): boolean => "actor" in event && event.actor === actor

/** The fields of an event in one line. */
export const fieldsOf = ({ _tag, at: _, ...fields }: Event): string =>
  Object.entries(fields).map(([name, value]) =>
    `${name}=${typeof value === "number" ? Math.round(value * 10) / 10 : value}`
  ).join("  ")
