/** The head: the program, its sums, and their last minutes. */
import { Sparkline } from "../charts/sparkline.ts"
import { html, type View } from "../html.ts"
import * as Figures from "../parts/figures.ts"
import { useApp } from "../state/app.ts"
import type { State } from "../state/state.ts"
import { showTheme, type Theme } from "../state/theme.ts"

const fileOf = (file: string): string => file.split(/[/\\]/).at(-1)!

const ThemeButton = ({ theme }: { readonly theme: Theme }): View => {
  const { store } = useApp()
  const other = theme === "dark" ? "light" : "dark"
  const choose = (): void => {
    showTheme(other, true)
    store.set({ theme: other })
  }
  return html`<button type="button" class="quiet" onClick=${choose}>${
    other === "dark" ? "Dark" : "Light"
  } colours</button>`
}

const Total = ({ name, value }: { readonly name: string; readonly value: string }): View =>
  html`<div class="total"><dt>${name}</dt><dd>${value}</dd></div>`

export const Head = ({ state }: { readonly state: State }): View => {
  const { connection, history, program, reading, theme } = state
  const totals = reading?.snapshot.totals
  const whole = (n: number | undefined): string => n === undefined ? Figures.none : Figures.whole(n)
  const uptime = program === undefined || reading === undefined ? undefined : reading.snapshot.at - program.startedAt
  return html`<header>
    <div class="title">
      <h1>${program === undefined ? "uactor" : fileOf(program.script) || "uactor"}</h1>
      <span class=${`status ${connection.status}`}>${
    connection.status === "Connected"
      ? "connected"
      : connection.status === "Connecting"
      ? "connecting"
      : "not connected"
  }</span>
      <${ThemeButton} theme=${theme} />
    </div>
    ${
    program !== undefined && html`<dl class="totals">
      <${Total} name="Process" value=${String(program.pid)} />
      <${Total} name="Runtime" value=${program.runtime} />
      <${Total} name="Up" value=${Figures.age(uptime)} />
      ${
      reading?.snapshot.systems.map(({ actors, lostTells, name }, i) =>
        html`<${Total} key=${i} name=${`System ${name}`} value=${`${Figures.whole(actors)} actors${
          lostTells > 0 ? `, ${Figures.whole(lostTells)} lost tells` : ""
        }`} />`
      )
    }
      <${Total} name="Workers" value=${whole(totals?.workers)} />
      <${Total} name="Actors" value=${whole(totals?.actors)} />
      <${Total} name="Running calls" value=${whole(totals?.running)} />
      <${Total} name="Queued" value=${whole(totals?.queued)} />
      <${Total} name="Waiting" value=${whole(totals?.waiting)} />
    </dl>
    <div class="sparks">
      <${Sparkline} title="Calls per second" values=${history.map((moment) => moment.callsPerSecond)}
        text=${Figures.rate(reading?.callsPerSecond)} />
      <${Sparkline} title="p99" values=${history.map((moment) => moment.p99Millis)}
        text=${Figures.duration(reading?.p99Millis)} />
      <${Sparkline} title="Queued and waiting" values=${history.map((moment) => moment.waiting)}
        text=${whole(history.at(-1)?.waiting)} />
    </div>`
  }
  </header>`
}
