/** A module whose layer fails when it is released, and whose logger writes into a file. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as fs from "node:fs"
import { HolderLive } from "./layer-notes.ts"

const toJournal = Logger.make(({ cause, logLevel, message }) => {
  const journal = process.env["UACTOR_TEST_JOURNAL"]
  if (journal !== undefined) fs.appendFileSync(journal, `${logLevel} ${String(message)}: ${String(cause)}\n`)
})

const unreleased = Effect.acquireRelease(Effect.void, () => Effect.die(new RangeError("it is stuck")))

export default Layer.provideMerge(
  Layer.mergeAll(HolderLive, Logger.layer([toJournal])),
  Layer.effectDiscard(unreleased)
)
