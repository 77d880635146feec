/** The command `uactor page` in Chromium: the page of a program whose code does not know of it. */
import { afterAll, assert } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import { command, start } from "../cli/command.ts"
import { folder, observed } from "../contract/observe/programs/start.ts"
import { closeBrowser, openPage, test } from "./support/browser.ts"

afterAll(closeBrowser)

/** The processes with a text in their environment. */
const processesWith = (text: string): ReadonlyArray<string> =>
  fs.readdirSync("/proc").filter((name) => {
    if (!/^\d+$/.test(name)) return false
    try {
      return fs.readFileSync(`/proc/${name}/environ`, "latin1").includes(text)
    } catch {
      // the process has ended meanwhile, or belongs to another user
      return false
    }
  })

test("uactor page: the rows of another program, a kill from the page, and no process after the end", () =>
  Effect.gen(function*() {
    const runtime = yield* folder
    const program = yield* observed(runtime, { UACTOR_OBSERVER: "socket", UACTOR_OBSERVER_ACTIONS: "kill" })
    const [onThread = "", inProcess = ""] = program.ids
    const running = yield* start(command("page", String(program.pid)), runtime)
    let output = ""
    running.child.stdout.on("data", (text) => (output += String(text)))
    yield* running.prints(/#token=.*\n/)
    const address = /http:\S+/.exec(output)![0]
    // the actor that is killed, and the server that has ended
    const { do: run, until } = yield* openPage(address, { tolerated: /404 \(Not Found\)|ERR_/ })
    yield* until(`rows().length === 2 && text().includes("${program.pid}")`)
    yield* until(`cells("${onThread}").State === "Running" && cells("${inProcess}").State === "Running"`)
    yield* run(async (page) => {
      await page.getByRole("link", { name: onThread }).first().click()
      await page.getByRole("button", { name: "Kill", exact: true }).click()
      await page.getByRole("button", { name: `Kill ${onThread}` }).click()
    })
    yield* until(`cells("${onThread}").State === "Ended Killed" && cells("${inProcess}").State === "Running"`)
    yield* until(`document.querySelector("[role=status]").innerText === "${onThread} is killed."`)

    // the command ends by Ctrl+C, and the program goes on
    running.child.kill("SIGINT")
    const { code, stderr } = yield* running.ended
    assert.deepStrictEqual([code, stderr], [130, ""])
    yield* until(`document.querySelector("[role=alert]")?.innerText.includes("has ended")`)
    assert.include(processesWith(runtime), String(program.pid))
    assert.strictEqual(yield* program.end, 0)
    assert.deepStrictEqual(processesWith(runtime), [])
    assert.deepStrictEqual(fs.readdirSync(path.join(runtime, "uactor")), [])
  }))
