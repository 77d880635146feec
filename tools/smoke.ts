// Packs the package and uses it as a user does: the published files in the node_modules of a fresh project, and there a
// counter actor on a thread and in a process, with a .ts and with a .js module of behaviours; there is one copy of Effect in
// it, from the prebuilt script if that is for the installed version. Declarations can be made of what uses it. The published examples
// are copied into the project, type-checked and run.
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import * as util from "node:util"
import pkg from "../package.json" with { type: "json" }

const behaviours = `
import { Effect, Ref, Schema } from "effect"
import * as File from "effect/Effect"
import { Rpc } from "effect/rpc"
import { createRequire } from "node:module"
import { threadId } from "node:worker_threads"
import { Actor } from "uactor"

export class Counter extends Actor.Service<Counter>()("Counter", {
  args: Schema.Struct({ start: Schema.Int }),
  protocol: [
    Rpc.make("increment", { payload: { by: Schema.Int }, success: Schema.Int }),
    Rpc.make("where", { success: Schema.String }),
    Rpc.make("loaded", { success: Schema.String })
  ]
}) {}

export default Counter.toLayer(({ start }) =>
  Effect.map(Ref.make(start), (n) => ({
    increment: ({ by }) => Ref.updateAndGet(n, (x) => x + by),
    where: () => Effect.sync(() => process.pid + ":" + threadId),
    loaded: () => Effect.sync(() => {
      const required = createRequire(import.meta.url)("effect")
      const copies = new Set([Effect.map, File.map, required.Effect.map])
      return copies.size + (String(new Error().stack).includes("prebuilt") ? " prebuilt" : " in files")
    })
  }))
)
`

const main = (extension: "ts" | "js", layer: string): string => `
import { Effect } from "effect"
import { NodeActorSystem } from "uactor/node"
import { Counter } from "./counter.${extension}"

const program = Effect.gen(function*() {
  const counter = yield* Counter.spawn({ start: 1 })
  return [yield* counter.increment({ by: 2 }), yield* counter.where(), yield* counter.loaded()] as const
}).pipe(Effect.scoped)

const system = NodeActorSystem.${layer}({ module: new URL("./counter.${extension}", import.meta.url) })
const [count, where, loaded] = await Effect.runPromise(Effect.provide(program, system))
const [pid, thread] = where.split(":")
console.log(count, pid === String(process.pid) ? "this process" : "another process", thread === "0" ? "main thread" : "worker thread", loaded)
`

// the code does not name its inferred types, and its declarations must be able to name them
const declared = `
import { Effect, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Actor, ActorPool, Handle } from "uactor"
import { NodeActorSystem } from "uactor/node"
import { Counter } from "./counter.ts"

export const start = Counter.spawn({ start: 1 })
export const pool = ActorPool.make(Counter, { size: 2, args: { start: 1 } })
export class Holder extends Actor.Service<Holder>()("Holder", {
  args: Schema.Struct({ counter: Counter.ref }),
  protocol: [
    Rpc.make("queue", { success: Handle.Queue(Schema.Int) }),
    Rpc.make("later", { success: Handle.Deferred({ success: Schema.Int }) })
  ]
}) {}
export const held = Effect.flatMap(Holder, (holder) => Effect.all([holder.queue(), holder.later()]))
export const system = NodeActorSystem.layerThreads
`

/** Strips the types of a TypeScript program of this file. */
const withoutTypes = (source: string): string => source.replace("Service<Counter>", "Service").replace(" as const", "")

const tsconfig = {
  compilerOptions: {
    target: "ES2023",
    module: "NodeNext",
    strict: true,
    exactOptionalPropertyTypes: true,
    allowImportingTsExtensions: true,
    declaration: true,
    noEmit: true,
    skipLibCheck: true,
    types: ["node"]
  }
}

/** The outputs of the published examples. */
const examples: Readonly<Record<string, RegExp>> = {
  "actor-async-results": /^\[(\d+), (\d+), (\d+), (\d+), \1\]$/,
  batch:
    /^threads: 99995 rows, total 449990, skipped (5000, 5001, 40000, 70000, 99999)\nprocesses: 99995 rows, total 449990, skipped \1$/,
  "client-side-parallelization": /^\[(\d+), (\d+), (\d+), (\d+), \1\]$/,
  "cpu-bound": /^283146 primes below 4000000: \d+ ms on one thread, \d+ ms on \d+$/,
  hello: /^Counter#1@thread-1 says 42$/,
  observe: /^look at this program from another terminal: npx uactor top \d+\nserved 6 pizzas$/,
  saved: /the actor has crashed: lost 0\n[^]*its worker has died: lost \d+ of \d+\nit was stopped: lost 0$/,
  service: /^sold 3, 3 in all\nsold 4, 7 in all\nnothing sold: Overflow$/,
  supervised: /price 305$/,
  stream: /^\[ 999999, 999998, 999997 \]\n100000 items$/,
  "typed-errors": /^true Overflow 10\nCrashed: Unknown, Crashed: NotRun\n.* has not run, and a retry fails, too: .*$/
}

const run = (cwd: string, command: string, ...args: ReadonlyArray<string>): string => {
  const shell = process.platform === "win32"
  const result = spawnSync(command, args, { cwd, encoding: "utf8", shell, timeout: 600_000 })
  if (result.status !== 0) {
    const why = result.error?.message ?? (result.signal === null ? `exit code ${result.status}` : result.signal)
    throw new Error(`${command} ${args.join(" ")}: ${why}\n${result.stdout}${result.stderr}`)
  }
  return result.stdout.trim()
}

const root = path.resolve(import.meta.dirname, "..")
const project = fs.mkdtempSync(path.join(os.tmpdir(), "uactor-smoke-"))
try {
  run(root, "npm", "pack", "--silent", "--pack-destination", project)
  fs.writeFileSync(path.join(project, "package.json"), JSON.stringify({ private: true, type: "module" }))
  // The peers are linked, not installed: the very versions of the lock file, without the network. The package itself is
  // a real copy, since Node refuses to strip types below node_modules only for files that really are there.
  run(project, "npm", "install", "--offline", "--legacy-peer-deps", `./uactor-${pkg.version}.tgz`)
  for (const name of [...Object.keys(pkg.peerDependencies), "@types/node"]) {
    const link = path.join(project, "node_modules", name)
    fs.mkdirSync(path.dirname(link), { recursive: true })
    fs.symlinkSync(path.join(root, "node_modules", name), link, "junction")
  }

  const layers = {
    layerThreads: "3 this process worker thread",
    layerProcesses: "3 another process main thread"
  }
  const runs = Object.entries(layers).flatMap(([layer, expected]) =>
    (["ts", "js"] as const).map((extension) => ({ layer, expected, extension, file: `${layer}.${extension}` }))
  )
  fs.writeFileSync(path.join(project, "tsconfig.json"), JSON.stringify({ ...tsconfig, include: ["*.ts", "examples"] }))
  fs.writeFileSync(path.join(project, "declared.ts"), declared)
  fs.cpSync(path.join(project, "node_modules", pkg.name, "examples"), path.join(project, "examples"), {
    recursive: true
  })
  fs.writeFileSync(path.join(project, "counter.ts"), behaviours)
  fs.writeFileSync(path.join(project, "counter.js"), withoutTypes(behaviours))
  for (const { extension, file, layer } of runs) {
    const source = main(extension, layer)
    fs.writeFileSync(path.join(project, file), extension === "ts" ? source : withoutTypes(source))
  }

  let failed = 0
  const attempt = (name: string, expected: string | RegExp, command: string, ...args: ReadonlyArray<string>): void => {
    let output: string
    try {
      output = run(project, command, ...args)
    } catch (error) {
      output = error instanceof Error ? error.message : String(error)
    }
    if (typeof expected === "string" ? output === expected : expected.test(output)) {
      process.stdout.write(`smoke: ok ${name}\n`)
      return
    }
    failed++
    process.stderr.write(`smoke: FAIL ${name}, expected ${util.inspect(expected)}, got:\n${output}\n`)
  }
  attempt("types", "", "tsc")
  const files = fs.readdirSync(path.join(project, "examples")).filter((name) => name.endsWith(".ts"))
  for (const file of files) {
    const example = path.basename(file, ".ts")
    const expected = examples[example]
    if (expected === undefined) throw new Error(`tools/smoke.ts: no expected output of examples/${file}`)
    attempt(`examples/${file}`, expected, process.execPath, path.join("examples", file))
  }
  for (const { expected, file } of runs) attempt(file, `${expected} 1 prebuilt`, process.execPath, file)
  const healthy = /^ok +Node +v.*\nok +one copy of Effect +.*\nok +module counter\.ts +its default export is a layer$/
  attempt("npx uactor doctor", healthy, "npx", "--no", "uactor", "doctor", "counter.ts")
  for (const { expected, file } of runs) {
    attempt(`${file} with hooks`, `${expected} 1 in files`, process.execPath, "--import", "data:text/javascript,", file)
  }
  const dist = path.join(project, "node_modules", pkg.name, "dist")
  const patched = path.join(dist, "internal", "wire", "frames.js")
  const original = fs.readFileSync(patched)
  fs.appendFileSync(patched, "// patched\n")
  for (const { expected, file } of runs) {
    attempt(`${file} with a patch`, `${expected} 1 in files`, process.execPath, file)
  }
  fs.writeFileSync(patched, original)
  const index = path.join(dist, "node", "prebuilt", "index.json")
  fs.writeFileSync(index, JSON.stringify({ ...JSON.parse(fs.readFileSync(index, "utf8")), effect: "4.0.0" }))
  for (const { expected, file } of runs) {
    attempt(`${file} with another Effect`, `${expected} 1 in files`, process.execPath, file)
  }
  process.exitCode = failed === 0 ? 0 : 1
} finally {
  fs.rmSync(project, { recursive: true, force: true })
}
