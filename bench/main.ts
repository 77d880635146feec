/** The benchmark. A full run writes `docs/benchmarks.md`; `npm run bench -- --help` lists the options. */
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { parseArgs } from "node:util"
import { type Case, cases } from "./cases.ts"
import type { Order, Samples } from "./child.ts"
import * as Machine from "./machine.ts"
import * as Noise from "./noise.ts"
import * as Pin from "./pin.ts"
import * as Report from "./report.ts"
import { type CaseResult, type Measured, resultOf, type Results, type Rounds } from "./results.ts"
import * as Snapshot from "./snapshot.ts"

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    case: { type: "string", multiple: true, default: [] },
    subject: { type: "string", multiple: true, default: [] },
    rounds: { type: "string" },
    patience: { type: "string" },
    json: { type: "string" },
    "cpu-prof": { type: "string" },
    help: { type: "boolean", default: false }
  }
})

if (options.help) {
  console.log(`npm run bench -- [options]

  --quick        one round of short samples, a quarter of a burst, no extras, nothing unpinned; under a minute
  --case NAME    only cases whose names start with NAME; may be repeated
  --subject NAME only these subjects, and the reference of the case; may be repeated
  --rounds N     the number of rounds, in each of which every subject runs once (5; quick: 1)
  --patience N   the maximum minutes for repeating measurements that other processes disturbed (10; quick: 0)
  --json FILE    writes the figures to FILE
  --cpu-prof DIR writes a profile of every measurement to DIR

Cases: ${cases.map(({ name }) => name).join(", ")}`)
  process.exit()
}

const { quick } = options
const rounds = Number(options.rounds ?? (quick ? 1 : 5))
if (!Number.isInteger(rounds) || rounds < 1) {
  throw new RangeError(`--rounds must be a whole number, not ${options.rounds}`)
}
const isWanted = ({ extra, name, once }: Case): boolean =>
  options.case.length === 0
    ? !(quick && (once === true || extra === true))
    : options.case.some((prefix) => name.startsWith(prefix))
const chosen = cases.filter(isWanted)
if (chosen.length === 0) throw new RangeError(`no case is called so; there are ${cases.map((c) => c.name).join(", ")}`)
const isWhole = options.case.length === 0 && options.subject.length === 0
const subjectsOf = ({ reference, subjects }: Case): ReadonlyArray<string> =>
  options.subject.length === 0
    ? subjects
    : subjects.filter((name) => name === reference || options.subject.includes(name))

const pinned = Pin.cores().length > 1
if (!pinned) process.stderr.write("bench: nothing can be pinned here (taskset is missing, or there is one core)\n")

const machine = Machine.describe(pinned)
// the only expected warning is that type stripping is experimental
process.removeAllListeners("warning")
const folder = Snapshot.make()
process.on("exit", () => Snapshot.remove(folder))
process.on("SIGINT", () => process.exit(130))

const profiling = options["cpu-prof"] === undefined
  ? []
  : ["--cpu-prof", `--cpu-prof-dir=${path.resolve(options["cpu-prof"])}`]

/** Runs a measurement in its own process. */
const measure = (order: Order): Promise<Samples | Error> =>
  new Promise((resolve) => {
    const child = spawn(
      process.execPath,
      [...profiling, path.join(folder, "bench", "child.js"), JSON.stringify(order)],
      {
        stdio: ["ignore", "pipe", "pipe"],
        timeout: 120_000,
        killSignal: "SIGKILL"
      }
    )
    let stdout = ""
    let stderr = ""
    child.stdout.on("data", (chunk) => {
      stdout += chunk
    })
    child.stderr.on("data", (chunk) => {
      stderr += chunk
    })
    child.on("close", (code, signal) => {
      if (code === 0) return resolve(JSON.parse(stdout.trimEnd().split("\n").at(-1)!) as Samples)
      const why = signal === null ? `exit code ${code}` : signal
      resolve(new Error(`${why}: ${stderr.trim().split("\n").slice(0, 12).join("\n    ")}`))
    })
  })

const enough = 0.1
const attempts = 3
let patience = Number(options.patience ?? (quick ? 0 : 10)) * 60_000

/** Runs a measurement, and repeats it while other processes disturb it and time is left. */
const measureQuietly = async (order: Order): Promise<Measured> => {
  let best: Measured | undefined
  for (let attempt = 1;; attempt++) {
    const start = performance.now()
    const before = Noise.read()
    const samples = await measure(order)
    const measured: Measured = { samples, noise: Noise.since(before) }
    if (best === undefined || measured.noise < best.noise) best = measured
    if (!(best.noise > enough) || attempt === attempts || patience <= 0) return best
    await sleep(1000)
    patience -= performance.now() - start
  }
}

const progress = (text: string): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
}

const runCase = async (what: Case): Promise<CaseResult> => {
  const all: Record<string, Array<Measured>> = {}
  for (let round = 0; round < (what.once === true ? 1 : rounds); round++) {
    const subjects = subjectsOf(what)
    // each round starts with another subject
    for (let i = 0; i < subjects.length; i++) {
      const subject = subjects[(i + round) % subjects.length]!
      progress(`${what.name} ${subject}, round ${round + 1} of ${rounds}`)
      ;(all[subject] ??= []).push(await measureQuietly({ case: what.name, subject, quick }))
    }
  }
  progress("")
  const inOrder: Rounds = Object.fromEntries(subjectsOf(what).map((name) => [name, all[name]!]))
  return resultOf(what, inOrder)
}

const done: Array<CaseResult> = []
for (const what of chosen) {
  const result = await runCase(what)
  done.push(result)
  console.log(Report.caseText(result))
}
console.log(`\n${Report.targetsText(done, isWhole)}`)
const results: Results = { cases: done, machine, rounds }
if (options.json !== undefined) fs.writeFileSync(options.json, `${JSON.stringify(results, undefined, 2)}\n`)
if (isWhole && !quick) {
  const file = path.join(import.meta.dirname, "..", "docs", "benchmarks.md")
  fs.mkdirSync(path.dirname(file), { recursive: true })
  fs.writeFileSync(file, Report.page(results))
}
process.exitCode = done.some(({ failures }) => Object.keys(failures).length > 0) ? 1 : 0
