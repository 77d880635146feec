// Runs tests of the contract in Bun, in Deno and in Chromium, and the tests of the page of the observer (test/page) in Chromium, with the
// packages of tools/runtimes. `npm run runtimes` runs all, `npm run runtimes -- bun page` those named, and
// `npm run runtimes -- bun test/contract/pools/map.test.ts` only these files. `npm run runtimes -- page --screenshot` writes the picture of
// docs/observe.md anew.
// tools/runtimes/tests.ts has the files of each runtime, and the tests that are off there, with their reasons. Prints a line for each
// file, each failure, and each reason with the number of its tests.
import { spawn, spawnSync } from "node:child_process"
import * as path from "node:path"
import process from "node:process"
import type { Result } from "./runtimes/suite/vitest.ts"
import { type Off, type Runtime, runtimes } from "./runtimes/tests.ts"

const root = path.resolve(import.meta.dirname, "..")
const folder = path.join(root, "tools", "runtimes")
const bin = path.join(folder, "node_modules", ".bin")

// for a machine that is busy with other work: the time of one file, in milliseconds
const patience = 300_000

type OnResult = (file: string, result: Result) => void

const commands: Readonly<Record<"bun" | "deno", ReadonlyArray<string>>> = {
  bun: [path.join(bin, "bun"), `--tsconfig-override=${path.join(folder, "suite", "tsconfig.json")}`],
  deno: [
    path.join(bin, "deno"),
    "run",
    "--allow-all",
    "--no-check",
    "--node-modules-dir=manual",
    `--import-map=${path.join(folder, "suite", "deno.json")}`
  ]
}

/** Runs a file in a process of its own, and ends the processes that it has left. */
const runFile = (command: ReadonlyArray<string>, file: string, off: ReadonlyArray<string>, onResult: OnResult) =>
  new Promise<void>((resolve) => {
    const [name, ...args] = command
    const child = spawn(name!, [...args, path.join(folder, "suite", "main.ts"), file, ...off], {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
      detached: true
    })
    // the leader of its group: everything that it has started
    const kill = (): void => {
      try {
        process.kill(-child.pid!, "SIGKILL")
      } catch {
        // nothing is left
      }
    }
    let output = ""
    let isOver = false
    let isLate = false
    let line = ""
    child.stderr.on("data", (chunk: Buffer) => {
      output += chunk.toString()
    })
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString()
      const lines = (line + chunk.toString()).split("\n")
      line = lines.pop()!
      for (const one of lines) {
        if (!one.startsWith("~result ")) continue
        const result = JSON.parse(one.slice("~result ".length)) as Result
        if (result.name !== "") onResult(file, result)
        else {
          isOver = true
          kill()
        }
      }
    })
    const timer = setTimeout(() => {
      isLate = true
      kill()
    }, patience)
    child.on("exit", kill)
    // the output has been read
    child.on("close", (code, signal) => {
      clearTimeout(timer)
      if (isOver) return resolve()
      const end = isLate ? `no end after ${patience} ms` : signal ?? `exit code ${code}`
      onResult(file, {
        name: "the file",
        millis: 0,
        error: `the file did not run to its end: ${end}\n${output.slice(-4_000)}`
      })
      resolve()
    })
  })

const run = async (
  name: Runtime["name"],
  files: ReadonlyArray<string>,
  off: ReadonlyArray<Off>,
  onResult: OnResult
) => {
  const tests = files.map((file) => ({ file, off: off.filter((one) => one.file === file).map(({ test }) => test) }))
  if (name === "bun" || name === "deno") {
    const queue = tests.values()
    // two files at a time: much of the time of most tests is waiting
    await Promise.all(Array.from({ length: 2 }, async () => {
      for (const { file, off } of queue) await runFile(commands[name], file, off, onResult)
    }))
  } else {
    // imported here, because the packages are installed above
    const { runInChromium } = await import("./runtimes/browser/chromium.ts")
    await runInChromium(tests, { isIsolated: name === "browser", patience }, onResult)
  }
}

/** Runs the tests of the page, which print what they do. Returns whether they have passed. */
const runPage = (isPicture: boolean): boolean => {
  const { status } = spawnSync(process.execPath, [path.join(root, "node_modules/vitest/vitest.mjs"), "run"], {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, TESTS: "page", ...(isPicture ? { SCREENSHOT: "docs" } : {}) }
  })
  return status === 0
}

const args = process.argv.slice(2)
const isPicture = args.includes("--screenshot")
const [names, files] = [false, true].map((isFile) =>
  args.filter((arg) => arg !== "--screenshot" && arg.includes("/") === isFile)
)
const isNamed = (name: string): boolean => names!.length === 0 || names!.some((one) => name.startsWith(one))
const isChosen = ({ name }: Runtime): boolean => isNamed(name)
const unknown = names!.filter((name) =>
  !["page", ...runtimes.map(({ name }) => name)].some((one) => one.startsWith(name))
)
if (unknown.length > 0) throw new Error(`no runtime ${unknown.join(", ")}`)

const installed = spawnSync("npm", ["ci", "--prefix", folder, "--loglevel=error", "--no-audit", "--no-fund"], {
  stdio: "inherit",
  shell: process.platform === "win32"
})
if (installed.status !== 0) process.exit(1)

let failed = 0
for (const runtime of runtimes.filter(isChosen)) {
  const start = performance.now()
  const counts = { passed: 0, failed: 0, off: 0 }
  const reasons = new Map<Off, number>()
  const chosen = files!.length === 0 ? runtime.files : files!
  await run(runtime.name, chosen, runtime.off, (file, { error, name }) => {
    const one = runtime.off.find((one) => one.file === file && name.includes(one.test))
    if (error === null) {
      counts.off++
      reasons.set(one!, (reasons.get(one!) ?? 0) + 1)
    } else if (error === undefined) counts.passed++
    else {
      counts.failed++
      process.stderr.write(`runtimes: FAIL ${runtime.name} ${file}: ${name}\n  ${error.replaceAll("\n", "\n  ")}\n`)
    }
  })
  for (const one of runtime.off) {
    if (!chosen.includes(one.file)) continue
    const count = reasons.get(one) ?? 0
    process.stdout.write(`runtimes: off ${runtime.name} ${one.file}: ${one.test} (${count}): ${one.reason}\n`)
    if (count > 0) continue
    counts.failed++
    process.stderr.write(`runtimes: FAIL ${runtime.name} ${one.file}: no test has the name ${one.test}\n`)
  }
  failed += counts.failed
  const seconds = ((performance.now() - start) / 1_000).toFixed(0)
  process.stdout.write(
    `runtimes: ${runtime.name}: ${counts.passed} passed, ${counts.failed} failed, ${counts.off} off, ${seconds} s\n`
  )
}
if (isNamed("page") && files!.length === 0 && !runPage(isPicture)) {
  failed++
  process.stderr.write("runtimes: FAIL page\n")
}
process.exit(failed === 0 ? 0 : 1)
