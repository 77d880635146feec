/** Counts of the entries in the tables of the links of this process. */
import { vi } from "@effect/vitest"
import { Effect } from "effect"
import { Exports } from "../../../src/internal/handles/exports.ts"
import { Imports } from "../../../src/internal/remote/imports.ts"

/** Counts, until the scope closes, the entries in the tables of each end of a link in this process. */
export const watch = Effect.acquireRelease(
  Effect.sync(() => [
    vi.spyOn(Imports.prototype, "add"),
    vi.spyOn(Imports.prototype, "share"),
    vi.spyOn(Exports.prototype, "addObject"),
    vi.spyOn(Exports.prototype, "addResult"),
    vi.spyOn(Exports.prototype, "answer")
  ]),
  (spies) => Effect.sync(() => spies.forEach((spy) => spy.mockRestore()))
).pipe(Effect.map((spies) => () => {
  const tables = new Set(spies.flatMap((spy) => spy.mock.contexts as ReadonlyArray<{ readonly size: number }>))
  return Array.from(tables, ({ size }) => size).reduce((sum, size) => sum + size, 0)
}))
