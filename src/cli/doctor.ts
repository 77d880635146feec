/**
 * Checks the surroundings of a program: the version of Node, the copies of Effect, and modules of behaviours.
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as fs from "node:fs"
import { createRequire } from "node:module"
import * as path from "node:path"
import process from "node:process"
import { fileURLToPath, pathToFileURL } from "node:url"
import { messageOf } from "../internal/runtime/describe.ts"
import { type CommandFailed, failIf, problem } from "./failure.ts"
import * as Text from "./text.ts"

/** The result of a check. */
interface Result {
  readonly check: string
  readonly ok: boolean
  readonly message: string
}

const own = createRequire(import.meta.url)

const readPackage = (file: string): Readonly<Record<string, unknown>> => JSON.parse(fs.readFileSync(file, "utf8"))

const checkNode = (): Result => {
  const { engines } = readPackage(fileURLToPath(new URL("../../package.json", import.meta.url))) as {
    readonly engines: { readonly node: string }
  }
  const numbers = (version: string): ReadonlyArray<number> => version.replace(/^\D+/, "").split(".").map(Number)
  const needed = numbers(engines.node)
  const actual = numbers(process.versions.node)
  const difference = needed.map((n, i) => (actual[i] ?? 0) - n).find((n) => n !== 0) ?? 0
  return {
    check: "Node",
    ok: difference >= 0,
    message: `${process.version}${difference >= 0 ? "" : `: uactor needs ${engines.node}`}`
  }
}

/** The `package.json` of the Effect that code in a folder or file gets. */
const effectOf = (from: string): string | undefined => {
  try {
    return fs.realpathSync(createRequire(from).resolve("effect/package.json"))
  } catch {
    return undefined
  }
}

const checkEffect = (modules: ReadonlyArray<string>): Result => {
  const check = "one copy of Effect"
  const here = path.join(process.cwd(), "package.json")
  const { dependencies = {} } = (fs.existsSync(here) ? readPackage(here) : {}) as {
    readonly dependencies?: Readonly<Record<string, string>>
  }
  const program = effectOf(here)
  if (program === undefined) {
    return { check, ok: false, message: `there is no package effect in ${process.cwd()}: npm install effect` }
  }
  const copies = new Map([[program, "this folder"]])
  const add = (file: string | undefined, who: string): void => {
    if (file !== undefined && !copies.has(file)) copies.set(file, who)
  }
  add(fs.realpathSync(own.resolve("effect/package.json")), "uactor")
  for (const name of Object.keys(dependencies)) {
    const folder = path.join(process.cwd(), "node_modules", name)
    if (fs.existsSync(folder)) add(effectOf(path.join(fs.realpathSync(folder), "package.json")), name)
  }
  for (const module of modules) add(effectOf(path.resolve(module)), module)
  const list = Array.from(
    copies,
    ([file, who]) => `${String(readPackage(file)["version"])} of ${who} in ${path.dirname(file)}`
  )
  return copies.size === 1
    ? { check, ok: true, message: `${list[0]}` }
    : {
      check,
      ok: false,
      message: `there are ${copies.size} copies, and their schemas and services do not fit together: ${list.join("; ")}`
    }
}

const checkModule = (module: string): Effect.Effect<Result> => {
  const check = `module ${module}`
  const file = path.resolve(module)
  return Effect.promise(async () => {
    if (!fs.existsSync(file)) return { check, ok: false, message: `there is no file ${file}` }
    try {
      const { default: behaviours } = await import(pathToFileURL(file).href) as { readonly default?: unknown }
      if (Layer.isLayer(behaviours)) return { check, ok: true, message: "its default export is a layer" }
      return {
        check,
        ok: false,
        message: behaviours === undefined
          ? "it has no default export: export default Actor.module(…) of its behaviours"
          : "its default export is no layer: export default Actor.module(…) of its behaviours"
      }
    } catch (error) {
      return { check, ok: false, message: `it cannot be loaded: ${messageOf(error)}` }
    }
  })
}

/** Checks everything, and fails if something is wrong. */
export const run = (modules: ReadonlyArray<string>, json: boolean): Effect.Effect<void, CommandFailed> =>
  Effect.gen(function*() {
    const results = [checkNode(), checkEffect(modules), ...yield* Effect.forEach(modules, checkModule)]
    yield* Console.log(
      json
        ? results.map((result) => JSON.stringify(result)).join("\n")
        : Text.table<Result>([
          { title: "", text: ({ ok }) => ok ? "ok" : "FAIL" },
          { title: "CHECK", text: ({ check }) => check },
          { title: "", text: ({ message }) => message }
        ], results).slice(1).join("\n")
    )
    const failed = results.filter(({ ok }) => !ok).length
    yield* failIf(failed > 0, `${failed} of ${results.length} checks failed`, problem)
  })
