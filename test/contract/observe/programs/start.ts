/** Starts `observed.ts` as a child of the test. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"

/** A folder of its own, which ends with the scope. */
export const folder: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "uactor-socket-"))),
  (folder) => Effect.sync(() => fs.rmSync(folder, { recursive: true, force: true }))
)

/** A copy of the library in a project that has Effect alone, until the scope ends. */
export const projectWithEffectAlone: Effect.Effect<string, never, Scope.Scope> = Effect.map(folder, (copy) => {
  const root = path.join(import.meta.dirname, "../../../..")
  fs.cpSync(path.join(root, "src"), path.join(copy, "src"), { recursive: true })
  fs.copyFileSync(path.join(root, "package.json"), path.join(copy, "package.json"))
  fs.mkdirSync(path.join(copy, "node_modules"))
  fs.symlinkSync(path.join(root, "node_modules/effect"), path.join(copy, "node_modules/effect"))
  return copy
})

/** A running program. */
export interface Started {
  readonly pid: number
  readonly child: ChildProcessWithoutNullStreams
  /** the ids of its actors: on a thread, in a process */
  readonly ids: ReadonlyArray<string>
  /** what it has printed */
  readonly output: () => string
  /** ends the program in order, and gives its exit code */
  readonly end: Effect.Effect<number | null>
  /** ends the program by a signal */
  readonly kill: Effect.Effect<void>
}

/** A program that finds its sockets in the folder `runtime`, until the scope ends. */
export const observed = (
  runtime: string,
  env: Readonly<Record<string, string>>,
  ...args: ReadonlyArray<string>
): Effect.Effect<Started, never, Scope.Scope> =>
  Effect.gen(function*() {
    const child = spawn(
      process.execPath,
      ["--conditions=@uactor/source", path.join(import.meta.dirname, "observed.ts"), ...args],
      { env: { ...process.env, XDG_RUNTIME_DIR: runtime, UACTOR_OBSERVER: "", ...env }, stdio: "pipe" }
    )
    const exited = new Promise<number | null>((resolve) => void child.once("exit", resolve))
    let output = ""
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += String(text)))
    yield* Effect.addFinalizer(() =>
      Effect.promise(() => {
        child.kill("SIGKILL")
        return exited
      })
    )
    const ids = yield* Effect.callback<ReadonlyArray<string>>((resume) => {
      const check = (): void => {
        const ready = /ready (.*)\n/.exec(output)
        if (ready !== null) resume(Effect.succeed(ready[1]!.split(" ")))
      }
      child.stdout.on("data", check)
      child.once("exit", () => resume(Effect.sync(() => assert.fail(`the program has ended: ${output}`))))
    })
    return {
      pid: child.pid!,
      child,
      ids,
      output: () => output,
      end: Effect.promise(() => {
        child.stdin.end()
        return exited
      }),
      kill: Effect.promise(() => {
        child.kill("SIGKILL")
        return exited.then(() => {})
      })
    }
  })
