/** A module whose layer does not let go when its worker ends. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Holder, HolderLive } from "./layer-notes.ts"

export { Holder }
export default Layer.provideMerge(HolderLive, Layer.effectDiscard(Effect.addFinalizer(() => Effect.never)))
