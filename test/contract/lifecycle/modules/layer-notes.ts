/** A module whose layer notes in a file when it is built and released. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as fs from "node:fs"
import * as Actor from "../../../../src/Actor.ts"

const note = (line: string): Effect.Effect<void> =>
  Effect.sync(() => {
    const journal = process.env["UACTOR_TEST_JOURNAL"]
    if (journal !== undefined) fs.appendFileSync(journal, `${line}\n`)
  })

const noted = (what: string) => Effect.acquireRelease(note(`${what} is there`), () => note(`${what} is gone`))

export class Holder extends Actor.Service<Holder>()("Holder", { protocol: [Rpc.make("ping")] }) {}

export const HolderLive = Holder.toLayer(() =>
  Effect.as(noted("the actor"), Holder.handlers({ ping: () => Effect.void }))
)

export default Layer.provideMerge(HolderLive, Layer.effectDiscard(noted("the layer")))
