/** An actor that has a name, and one that finds it. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import * as Actor from "../../../../src/Actor.ts"
import * as Journal from "../../support/journal.ts"

export class NoTill extends Schema.TaggedError<NoTill>()("NoTill", {}) {}

export class Till extends Actor.Service<Till>()("Till", {
  args: Schema.Struct({
    /** `waits`: notes "building", and starts when the journal has the line "go" */
    builds: Schema.Literals(["starts", "fails", "waits"]),
    journal: Schema.optional(Schema.String)
  }),
  error: NoTill,
  protocol: {
    /** the number of sales */
    sell: Actor.method({ success: Schema.Int }),
    crash: Actor.method()
  }
}) {}

export class Clerk extends Actor.Service<Clerk>()("Clerk", {
  protocol: { serve: Actor.method({ payload: { till: Schema.String }, success: Schema.Int }) }
}) {}

export default Layer.mergeAll(
  Till.toLayer(({ builds, journal: path = "" }) =>
    Effect.gen(function*() {
      if (builds === "fails") return yield* new NoTill()
      if (builds === "waits") {
        const journal = Journal.at(path)
        yield* journal.note("building")
        yield* journal.awaitLine("go")
      }
      const sales = yield* Ref.make(0)
      return Till.handlers({
        sell: () => Ref.updateAndGet(sales, (n) => n + 1),
        crash: () => Actor.crash(Cause.fail("out of change"))
      })
    })
  ),
  Clerk.toLayer({
    serve: ({ till }) => Effect.flatMap(Actor.named(Till, till), (found) => Effect.orDie(found.sell()))
  }, { concurrency: "unbounded" })
)
