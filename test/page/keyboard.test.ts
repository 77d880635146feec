/** The page by the keyboard: nothing that comes or goes takes the focus away. */
import { afterAll, assert } from "@effect/vitest"
import { Effect } from "effect"
import { closeBrowser, type Opened, openPage, script, test } from "./support/browser.ts"
import { shop } from "./support/program.ts"

afterAll(closeBrowser)

const keys = ({ do: run, until }: Opened) => ({
  press: (...keys: ReadonlyArray<string>) =>
    run(async (page) => {
      for (const key of keys) await page.keyboard.press(key)
    }),
  focused: (text: string) => until(`document.activeElement.innerText === ${JSON.stringify(text)}`)
})

test("the keyboard alone: a row, its panel, a restart with its question, and back", () =>
  Effect.gen(function*() {
    const { address } = yield* shop({ sells: true, actions: ["restart"] })
    const opened = yield* openPage(address)
    const { until } = opened
    const { focused, press } = keys(opened)
    yield* until(`rows().length === 3`)
    yield* press("/", "S", "t", "o", "c", "k")
    yield* until(`rows().length === 1`)
    yield* press("Tab", "Tab", "Tab", "Tab")
    yield* until(`document.activeElement.ariaLabel === "Table of actors"`)
    yield* press("ArrowDown")
    yield* focused("Stock-1")
    yield* press("Enter")
    yield* focused("Stock-1")
    yield* until(`document.activeElement.matches("aside h2")`)
    // the buttons appear when the actor has been read
    yield* until(`document.querySelector("aside .actions button") !== null`)
    yield* press("Tab", "Tab")
    yield* focused("Restart")
    yield* press("Enter")
    yield* focused("Cancel")
    yield* press("Tab")
    yield* focused("Restart Stock-1")
    yield* press("Enter")
    yield* until(`cells("Stock-1").Life === "2"`)
    yield* focused("Restart")
    yield* press("Escape")
    yield* until(`document.querySelector("aside") === null`)
    yield* until(`document.activeElement.matches("tr a") && document.activeElement.innerText === "Stock-1"`)
  }))

/** Browsers without this function take the focus from an element that moves. */
const withoutMoves = "void delete Element.prototype.moveBefore"

test("a row keeps the focus when it moves, and its table gets the focus when it goes", () =>
  Effect.gen(function*() {
    const { address } = yield* shop({ sells: true })
    const opened = yield* openPage(address)
    const { do: run, until } = opened
    const evaluate = (body: string) => run((page) => page.evaluate<unknown>(script(body)))
    yield* evaluate(withoutMoves)
    yield* until(`rows().length === 3`)
    const sort = `table("actors").querySelector("thead button").click()`
    const ids = `rows().map((row) => row.querySelector("th").innerText).join()`
    for (const id of ["Orders-1", "Price-1", "Stock-1"]) {
      yield* evaluate(`rows().map((row) => row.querySelector("a")).find((one) => one.innerText === "${id}").focus()`)
      // a click of a script leaves the focus where it is
      const before = yield* evaluate(ids)
      yield* evaluate(sort)
      yield* until(`${ids} !== ${JSON.stringify(before)}`)
      assert.strictEqual(yield* evaluate("document.activeElement.innerText"), id)
    }
    yield* evaluate(`[document.getElementById("filter")].map((one) => {
      one.value = "price"
      one.dispatchEvent(new InputEvent("input", { bubbles: true }))
    })`)
    yield* until(`rows().length === 1`)
    assert.strictEqual(yield* evaluate("document.activeElement.ariaLabel"), "Table of actors")
    yield* keys(opened).press("ArrowDown")
    yield* keys(opened).focused("Price-1")
    // a click on nothing gives the focus up
    yield* run((page) => page.locator("h1").click())
    yield* evaluate(sort)
    assert.isTrue(yield* evaluate("document.activeElement === document.body"))
  }))

test("a dialog and a panel whose opener has gone give the focus to what is near", () =>
  Effect.gen(function*() {
    const { address, token, url } = yield* shop({ sells: true, actions: ["kill", "restart"] })
    const opened = yield* openPage(address, { tolerated: /404 \(Not Found\)/ })
    const { do: run, until } = opened
    const { focused, press } = keys(opened)
    const heading = (id: string) =>
      until(`document.activeElement.matches("aside h2") && document.activeElement.innerText === "${id}"`)
    const open = (id: string) =>
      Effect.gen(function*() {
        yield* run((page) => page.locator("tbody").getByRole("link", { name: id }).focus())
        yield* press("Enter")
        yield* heading(id)
        yield* until(`document.querySelector("aside .actions button") !== null`)
      })
    // the actor ends while its question is open
    yield* open("Orders-1")
    yield* run((page) => page.getByRole("button", { name: "Restart", exact: true }).focus())
    yield* press("Enter")
    yield* focused("Cancel")
    yield* Effect.promise(() =>
      fetch(`${url}/api/actors/Orders-1/kill`, { method: "POST", headers: { authorization: `Bearer ${token}` } })
    )
    yield* until(`document.querySelector("aside .actions") === null`)
    yield* focused("Cancel")
    yield* press("Escape")
    yield* heading("Orders-1")
    // the actor ends by its own button
    yield* open("Price-1")
    yield* press("Tab", "Tab")
    yield* focused("Kill")
    yield* press("Enter")
    yield* focused("Cancel")
    yield* press("Tab", "Enter")
    yield* until(`cells("Price-1").State === "Ended Killed" && document.querySelector("aside .actions") === null`)
    yield* heading("Price-1")
    yield* press("Escape")
    yield* until(`document.activeElement.matches("tr a") && document.activeElement.innerText === "Price-1"`)
  }))

test("a button that works keeps the focus", () =>
  Effect.gen(function*() {
    const { address } = yield* shop({ sells: true })
    const opened = yield* openPage(address)
    const { press } = keys(opened)
    yield* opened.do((page) => page.getByRole("button", { name: "Stack of thread-1" }).focus())
    yield* press("Enter")
    yield* opened.until(`table("workers").innerText.includes("Stack of thread-1")`)
    yield* opened.until(`document.activeElement.ariaLabel === "Stack of thread-1"`)
    // what it has shown is closed
    yield* opened.do((page) => page.locator("td").getByRole("button", { name: "Close" }).focus())
    yield* press("Enter")
    yield* opened.until(`document.activeElement.ariaLabel === "Table of workers"`)
  }))
