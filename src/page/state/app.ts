/** The state, and what the views may do, for all components. */
import { createContext } from "preact"
import { useContext, useEffect, useState } from "preact/hooks"
import type { Client } from "../api/client.ts"
import { messageOf } from "../api/request.ts"
import type { Question, State } from "./state.ts"
import type { Store } from "./store.ts"

export interface App {
  readonly store: Store<State>
  readonly client: Client
}

export const AppContext = createContext<App | undefined>(undefined)

/** The app of the page. */
export const useApp = (): App => useContext(AppContext)!

/** The state, now and whenever it changes. */
export const useStore = <A>(store: Store<A>): A => {
  const [value, setValue] = useState(store.get)
  useEffect(() => {
    const update = (): void => setValue(() => store.get())
    // it may have changed between the rendering and this effect
    update()
    return store.subscribe(update)
  }, [store])
  return value
}

/** Runs something that may fail, and says what became of it. */
export const attempt = async (app: App, done: string, run: () => Promise<unknown>): Promise<void> => {
  try {
    await run()
    app.store.set({ notice: done })
  } catch (error) {
    app.store.set({ notice: `Failed: ${messageOf(error)}` })
  }
}

/** Asks the user before an action. */
export const ask = (app: App, question: Question): void => app.store.set({ question })
