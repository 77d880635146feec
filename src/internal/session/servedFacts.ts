/**
 * Reads what only the worker of an actor knows: the handles that the actor has lent and holds, and the durations of its calls there.
 */
import type { Actor } from "../actor/currentActor.ts"
import type { ServedFacts } from "../metrics/actorFacts.ts"
import type { ActorCell } from "../server/actorCell.ts"

/** The tables of one end of a link, as they are read. */
interface Tables {
  readonly exports: { readonly size: number; readonly entries: ReadonlyArray<{ readonly owner: Actor | undefined }> }
  readonly imports: { readonly size: number; readonly held: ReadonlyArray<{ readonly holder: Actor | undefined }> }
}

// counts the entries of each actor
const add = (counts: Map<Actor, number>, actor: Actor | undefined): void => {
  if (actor !== undefined) counts.set(actor, (counts.get(actor) ?? 0) + 1)
}

/** Reads the facts of these actors; `undefined` for an actor that has none. */
export const read = (
  cells: ReadonlyArray<ActorCell | undefined>,
  tables: ReadonlyArray<Tables>
): ReadonlyArray<ServedFacts | undefined> => {
  const lent = new Map<Actor, number>()
  const held = new Map<Actor, number>()
  for (const { exports, imports } of tables) {
    if (exports.size > 0) { for (const { owner } of exports.entries) add(lent, owner) }
    if (imports.size > 0) { for (const { holder } of imports.held) add(held, holder) }
  }
  return cells.map((cell): ServedFacts | undefined => {
    if (cell === undefined) return undefined
    const { durations } = cell
    const facts = {
      lent: lent.get(cell) ?? 0,
      held: held.get(cell) ?? 0,
      wait: durations?.wait?.trimmed,
      server: durations?.server?.trimmed
    }
    return facts.lent + facts.held > 0 || durations !== undefined ? facts : undefined
  })
}
