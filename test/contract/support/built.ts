/**
 * Files that a build would write, in a folder of their own.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { pathToFileURL } from "node:url"

/** A folder with these files, which ends with the scope. Gives the URL of a name in the folder. */
export const built = (
  files: Readonly<Record<string, string>>
): Effect.Effect<(name: string) => URL, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "uactor-built-"))),
      (folder) => Effect.sync(() => fs.rmSync(folder, { recursive: true }))
    ),
    (folder) => {
      for (const [name, source] of Object.entries(files)) fs.writeFileSync(path.join(folder, name), source)
      return (name: string): URL => pathToFileURL(path.join(folder, name))
    }
  )
