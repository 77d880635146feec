// An actor that adds up the rows of a CSV file. Some rows end its worker: one kind exits, another needs all memory.
import { Effect, Schema } from "effect"
import { Actor } from "uactor"

export class BadRow extends Schema.TaggedError<BadRow>()("BadRow", { row: Schema.String }) {}

export class Rows extends Actor.Service<Rows>()("Rows", {
  protocol: { total: Actor.method({ payload: { row: Schema.String }, success: Schema.Finite, error: BadRow }) }
}) {}

const totalOf = (row: string): number | undefined => {
  const [, amount, kind] = row.split(",")
  if (kind === "exits") process.exit(1)
  if (kind === "hoards") {
    // a chain of small objects: for a large array, V8 may abort the program instead of the thread
    let hoard = {}
    for (;;) hoard = { hoard }
  }
  const total = Number(amount)
  return Number.isFinite(total) ? total : undefined
}

const RowsLive = Rows.toLayer({
  total: ({ row }) =>
    Effect.suspend(() => {
      const total = totalOf(row)
      return total === undefined ? Effect.fail(new BadRow({ row })) : Effect.succeed(total)
    })
}, { concurrency: 32 })

export default Actor.module(RowsLive)
