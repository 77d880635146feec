// Builds a program with each common build tool, and runs the result: the program has an actor on a thread and an actor in a child
// process, and uses the packed package as a user does. `npm run fixtures` runs all, `npm run fixtures -- tsc vite` those named. Each
// folder of tools/fixtures is a project with a lock file of its own; tools/fixtures/app is the source of the program. The script
// "build" of a project builds. The scripts "start" and "start:alone", the second without node_modules, run what was built, and print
// the text of expected.txt. A fence of docs/build.md that names a file of a project has the text of that file; a fence that names
// package.json has commands of "build".
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { pathToFileURL } from "node:url"

const root = path.resolve(import.meta.dirname, "..")
const fixtures = path.join(root, "tools", "fixtures")
const shell = process.platform === "win32"

interface Manifest {
  readonly scripts: { readonly build: string; readonly "start:alone"?: string }
}

const manifestOf = (folder: string): Manifest =>
  JSON.parse(fs.readFileSync(path.join(folder, "package.json"), "utf8")) as Manifest

const run = (cwd: string, command: string, ...args: ReadonlyArray<string>): string => {
  const result = spawnSync(command, args, {
    cwd,
    encoding: "utf8",
    shell,
    timeout: 600_000,
    maxBuffer: 2 ** 26,
    env: { ...process.env, NEXT_TELEMETRY_DISABLED: "1" }
  })
  if (result.status !== 0) {
    const why = result.error?.message ?? (result.signal === null ? `exit code ${result.status}` : result.signal)
    throw new Error(`${command} ${args.join(" ")}: ${why}\n${result.stdout}${result.stderr}`)
  }
  return result.stdout.trim()
}

/** The fences of the documentation that differ from the fixtures. */
const differences = (): ReadonlyArray<string> => {
  const text = fs.readFileSync(path.join(root, "docs", "build.md"), "utf8")
  const found: Array<string> = []
  for (const [, file = "", body = ""] of text.matchAll(/^```\w+ (?:no-check )?fixture=(\S+)\n([^]*?)^```$/gm)) {
    const source = path.join(fixtures, file)
    if (path.basename(file) === "package.json") {
      const commands = manifestOf(path.dirname(source)).scripts.build.split(" && ")
      const others = body.trim().split("\n").filter((command) => !commands.includes(command))
      for (const command of others) found.push(`docs/build.md: the build of ${file} does not run: ${command}`)
    } else if (body !== fs.readFileSync(source, "utf8")) {
      found.push(`docs/build.md: the fence of ${file} differs from that file`)
    }
  }
  return found
}

const attempt = (name: string, tarball: string, project: string): void => {
  const source = path.join(fixtures, name)
  fs.cpSync(source, project, { recursive: true, filter: (file) => path.basename(file) !== "node_modules" })
  fs.cpSync(path.join(fixtures, "app"), path.join(project, "src"), { recursive: true })
  run(project, "npm", "ci", "--no-audit", "--no-fund", "--loglevel=error")
  // the lock file of the fixture has already installed the peers
  run(project, "npm", "install", "--no-save", "--offline", "--legacy-peer-deps", "--loglevel=error", tarball)
  run(project, "npm", "run", "build")
  const outputs = [run(project, "npm", "run", "start", "--silent")]
  if (manifestOf(source).scripts["start:alone"] !== undefined) {
    fs.rmSync(path.join(project, "node_modules"), { recursive: true })
    outputs.push(run(project, "npm", "run", "start:alone", "--silent"))
  }
  const output = outputs.join("\n").replaceAll(pathToFileURL(project).href, "PROJECT")
  const expected = fs.readFileSync(path.join(source, "expected.txt"), "utf8").trim()
  if (output !== expected) throw new Error(`expected:\n${expected}\ngot:\n${output}`)
}

const all = fs.readdirSync(fixtures).filter((name) => fs.existsSync(path.join(fixtures, name, "package.json")))
const names = process.argv.length > 2 ? process.argv.slice(2) : all
const unknown = names.filter((name) => !all.includes(name))
if (unknown.length > 0) throw new Error(`no fixture ${unknown.join(", ")}; there are: ${all.join(", ")}`)

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "uactor-fixtures-"))
let failed = 0
try {
  for (const difference of differences()) {
    failed++
    process.stderr.write(`fixtures: FAIL ${difference}\n`)
  }
  const tarball = path.join(
    folder,
    run(root, "npm", "pack", "--silent", "--pack-destination", folder).split("\n").at(-1)!
  )
  for (const name of names) {
    const project = path.join(folder, name)
    try {
      attempt(name, tarball, project)
      process.stdout.write(`fixtures: ok ${name}\n`)
    } catch (error) {
      failed++
      process.stderr.write(`fixtures: FAIL ${name}: ${error instanceof Error ? error.message : String(error)}\n`)
    }
    fs.rmSync(project, { recursive: true, force: true })
  }
} finally {
  fs.rmSync(folder, { recursive: true, force: true })
}
process.exit(failed === 0 ? 0 : 1)
