import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import * as childProcess from "node:child_process"
import { fileURLToPath } from "node:url"
import * as NodeActorSystem from "../../../src/node/NodeActorSystem.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement, type Placement } from "../support/placements.ts"
import behaviours from "./actors/guarded.ts"

const module = new URL("./actors/guarded.ts", import.meta.url)
const fixture = { module, behaviours }
const file = fileURLToPath(module)

/** How Node is started, with what on its standard input, and in which environment. */
interface Start {
  readonly args: ReadonlyArray<string>
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
}

/** Starts Node in a group of its own, which ends with the scope; waits until it has ended. */
const node = ({ args, env, input }: Start, onError: (text: string) => void = () => undefined) =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      const program = childProcess.spawn(process.execPath, args, {
        stdio: [input === undefined ? "ignore" : "pipe", "ignore", "pipe"],
        detached: true,
        env: { ...process.env, NODE_OPTIONS: "", ...env }
      })
      program.stdin?.end(input)
      return program
    }),
    (program) =>
      Effect.callback<string>((resume) => {
        let errors = ""
        program.stderr!.setEncoding("utf8").on("data", (text: string) => {
          errors += text
          onError(errors)
        })
        program.on("close", (code) => resume(Effect.succeed(`${code} ${errors}`)))
      }),
    (program) =>
      Effect.sync(() => {
        try {
          process.kill(-program.pid!, "SIGKILL")
        } catch {
          // nothing is left of it
        }
      })
  )

/** What the program has noted, which has run once. */
const noted = (journal: Journal.Journal, how: string) =>
  Effect.map(journal.lines, (lines) => {
    assert.deepStrictEqual([lines[0], lines.length], ["runs", 2], how)
    return lines[1]!
  })

/** The program, as text that Node is given in place of a file. */
const text = ({ name }: Placement, journal: string): string =>
  `import(${JSON.stringify(module.href)}).then(({ run }) => run(${JSON.stringify(name)}, ${JSON.stringify(journal)}))`

const ways: Record<string, (text: string) => Start> = {
  "-e": (text) => ({ args: ["-e", text] }),
  "--eval=": (text) => ({ args: [`--eval=${text}`] }),
  "-p": (text) => ({ args: ["--no-warnings", "-p", text] }),
  "-pe": (text) => ({ args: ["-pe", text] }),
  "--print and -e": (text) => ({ args: ["--print", "-e", text] }),
  "--input-type=module": (text) => ({ args: ["--input-type=module", "-e", `await ${text}`] }),
  "standard input": (text) => ({ args: [], input: text }),
  "standard input, as a module": (text) => ({ args: ["--input-type", "module", "-"], input: `await ${text}` })
}

onEveryPlacement(fixture, (placement) => {
  for (const [way, start] of Object.entries(ways)) {
    it.live(`L1: a program passed to Node by ${way} starts its workers, and not itself again`, () =>
      Effect.gen(function*() {
        const journal = yield* Journal.make
        const ended = yield* node(start(text(placement, journal.path)))
        assert.match(ended, /^0 /)
        assert.match(yield* noted(journal, ended), /^answered /)
      }).pipe(Effect.scoped))
  }

  it.live("P8: a module that is the program itself, without a file, is rejected by name", () =>
    Effect.sync(() => {
      const layer = placement.name === "threads" ? NodeActorSystem.layerThreads : NodeActorSystem.layerProcesses
      for (const name of ["[eval]", "[eval1]", "[stdin]", "[worker eval]", "REPL1"]) {
        for (
          const module of [new URL(`file:///somewhere/${name}`), `file:///somewhere/${name}`, `/somewhere/${name}`]
        ) {
          assert.throws(() => layer({ module }), TypeError, "module must be a file that a worker can load")
        }
        assert.throws(() => layer({ module: name }), TypeError, `module must be a file`)
      }
    }))

  // a thread waits for the debugger, as its program does
  for (
    const flag of placement.name === "threads"
      ? ["--inspect=0"]
      : ["--inspect-brk=0", "--inspect-wait=0", "--inspect=0"]
  ) {
    for (const where of ["an argument", "NODE_OPTIONS"]) {
      it.live(`L1: workers of a program debugged by ${flag} as ${where} listen on their own ports`, () =>
        Effect.gen(function*() {
          const journal = yield* Journal.make
          const args = [file, placement.name, journal.path]
          let attached = false
          const ended = yield* node(
            where === "NODE_OPTIONS" ? { args, env: { NODE_OPTIONS: flag } } : { args: [flag, ...args] },
            (errors) => {
              const url = /ws:\S+(?=\n)/.exec(errors)?.[0]
              if (attached || url === undefined) return
              attached = true
              letRun(url)
            }
          )
          assert.match(ended, /^0 /)
          assert.match(yield* noted(journal, ended), /^answered /)
          const ports = Array.from(ended.matchAll(/listening on ws:\/\/[^:]+:(\d+)/g), ([, port]) => port)
          assert.lengthOf(new Set(ports), placement.name === "threads" ? 1 : 2)
        }).pipe(Effect.scoped))
    }
  }

  it.live("F1: a worker that Node's permissions forbid fails its spawn with the name of the permission", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const args = [file, placement.name, journal.path]
      const files = ["--allow-fs-read=*", "--allow-fs-write=*"]
      const ended = yield* node({ args: ["--permission", ...files, ...args] })
      const line = yield* noted(journal, ended)
      assert.match(line, /^WorkerFailed: /)
      assert.include(line, placement.name === "threads" ? "--allow-worker" : "--allow-child-process")
    }).pipe(Effect.scoped))

  it.live("F1: a worker that Node's permissions allow starts, and has them", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const allowed = ["--allow-fs-read=*", "--allow-fs-write=*", "--allow-worker", "--allow-child-process"]
      const ended = yield* node({ args: ["--permission", ...allowed, file, placement.name, journal.path] })
      assert.match(yield* noted(journal, ended), /^answered /)
    }).pipe(Effect.scoped))
}, { except: ["memory"], reason: "a system in memory has no worker" })

/** Lets a program run that waits for a debugger. */
const letRun = (url: string): void => {
  const socket = new WebSocket(url)
  const send = (method: string): void => socket.send(JSON.stringify({ id: 1, method }))
  // the program may begin to wait after the first request
  let asking: NodeJS.Timeout | undefined
  socket.addEventListener("open", () => {
    for (const method of ["Runtime.enable", "Debugger.enable", "Runtime.runIfWaitingForDebugger"]) send(method)
    asking = setInterval(() => send("Runtime.runIfWaitingForDebugger"), 1_000)
  })
  socket.addEventListener("close", () => clearInterval(asking))
  socket.addEventListener("message", ({ data }) => {
    const { method } = JSON.parse(String(data)) as { readonly method?: string }
    if (method === "Debugger.paused") send("Debugger.resume")
    if (method === "Runtime.executionContextDestroyed") socket.close()
  })
}

onEveryPlacement(fixture, () => {
  it.live("F1: a child process whose permissions forbid its watcher thread fails with an error that names the permission", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const allowed = ["--allow-fs-read=*", "--allow-fs-write=*", "--allow-child-process"]
      const ended = yield* node({ args: ["--permission", ...allowed, file, "processes", journal.path] })
      const line = yield* noted(journal, ended)
      assert.match(line, /^WorkerFailed: /)
      assert.include(line, "--allow-worker")
    }).pipe(Effect.scoped))

  it.live("P8: Node arguments that prevent the start of the worker are rejected by name", () =>
    Effect.sync(() => {
      for (
        const argument of [
          "-e",
          "--eval",
          "--eval=1",
          "-p",
          "-pe",
          "--print",
          "-i",
          "-c",
          "--check",
          "-",
          "--",
          "--test"
        ]
      ) {
        assert.throws(
          () => NodeActorSystem.layerProcesses({ module, execArgv: ["--no-warnings", argument] }),
          RangeError,
          `NodeActorSystem.layerProcesses: execArgv must not contain "${argument}"`
        )
      }
      NodeActorSystem.layerProcesses({
        module,
        execArgv: ["--import", "./x.js", "--max-old-space-size=100", "-r", "./y.js"]
      })
    }))
}, { except: ["memory", "threads"], reason: "threads take no arguments" })
