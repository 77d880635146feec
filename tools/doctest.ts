// Extracts every "```ts" fence from the JSDoc of src/ and from README.md, AGENTS.md and docs/, or from the files that the command names,
// type-checks them all, then runs each in a process of its own. The examples import the package by its name, so they see dist/ as a user does: build first.
// Words after "ts" steer it: `no-check` skips a fence, `no-run` only type-checks it, `file=counter.ts` gives it a name,
// by which the other fences of the same source import it (a named fence runs only when it is imported, or when it has a main part).
// A json fence with file=tsconfig.json is the configuration of its source: older compilers of TypeScript (tools/compilers) check the
// source with it, too.
// It also checks the names in prose: each code span such as `Effect.timeout` must name an export of Effect or of this package. A
// quoted name, such as the span name `"Ref.read"`, is not checked.
import { spawn, spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"

const out = ".doctest"
const shell = process.platform === "win32"

/** The configurations that the sources show. */
const configurations: Array<string> = []

interface Fence {
  readonly file: string
  readonly origin: string
  readonly run: boolean
}

/** The exports with members: the namespaces, and classes with static members, such as `ActorSystem`. */
const owners = new Map<string, { readonly from: string; readonly isNamespace: boolean }>()
for (const from of ["uactor", "uactor/node", "uactor/testing", "effect", "effect/rpc", "effect/workers"]) {
  const exports: object = await import(from)
  for (const [name, value] of Object.entries(exports)) {
    owners.set(name, { from, isNamespace: value[Symbol.toStringTag] === "Module" })
  }
}

let named = 0

/** Declarations that compile if each name in the code spans of a line exists, as a value or as a type. */
const declarationsOf = (prose: string, imported: Set<string>): string =>
  Array.from(prose.matchAll(/`[^`]+`/g)).flatMap(([span]) =>
    Array.from(span.matchAll(/(?<![\w$."'])([A-Z]\w*)\.([A-Za-z_$][\w$]*)/g)).flatMap(([, owner = "", member = ""]) => {
      const known = owners.get(owner)
      // some names, such as `Symbol.for`, are globals of JavaScript
      if (known === undefined || member in Object(Reflect.get(globalThis, owner))) return []
      imported.add(owner)
      const id = `_${++named}`
      return known.isNamespace
        ? `declare namespace Names { import ${id} = ${owner}.${member} }`
        : `declare const ${id}: typeof ${owner}.${member}`
    })
  ).join("; ")

const extract = (source: string): Array<Fence> => {
  const fences: Array<Fence> = []
  const markdown = source.endsWith(".md")
  const dir = path.join(out, source.replace(/[^A-Za-z0-9]+/g, "_"))
  // the declarations for a line of the source have the same line number, by which the compiler reports a name that does not exist
  const declarations: Array<string> = []
  const imported = new Set<string>()
  let open:
    | {
      readonly at: number
      readonly language: string
      readonly words: ReadonlyArray<string>
      readonly body: Array<string>
    }
    | undefined
  for (const [i, raw] of fs.readFileSync(source, "utf8").split("\n").entries()) {
    const line = markdown ? raw : raw.replace(/^\s*(\/\*\*|\*) ?/, "")
    const isProse = markdown || line !== raw
    declarations.push(isProse && open === undefined ? declarationsOf(line, imported) : "")
    if (open === undefined) {
      const start = /^```(\w*)(.*)$/.exec(line)
      if (start !== null && isProse) {
        open = { at: i + 1, language: start[1]!, words: (start[2] ?? "").trim().split(/\s+/), body: [] }
      }
    } else if (!line.startsWith("```")) {
      open.body.push(line)
    } else {
      const { at, body, language, words } = open
      open = undefined
      const name = words.find((word) => word.startsWith("file="))?.slice("file=".length)
      const file = path.join(dir, name ?? `line_${at}.ts`)
      if (language === "json" && name === "tsconfig.json") {
        fs.mkdirSync(dir, { recursive: true })
        fs.writeFileSync(file, body.join("\n"))
        configurations.push(file)
      }
      if (language !== "ts" || words.includes("no-check")) continue
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
  if (imported.size > 0) {
    const imports = Array.from(imported, (owner) => `import { ${owner} } from "${owners.get(owner)!.from}"`)
    fs.mkdirSync(dir, { recursive: true })
    fs.writeFileSync(path.join(dir, "names.ts"), `${imports.join("; ")}; ${declarations.join("\n")}`)
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

/** Type-checks the sources that show a configuration, with every compiler. Returns the number of failures. */
const checkConfigurations = (): number => {
  if (configurations.length === 0) return 0
  const compilers = "tools/compilers"
  if (!fs.existsSync(`${compilers}/node_modules`)) {
    spawnSync("npm", ["ci", "--prefix", compilers, "--loglevel=error"], { stdio: "inherit", shell })
  }
  const scripts = fs.globSync(["node_modules/typescript/bin/tsc", `${compilers}/node_modules/typescript-*/bin/tsc`])
  if (scripts.length < 3) throw new Error(`the compilers of ${compilers} are not installed`)
  let failed = 0
  for (const script of scripts) {
    for (const configuration of configurations) {
      const { status } = spawnSync(process.execPath, [script, "--noEmit", "-p", configuration], { stdio: "inherit" })
      if (status === 0) continue
      failed++
      process.stderr.write(`FAIL ${configuration} with ${script}\n`)
    }
  }
  return failed
}

fs.rmSync(out, { recursive: true, force: true })
const sources = process.argv.length > 2
  ? process.argv.slice(2)
  : fs.globSync(["src/**/*.ts", "README.md", "AGENTS.md", "docs/**/*.md"])
const fences = sources.toSorted().flatMap(extract)
let failed = 0
let ran = 0
if (fences.length > 0) {
  failed += spawnSync("tsc", ["-p", "tools/tsconfig.doctest.json"], { stdio: "inherit", shell }).status === 0 ? 0 : 1
  failed += checkConfigurations()
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
process.stdout.write(`doctest: ${fences.length} examples and ${named} names checked, ${ran} ran, ${failed} failures\n`)
process.exit(failed === 0 ? 0 : 1)
