/** Runs the real command as a child of the test. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process"
import * as path from "node:path"

const main = path.join(import.meta.dirname, "../../src/cli/main.ts")

/** The command with arguments, for a child process. */
export const command = (...args: ReadonlyArray<string>): ReadonlyArray<string> => [
  process.execPath,
  "--conditions=@uactor/source",
  main,
  ...args
]

/** What a command has printed, and its exit code. */
export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A running command. */
export interface Running {
  readonly child: ChildProcessWithoutNullStreams
  readonly ended: Effect.Effect<Ran>
  /** waits until its output, after so many characters, matches; gives the length of the output then */
  readonly prints: (pattern: RegExp, from?: number) => Effect.Effect<number>
}

/** Starts a child process, which looks for programs in the folder `runtime`, until the scope ends. */
export const start = (
  [file = "", ...args]: ReadonlyArray<string>,
  runtime: string,
  cwd: string = process.cwd(),
  variables: NodeJS.ProcessEnv = {}
): Effect.Effect<Running, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => {
        const env = {
          ...process.env,
          XDG_RUNTIME_DIR: runtime,
          TMPDIR: runtime,
          NO_COLOR: "1",
          TERM: "xterm",
          ...variables
        }
        const child = spawn(file, args, { cwd, env, stdio: "pipe" })
        let stdout = ""
        let stderr = ""
        child.stdout.on("data", (text) => (stdout += String(text)))
        child.stderr.on("data", (text) => (stderr += String(text)))
        const ended = new Promise<Ran>((resolve) =>
          void child.once("close", (code) => resolve({ code, stdout, stderr }))
        )
        return { child, ended, read: () => stdout }
      }),
      ({ child, ended }) =>
        Effect.promise(() => {
          child.kill("SIGKILL")
          return ended
        })
    ),
    ({ child, ended, read }) => ({
      child,
      ended: Effect.promise(() => ended),
      prints: (pattern, from = 0) =>
        Effect.callback<number>((resume) => {
          const check = (): void => {
            if (pattern.test(read().slice(from))) resume(Effect.succeed(read().length))
          }
          child.stdout.on("data", check)
          child.once("close", () => resume(Effect.sync(() => assert.fail(`it has not printed ${pattern}: ${read()}`))))
          check()
        })
    })
  )

/** Runs the command to its end. */
export const run = (runtime: string, ...args: ReadonlyArray<string>): Effect.Effect<Ran> =>
  Effect.scoped(Effect.flatMap(start(command(...args), runtime), ({ ended }) => ended))

/** The lines of a table as records, by its titles. */
export const rowsOf = (table: string): ReadonlyArray<Readonly<Record<string, string>>> => {
  const [titles = [], ...rows] = table.trimEnd().split("\n").map((line) => line.trim().split(/ {2,}/))
  return rows.map((row) => Object.fromEntries(titles.map((title, i) => [title, row[i] ?? ""])))
}

/** The objects of JSON lines. */
export const jsonOf = (text: string): ReadonlyArray<any> =>
  text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line))
