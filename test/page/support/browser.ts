/** Pages in a real browser. */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import type * as Scope from "effect/Scope"
import { type Browser, launch, type Page } from "../../../tools/runtimes/browser/playwright.ts"

/** For a machine that is busy with other work, in milliseconds. */
const patience = 90_000

let browser: Promise<Browser> | undefined

/** Ends the browser of the file. */
export const closeBrowser = async (): Promise<void> => {
  const started = await browser
  browser = undefined
  await started?.close()
}

/** A page of a browser session of its own. */
export interface Opened {
  readonly page: Page
  /** waits until a script in the page is true */
  readonly until: (script: string) => Effect.Effect<void>
  readonly do: <A>(work: (page: Page) => Promise<A>) => Effect.Effect<A>
}

/** Functions for scripts in the page. */
const helpers = `
  const table = (name) => [...document.querySelectorAll("section")].find((one) => one.querySelector("h2")?.id === name)
  const rows = () => [...table("actors").querySelectorAll("tbody tr:not([aria-hidden])")]
  const titles = () => [...table("actors").querySelectorAll("thead th")].map((one) => one.innerText.replace(/ [▲▼]/, ""))
  const cells = (id) => {
    const row = rows().find((one) => one.querySelector("th").innerText === id)
    return row && Object.fromEntries(titles().map((title, i) => [title, row.children[i].innerText.trim()]))
  }
  const text = () => document.body.innerText
`

/** A script in the page, with the helpers: `table`, `rows`, `cells` and `text`. */
export const script = (body: string): string => `(() => { ${helpers}; return ${body} })()`

/** Opens an address. The test fails if the page has thrown, or has written an error to its console that `tolerated` does not match. */
export const openPage = (
  address: string,
  { height = 900, tolerated = /^$/, width = 1_400 }: {
    readonly tolerated?: RegExp
    readonly width?: number
    readonly height?: number
  } = {}
): Effect.Effect<Opened, never, Scope.Scope> =>
  Effect.gen(function*() {
    const errors: Array<string> = []
    const page = yield* Effect.acquireRelease(
      Effect.promise(async () => {
        const page = await (await (browser ??= launch())).newPage({ viewport: { width, height } })
        page.setDefaultTimeout(patience)
        page.on("pageerror", (error) => errors.push(error.stack ?? error.message))
        page.on("console", (message) => {
          if (message.type() === "error" && !tolerated.test(message.text())) errors.push(message.text())
        })
        return page
      }),
      (page) => Effect.promise(() => page.close())
    )
    yield* Effect.addFinalizer(() => Effect.sync(() => assert.deepStrictEqual(errors, [])))
    const run = <A>(work: (page: Page) => Promise<A>): Effect.Effect<A> => Effect.promise(() => work(page))
    yield* run((page) => page.goto(address))
    return {
      page,
      do: run,
      until: (body) =>
        run(async (page) => {
          const end = Date.now() + patience
          let last: unknown
          // the policy of the page forbids to wait within it, which needs `eval`
          do {
            last = await page.evaluate<unknown>(script(body)).catch((error: unknown) => error)
            if (last === true) return
            await new Promise((resolve) => setTimeout(resolve, 100))
          } while (Date.now() < end)
          assert.fail(`never true, but ${String(last)}: ${body}\n${await page.locator("body").innerText()}`)
        })
    }
  })

/** A test with programs and pages, which end with it. */
export const test = (name: string, body: () => Effect.Effect<unknown, never, Scope.Scope>): void =>
  it.live(name, body, 4 * patience)
