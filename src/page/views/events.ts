/** The stream of events. */
import { useState } from "preact/hooks"
import { html, type View } from "../html.ts"
import * as Figures from "../parts/figures.ts"
import { fieldsOf, type LoggedEvent } from "../state/eventLog.ts"
import type { State } from "../state/state.ts"

/** The events that are shown. */
const shown = 200

/** Lines of events, the newest first; `label`: what they are about. The list scrolls by the keyboard, too. */
export const EventLines = (
  { events, label }: { readonly events: ReadonlyArray<LoggedEvent>; readonly label: string }
): View =>
  html`<ol class="events" reversed tabindex="0" aria-label=${label}>${
    events.toReversed().map(({ event, n }) =>
      html`<li key=${n}><span class="time">${Figures.clock(event.at)}</span> <strong>${event._tag}</strong> ${
        fieldsOf(event)
      }</li>`
    )
  }</ol>`

export const Events = ({ state: { log } }: { readonly state: State }): View => {
  const [filter, setFilter] = useState("")
  const [paused, setPaused] = useState<typeof log | undefined>(undefined)
  const { count, dropped, events } = paused ?? log
  const text = filter.trim().toLowerCase()
  const matching = text === ""
    ? events
    : events.filter(({ event }) => `${event._tag} ${fieldsOf(event)}`.toLowerCase().includes(text))
  return html`<section aria-labelledby="events">
    <h2 id="events">Events</h2>
    <div class="controls">
      <label>Filter events <input type="search" value=${filter} placeholder="name, id, text"
        onInput=${({ currentTarget: { value } }: { readonly currentTarget: HTMLInputElement }) =>
    setFilter(value)} /></label>
      <button type="button" aria-pressed=${paused !== undefined}
        onClick=${() => setPaused(paused === undefined ? log : undefined)}>Pause</button>
      <span class="note">${
    count === 0 ? "None since this page was opened." : `${Figures.whole(count)} since this page was opened`
  }${dropped > 0 ? `, ${Figures.whole(dropped)} dropped` : ""}${
    paused === undefined || log.count === count ? "" : `, ${Figures.whole(log.count - count)} new`
  }</span>
    </div>
    ${matching.length > 0 && html`<${EventLines} label="Events" events=${matching.slice(-shown)} />`}
  </section>`
}
