/**
 * What `uactor top` shows, and what its keys do, without a terminal.
 */
import * as Option from "effect/Option"
import type { UserInput } from "effect/Terminal"
import type { ActorInfo, Event, Snapshot } from "../../Observer.ts"
import * as Text from "../text.ts"
import * as Views from "../views.ts"

/** What the screen shows below the head: the table, one actor, or the lines of an answer; or it asks for a text or a confirmation. */
export type Mode =
  | { readonly _tag: "Table" }
  | { readonly _tag: "Filter" }
  | { readonly _tag: "Actor"; readonly id: string }
  | { readonly _tag: "Answer"; readonly title: string; readonly lines: ReadonlyArray<string> }
  | { readonly _tag: "Confirm"; readonly command: Command }

/** What is asked of the program. */
export interface Command {
  readonly action: "why" | "stack" | "profile" | "kill" | "restart"
  readonly actor: ActorInfo
}

/** The state of the screen. */
export interface State {
  readonly pid: number
  /** the script and the runtime */
  readonly program: string
  readonly snapshot: Option.Option<Snapshot>
  readonly sort: Views.Sort
  readonly filter: string
  readonly selected: number
  readonly mode: Mode
  /** what was answered last, or what goes on */
  readonly message: string
  /** the last events, the newest last */
  readonly events: ReadonlyArray<Event>
}

export const initial = (pid: number, program: string, sort: Views.Sort): State => ({
  pid,
  program,
  snapshot: Option.none(),
  sort,
  filter: "",
  selected: 0,
  mode: { _tag: "Table" },
  message: "",
  events: []
})

/** The number of events that are kept. */
const maxEvents = 200

export const withEvent = (state: State, event: Event): State => ({
  ...state,
  events: [...state.events, event].slice(-maxEvents)
})

/** The listed actors: the filter is a part of the id, the state or the worker. */
const listed = ({ filter, snapshot }: State): ReadonlyArray<ActorInfo> => {
  const words = filter.toLowerCase()
  return Option.match(snapshot, {
    onNone: () => [],
    onSome: ({ actors }) =>
      actors.filter(({ id, state, worker }) => `${id} ${state} ${worker}`.toLowerCase().includes(words))
  })
}

/** What a key does: the next state, and what is asked of the program, or the end. */
export interface Pressed {
  readonly state: State
  readonly command?: Command
  readonly isEnd?: boolean
}

const commands: Readonly<Record<string, Command["action"]>> = {
  w: "why",
  t: "stack",
  p: "profile",
  k: "kill",
  r: "restart"
}

const table: Mode = { _tag: "Table" }

export const press = (state: State, { input, key: { name } }: UserInput): Pressed => {
  const { mode } = state
  const text = Option.getOrElse(input, () => "")
  if (mode._tag === "Filter") {
    if (name === "return" || name === "enter") return { state: { ...state, mode: table } }
    if (name === "escape") return { state: { ...state, mode: table, filter: "" } }
    if (name === "backspace") return { state: { ...state, filter: state.filter.slice(0, -1) } }
    return { state: /^\P{Cc}+$/u.test(text) ? { ...state, filter: state.filter + text, selected: 0 } : state }
  }
  if (mode._tag === "Confirm") {
    const next = { ...state, mode: table, message: "" }
    return text === "y" ? { state: next, command: mode.command } : { state: next }
  }
  if (text === "q") return { state, isEnd: true }
  if (name === "escape") return { state: { ...state, mode: table, message: "" } }
  const actors = listed(state)
  const actor = mode._tag === "Actor"
    ? actors.find(({ id }) => id === mode.id)
    : actors[Math.min(state.selected, actors.length - 1)]
  const action = commands[text]
  if (action !== undefined) {
    if (actor === undefined) return { state: { ...state, message: "there is no actor" } }
    const command = { action, actor }
    return action === "kill" || action === "restart"
      ? { state: { ...state, mode: { _tag: "Confirm", command } } }
      : { state, command }
  }
  if (mode._tag !== "Table") return { state }
  const last = Math.max(0, actors.length - 1)
  const select = (selected: number): Pressed => ({
    state: { ...state, selected: Math.max(0, Math.min(last, selected)) }
  })
  if (name === "up") return select(Math.min(state.selected, last) - 1)
  if (name === "down") return select(state.selected + 1)
  if (name === "pageup") return select(state.selected - 10)
  if (name === "pagedown") return select(state.selected + 10)
  if (text === "/") return { state: { ...state, mode: { _tag: "Filter" }, message: "" } }
  if (text === "s") {
    const sort = Views.sorts[(Views.sorts.indexOf(state.sort) + 1) % Views.sorts.length]!
    return { state: { ...state, sort, selected: 0 } }
  }
  if ((name === "return" || name === "enter") && actor !== undefined) {
    return { state: { ...state, mode: { _tag: "Actor", id: actor.id }, message: "" } }
  }
  return { state }
}

// the parts of the screen that are not plain
const inverse = (line: string): string => `\x1b[7m${line}\x1b[0m`
const bold = (line: string): string => `\x1b[1m${line}\x1b[0m`

const wrapped = (text: string, columns: number): ReadonlyArray<string> =>
  text === "" ? [] : text.match(new RegExp(`.{1,${Math.max(1, columns)}}`, "gu")) ?? []

const help: Readonly<Record<Mode["_tag"], string>> = {
  Table: "q quit  s sort  / filter  up, down select  Enter actor  w why  t stack  p profile  k kill  r restart",
  Filter: "Enter apply  Esc remove",
  Actor: "q quit  Esc back  w why  t stack  p profile  k kill  r restart",
  Answer: "q quit  Esc back",
  Confirm: "y yes  any other key no"
}

/** The last lines above the keys: what is asked of the user, or what the program has answered. */
const questionOf = ({ filter, message, mode }: State): string =>
  mode._tag === "Confirm"
    ? `${mode.command.action} ${mode.command.actor.id}?`
    : mode._tag === "Filter"
    ? `filter: ${filter}_`
    : message

const actorLines = (state: State, id: string): ReadonlyArray<string> => {
  const actor = Option.match(state.snapshot, {
    onNone: () => undefined,
    onSome: ({ actors }) => actors.find((actor) => actor.id === id)
  })
  if (actor === undefined) return [`${id} is not listed any longer`]
  const { counters, ended, handles, incarnation, mailbox, name, worker } = actor
  const owner = Option.match(actor.pool, { onNone: () => "", onSome: (pool) => `, in the pool of ${pool}` })
  const spawner = Option.match(actor.spawnedBy, { onNone: () => "", onSome: (id) => `, spawned by ${id}` })
  return [
    `${id}: ${actor.state}, ${name} at ${actor.address}`,
    `life ${incarnation} on ${worker}${owner}${spawner}`,
    `${mailbox.running} of ${Text.count(mailbox.concurrency)} calls running, ${mailbox.forked} out of line`,
    `${mailbox.queued} of ${Text.count(mailbox.capacity)} queued, ${mailbox.waiting} waiting at their callers`,
    `when full: ${mailbox.onFull}`,
    `${counters.made} calls: ${counters.ok} ok, ${counters.failed} failed, ${counters.defect} defects, ` +
    `${counters.interrupted} interrupted, ${counters.notRun} not run, ${counters.unknown} unknown, ` +
    `${counters.rejected} rejected; ${counters.tells} of them tells`,
    ...Option.match(actor.latency, {
      onNone: () => [],
      onSome: ({ client, server, wait }) => [
        `time at the 99th percentile: ${Text.shortTime(client.p99)} for callers, ${
          Text.shortTime(wait.p99)
        } in the mailbox, ` +
        `${Text.shortTime(server.p99)} in the handler`
      ]
    }),
    `${handles.lent} handles lent, ${handles.held} held`,
    ...Option.match(ended, { onNone: () => [], onSome: ({ message, reason }) => [`ended: ${reason}: ${message}`] }),
    "",
    "events:",
    ...state.events.filter((event) => "actor" in event && event.actor === id).slice(-20).map((event) =>
      Views.event(event)
    )
  ]
}

/** The lines of the screen, at most `rows` of at most `columns` characters. */
export const draw = (
  state: State,
  { columns, rows }: { readonly columns: number; readonly rows: number }
): ReadonlyArray<string> => {
  const { mode, snapshot } = state
  const fit = (line: string): string => Text.printable(line).slice(0, columns)
  const filter = state.filter === "" ? "" : `  filter: ${state.filter}`
  const head = [
    bold(fit(`uactor ${state.pid}  sort: ${state.sort}${filter}  ${state.program}`)),
    fit(Option.match(snapshot, { onNone: () => "reading …", onSome: Views.totals })),
    ""
  ]
  const foot = [
    ...wrapped(Text.printable(questionOf(state)), columns).slice(0, 4),
    bold(fit(help[mode._tag]))
  ]
  const room = Math.max(0, rows - head.length - foot.length)
  return [...head, ...pad(bodyOf(state, room).map((line) => line.startsWith("\x1b") ? line : fit(line)), room), ...foot]
    .slice(-rows)

  function bodyOf(state: State, room: number): ReadonlyArray<string> {
    if (mode._tag === "Answer") return [mode.title, "", ...mode.lines]
    if (mode._tag === "Actor") return actorLines(state, mode.id)
    if (Option.isNone(snapshot)) return []
    const { at, workers } = snapshot.value
    // the blocked workers first
    const order = workers.toSorted((a, b) => b.blockedForMillis - a.blockedForMillis)
    const shown = order.slice(0, Math.max(1, Math.floor(room / 3) - 2))
    const rest = workers.length - shown.length
    const above = [
      ...Views.workers(shown),
      ...(rest > 0 ? [`and ${rest} more workers`] : []),
      ""
    ]
    const actors = listed(state)
    const [title = "", ...lines] = Views.actors(actors, at)
    const size = Math.max(1, room - above.length - 1)
    const selected = Math.min(state.selected, actors.length - 1)
    const first = Math.max(0, Math.min(selected - Math.floor(size / 2), lines.length - size))
    return [
      ...above,
      title,
      ...lines.slice(first, first + size).map((line, i) =>
        first + i === selected ? inverse(fit(line).padEnd(columns)) : line
      )
    ]
  }
}

const pad = (lines: ReadonlyArray<string>, size: number): ReadonlyArray<string> =>
  [...lines, ...Array.from({ length: Math.max(0, size - lines.length) }, () => "")].slice(0, size)
