/** The start of the page. */
import { h, render } from "preact"
import { makeClient } from "./api/client.ts"
import { takeToken } from "./api/token.ts"
import { Page } from "./app.ts"
import { keepFocus } from "./parts/focus.ts"
import { live } from "./state/live.ts"
import { initial } from "./state/state.ts"
import { makeStore } from "./state/store.ts"
import { showTheme } from "./state/theme.ts"

// before the state reads the address
const token = takeToken()
const store = makeStore(initial())
const client = makeClient(token ?? "")
showTheme(store.get().theme, false)
if (token !== undefined) void live(client, store)
else store.set({ connection: { status: "NoToken", message: "The address of this page has no token." } })
const root = document.getElementById("page")!
keepFocus(root)
render(h(Page, { app: { store, client } }), root)
