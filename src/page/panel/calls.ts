/** The running calls of an actor, and the counts of each method. */
import type { ActorInfo } from "../api/types.ts"
import { html, type View } from "../html.ts"
import * as Figures from "../parts/figures.ts"
import type { MethodRow } from "../state/reading.ts"
import { addressOf } from "../state/route.ts"

/** The number of running calls that are asked for. */
export const listed = 20

export const Running = ({ info: { handling, mailbox } }: { readonly info: ActorInfo }): View => {
  if (handling.length === 0) return html`<p class="note">None.</p>`
  const rest = mailbox.running + mailbox.forked - handling.length
  return html`<div>
    <div class="scroll" role="region" aria-label="Running calls" tabindex="0">
      <table><thead><tr><th scope="col">Method</th><th scope="col" class="figure">For</th><th scope="col">Called by</th></tr></thead>
      <tbody>${
    handling.map(({ call, caller, forMillis, method }) =>
      html`<tr key=${call}><th scope="row"><a href=${addressOf("why", call)}>${method}</a></th>
          <td class="figure">${Figures.duration(forMillis)}</td>
          <td>${
        caller === undefined ? "the program, or unknown" : html`<a href=${addressOf("actor", caller)}>${caller}</a>`
      }</td></tr>`
    )
  }</tbody></table>
    </div>
    ${handling.length === listed && rest > 0 && html`<p class="note">${Figures.whole(rest)} more</p>`}
  </div>`
}

export const Methods = ({ rows }: { readonly rows: ReadonlyArray<MethodRow> }): View =>
  html`<div>
    <div class="scroll" role="region" aria-label="Calls by method" tabindex="0">
      <table><thead><tr><th scope="col">Method</th>${
    ["Calls", "Calls/s", "Errors", "p50", "p99"].map((title) =>
      html`<th scope="col" class="figure" key=${title}>${title}</th>`
    )
  }</tr></thead><tbody>${
    rows.map(({ calls, callsPerSecond, errors, method, p50Millis, p99Millis }) =>
      html`<tr key=${method}><th scope="row">${method}</th>
          <td class="figure">${Figures.whole(calls)}</td>
          <td class="figure">${Figures.rate(callsPerSecond)}</td>
          <td class="figure">${Figures.whole(errors)}</td>
          <td class="figure">${Figures.duration(p50Millis)}</td>
          <td class="figure">${Figures.duration(p99Millis)}</td></tr>`
    )
  }</tbody></table>
    </div>
    <p class="note">An observer starts these counts when it first asks for the actor. Direct calls of other workers are not
      counted.</p>
  </div>`
