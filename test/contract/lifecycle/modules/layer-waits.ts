/** A module whose layer is built when a line in a file allows it. */
import * as Layer from "effect/Layer"
import * as Journal from "../../support/journal.ts"
import { Holder, HolderLive } from "./layer-notes.ts"

const journal = Journal.at(process.env["UACTOR_TEST_JOURNAL"]!)

export { Holder }
export default Layer.provideMerge(HolderLive, Layer.effectDiscard(journal.awaitLine("start")))
