/** All that is known of one actor, and what may be done to it. */
import { useEffect, useState } from "preact/hooks"
import { repeatedly } from "../api/repeat.ts"
import type { ActorInfo } from "../api/types.ts"
import { Histogram } from "../charts/histogram.ts"
import { type ActorMoment, Rates } from "../charts/rates.ts"
import { html, type View } from "../html.ts"
import * as Figures from "../parts/figures.ts"
import { useApp } from "../state/app.ts"
import { isAbout } from "../state/eventLog.ts"
import { type MethodRow, methodRows, rateOf } from "../state/reading.ts"
import { addressOf } from "../state/route.ts"
import type { State } from "../state/state.ts"
import { EventLines } from "../views/events.ts"
import { ActorActions } from "./actorActions.ts"
import { listed, Methods, Running } from "./calls.ts"
import { Why } from "./why.ts"

/** The moments of the plot. */
const moments = 300

interface Read {
  /** undefined: not yet read */
  readonly info: ActorInfo | undefined
  /** why it could not be read */
  readonly problem: string
  readonly history: ReadonlyArray<ActorMoment>
  readonly methods: ReadonlyArray<MethodRow>
}

/** Reads an actor each second, with the calls that it runs. */
const useActor = (id: string): Read => {
  const { client } = useApp()
  const [read, setRead] = useState<Read>({ info: undefined, problem: "", history: [], methods: [] })
  useEffect(() => {
    let before: { readonly info: ActorInfo; readonly at: number } | undefined
    return repeatedly(
      1_000,
      () => client.actor(id, listed),
      "There is no actor with this id, or it has ended.",
      (info, problem) => {
        if (info === undefined) return setRead((read) => ({ ...read, problem }))
        const at = Date.now()
        const seconds = (at - (before?.at ?? at)) / 1_000
        const methods = methodRows(info, before?.info, seconds)
        const moment = {
          at,
          callsPerSecond: rateOf(info.counters.made, before?.info.counters.made, seconds),
          waiting: info.mailbox.queued + info.mailbox.waiting
        }
        before = { info, at }
        setRead(({ history }) => ({ info, problem, history: [...history.slice(1 - moments), moment], methods }))
      }
    )
  }, [id])
  return read
}

const Item = ({ name, value }: { readonly name: string; readonly value: unknown }): View =>
  html`<dt>${name}</dt><dd>${value}</dd>`

const link = (id: string): View => html`<a href=${addressOf("actor", id)}>${id}</a>`

/** The counters that are not 0. */
const countsOf = (counters: ActorInfo["counters"]): string =>
  Object.entries(counters).filter(([, n]) => n > 0).map(([name, n]) => `${name} ${Figures.whole(n)}`).join(", ") ||
  "none"

const Facts = ({ info }: { readonly info: ActorInfo }): View => {
  const { address, budget, counters, ended, handles, incarnation, mailbox, pool, spawnedBy, worker } = info
  return html`<dl>
    <${Item} name="State" value=${html`<span class=${`state ${info.state}`}>${info.state}</span>`} />
    ${ended !== undefined && html`<${Item} name="End" value=${`${ended.reason}: ${ended.message}`} />`}
    <${Item} name="Address" value=${address} />
    <${Item} name="Worker" value=${html`<a href=${`#worker-${worker}`}>${worker}</a>`} />
    <${Item} name="Spawned by" value=${spawnedBy === undefined ? Figures.none : link(spawnedBy)} />
    <${Item} name="Pool" value=${pool ?? Figures.none} />
    <${Item} name="Life" value=${incarnation} />
    <${Item} name="Restarts" value=${
    budget === undefined
      ? Figures.none
      : `${budget.used} of ${Figures.limit(budget.max)} in ${Figures.age(budget.windowMillis)}`
  } />
    <${Item} name="Running" value=${`${mailbox.running} of ${
    Figures.limit(mailbox.concurrency)
  }, ${mailbox.forked} beside`} />
    <${Item} name="Mailbox" value=${`${mailbox.queued} of ${
    Figures.limit(mailbox.capacity)
  }, ${mailbox.waiting} wait for room (${mailbox.onFull})`} />
    <${Item} name="Handles" value=${`${handles.lent} lent, ${handles.held} held`} />
    <${Item} name="Calls" value=${countsOf(counters)} />
  </dl>`
}

const Durations = ({ latency, theme }: {
  readonly latency: ActorInfo["latency"]
  readonly theme: string
}): View =>
  latency === undefined
    ? html`<p class="note">No duration has been measured: ActorMetrics.layer({ durations: true }) measures them.</p>`
    : html`<div>
      <${Histogram} latency=${latency} theme=${theme} />
      <table><thead><tr><th scope="col">Durations</th><th scope="col" class="figure">Calls</th><th scope="col" class="figure">p50</th>
        <th scope="col" class="figure">p99</th></tr></thead><tbody>${
      ([["for the caller", latency.client], ["in the mailbox", latency.wait], [
        "in the handler",
        latency.server
      ]] as const)
        .map(([name, { count, p50, p99 }]) =>
          html`<tr key=${name}><th scope="row">${name}</th><td class="figure">${Figures.whole(count)}</td><td
            class="figure">${Figures.duration(p50)}</td><td class="figure">${Figures.duration(p99)}</td></tr>`
        )
    }</tbody></table>
    </div>`

const lifeEvents = new Set(["ActorSpawned", "ActorRestarting", "ActorRestarted", "ActorGivenUp", "ActorEnded"])

export const ActorDetails = ({ id, state }: { readonly id: string; readonly state: State }): View => {
  const { history, info, methods, problem } = useActor(id)
  const events = state.log.events.filter(({ event }) => isAbout(event, id))
  const lives = events.filter(({ event }) => lifeEvents.has(event._tag))
  return html`<div>
    ${problem !== "" && html`<p class="note">${problem}</p>`}
    ${
    info !== undefined && html`<${ActorActions} info=${info} actions=${state.program?.actions ?? []} />
      <${Facts} info=${info} />
      <h3>Calls</h3>
      <${Rates} moments=${history} theme=${state.theme} />
      ${methods.length > 0 && html`<${Methods} rows=${methods} />`}
      <h3>Durations</h3>
      <${Durations} latency=${info.latency} theme=${state.theme} />
      ${
      info.ended === undefined && html`<div><h3>Running calls</h3>
      <${Running} info=${info} />
      <h3>What it runs, and what that waits for</h3>
      <${Why} id=${id} /></div>`
    }`
  }
    <h3>Lives since this page was opened</h3>
    ${
    lives.length === 0
      ? html`<p class="note">None has begun or ended.</p>`
      : html`<${EventLines} label=${`Lives of ${id}`} events=${lives} />`
  }
    <h3>Last events</h3>
    ${
    events.length === 0
      ? html`<p class="note">None.</p>`
      : html`<${EventLines} label=${`Last events of ${id}`} events=${events.slice(-50)} />`
  }
  </div>`
}
