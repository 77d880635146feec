/** Programs whose bundle contains this library by mistake, without its worker script. */
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import * as esbuild from "esbuild"
import * as childProcess from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { built } from "../support/built.ts"
import { assertNothingAdded, holdings } from "../support/leaks.ts"

const execFile = promisify(childProcess.execFile)

const before = holdings()
afterAll(async () => {
  // the process of esbuild
  await esbuild.stop()
  await assertNothingAdded(before)
})

const api = path.resolve(import.meta.dirname, "../../../src/node/index.ts")
const sum = path.join(import.meta.dirname, "programs/program-sum.ts")
const nodeModules = path.resolve(import.meta.dirname, "../../../node_modules")

/** A program that spawns an actor on a thread and an actor in a process, and prints why both fail. */
const program = (module: string): string => `
  import { Effect } from "effect"
  import { NodeActorSystem } from ${JSON.stringify(api)}
  import { Sum } from ${JSON.stringify(sum)}
  const refused = (layer) =>
    Sum.spawn({ start: 1 }).pipe(Effect.scoped, Effect.provide(layer), Effect.flip, Effect.runPromise)
  const run = async () => {
    const module = ${module}
    const errors = [
      await refused(NodeActorSystem.layerThreads({ module })),
      await refused(NodeActorSystem.layerProcesses({ module }))
    ]
    console.log(JSON.stringify(errors.map(({ message, reason }) => [reason, message])))
  }
  void run()`

/** Bundles the program into the folder \`dist\` of a folder that also has the sources. Gives the URL of a name in \`dist\`. */
const bundled = (
  sources: Readonly<Record<string, string>>,
  options: esbuild.BuildOptions
): Effect.Effect<(name: string) => URL, never, Scope.Scope> =>
  Effect.gen(function*() {
    const url = yield* built(sources)
    const outdir = fileURLToPath(url("dist"))
    yield* Effect.promise(() =>
      esbuild.build({
        entryPoints: Object.keys(sources).map((name) => fileURLToPath(url(name))),
        bundle: true,
        platform: "node",
        format: "esm",
        nodePaths: [nodeModules],
        logLevel: "error",
        ...options,
        outdir
      })
    )
    return (name) => url(`dist/${name}`)
  })

const errorsOf = (file: URL): Effect.Effect<ReadonlyArray<readonly [reason: string, message: string]>> =>
  Effect.promise(async () => {
    const { stdout } = await execFile(process.execPath, [fileURLToPath(file)])
    return JSON.parse(stdout) as ReadonlyArray<readonly [string, string]>
  })

const here = "new URL(\"./behaviours.mjs\", import.meta.url)"
const behaviours = `export { default } from ${JSON.stringify(sum)}`
const advice =
  "Keep the packages uactor and effect out of the bundle, or bundle a worker script and name it with the " +
  "option `worker` (docs/build.md in the package uactor)"

const assertNamed = (errors: ReadonlyArray<readonly [string, string]>, why: string): void => {
  assert.strictEqual(errors.length, 2)
  for (const [reason, message] of errors) {
    assert.strictEqual(reason, "WorkerFailed")
    assert.include(message, `the worker script of uactor is missing: ${why}`)
    assert.include(message, advice)
  }
}

describe("a program whose bundle contains uactor by mistake", () => {
  it.live("L2: the spawn fails with a message of its own, on threads and in processes, which names the bundle", () =>
    Effect.gen(function*() {
      const url = yield* bundled({ "program.js": program(here), "behaviours.js": behaviours }, {
        outExtension: { ".js": ".mjs" }
      })
      const bundle = url("program.mjs")
      assertNamed(yield* errorsOf(bundle), `the code of uactor is in the bundle ${bundle.href}`)
    }).pipe(Effect.scoped))

  it.live("L2: the message is the same if only uactor, without Effect, is in the bundle", () =>
    Effect.gen(function*() {
      const url = yield* bundled({ "program.js": program(here) }, {
        outExtension: { ".js": ".mjs" },
        external: ["effect"]
      })
      fs.symlinkSync(nodeModules, fileURLToPath(url("node_modules")), "junction")
      const bundle = url("program.mjs")
      assertNamed(yield* errorsOf(bundle), `the code of uactor is in the bundle ${bundle.href}`)
    }).pipe(Effect.scoped))

  it.live("L2: the message is the same in a bundle of CommonJS, which does not know its URL", () =>
    Effect.gen(function*() {
      const url = yield* bundled({
        "program.js": program("require(\"node:path\").join(__dirname, \"behaviours.cjs\")")
      }, {
        format: "cjs",
        outExtension: { ".js": ".cjs" }
      })
      assertNamed(yield* errorsOf(url("program.cjs")), "the code of uactor is in a bundle without `import.meta.url`")
    }).pipe(Effect.scoped))

  it.live("L2: a file of the program with the name of the worker script of uactor does not start as a worker", () =>
    Effect.gen(function*() {
      const url = yield* bundled({ "program.js": program(here), "entry.js": program(here) }, {
        splitting: true,
        chunkNames: "chunks/[name]-[hash]"
      })
      fs.writeFileSync(fileURLToPath(url("package.json")), JSON.stringify({ type: "module" }))
      assertNamed(yield* errorsOf(url("program.js")), `the code of uactor is in the bundle ${url("chunks/").href}`)
    }).pipe(Effect.scoped))
})
