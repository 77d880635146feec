/** The whole page. */
import { useEffect } from "preact/hooks"
import { html, type View } from "./html.ts"
import { Panel } from "./panel/panel.ts"
import { Dialog } from "./parts/dialog.ts"
import { onPageKeys } from "./parts/keys.ts"
import { type App, AppContext, useStore } from "./state/app.ts"
import { home, readRoute } from "./state/route.ts"
import type { State } from "./state/state.ts"
import type { Store } from "./state/store.ts"
import { onSystemTheme, showTheme } from "./state/theme.ts"
import { Actors } from "./views/actors.ts"
import { Alerts, Notice } from "./views/alerts.ts"
import { Events } from "./views/events.ts"
import { Head } from "./views/head.ts"
import { Tree } from "./views/tree.ts"
import { Workers } from "./views/workers.ts"

const useListeners = (store: Store<State>): void =>
  useEffect(() => {
    const onHash = (): void => {
      // a link with a token, into a page that is open: as if it had just been opened
      if (location.hash.startsWith("#token=")) location.reload()
      else if (location.hash.startsWith("#/")) store.set({ route: readRoute() })
    }
    const onKeys = onPageKeys(() => {
      if (readRoute() !== undefined) location.hash = home
    })
    addEventListener("hashchange", onHash)
    addEventListener("keydown", onKeys)
    onSystemTheme((theme) => {
      showTheme(theme, false)
      store.set({ theme })
    })
    return () => {
      removeEventListener("hashchange", onHash)
      removeEventListener("keydown", onKeys)
    }
  }, [store])

export const Page = ({ app }: { readonly app: App }): View => {
  const state = useStore(app.store)
  useListeners(app.store)
  const reading = state.frozen ?? state.reading
  return html`<${AppContext.Provider} value=${app}>
    <${Head} state=${state} />
    <${Alerts} state=${state} />
    ${
    reading !== undefined && html`<div class=${state.route === undefined ? "layout" : "layout open"}>
      <${Tree} reading=${reading} state=${state} />
      <main>
        <${Actors} reading=${reading} state=${state} />
        <${Workers} reading=${reading} state=${state} />
        <${Events} state=${state} />
      </main>
      <${Panel} state=${state} />
    </div>`
  }
    <${Notice} state=${state} />
    <${Dialog} question=${state.question} />
  <//>`
}
