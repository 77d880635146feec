import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as childProcess from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { built } from "../support/built.ts"

const execFile = promisify(childProcess.execFile)

const face = JSON.stringify(new URL("../../../src/index.ts", import.meta.url).href)
const node = JSON.stringify(new URL("../../../src/node/index.ts", import.meta.url).href)
const effect = JSON.stringify(import.meta.resolve("effect"))

/** Loads a second copy of Effect under the name `effect-2`: the same files, under other URLs. */
const secondCopy = `
import { registerHooks } from "node:module"
registerHooks({
  resolve: (specifier, context, next) => {
    const isSecond = specifier.startsWith("effect-2")
    const found = next(isSecond ? new URL(specifier.slice(8) === "/rpc" ? "rpc/index.js" : "index.js", ${effect}).href : specifier, context)
    return isSecond || context.parentURL?.endsWith("?second") && found.url.startsWith("file:")
      ? { ...found, url: found.url + "?second" }
      : found
  }
})`

/** Definitions of which one part each belongs to the second copy, and the part that the error names. */
const definitions = {
  "the method ping": "protocol: [Second.Rpc.make(\"ping\")]",
  "the payload of ping": "protocol: [Rpc.make(\"ping\", { payload: { n: Second.Schema.Int } })]",
  "the success of ping": "protocol: [Rpc.make(\"ping\", { success: Second.Schema.Int })]",
  "the error of ping": "protocol: [Rpc.make(\"ping\", { error: Second.Schema.String })]",
  "the schema of args": "protocol: [], args: Second.Schema.Struct({ start: Second.Schema.Int })",
  "the schema of error": "protocol: [], error: Second.Schema.String"
}

const defining = `
import { Rpc } from ${JSON.stringify(import.meta.resolve("effect/rpc"))}
import { Schema } from "effect-2"
import * as SecondRpc from "effect-2/rpc"
import { Actor } from ${face}
const Second = { Schema, Rpc: SecondRpc.Rpc }
const attempt = (definition) => {
  try {
    Actor.Service()("Plain", definition)
    return "no error"
  } catch (error) {
    return String(error)
  }
}
console.log(JSON.stringify([${Object.values(definitions).map((text) => `attempt({ ${text} })`).join(", ")}]))`

const module = `
import { Layer } from "effect-2"
export default Layer.empty`

const serving = `
import { Effect } from ${effect}
import { Rpc } from ${JSON.stringify(import.meta.resolve("effect/rpc"))}
import { Actor } from ${face}
import { NodeActorSystem } from ${node}
class Plain extends Actor.Service()("Plain", { protocol: [Rpc.make("ping")] }) {}
const module = new URL("./module.mjs", import.meta.url)
const refused = (layer) => Plain.spawn().pipe(Effect.scoped, Effect.provide(layer({ module })), Effect.flip, Effect.runPromise)
const errors = [await refused(NodeActorSystem.layerThreads), await refused(NodeActorSystem.layerProcesses)]
console.log(JSON.stringify(errors.map(({ message, reason }) => [reason, message])))`

const run = (...args: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<unknown>> =>
  Effect.promise(async () => JSON.parse((await execFile(process.execPath, args)).stdout) as ReadonlyArray<unknown>)

describe("two copies of Effect", () => {
  it.live("T1: a part of a definition that belongs to another copy is a TypeError, which names the part and both copies", () =>
    Effect.gen(function*() {
      const url = yield* built({ "second.mjs": secondCopy, "defining.mjs": defining })
      const errors = yield* run("--import", url("second.mjs").href, fileURLToPath(url("defining.mjs")))
      for (const [i, part] of Object.keys(definitions).entries()) {
        const error = String(errors[i])
        assert.include(error, `TypeError: two copies of Effect are loaded: `)
        assert.include(error, `Actor.Service("Plain"): ${part} belongs to the copy with `)
        assert.match(error, /the copy with file:\S+\.js\?second, and uactor uses the copy with file:\S+\.js\. Install/)
      }
    }).pipe(Effect.scoped))

  it.live("L2: the layer of a module that belongs to another copy fails the spawn, and both copies are named", () =>
    Effect.gen(function*() {
      const url = yield* built({ "second.mjs": secondCopy, "module.mjs": module, "serving.mjs": serving })
      const errors = yield* run("--import", url("second.mjs").href, fileURLToPath(url("serving.mjs")))
      for (const error of errors) {
        const [reason, message] = error as readonly [string, string]
        assert.strictEqual(reason, "ModuleFailed")
        assert.include(
          message,
          `two copies of Effect are loaded: the default export of ${url("module.mjs").href} belongs to`
        )
        assert.include(message, ".js?second, and uactor uses the copy with file:")
      }
    }).pipe(Effect.scoped))
})

describe("a Node that is too old", () => {
  const pretend = (version: string, versions = "") =>
    `data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"${version}"${versions}}})`

  const importing = (version: string, versions?: string) =>
    Effect.promise(async () => {
      const args = ["--import", pretend(version, versions), "--input-type=module", "--eval", `import ${node}`]
      return execFile(process.execPath, args).then(() => "", ({ stderr }: { readonly stderr: string }) => stderr)
    })

  for (const version of ["18.20.8", "20.20.2", "22.18.0"]) {
    it.live(`T1: Node ${version} is rejected with one line, before any other error`, () =>
      Effect.gen(function*() {
        const lines = (yield* importing(version)).split("\n").filter((line) => line.includes("uactor"))
        assert.strictEqual(lines.length, 1, lines.join("\n"))
        assert.include(lines[0], `uactor needs Node 22.19 or newer, and this is Node ${version}.`)
      }))
  }

  for (const version of ["22.19.0", "23.0.0", "24.0.0", "26.1.0"]) {
    it.live(`T1: Node ${version} is accepted`, () =>
      Effect.map(importing(version), (output) => assert.strictEqual(output, "")))
  }

  it.live("T1: another runtime that reports the version of an old Node is accepted", () =>
    Effect.map(importing("20.0.0", ",bun:\"1.4.5\""), (output) => assert.strictEqual(output, "")))
})
