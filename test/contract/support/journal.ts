/**
 * A file in which actors note what happens to them, wherever they run: it can still be read when their worker is gone.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { setTimeout } from "node:timers/promises"

export interface Journal {
  /** the path of the file, for the arguments of actors */
  readonly path: string
  /** what has been noted so far, one line each */
  readonly lines: Effect.Effect<ReadonlyArray<string>>
  /** waits until something has been noted, and gives its first line */
  readonly first: Effect.Effect<string>
  /** waits until this line has been noted */
  readonly awaitLine: (line: string) => Effect.Effect<void>
  /** notes a line, for handlers that wait for one */
  readonly note: (line: string) => Effect.Effect<void>
}

// for a machine that is busy with other work, in milliseconds
const patience = 100_000

/** Waits until a condition holds; dies when it has not come to hold for a long time, in milliseconds. */
export const until = (what: string, condition: () => boolean, limit = patience): Effect.Effect<void> =>
  Effect.promise(async (signal) => {
    const deadline = performance.now() + limit
    while (!condition()) {
      if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`)
      await setTimeout(5, undefined, { signal })
    }
  })

const read = (file: string): ReadonlyArray<string> =>
  fs.existsSync(file) ? fs.readFileSync(file, "utf8").split("\n").slice(0, -1) : []

/** Blocks this thread until the journal has a line. The thread sleeps, because the actor that notes the line needs a processor. */
export const block = ({ path }: Pick<Journal, "path">, line: string): void => {
  const cell = new Int32Array(new SharedArrayBuffer(4))
  const start = performance.now()
  while (!read(path).includes(line)) {
    if (performance.now() - start > patience) throw new Error(`"${line}" needs this thread`)
    Atomics.wait(cell, 0, 0, 1)
  }
}

/** A journal that somebody else has made. */
export const at = (file: string): Journal => ({
  path: file,
  lines: Effect.sync(() => read(file)),
  first: Effect.map(until("anything was noted", () => read(file).length > 0), () => read(file)[0]!),
  awaitLine: (line) => until(`"${line}" was noted`, () => read(file).includes(line)),
  note: (line) => Effect.sync(() => fs.appendFileSync(file, `${line}\n`))
})

/** An empty journal, removed with the scope. */
export const make: Effect.Effect<Journal, never, Scope.Scope> = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "uactor-"))),
    (directory) => Effect.sync(() => fs.rmSync(directory, { recursive: true }))
  ),
  (directory) => at(path.join(directory, "journal"))
)
