import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import * as childProcess from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { Worker } from "node:worker_threads"
import type { SpawnError } from "../../../src/ActorError.ts"
import type { ActorSystem } from "../../../src/ActorSystem.ts"
import { NodeActorSystem } from "../../../src/node/index.ts"
import { built } from "../support/built.ts"
import { Sum } from "./programs/program-sum.ts"

const execFile = promisify(childProcess.execFile)

const sum = new URL("./programs/program-sum.ts", import.meta.url).href
const api = new URL("../../../src/node/index.ts", import.meta.url).href

/** The files that a build writes, by their kind. */
const sources = {
  module: `export { default } from ${JSON.stringify(sum)}`,
  commonJs: `
    Object.defineProperty(exports, "__esModule", { value: true })
    exports.default = require(require("node:url").fileURLToPath(${JSON.stringify(sum)})).default`,
  commonJsWithout: `Object.defineProperty(exports, "__esModule", { value: true })`,
  script: `
    import { NodeActorWorker } from ${JSON.stringify(api)}
    import sum from ${JSON.stringify(sum)}
    NodeActorWorker.serve(sum)`,
  scriptTwice: `
    import { NodeActorWorker } from ${JSON.stringify(api)}
    import sum from ${JSON.stringify(sum)}
    NodeActorWorker.serve(sum)
    NodeActorWorker.serve(sum)`,
  scriptOfNoLayer: `
    import { NodeActorWorker } from ${JSON.stringify(api)}
    NodeActorWorker.serve(42)`,
  programAndWorker: `
    import { Effect } from "${import.meta.resolve("effect")}"
    import { NodeActorSystem, NodeActorWorker } from ${JSON.stringify(api)}
    import sum, { Sum } from ${JSON.stringify(sum)}
    const program = (layer) => Sum.spawn({ start: 1 }).pipe(
      Effect.flatMap((actor) => actor.add({ n: 2 })),
      Effect.scoped,
      Effect.provide(layer({ worker: import.meta.url })),
      Effect.runPromise
    )
    if (NodeActorWorker.isWorker) NodeActorWorker.serve(sum)
    else console.log(await program(NodeActorSystem.layerThreads), await program(NodeActorSystem.layerProcesses))`,
  printing: `
    import { Effect } from "${import.meta.resolve("effect")}"
    import { Worker } from "node:worker_threads"
    import { NodeActorSystem } from ${JSON.stringify(api)}
    import { Sum } from ${JSON.stringify(sum)}
    const print = (worker) => Sum.spawn({ start: 1 }).pipe(
      Effect.flatMap((actor) => actor.print({ line: "one line" })),
      Effect.scoped,
      Effect.provide(NodeActorSystem.layerThreads({ worker })),
      Effect.runPromise
    )
    const script = new URL("./sum.worker.mjs", import.meta.url)
    await print(() => new Worker(script))
    let captured = ""
    await print(() => {
      const thread = new Worker(script, { stdout: true })
      thread.stdout.setEncoding("utf8").on("data", (text) => (captured += text))
      return thread
    })
    process.stdout.write("captured: " + captured)`,
  unguarded: `
    import { Effect } from "${import.meta.resolve("effect")}"
    import { NodeActorSystem } from ${JSON.stringify(api)}
    import { Sum } from ${JSON.stringify(sum)}
    const system = NodeActorSystem.layerThreads({ worker: import.meta.url })
    await Sum.spawn({ start: 1 }).pipe(Effect.scoped, Effect.provide(system), Effect.runPromise)`
}

const added = (system: Layer.Layer<ActorSystem>): Effect.Effect<number, unknown> =>
  Sum.spawn({ start: 1 }).pipe(
    Effect.flatMap((actor) => actor.add({ n: 2 })),
    Effect.scoped,
    Effect.provide(system)
  )

const refused = (system: Layer.Layer<ActorSystem>): Effect.Effect<SpawnError, unknown> =>
  Effect.flip(Sum.spawn({ start: 1 }).pipe(Effect.scoped, Effect.provide(system)))

const layers = { threads: NodeActorSystem.layerThreads, processes: NodeActorSystem.layerProcesses }

for (const [placement, layer] of Object.entries(layers)) {
  describe(placement, () => {
    describe("a module that a build has compiled", () => {
      for (
        const [source, file] of [
          ["sum.ts", "sum.js"],
          ["sum.ts", "sum.mjs"],
          ["sum.tsx", "sum.js"],
          ["sum.mts", "sum.mjs"]
        ] as const
      ) {
        it.live(`L2: ${source} stands for ${file} where a build has left only ${file}`, () =>
          Effect.gen(function*() {
            const url = yield* built({ [file]: sources.module, "package.json": JSON.stringify({ type: "module" }) })
            assert.strictEqual(yield* added(layer({ module: url(source) })), 3)
            assert.strictEqual(yield* added(layer({ module: fileURLToPath(url(source)) })), 3)
          }).pipe(Effect.scoped))
      }

      it.live("L2: the default export of a module that was compiled to CommonJS is its layer", () =>
        Effect.gen(function*() {
          const url = yield* built({ "sum.cjs": sources.commonJs, "none.cjs": sources.commonJsWithout })
          assert.strictEqual(yield* added(layer({ module: url("sum.cts") })), 3)
          const error = yield* refused(layer({ module: url("none.cjs") }))
          assert.strictEqual(error.reason, "ModuleFailed")
          assert.include(error.message, `${url("none.cjs").href} has no default export`)
        }).pipe(Effect.scoped))

      it.live("L2: a source file is loaded itself, also beside a built file", () =>
        Effect.gen(function*() {
          const url = yield* built({ "sum.ts": sources.module, "sum.js": sources.commonJsWithout })
          assert.strictEqual(yield* added(layer({ module: url("sum.ts") })), 3)
        }).pipe(Effect.scoped))

      it.live("L2: a missing module is named together with the built file that was looked for", () =>
        Effect.gen(function*() {
          const url = yield* built({ "imports.mjs": "import \"./missing.js\"" })
          const error = yield* refused(layer({ module: url("sum.ts") }))
          assert.strictEqual(error.reason, "ModuleFailed")
          assert.include(error.message, `${url("sum.ts").href} does not exist, and neither does sum.js beside it`)
          assert.include(error.message, "docs/build.md")
          // a file that the module imports is named by Node
          assert.include((yield* refused(layer({ module: url("imports.mjs") }))).message, "missing.js' imported from")
        }).pipe(Effect.scoped))
    })

    describe("a worker script of the program", () => {
      it.live("L2: a script that serves a layer is the worker", () =>
        Effect.gen(function*() {
          const url = yield* built({ "sum.worker.mjs": sources.script })
          assert.strictEqual(yield* added(layer({ worker: url("sum.worker.mjs") })), 3)
          assert.strictEqual(yield* added(layer({ worker: fileURLToPath(url("sum.worker.mts")) })), 3)
          assert.strictEqual(yield* added(layer({ worker: url("sum.worker.mjs").href, workers: 1 })), 3)
        }).pipe(Effect.scoped))

      it.live("F1: a script that does not exist, serves nothing, or serves no layer fails the spawn and is named", () =>
        Effect.gen(function*() {
          const url = yield* built({
            "empty.mjs": "",
            "number.mjs": sources.scriptOfNoLayer,
            "twice.mjs": sources.scriptTwice
          })
          const missing = yield* refused(layer({ worker: url("sum.worker.ts") }))
          assert.strictEqual(missing.reason, "WorkerFailed")
          assert.include(missing.message, `${url("sum.worker.ts").href} does not exist, and neither does sum.worker.js`)
          const empty = yield* refused(layer({ worker: url("empty.mjs") }))
          assert.strictEqual(empty.reason, "WorkerFailed")
          assert.include(empty.message, `${url("empty.mjs").href} did not call NodeActorWorker.serve`)
          const number = yield* refused(layer({ worker: url("number.mjs") }))
          assert.strictEqual(number.reason, "ModuleFailed")
          assert.include(number.message, `NodeActorWorker.serve in ${url("number.mjs").href} is not a layer`)
          const twice = yield* refused(layer({ worker: url("twice.mjs") }))
          assert.strictEqual(twice.reason, "WorkerFailed")
          // a child writes its uncaught exception to its stderr
          assert.include(twice.message, placement === "threads" ? "was called before" : "exited with code 1")
        }).pipe(Effect.scoped))

      it.live("L2: a module is rejected as a worker script, and a worker script is rejected as a module", () =>
        Effect.gen(function*() {
          const url = yield* built({ "sum.worker.mjs": sources.script, "sum.mjs": sources.module })
          const script = yield* refused(layer({ module: url("sum.worker.mjs") }))
          assert.strictEqual(script.reason, "ModuleFailed")
          assert.include(script.message, "Name a script that calls `serve` by the option `worker`")
          const module = yield* refused(layer({ worker: url("sum.mjs") }))
          assert.include(module.message, `${url("sum.mjs").href} did not call NodeActorWorker.serve`)
        }).pipe(Effect.scoped))

      it.live("L2: a script that would start itself without end fails the spawn", () =>
        Effect.gen(function*() {
          const url = yield* built({ "unguarded.mjs": sources.unguarded })
          const { message } = yield* refused(layer({ worker: url("unguarded.mjs") }))
          // a child writes its uncaught exception to its stderr
          const parts = placement === "threads"
            ? ["would start another worker with it, without end", "NodeActorWorker.isWorker"]
            : [`exited with code 1 before ${url("unguarded.mjs").href} had called NodeActorWorker.serve`]
          for (const part of parts) assert.include(message, part)
        }).pipe(Effect.scoped))
    })

    it.live("L2: the option entry names the worker script of this library at another path", () =>
      Effect.gen(function*() {
        const entry = new URL("../../../src/node/entry.ts", import.meta.url).href
        const url = yield* built({ "entry.mjs": `import ${JSON.stringify(entry)}` })
        assert.strictEqual(yield* added(layer({ module: sum, entry: url("entry.mjs") })), 3)
        const error = yield* refused(layer({ module: sum, entry: url("elsewhere.mjs") }))
        assert.strictEqual(error.reason, "WorkerFailed")
        assert.include(error.message, `the file of the option \`entry\` is missing: ${url("elsewhere.mjs").href}`)
      }).pipe(Effect.scoped))

    it.live("F1: two programs for one worker are rejected", () =>
      Effect.sync(() => {
        const both = { module: sum, worker: sum } as unknown as { readonly module: string }
        assert.throws(() => layer(both), TypeError, "the options worker and module exclude each other")
        const entry = { worker: sum, entry: sum } as unknown as { readonly worker: string }
        assert.throws(() => layer(entry), TypeError, "the options worker and entry exclude each other")
      }))
  })
}

it.live("L2: one file may be the program, the script of its threads and the script of its child processes", () =>
  Effect.gen(function*() {
    const url = yield* built({ "app.mjs": sources.programAndWorker })
    const { stdout } = yield* Effect.promise(() => execFile(process.execPath, [fileURLToPath(url("app.mjs"))]))
    assert.strictEqual(stdout, "3 3\n")
  }).pipe(Effect.scoped))

describe("threads that the program makes", () => {
  it.live("L2: a thread of the program serves the layer of its script, and its output is printed once", () =>
    Effect.gen(function*() {
      const url = yield* built({ "sum.worker.mjs": sources.script, "printing.mjs": sources.printing })
      const worker = (): Worker => new Worker(url("sum.worker.mjs"))
      assert.strictEqual(yield* added(NodeActorSystem.layerThreads({ worker })), 3)
      const { stdout } = yield* Effect.promise(() => execFile(process.execPath, [fileURLToPath(url("printing.mjs"))]))
      assert.deepStrictEqual(stdout.split("\n"), ["one line", "captured: one line", ""])
    }).pipe(Effect.scoped))

  it.live("F1: a function that makes no thread, or a thread without its script, fails the spawn", () =>
    Effect.gen(function*() {
      const url = yield* built({ "empty.mjs": "" })
      const number = (() => 42) as unknown as () => Worker
      const noThread = yield* refused(NodeActorSystem.layerThreads({ worker: number }))
      assert.strictEqual(noThread.reason, "WorkerFailed")
      assert.include(noThread.message, "must return a Worker of node:worker_threads, not 42")
      const missing = yield* refused(NodeActorSystem.layerThreads({ worker: () => new Worker(url("sum.worker.mjs")) }))
      assert.strictEqual(missing.reason, "WorkerFailed")
      assert.include(missing.message, "the worker script is missing")
      const empty = yield* refused(NodeActorSystem.layerThreads({ worker: () => new Worker(url("empty.mjs")) }))
      assert.include(empty.message, "did not call NodeActorWorker.serve")
    }).pipe(Effect.scoped))

  it.live("F1: a function for processes, and resource limits beside a function, are rejected", () =>
    Effect.sync(() => {
      const worker = (): Worker => new Worker("")
      assert.throws(
        () => NodeActorSystem.layerProcesses({ worker } as unknown as NodeActorSystem.ProcessOptions),
        TypeError,
        "a function can only make threads"
      )
      const resourceLimits = { maxOldGenerationSizeMb: 64 }
      assert.throws(
        () => NodeActorSystem.layerThreads({ worker, resourceLimits } as unknown as NodeActorSystem.ThreadOptions),
        TypeError,
        "resourceLimits"
      )
    }))
})
