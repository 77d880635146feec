/** A module whose actor fails to start, and whose layer is released when a line in a file allows it. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import * as Actor from "../../../../src/Actor.ts"
import * as Journal from "../../support/journal.ts"

export class Refused extends Schema.TaggedError<Refused>()("Refused", {}) {}

export class Refusing extends Actor.Service<Refusing>()("Refusing", {
  error: Refused,
  protocol: [Rpc.make("never called")]
}) {}

const { awaitLine, note } = Journal.at(process.env["UACTOR_TEST_JOURNAL"]!)
const release = note("releases").pipe(Effect.andThen(awaitLine("release")), Effect.andThen(note("released")))

export default Layer.provideMerge(
  Refusing.toLayer(() => Effect.fail(new Refused())),
  Layer.effectDiscard(Effect.addFinalizer(() => release))
)
