/** T3: what the README says about workers under Vitest, tried by Vitest in a project of its own. */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFile } from "node:child_process"
import * as fs from "node:fs"
import { createRequire } from "node:module"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { built } from "../support/built.ts"

const src = new URL("../../../src/", import.meta.url)
const api = (name: string): string => JSON.stringify(new URL(name, src).href)

// what Node does not load by itself
const refused = {
  "enum.ts": `
    import { behaviour } from "./define.ts"
    enum Level { Low = 2, High = 42 }
    export default behaviour(Level.High)`,
  "paths.ts": `
    import { behaviour } from "@app/define.ts"
    export default behaviour(42)`,
  "extensionless.ts": `
    import { behaviour } from "./define"
    export default behaviour(42)`
}

const files = {
  ...refused,
  "all.ts": `
    import { behaviour } from "@app/define"
    enum Level { Low = 2, High = 42 }
    export default behaviour(Level.High)`,
  "package.json": `{ "type": "module" }`,
  "tsconfig.json": `{ "compilerOptions": { "paths": { "@app/*": ["./*"] } } }`,
  "define.ts": `
    import { Effect, Schema } from "effect"
    import * as Actor from ${api("Actor.ts")}
    export class Answer extends Actor.Service<Answer>()("Answer", {
      protocol: { get: Actor.method({ success: Schema.Int }) }
    }) {}
    export const behaviour = (answer: number) => Answer.toLayer({ get: () => Effect.succeed(answer) })`,
  "project.test.ts": `
    import { Answer } from "@app/define" // Vitest applies its alias here
    import { Effect } from "effect"
    import { expect, test } from "vitest"
    import * as NodeActorSystem from ${api("node/NodeActorSystem.ts")}

    const answer = (layer: typeof NodeActorSystem.layerThreads, name: string, execArgv?: Array<string>) =>
      Effect.flatMap(Answer.spawn(), (actor) => actor.get()).pipe(
        Effect.catchTag("SpawnError", ({ reason }) => Effect.succeed(reason)),
        Effect.scoped,
        Effect.provide(layer({ module: new URL(name, import.meta.url), ...(execArgv && { execArgv }) })),
        Effect.runPromise
      )
    const isConfigured = process.execArgv.includes("--import=tsx")
    const execArgv = isConfigured ? undefined : ["--import=tsx"]
    for (const layer of [NodeActorSystem.layerThreads, NodeActorSystem.layerProcesses]) {
      test("with tsx", async () => expect(await answer(layer, "./all.ts", execArgv)).toBe(42))
    }
    for (const name of isConfigured ? [] : ${JSON.stringify(Object.keys(refused))}) {
      test(name, async () => expect(await answer(NodeActorSystem.layerThreads, "./" + name)).toBe("ModuleFailed"))
    }`
}

const config = (execArgv: ReadonlyArray<string>): string => `
  import { defineConfig } from "vitest/config"
  export default defineConfig({
    resolve: { alias: { "@app": import.meta.dirname } },
    test: {
      execArgv: ${JSON.stringify(execArgv)},
      testTimeout: 120_000,
      // as if it were in node_modules
      server: { deps: { external: [new RegExp(${JSON.stringify(src.pathname)})] } }
    }
  })`

/** Runs Vitest in the project, and gives the numbers of the tests that pass and fail. */
const results = (execArgv: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const url = yield* built({ ...files, "vitest.config.ts": config(execArgv) })
    const folder = fileURLToPath(url(""))
    fs.symlinkSync(fileURLToPath(new URL("../node_modules", src)), path.join(folder, "node_modules"), "junction")
    const vitest = path.join(path.dirname(createRequire(import.meta.url).resolve("vitest/package.json")), "vitest.mjs")
    // the variables that Vitest sets are for its own workers
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("VITEST")))
    const report = path.join(folder, "report.json")
    const args = [vitest, "run", "--reporter=json", `--outputFile=${report}`]
    const { stderr } = yield* Effect.promise(() =>
      promisify(execFile)(process.execPath, args, { cwd: folder, env }).catch((error: { stderr: string }) => error)
    )
    assert.isTrue(fs.existsSync(report), stderr)
    const text = fs.readFileSync(report, "utf8")
    const { numFailedTests, numPassedTests } = JSON.parse(text) as Record<string, number>
    return { numPassedTests, numFailedTests, text }
  }).pipe(Effect.scoped)

it.live("T3: under Vitest, workers load enums, paths of tsconfig.json and imports without extensions by the option execArgv only", () =>
  Effect.gen(function*() {
    const { numFailedTests, numPassedTests, text } = yield* results([])
    assert.deepStrictEqual([numPassedTests, numFailedTests], [2 + Object.keys(refused).length, 0], text)
  }))

it.live("T3: workers have the execArgv of the configuration of Vitest", () =>
  Effect.gen(function*() {
    const { numFailedTests, numPassedTests, text } = yield* results(["--import=tsx"])
    assert.deepStrictEqual([numPassedTests, numFailedTests], [2, 0], text)
  }))
