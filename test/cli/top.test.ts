/** `uactor top` in a real pseudo-terminal. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { folder, observed } from "../contract/observe/programs/start.ts"
import { command, run, start } from "./command.ts"

/** Starts the command in a pseudo-terminal, by `script` of util-linux. */
const inTerminal = (runtime: string, ...args: ReadonlyArray<string>) => {
  const quoted = command(...args).map((word) => `'${word}'`).join(" ")
  return Effect.map(
    start(["script", "-qec", `stty cols 120 rows 30; exec ${quoted}`, "/dev/null"], runtime),
    (running) => ({
      ...running,
      press: (keys: string) => Effect.sync(() => void running.child.stdin.write(keys))
    })
  )
}

const up = "\x1b[A"
const down = "\x1b[B"

describe("uactor top", () => {
  it.live("needs a terminal", () =>
    Effect.gen(function*() {
      const runtime = yield* folder
      yield* observed(runtime, { UACTOR_OBSERVER: "socket" })
      const ran = yield* run(runtime, "top")
      assert.strictEqual(ran.code, 2)
      assert.include(ran.stderr, "top needs a terminal")
    }))

  // macOS has another `script`, and Windows has none
  it.live.runIf(process.platform === "linux")(
    "shows, filters, inspects and kills actors by keys",
    () =>
      Effect.gen(function*() {
        const runtime = yield* folder
        const { ids, pid } = yield* observed(runtime, { UACTOR_OBSERVER: "socket", UACTOR_OBSERVER_ACTIONS: "kill" })
        const [onThread = "", inProcess = ""] = ids
        const top = yield* inTerminal(runtime, "top", "--sort", "age", "--interval", "0.2")
        let seen = yield* top.prints(new RegExp(`uactor ${pid}  sort: age`))
        seen = yield* top.prints(new RegExp(`${onThread} +Running[^]*${inProcess} +Running`))
        // the selected row is inverse
        yield* top.press(down)
        seen = yield* top.prints(new RegExp(`\\x1b\\[7m${inProcess} `), seen)
        yield* top.press(up)
        seen = yield* top.prints(new RegExp(`\\x1b\\[7m${onThread} `), seen)
        yield* top.press("s")
        seen = yield* top.prints(/sort: load/, seen)
        yield* top.press("/process\r")
        seen = yield* top.prints(/filter: process /, seen)
        seen = yield* top.prints(new RegExp(`\\x1b\\[7m${inProcess} `), seen)
        yield* top.press("\r")
        seen = yield* top.prints(new RegExp(`${inProcess}: Running, Busy at`), seen)
        yield* top.press("r")
        seen = yield* top.prints(new RegExp(`restart ${inProcess}\\?`), seen)
        yield* top.press("y")
        seen = yield* top.prints(/UACTOR_OBSERVER_ACTIONS=restart/, seen)
        yield* top.press("k")
        seen = yield* top.prints(new RegExp(`kill ${inProcess}\\?`), seen)
        yield* top.press("y")
        seen = yield* top.prints(/Ended: Killed/, seen)
        yield* top.press("q")
        const { code, stdout } = yield* top.ended
        assert.strictEqual(code, 0)
        // the cursor and the former screen are back
        assert(stdout.endsWith("\x1b[?25h\x1b[?1049l"), JSON.stringify(stdout.slice(-40)))
      })
  )

  it.live.runIf(process.platform === "linux")(
    "shows the stack of a blocked worker, and ends with the program",
    () =>
      Effect.gen(function*() {
        const runtime = yield* folder
        const program = yield* observed(runtime, { UACTOR_OBSERVER: "socket" }, "--blocked")
        const top = yield* inTerminal(runtime, "top", "--sort", "age", "--interval", "0.2")
        let seen = yield* top.prints(/thread-1 +thread +\d+ +Blocked/)
        yield* top.press("t")
        seen = yield* top.prints(/stack of thread-1[^]*at busyLoop/, seen)
        yield* program.kill
        const { code, stdout } = yield* top.ended
        assert.strictEqual(code, 2)
        assert.include(stdout.slice(seen), "\x1b[?25h\x1b[?1049l")
        assert.match(stdout.slice(seen), /has ended/)
      })
  )

  it.live.runIf(process.platform === "linux")(
    "ends by Ctrl-C, and gives the terminal back",
    () =>
      Effect.gen(function*() {
        const runtime = yield* folder
        yield* observed(runtime, { UACTOR_OBSERVER: "socket" })
        const top = yield* inTerminal(runtime, "top")
        yield* top.prints(/Running/)
        yield* top.press("\x03")
        const { code, stdout } = yield* top.ended
        assert.strictEqual(code, 0)
        assert(stdout.endsWith("\x1b[?25h\x1b[?1049l"), JSON.stringify(stdout.slice(-40)))
      })
  )
})
