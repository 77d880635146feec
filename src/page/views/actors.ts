/** The table of actors. */
import { useState } from "preact/hooks"
import { type Children, html, type View } from "../html.ts"
import * as Figures from "../parts/figures.ts"
import { onArrows } from "../parts/keys.ts"
import { useRows } from "../parts/rows.ts"
import { Select } from "../parts/select.ts"
import { useApp } from "../state/app.ts"
import type { ActorRow, Reading } from "../state/reading.ts"
import { addressOf } from "../state/route.ts"
import { type Order, orders, type State } from "../state/state.ts"

/** The height of a row, in pixels, as in page.css. */
const rowHeight = 32

interface Column {
  readonly title: string
  /** what the rows are sorted by */
  readonly by: (row: ActorRow) => number | string
  readonly cell: (row: ActorRow, now: number) => Children
  readonly isFigure?: boolean
  /** the order in which the program lists its actors, if it is that of the column */
  readonly order?: Order
}

/** Actors that run take precedence, then those that wait for something. */
const states = ["Running", "Restarting", "Spawning", "Draining", "Closing", "Ended"]

const Waiting = (
  { row: { info: { id, mailbox: { capacity, queued, waiting } } } }: { readonly row: ActorRow }
): View => {
  const taken = queued + waiting
  return html`<span class="bar">
    ${
    Number.isFinite(capacity) && html`<meter min="0" max=${Math.max(1, capacity)} high=${capacity * 0.8}
      optimum="0" value=${taken} aria-label=${`mailbox of ${id}`}></meter>`
  }
    ${taken}/${Figures.limit(capacity)}
  </span>`
}

const columns: ReadonlyArray<Column> = [
  {
    title: "Actor",
    by: ({ info: { id } }) => id,
    cell: ({ info: { id } }) => html`<a href=${addressOf("actor", id)} data-row>${id}</a>`
  },
  {
    title: "State",
    by: ({ info: { state } }) => states.indexOf(state),
    cell: ({ info: { ended, state } }) =>
      html`<span class=${`state ${state}`}>${state}</span>${ended !== undefined && ` ${ended.reason}`}`
  },
  { title: "Life", by: ({ info }) => info.incarnation, cell: ({ info }) => info.incarnation, isFigure: true },
  {
    title: "Running",
    by: ({ info: { mailbox } }) => mailbox.running + mailbox.forked,
    cell: ({ info: { mailbox: { concurrency, forked, running } } }) =>
      `${running}/${Figures.limit(concurrency)}${forked === 0 ? "" : ` +${forked}`}`,
    isFigure: true,
    order: "load"
  },
  {
    title: "Waiting",
    by: ({ info: { mailbox } }) => mailbox.queued + mailbox.waiting,
    cell: (row) => html`<${Waiting} row=${row} />`,
    isFigure: true,
    order: "waiting"
  },
  {
    title: "Calls/s",
    by: ({ callsPerSecond }) => callsPerSecond ?? -1,
    cell: ({ callsPerSecond }) => Figures.rate(callsPerSecond),
    isFigure: true,
    order: "rate"
  },
  {
    title: "Errors/s",
    by: ({ errorsPerSecond }) => errorsPerSecond ?? -1,
    cell: ({ errorsPerSecond }) => Figures.rate(errorsPerSecond),
    isFigure: true
  },
  {
    title: "p50",
    by: ({ p50Millis }) => p50Millis ?? -1,
    cell: ({ p50Millis }) => Figures.duration(p50Millis),
    isFigure: true
  },
  {
    title: "p99",
    by: ({ p99Millis }) => p99Millis ?? -1,
    cell: ({ p99Millis }) => Figures.duration(p99Millis),
    isFigure: true,
    order: "p99"
  },
  {
    title: "Restarts",
    by: ({ info: { budget } }) => budget?.used ?? -1,
    cell: ({ info: { budget } }) => budget === undefined ? Figures.none : `${budget.used}/${Figures.limit(budget.max)}`,
    isFigure: true,
    order: "restarts"
  },
  { title: "Worker", by: ({ info }) => info.worker, cell: ({ info }) => info.worker },
  {
    title: "Age",
    by: ({ info: { startedAt } }) => -(startedAt ?? Infinity),
    cell: ({ info: { startedAt } }, now) => Figures.age(startedAt === undefined ? undefined : now - startedAt),
    isFigure: true,
    order: "age"
  }
]

interface Sorting {
  /** the index of the column; -1: as the program lists the actors */
  readonly column: number
  readonly direction: "ascending" | "descending"
}

const compare = (a: number | string, b: number | string): number =>
  typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true })

const sortRows = (rows: ReadonlyArray<ActorRow>, { column, direction }: Sorting): ReadonlyArray<ActorRow> => {
  const by = columns[column]?.by
  if (by === undefined) return rows
  const sign = direction === "ascending" ? 1 : -1
  return rows.toSorted((a, b) => sign * compare(by(a), by(b)))
}

/** The rows with a text in their id, their state or their worker. */
const filterRows = (rows: ReadonlyArray<ActorRow>, filter: string): ReadonlyArray<ActorRow> => {
  const text = filter.trim().toLowerCase()
  return text === ""
    ? rows
    : rows.filter(({ info: { id, state, worker } }) => `${id} ${state} ${worker}`.toLowerCase().includes(text))
}

const limits = [50, 256, 1_000, 10_000].map((n) => [String(n), Figures.whole(n)] as const)

const Controls = ({ reading, state }: { readonly reading: Reading; readonly state: State }): View => {
  const { store } = useApp()
  const { totals, truncated } = reading.snapshot
  const { filter, frozen, limit, order } = state
  return html`<div class="controls">
    <label>Filter <input type="search" id="filter" value=${filter} placeholder="id, state, worker"
      onInput=${({ currentTarget: { value } }: { readonly currentTarget: HTMLInputElement }) =>
    store.set({ filter: value })} /></label>
    <${Select} id="limit" label="Top" value=${String(limit)} choices=${limits}
      onChoose=${(value: string) => store.set({ limit: Number(value) })} />
    <${Select} id="order" label="by" value=${order} choices=${orders.map((order) => [order, order])}
      onChoose=${(value: string) => store.set({ order: value as Order })} />
    <button type="button" aria-pressed=${frozen !== undefined}
      onClick=${() => store.set({ frozen: frozen === undefined ? reading : undefined })}>Freeze</button>
    ${
    truncated > 0 &&
    html`<span class="note">${Figures.whole(reading.actors.length)} of ${Figures.whole(totals.actors)} actors</span>`
  }
  </div>`
}

const Row = ({ now, row, selected }: { readonly row: ActorRow; readonly now: number; readonly selected: boolean }) => {
  const { info: { ended } } = row
  // the program lists an actor for 30 seconds after its end
  const opacity = ended === undefined ? "" : String(Math.max(0.45, 1 - (now - ended.at) / 50_000))
  return html`<tr class=${selected ? "selected" : ""} style=${{ opacity }}>
    ${
    columns.map(({ cell, isFigure, title }, i) =>
      i === 0
        ? html`<th scope="row" key=${title}>${cell(row, now)}</th>`
        : html`<td class=${isFigure === true ? "figure" : ""} key=${title}>${cell(row, now)}</td>`
    )
  }
  </tr>`
}

export const Actors = ({ reading, state }: { readonly reading: Reading; readonly state: State }): View => {
  const app = useApp()
  const [sorting, setSorting] = useState<Sorting>({ column: -1, direction: "descending" })
  const rows = sortRows(filterRows(reading.actors, state.filter), sorting)
  const { above, below, from, onScroll, to } = useRows(rows.length, rowHeight)
  const now = reading.snapshot.at
  const sort = (column: number): void => {
    const first = columns[column]!.isFigure === true ? "descending" : "ascending"
    const other = first === "ascending" ? "descending" : "ascending"
    setSorting({ column, direction: sorting.column === column && sorting.direction === first ? other : first })
    const { order } = columns[column]!
    if (order !== undefined) app.store.set({ order })
  }
  return html`<section aria-labelledby="actors">
    <h2 id="actors">Actors</h2>
    <${Controls} reading=${reading} state=${state} />
    <div class="scroll tall" role="region" aria-label="Table of actors" tabindex="0" onScroll=${onScroll}
      onKeyDown=${onArrows(rowHeight)}>
      <table aria-rowcount=${rows.length + 1}>
        <thead><tr>${
    columns.map(({ isFigure, title }, i) =>
      html`<th scope="col" class=${isFigure === true ? "figure" : ""} key=${title}
          aria-sort=${sorting.column === i ? sorting.direction : "none"}>
          <button type="button" onClick=${() => sort(i)}>${title}<span aria-hidden="true">${
        sorting.column !== i ? "" : sorting.direction === "ascending" ? " ▲" : " ▼"
      }</span></button></th>`
    )
  }</tr></thead>
        <tbody>
          ${above > 0 && html`<tr aria-hidden="true" style=${{ height: `${above}px` }}></tr>`}
          ${
    rows.slice(from, to).map((row) =>
      html`<${Row} key=${row.info.id} row=${row} now=${now}
        selected=${state.route?.page === "actor" && state.route.id === row.info.id} />`
    )
  }
          ${below > 0 && html`<tr aria-hidden="true" style=${{ height: `${below}px` }}></tr>`}
        </tbody>
      </table>
      ${rows.length === 0 && html`<p class="note">No actor.</p>`}
    </div>
  </section>`
}
