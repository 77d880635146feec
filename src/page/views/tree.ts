/** The tree of actors, by worker, kind, pool or spawner. */
import { useState } from "preact/hooks"
import { html, type View } from "../html.ts"
import * as Figures from "../parts/figures.ts"
import { onArrows } from "../parts/keys.ts"
import { useRows } from "../parts/rows.ts"
import { Select } from "../parts/select.ts"
import { useApp } from "../state/app.ts"
import type { ActorRow, Reading } from "../state/reading.ts"
import { addressOf } from "../state/route.ts"
import type { Grouping, State } from "../state/state.ts"

/** The height of a line, in pixels, as in page.css. */
const lineHeight = 28

/** The actors of a group that are shown. */
const shown = 50

const groupings: ReadonlyArray<readonly [Grouping, string]> = [
  ["worker", "Worker"],
  ["kind", "Kind"],
  ["pool", "Pool"],
  ["spawner", "Spawner"]
]

interface Line {
  readonly key: string
  readonly depth: number
  readonly row?: ActorRow
  readonly group?: { readonly name: string; readonly count: number; readonly isOpen: boolean }
  readonly more?: { readonly count: number; readonly filter: string }
}

// an actor in memory has a worker of its own
const inMemory = /(^|\/)memory-\d+$/

const groupOf = ({ info: { name, pool, worker } }: ActorRow, grouping: Grouping): string =>
  grouping === "worker"
    ? worker.replace(inMemory, "$1in memory")
    : grouping === "kind"
    ? name
    : pool ?? "in no pool"

/** Groups with their actors. A group is open if there are few, or if the user has opened it. */
const groupLines = (
  rows: ReadonlyArray<ActorRow>,
  grouping: Grouping,
  toggled: ReadonlySet<string>
): ReadonlyArray<Line> => {
  const groups = Map.groupBy(rows, (row) => groupOf(row, grouping))
  const names = [...groups.keys()].toSorted((a, b) => a.localeCompare(b, "en", { numeric: true }))
  const areOpen = rows.length <= 200
  const lines: Array<Line> = []
  for (const name of names) {
    const members = groups.get(name)!
    const isOpen = areOpen !== toggled.has(name)
    lines.push({ key: `group ${name}`, depth: 0, group: { name, count: members.length, isOpen } })
    if (!isOpen) continue
    for (const row of members.slice(0, shown)) lines.push({ key: row.info.id, depth: 1, row })
    const count = members.length - shown
    if (count > 0) lines.push({ key: `more ${name}`, depth: 1, more: { count, filter: members[0]!.info.name } })
  }
  return lines
}

/** Actors below the actors that have spawned them. */
const spawnLines = (rows: ReadonlyArray<ActorRow>): ReadonlyArray<Line> => {
  const ids = new Set(rows.map(({ info: { id } }) => id))
  const children = Map.groupBy(rows, ({ info: { spawnedBy } }) => ids.has(spawnedBy ?? "") ? spawnedBy : undefined)
  const lines: Array<Line> = []
  const add = (spawner: string | undefined, depth: number): void => {
    for (const row of children.get(spawner) ?? []) {
      lines.push({ key: row.info.id, depth, row })
      add(row.info.id, depth + 1)
    }
  }
  add(undefined, 0)
  return lines
}

const Actor = ({ depth, row: { info: { id, incarnation, state } } }: {
  readonly depth: number
  readonly row: ActorRow
}): View =>
  html`<li class=${`depth-${Math.min(3, depth)}`}>
    <span class=${`state ${state}`} title=${state}></span><a href=${addressOf("actor", id)} data-row>${id}</a>
    <span class="count">${incarnation > 1 && `life ${incarnation}`}</span>
  </li>`

export const Tree = ({ reading, state }: { readonly reading: Reading; readonly state: State }): View => {
  const { store } = useApp()
  const [toggled, setToggled] = useState<ReadonlySet<string>>(new Set())
  const { grouping } = state
  const choose = (value: string): void => {
    setToggled(new Set())
    store.set({ grouping: value as Grouping })
  }
  const toggle = (name: string): void => setToggled(new Set([name]).symmetricDifference(toggled))
  const lines = grouping === "spawner" ? spawnLines(reading.actors) : groupLines(reading.actors, grouping, toggled)
  const { above, below, from, onScroll, to } = useRows(lines.length, lineHeight)
  return html`<nav aria-labelledby="tree">
    <h2 id="tree">Tree</h2>
    <div class="controls"><${Select} id="grouping" label="by" value=${grouping} choices=${groupings}
      onChoose=${choose} /></div>
    ${
    reading.snapshot.truncated > 0 &&
    html`<p class="note">The ${Figures.whole(reading.actors.length)} actors of the table</p>`
  }
    <div class="tall plain" tabindex="-1" onScroll=${onScroll} onKeyDown=${onArrows(lineHeight)}>
      <ul class="tree">
        ${above > 0 && html`<li aria-hidden="true" style=${{ height: `${above}px` }}></li>`}
        ${
    lines.slice(from, to).map(({ depth, group, key, more, row }) =>
      row !== undefined
        ? html`<${Actor} key=${key} depth=${depth} row=${row} />`
        : group !== undefined
        ? html`<li key=${key}>
            <button type="button" aria-expanded=${group.isOpen} onClick=${() => toggle(group.name)}><span
              aria-hidden="true">${group.isOpen ? "▾" : "▸"} </span>${group.name}</button>
            <span class="count">${Figures.whole(group.count)}</span>
          </li>`
        : html`<li key=${key} class="depth-1"><button type="button"
            onClick=${() => store.set({ filter: more!.filter })}>${
          Figures.whole(more!.count)
        } more: filter the table</button></li>`
    )
  }
        ${below > 0 && html`<li aria-hidden="true" style=${{ height: `${below}px` }}></li>`}
      </ul>
    </div>
  </nav>`
}
