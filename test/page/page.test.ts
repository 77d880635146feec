/** The page of the observer in Chromium, with real programs. */
import { afterAll, assert, describe } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import { closeBrowser, openPage, script, test } from "./support/browser.ts"
import { shop } from "./support/program.ts"
import { broken } from "./support/roles.ts"

afterAll(closeBrowser)

/** What Chromium writes when the page asks for an actor that has ended. */
const noActor = /404 \(Not Found\)/

const every = ["stop", "kill", "restart", "profile", "heap"] as const

describe("what the page shows", () => {
  test("the rows of actors and workers, the head and the plot of an actor, and no token in the address", () =>
    Effect.gen(function*() {
      const { address, pid, token, url } = yield* shop({ sells: true })
      const { do: run, page, until } = yield* openPage(address)
      yield* until(`rows().length === 3 && cells("Stock-1").State === "Running"`)
      yield* until(`table("workers").querySelectorAll("tbody tr").length === 3`)
      yield* until(`text().includes("${pid}") && text().includes("node v")`)
      assert.strictEqual(page.url(), `${url}/`)
      assert.notInclude(yield* run((page) => page.evaluate<string>("document.documentElement.outerHTML")), token)
      // processor time and the event loop need two snapshots
      yield* until(`/\\d%/.test(table("workers").innerText)`)

      yield* run((page) => page.getByRole("link", { name: "Stock-1" }).first().click())
      yield* until(`document.querySelector("aside h2").innerText === "Stock-1"`)
      yield* until(`document.querySelector("aside").innerText.includes("Stock.reserve")`)
      // the calls by method, and those that run, with their callers
      const figures = (region: string) =>
        `[...document.querySelectorAll("aside [aria-label='${region}'] tbody tr")].map((row) => [...row.children].map((cell) => cell.innerText).join("|"))`
      yield* until(
        `${
          figures("Calls by method")
        }.some((row) => /^reserve\\|[1-9][\\d,]*\\|[\\d.]+\\|0\\|[^|–]+\\|[^|–]+$/.test(row))`
      )
      yield* until(`${figures("Calls by method")}.some((row) => row.startsWith("hang|0|0|0|"))`)
      yield* until(`${figures("Running calls")}.some((row) => /^Stock.reserve\\|[^|]+\\|Orders-1$/.test(row))`)
      yield* until(`[...document.querySelectorAll("aside canvas")].some((canvas) => {
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
        const colours = new Set()
        for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 200) colours.add(data[i] << 16 | data[i + 1] << 8 | data[i + 2])
        return colours.size > 3
      })`)

      // the fragment has what the panel shows, and so a page that is loaded again shows it, too
      assert.strictEqual(page.url(), `${url}/#/actor/Stock-1`)
      yield* run((page) => page.reload())
      yield* until(`document.querySelector("aside h2")?.innerText === "Stock-1"`)
    }))

  test("the table sorts, filters and freezes", () =>
    Effect.gen(function*() {
      const { address } = yield* shop({ sells: true })
      const { do: run, until } = yield* openPage(address)
      const ids = `rows().map((row) => row.querySelector("th").innerText).join()`
      const sorted =
        `[...table("actors").querySelectorAll("th")].filter((th) => th.ariaSort !== null && th.ariaSort !== "none").map((th) => th.innerText + th.ariaSort).join()`
      yield* until(`rows().length === 3`)
      yield* run((page) => page.getByRole("button", { name: "Actor", exact: true }).click())
      yield* until(`${ids} === "Orders-1,Price-1,Stock-1" && ${sorted} === "Actor ▲ascending"`)
      yield* run((page) => page.getByRole("button", { name: "Actor", exact: true }).click())
      yield* until(`${ids} === "Stock-1,Price-1,Orders-1" && ${sorted} === "Actor ▼descending"`)
      yield* run((page) => page.getByLabel("Filter", { exact: true }).fill("price"))
      yield* until(`${ids} === "Price-1"`)
      yield* run((page) => page.getByLabel("Filter", { exact: true }).fill(""))
      yield* until(`rows().length === 3`)

      const age = `cells("Stock-1").Age`
      yield* run((page) => page.getByRole("button", { name: "Freeze" }).click())
      const before = yield* run((page) => page.evaluate<string>(script(age)))
      const uptime = `document.querySelector("header dl").innerText`
      const up = yield* run((page) => page.evaluate<string>(script(uptime)))
      // the head goes on
      yield* until(`${uptime} !== ${JSON.stringify(up)}`)
      assert.strictEqual(yield* run((page) => page.evaluate<string>(script(age))), before)
      yield* run((page) => page.getByRole("button", { name: "Freeze" }).click())
      yield* until(`${age} !== ${JSON.stringify(before)}`)
    }))

  test("a proved deadlock in red, and its explanation with links", () =>
    Effect.gen(function*() {
      const { address } = yield* shop({ deadlocked: true })
      const { do: run, until } = yield* openPage(address)
      const alert = `document.querySelector("[role=alert]")?.innerText ?? ""`
      yield* until(`/Deadlock, proved:.*Walker-\\d runs Walker.walk.*Walker-\\d runs Walker.walk/.test(${alert})`)
      yield* until(`getComputedStyle(document.querySelector("[role=alert] strong")).color === "rgb(179, 38, 30)"`)
      yield* run((page) => page.getByRole("alert").locator("a").first().click())
      yield* until(`document.querySelector("aside .cycle")?.innerText.includes("A deadlock, proved")`)
      // three calls, each within the one that waits for it, and the last one closes the cycle
      yield* until(`document.querySelector("aside ul ul li.cycle a") !== null`)
      yield* run((page) => page.locator("aside ul ul a").first().click())
      yield* until(`location.hash.startsWith("#/") && document.querySelector("aside .cycle") !== null`)
    }))

  test("a blocked worker in red, with its stack, its profile and a file of it", () =>
    Effect.gen(function*() {
      const { address } = yield* shop({ blocked: true, actions: ["profile"] })
      const { do: run, until } = yield* openPage(address)
      yield* until(`/thread-1 is blocked/.test(document.querySelector("[role=alert]")?.innerText)`)
      yield* until(`table("workers").querySelector("tbody tr").innerText.includes("Blocked for")`)
      yield* run((page) => page.getByRole("button", { name: "Stack of thread-1" }).click())
      yield* until(`table("workers").innerText.includes("at busyLoop (file:")`)
      yield* run((page) => page.getByRole("button", { name: "Profile 5 s of thread-1" }).click())
      yield* until(
        `[...table("workers").querySelectorAll("table table tbody tr")].slice(0, 4).some((row) => row.innerText.includes("busyLoop"))`
      )
      const file = yield* run(async (page) => {
        const [download] = await Promise.all([
          page.waitForEvent("download"),
          page.getByRole("button", { name: "Save thread-1.cpuprofile" }).click()
        ])
        assert.strictEqual(download.suggestedFilename(), "thread-1.cpuprofile")
        return download.path()
      })
      const { nodes } = JSON.parse(fs.readFileSync(file, "utf8"))
      assert.include(nodes.map(({ callFrame }: any) => callFrame.functionName), "busyLoop")
    }))

  test("ten thousand actors: the best of them, few rows in the document, and a page that answers", () =>
    Effect.gen(function*() {
      const { address } = yield* shop({ crowd: 10_000 })
      const { do: run, until } = yield* openPage(address)
      yield* until(`text().includes("256 of 10,000 actors")`)
      yield* run((page) => page.getByLabel("Top", { exact: true }).selectOption("10000"))
      yield* until(`table("actors").querySelector("table").ariaRowCount === "10001"`)
      yield* until(`rows().length < 150 && document.querySelectorAll("*").length < 5_000`)
      // a group of the tree has at most fifty
      yield* until(`document.querySelector("nav").innerText.includes("10,000")`)
      yield* run((page) => page.locator("nav button").first().click())
      yield* until(
        `document.querySelectorAll("nav li a").length === 50 && document.querySelector("nav").innerText.includes("9,950 more")`
      )
      yield* run((page) => page.getByRole("button", { name: "Actor", exact: true }).click())
      yield* until(`rows()[0].querySelector("th").innerText === "Price-1"`)
      yield* run((page) => page.evaluate(`document.querySelector(".scroll").scrollTop = 1e9`))
      yield* until(`rows().at(-1).querySelector("th").innerText === "Price-10000"`)
      yield* run((page) => page.getByLabel("Filter", { exact: true }).fill("price-1234"))
      yield* until(`rows().length === 1 && cells("Price-1234") !== undefined`)
      const heap = yield* run((page) => page.evaluate<number>("performance.memory.usedJSHeapSize"))
      assert.isBelow(heap, 200 * 1_048_576)
    }))
})

describe("what the page does", () => {
  test("a restart, a kill and a stop: the rows show life 2, and the ends", () =>
    Effect.gen(function*() {
      const { address } = yield* shop({ sells: true, actions: every })
      const { do: run, until } = yield* openPage(address, { tolerated: noActor })
      const act = (name: string, id: string) =>
        run(async (page) => {
          await page.getByRole("link", { name: id }).first().click()
          await page.getByRole("button", { name, exact: true }).click()
          await page.getByRole("button", { name: `${name} ${id}` }).click()
        })
      yield* act("Restart", "Stock-1")
      yield* until(`cells("Stock-1").Life === "2" && cells("Stock-1").State === "Running"`)
      yield* until(`document.querySelector("[role=status]").innerText === "Stock-1 is restarted."`)
      yield* until(
        `/ActorRestarting[^]*ActorRestarted/.test(table("events").innerText.split("\\n").reverse().join("\\n"))`
      )
      yield* until(`document.querySelector("aside").innerText.includes("ActorRestarted")`)
      yield* act("Kill", "Price-1")
      yield* until(`cells("Price-1").State === "Ended Killed"`)
      yield* until(`document.querySelector("aside .actions") === null`)
      yield* act("Stop", "Stock-1")
      yield* until(`cells("Stock-1").State === "Ended Stopped"`)
      yield* act("Drain", "Orders-1")
      yield* until(`cells("Orders-1").State === "Ended Stopped"`)
      yield* until(`table("events").innerText.includes("ActorEnded")`)
      // the dead leave the table after 30 seconds
      yield* until(`rows().length === 0`)
    }))

  test("shows and ends the actors of a system that a worker has made", () =>
    Effect.gen(function*() {
      const { address } = yield* shop({ nested: true, actions: every })
      const { do: run, until } = yield* openPage(address, { tolerated: noActor })
      yield* until(`rows().length === 3 && rows().filter((row) => /^thread-1.Busy/.test(row.innerText)).length === 2`)
      yield* until(
        `table("workers").querySelectorAll("tbody tr").length === 2 && table("workers").innerText.includes("thread-1/thread-1")`
      )
      yield* until(`document.querySelector("nav").innerText.includes("thread-1/in memory")`)
      yield* run((page) => page.locator("nav select").selectOption("spawner"))
      yield* until(`document.querySelectorAll("nav li.depth-1 a").length === 2`)
      // the observer takes no snapshot of the heap of such a worker
      const heaps = `[...document.querySelectorAll("[aria-label^='Heap']")].map((one) => one.ariaLabel).join()`
      yield* until(`${heaps} === "Heap snapshot of thread-1"`)
      yield* run((page) => page.getByRole("button", { name: "Stack of thread-1/thread-1" }).click())
      yield* until(`table("workers").innerText.includes("Stack of thread-1/thread-1")`)
      yield* run((page) => page.getByRole("link", { name: "/Busy-" }).first().click())
      yield* until(`document.querySelector("aside h2").innerText.startsWith("thread-1/Busy-")`)
      yield* run((page) => page.getByRole("button", { name: "Kill", exact: true }).click())
      yield* run((page) => page.getByRole("button", { name: "Kill thread-1/Busy-" }).click())
      yield* until(`/is killed/.test(document.querySelector("[role=status]").innerText)`)
      yield* until(`rows().filter((row) => row.innerText.startsWith("thread-1/Busy-")).length === 1`)
    }))

  test("a question is answered with no", () =>
    Effect.gen(function*() {
      const { address } = yield* shop({ sells: true, actions: every })
      const { do: run, until } = yield* openPage(address)
      yield* run((page) => page.getByRole("link", { name: "Stock-1" }).first().click())
      yield* run((page) => page.getByRole("button", { name: "Kill", exact: true }).click())
      yield* until(`document.querySelector("dialog[open]")?.innerText.includes("Kill Stock-1?")`)
      yield* run((page) => page.getByRole("button", { name: "Cancel" }).click())
      yield* until(`document.querySelector("dialog") === null`)
      const row = yield* run((page) => page.evaluate<Record<string, string>>(script(`cells("Stock-1")`)))
      assert.strictEqual(row["Life"], "1")
    }))

  test("a program that allows no action has no button for one", () =>
    Effect.gen(function*() {
      const { address } = yield* shop({ sells: true })
      const { do: run, until } = yield* openPage(address)
      yield* run((page) => page.getByRole("link", { name: "Stock-1" }).first().click())
      yield* until(`document.querySelector("aside dl") !== null`)
      const names = yield* run((page) =>
        page.evaluate<ReadonlyArray<string>>(
          `[...document.querySelectorAll("button")].map((one) => one.ariaLabel ?? one.innerText)`
        )
      )
      assert.deepStrictEqual(names.filter((name) => /Kill|Stop|Drain|Restart$|Profile|Heap/.test(name)), [])
      assert.include(names, "Stack of thread-1")
    }))

  test("a snapshot of the heap, after a warning", () =>
    Effect.gen(function*() {
      const { address } = yield* shop({ sells: true, actions: ["heap"] })
      const { do: run, until } = yield* openPage(address)
      yield* run((page) => page.getByRole("button", { name: "Heap snapshot of thread-1" }).click())
      yield* until(`document.querySelector("dialog[open]")?.innerText.includes("secrets")`)
      const file = yield* run(async (page) => {
        const [download] = await Promise.all([
          page.waitForEvent("download"),
          page.getByRole("button", { name: "Take the snapshot" }).click()
        ])
        return download.path()
      })
      assert.isAbove(JSON.parse(fs.readFileSync(file, "utf8")).nodes.length, 0)
    }))
})

describe("the connection", () => {
  const refused = /401 \(Unauthorized\)/
  const gone = /Failed to load resource|ERR_/

  test("without a token the page shows a message, and nothing of the program", () =>
    Effect.gen(function*() {
      const { url } = yield* shop({ sells: true })
      const { until } = yield* openPage(url)
      yield* until(`document.querySelector("[role=alert]").innerText.includes("has no token")`)
      yield* until(`document.querySelector("table, nav, aside, header dl") === null`)
    }))

  test("with a wrong token the page shows a message, and nothing of the program", () =>
    Effect.gen(function*() {
      const { address, url } = yield* shop({ sells: true })
      const { do: run, until } = yield* openPage(`${url}/#token=${"0".repeat(32)}`, { tolerated: refused })
      yield* until(`document.querySelector("[role=alert]").innerText.includes("refuses the token")`)
      yield* until(`document.querySelector("table, nav, aside, header dl") === null`)
      assert.isNull(yield* run((page) => page.evaluate<string | null>(`sessionStorage.getItem("uactor-token")`)))
      // the right address, into the same page
      yield* run((page) => page.goto(address))
      yield* until(`rows().length === 3 && !location.hash.includes("token")`)
    }))

  test("the page says that the program has ended, and shows the next program with the same address", () =>
    Effect.gen(function*() {
      const first = yield* shop({ sells: true })
      const { until } = yield* openPage(first.address, { tolerated: gone })
      yield* until(`rows().length === 3 && document.querySelector("[role=alert]") === null`)
      yield* first.end
      yield* until(
        `document.querySelector("[role=alert]")?.innerText.includes("The program ${first.pid}, or the command that shows it, has ended.")`
      )
      const next = yield* shop({ sells: true, port: Number(new URL(first.url).port), token: first.token })
      assert.strictEqual(next.address, first.address)
      yield* until(
        `text().includes("${next.pid}") && rows().length === 3 && document.querySelector("[role=alert]") === null`
      )
    }))
})

describe("the form of the page", () => {
  test("400 pixels are wide enough", () =>
    Effect.gen(function*() {
      const { address } = yield* shop({ sells: true, deadlocked: true, actions: every })
      const { do: run, until } = yield* openPage(address, { width: 400 })
      const fits = `document.documentElement.scrollWidth <= 400`
      yield* until(`rows().length === 5 && document.querySelector("[role=alert]") !== null && ${fits}`)
      yield* run((page) => page.getByRole("link", { name: "Stock-1" }).first().click())
      yield* until(`document.querySelector("aside canvas") !== null && ${fits}`)
      yield* run((page) => page.getByRole("button", { name: "Kill", exact: true }).click())
      yield* until(`document.querySelector("dialog[open]") !== null && ${fits}`)
    }))

  test("the picture of the docs", () =>
    Effect.gen(function*() {
      const { address } = yield* shop({ sells: true, actions: every })
      const { do: run, until } = yield* openPage(address, { width: 1_280, height: 780 })
      yield* until(`rows().length === 3`)
      yield* run(async (page) => {
        await page.getByRole("link", { name: "Stock-1" }).first().click()
        await page.getByRole("button", { name: "Restart", exact: true }).click()
        await page.getByRole("button", { name: "Restart Stock-1" }).click()
      })
      yield* until(`cells("Stock-1").Life === "2"`)
      yield* until(`document.querySelectorAll("aside canvas").length === 2`)
      // the lines of the head have many points
      yield* until(`[...document.querySelectorAll("header polyline")].every((line) => line.points.length > 20)`)
      const picture = Buffer.from(yield* run((page) => page.screenshot()))
      assert.isBelow(picture.length, 150_000)
      if (process.env["SCREENSHOT"] === "docs") {
        fs.writeFileSync(path.join(import.meta.dirname, "../../docs/observe-page.png"), picture)
      }
    }))

  test("names, roles, order and contrast, in light and dark colours", () =>
    Effect.gen(function*() {
      const { address } = yield* shop({ sells: true, deadlocked: true, actions: every })
      const { do: run, until } = yield* openPage(address)
      const check = run((page) => page.evaluate<ReadonlyArray<string>>(broken))
      yield* until(`rows().length === 5 && document.querySelector("[role=alert]") !== null`)
      yield* run((page) => page.getByRole("link", { name: "Stock-1" }).first().click())
      yield* until(`document.querySelector("aside canvas") !== null`)
      assert.deepStrictEqual(yield* check, [])
      // as the system changes, until the user chooses
      yield* run((page) => page.emulateMedia({ colorScheme: "dark" }))
      yield* until(`document.documentElement.dataset.theme === "dark"`)
      assert.deepStrictEqual(yield* check, [])
      yield* run((page) => page.getByRole("button", { name: "Light colours" }).click())
      yield* until(`document.documentElement.dataset.theme === "light"`)
      yield* run((page) => page.reload())
      yield* until(`document.documentElement.dataset.theme === "light"`)
    }))
})
