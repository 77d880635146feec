/** The workers, with their stacks, profiles and snapshots of the heap. */
import { useState } from "preact/hooks"
import type { Action, CpuProfile, Frame } from "../api/types.ts"
import { html, type View } from "../html.ts"
import * as Figures from "../parts/figures.ts"
import { saveFile } from "../parts/files.ts"
import { useRows } from "../parts/rows.ts"
import { type App, ask, attempt, useApp } from "../state/app.ts"
import type { Reading, WorkerRow } from "../state/reading.ts"
import type { State } from "../state/state.ts"
import { Profile, Stack } from "./inspection.ts"

/** What was asked about a worker. */
type Found =
  | { readonly worker: string; readonly stack: ReadonlyArray<Frame> }
  | { readonly worker: string; readonly profile: CpuProfile }

const profileMillis = 5_000

const askForHeap = (app: App, id: string): void =>
  ask(app, {
    verb: "Take the snapshot",
    text:
      `Take a snapshot of the heap of ${id}? The worker stands still meanwhile. The file contains the data of the program, secrets too.`,
    run: async () => saveFile(await app.client.heapSnapshot(id), `${id}.heapsnapshot`),
    done: `The snapshot of the heap of ${id} is complete.`
  })

interface ButtonsProps {
  readonly info: WorkerRow["info"]
  readonly actions: ReadonlyArray<Action>
  readonly onFound: (found: Found) => void
}

const Buttons = ({ actions, info: { id, parent }, onFound }: ButtonsProps): View => {
  const app = useApp()
  // a button that the browser disables loses the focus
  const [isBusy, setBusy] = useState(false)
  const run = (done: string, work: () => Promise<Found>): void => {
    if (isBusy) return
    setBusy(true)
    void attempt(app, done, async () => onFound(await work())).finally(() => setBusy(false))
  }
  return html`<span class="actions">
    <button type="button" aria-disabled=${isBusy} aria-label=${`Stack of ${id}`}
      onClick=${() =>
    run(`The stack of ${id}:`, async () => ({ worker: id, stack: await app.client.stack(id) }))}>Stack</button>
    ${
    actions.includes("profile") &&
    html`<button type="button" aria-disabled=${isBusy} aria-label=${`Profile 5 s of ${id}`}
      onClick=${() =>
      run(`${id} has been profiled.`, async () => ({
        worker: id,
        profile: await app.client.cpuProfile(id, profileMillis)
      }))}>${isBusy ? "…" : "Profile 5 s"}</button>`
  }
    ${
    // the observer takes no snapshot of a worker within another worker
    actions.includes("heap") && parent === undefined &&
    html`<button type="button" aria-disabled=${isBusy} aria-label=${`Heap snapshot of ${id}`}
      onClick=${() => isBusy || askForHeap(app, id)}>Heap</button>`}
  </span>`
}

const titles = ["Worker", "State", "Inspect", "Actors", "Loop", "CPU", "Heap", "RSS", "Process"]

const Row = ({ actions, found, onClose, onFound, row: { cpu, info, loop } }: {
  readonly row: WorkerRow
  readonly actions: ReadonlyArray<Action>
  readonly found: Found | undefined
  readonly onFound: (found: Found) => void
  readonly onClose: () => void
}): View => {
  const { actors, blockedForMillis, heap, id, kind, pid, rss, state } = info
  return html`<tr id=${`worker-${id}`} key=${id}>
      <th scope="row">${id}</th>
      <td><span class=${`state ${state}`}>${state}${
    state === "Blocked" ? ` for ${Figures.age(blockedForMillis)}` : ""
  }</span></td>
      <td>${kind !== "memory" && html`<${Buttons} info=${info} actions=${actions} onFound=${onFound} />`}</td>
      <td class="figure">${Figures.whole(actors)}</td>
      <td class="figure">${Figures.share(loop)}</td>
      <td class="figure">${Figures.share(cpu)}</td>
      <td class="figure">${Figures.size(heap?.used)} / ${Figures.size(heap?.limit)}</td>
      <td class="figure">${Figures.size(rss)}</td>
      <td>${kind}${pid === undefined ? "" : ` ${pid}`}</td>
    </tr>
    ${
    found !== undefined && html`<tr key=${`${id} found`}><td class="wide" colspan=${titles.length}>
      ${
      "stack" in found
        ? html`<${Stack} worker=${id} frames=${found.stack} />`
        : html`<${Profile} worker=${id} profile=${found.profile} />`
    }
      <button type="button" onClick=${onClose}>Close</button>
    </td></tr>`
  }`
}

export const Workers = ({ reading, state }: { readonly reading: Reading; readonly state: State }): View => {
  const [found, setFound] = useState<Found | undefined>(undefined)
  // an actor in memory has a worker of its own, which has nothing to show
  const rows = reading.workers.filter(({ info: { kind } }) => kind !== "memory")
  const inMemory = reading.snapshot.totals.workers - rows.length
  const { above, below, from, onScroll, to } = useRows(rows.length, 32)
  return html`<section aria-labelledby="workers">
    <h2 id="workers">Workers</h2>
    ${
    rows.length > 0 &&
    html`<div class="scroll tall" role="region" aria-label="Table of workers" tabindex="0" onScroll=${onScroll}>
      <table>
        <thead><tr>${
      titles.map((title) =>
        html`<th scope="col" key=${title}
          class=${["Actors", "Loop", "CPU", "Heap", "RSS"].includes(title) ? "figure" : ""}>${title}</th>`
      )
    }</tr></thead>
        <tbody>
          ${above > 0 && html`<tr aria-hidden="true" style=${{ height: `${above}px` }}></tr>`}
          ${
      rows.slice(from, to).map((row) =>
        html`<${Row} key=${row.info.id} row=${row} actions=${state.program?.actions ?? []}
          found=${found?.worker === row.info.id ? found : undefined} onFound=${setFound} onClose=${() =>
          setFound(undefined)} />`
      )
    }
          ${below > 0 && html`<tr aria-hidden="true" style=${{ height: `${below}px` }}></tr>`}
        </tbody>
      </table>
    </div>`
  }
    ${
    inMemory > 0 &&
    html`<p class="note">${Figures.whole(inMemory)} ${
      inMemory === 1 ? "worker is" : "workers are"
    } in the memory of the program.</p>`
  }
  </section>`
}
