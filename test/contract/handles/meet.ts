/** An actor, and callers that hold references to it. */
import { Effect } from "effect"
import { Clerk, Visitor } from "../fixtures/reference-direct.ts"
import * as Journal from "../support/journal.ts"

/** A clerk, and this number of visitors with a reference to it. */
export const meet = (visitors: number, spawn: typeof Clerk.spawn = Clerk.spawn) =>
  Effect.gen(function*() {
    const journal = yield* Journal.make
    const clerk = yield* spawn({ journal: journal.path })
    const callers = yield* Effect.all(
      Array.from({ length: visitors }, () => Visitor.spawn({ journal: journal.path, clerk })),
      { concurrency: "unbounded" }
    )
    return { clerk, journal, callers, visitor: callers[0]! }
  })
