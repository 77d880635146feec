/** The stack and the profile of a worker. */
import { hottest } from "../../observer/hottest.ts"
import type { CpuProfile, Frame } from "../api/types.ts"
import { html, type View } from "../html.ts"
import * as Figures from "../parts/figures.ts"
import { saveFile } from "../parts/files.ts"

export const Stack = ({ frames, worker }: { readonly worker: string; readonly frames: ReadonlyArray<Frame> }): View =>
  html`<div>
    <h3>Stack of ${worker}</h3>
    <pre>${
    frames.length === 0
      ? "The worker executes no JavaScript."
      : frames.map(({ column, functionName, line, url }) =>
        `at ${functionName || "<anonymous>"} (${url || "<native>"}:${line}:${column})`
      ).join("\n")
  }</pre>
  </div>`

export const Profile = ({ profile, worker }: { readonly worker: string; readonly profile: CpuProfile }): View => {
  const samples = profile.samples?.length ?? 0
  const save = (): void =>
    saveFile(new Blob([JSON.stringify(profile)], { type: "application/json" }), `${worker}.cpuprofile`)
  return html`<div>
    <h3>Profile of ${worker}: the functions that have used most of the time</h3>
    <table><thead><tr><th scope="col" class="figure">Self</th><th scope="col">Function</th><th scope="col">Place</th></tr></thead>
    <tbody>${
    hottest(profile, 10).map(({ hits, name, place }) =>
      html`<tr key=${`${name} ${place}`}><td class="figure">${Figures.share(hits / samples)}</td><td>${name}</td>
        <td class="wide">${place}</td></tr>`
    )
  }</tbody></table>
    <button type="button" onClick=${save}>Save ${worker}.cpuprofile</button>
  </div>`
}
