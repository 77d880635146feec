/** A module whose layer takes time to be released. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Journal from "../../support/journal.ts"
import { Holder, HolderLive } from "./layer-notes.ts"

const { note } = Journal.at(process.env["UACTOR_TEST_JOURNAL"]!)
const release = note("releases").pipe(Effect.andThen(Effect.sleep("300 millis")), Effect.andThen(note("released")))

export { Holder }
export default Layer.provideMerge(HolderLive, Layer.effectDiscard(Effect.addFinalizer(() => release)))
