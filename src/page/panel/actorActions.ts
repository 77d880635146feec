/** The buttons that end or restart an actor: those that the program allows. */
import type { Action, ActorInfo } from "../api/types.ts"
import { html, type View } from "../html.ts"
import { type App, ask, useApp } from "../state/app.ts"

interface Choice {
  readonly action: Action
  readonly name: string
  readonly text: (id: string) => string
  readonly done: (id: string) => string
  readonly run: (app: App, id: string) => Promise<unknown>
}

const choices: ReadonlyArray<Choice> = [
  {
    action: "stop",
    name: "Stop",
    text: (id) => `Stop ${id}? It ends for good, and the calls that it runs are interrupted.`,
    done: (id) => `${id} is stopped.`,
    run: ({ client }, id) => client.stop(id, false)
  },
  {
    action: "stop",
    name: "Drain",
    text: (id) => `Stop ${id} when it has finished its accepted calls?`,
    done: (id) => `${id} has finished its calls and is stopped.`,
    run: ({ client }, id) => client.stop(id, true)
  },
  {
    action: "kill",
    name: "Kill",
    text: (id) => `Kill ${id}? It ends at once and for good, with its worker if it is alone there. No finalizer runs.`,
    done: (id) => `${id} is killed.`,
    run: ({ client }, id) => client.kill(id)
  },
  {
    action: "restart",
    name: "Restart",
    text: (id) =>
      `Restart ${id}? The calls that it runs are interrupted. The restart does not count against its budget.`,
    done: (id) => `${id} is restarted.`,
    run: ({ client }, id) => client.restart(id)
  }
]

export const ActorActions = ({ actions, info: { budget, ended, id } }: {
  readonly info: ActorInfo
  readonly actions: ReadonlyArray<Action>
}): View => {
  const app = useApp()
  const allowed = choices.filter(({ action }) =>
    actions.includes(action) && (action !== "restart" || budget !== undefined)
  )
  if (ended !== undefined || allowed.length === 0) return null
  return html`<div class="actions" role="group" aria-label=${`Actions on ${id}`}>${
    allowed.map(({ done, name, run, text }) =>
      html`<button type="button" class="danger" key=${name}
        onClick=${() =>
        ask(app, { verb: `${name} ${id}`, text: text(id), done: done(id), run: () => run(app, id) })}>${name}</button>`
    )
  }</div>`
}
