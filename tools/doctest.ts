// Extracts every "```ts" fence from the JSDoc of src/ and from README.md and docs/, type-checks them all, then runs each
// in a process of its own. The examples import the package by its name, so they see dist/ as a user does: build first.
// Words after "ts" steer it: `no-check` skips a fence, `no-run` only type-checks it, `file=counter.ts` gives it a name,
// by which the other fences of the same source import it (a named fence runs only when it is imported, or when it has a main part).
import { spawn, spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"

const out = ".doctest"
const shell = process.platform === "win32"

interface Fence {
  readonly file: string
  readonly origin: string
  readonly run: boolean
}

const extract = (source: string): Array<Fence> => {
  const fences: Array<Fence> = []
  const markdown = source.endsWith(".md")
  const dir = path.join(out, source.replace(/[^A-Za-z0-9]+/g, "_"))
  let open: { readonly at: number; readonly words: ReadonlyArray<string>; readonly body: Array<string> } | undefined
  for (const [i, raw] of fs.readFileSync(source, "utf8").split("\n").entries()) {
    const line = markdown ? raw : raw.replace(/^\s*\* ?/, "")
    if (open === undefined) {
      const start = /^```ts\b(.*)$/.exec(line)
      if (start !== null && (markdown || line !== raw)) {
        open = { at: i + 1, words: (start[1] ?? "").trim().split(/\s+/), body: [] }
      }
    } else if (!line.startsWith("```")) {
      open.body.push(line)
    } else {
      const { at, body, words } = open
      open = undefined
      if (words.includes("no-check")) continue
      const name = words.find((word) => word.startsWith("file="))?.slice("file=".length)
      const file = path.join(dir, name ?? `line_${at}.ts`)
      if (fs.existsSync(file)) throw new Error(`${source}:${at}: there is a fence with file=${name} already`)
      fs.mkdirSync(dir, { recursive: true })
      fs.writeFileSync(file, `${body.join("\n")}\nexport {}\n`)
      fences.push({
        file,
        origin: `${source}:${at}`,
        run: !words.includes("no-run") && (name === undefined || body.some((line) => line.includes("import.meta.main")))
      })
    }
  }
  return fences
}

const run = (file: string): Promise<{ readonly ok: boolean; readonly output: string }> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [file], { stdio: ["ignore", "pipe", "pipe"], timeout: 60_000 })
    let output = ""
    child.stdout.on("data", (chunk) => (output += String(chunk)))
    child.stderr.on("data", (chunk) => (output += String(chunk)))
    child.on("error", (error) => resolve({ ok: false, output: String(error) }))
    child.on("close", (code, signal) => {
      resolve({ ok: code === 0, output: signal === null ? output : `${output}\nended by ${signal}: over a minute?` })
    })
  })

fs.rmSync(out, { recursive: true, force: true })
const fences = fs.globSync(["src/**/*.ts", "README.md", "docs/**/*.md"]).toSorted().flatMap(extract)
let failed = 0
let ran = 0
if (fences.length > 0) {
  failed += spawnSync("tsc", ["-p", "tools/tsconfig.doctest.json"], { stdio: "inherit", shell }).status === 0 ? 0 : 1
  const queue = fences.filter((fence) => fence.run)
  const work = async (): Promise<void> => {
    for (let fence = queue.shift(); fence !== undefined; fence = queue.shift()) {
      const { ok, output } = await run(fence.file)
      ran++
      if (ok) continue
      failed++
      process.stderr.write(`FAIL ${fence.origin} (${fence.file})\n${output}\n`)
    }
  }
  await Promise.all(Array.from({ length: os.availableParallelism() }, work))
}
process.stdout.write(`doctest: ${fences.length} examples checked, ${ran} ran, ${failed} failures\n`)
process.exit(failed === 0 ? 0 : 1)
