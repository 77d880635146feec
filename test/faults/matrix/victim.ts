/** An actor that comes to harm in every way, in each of the things that can be asked of an actor. */
import * as Effect from "effect/Effect"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as fs from "node:fs"
import * as Actor from "../../../src/Actor.ts"

/** What the caller's side sets, so that it cannot read what a worker can send. */
export const side = { isCaller: false }

/** The number that only a worker takes for one. */
const unreadable = 13
const Readable = Schema.Int.check(Schema.makeFilter((n) => !side.isCaller || n !== unreadable))

export class Refused extends Schema.TaggedError<Refused>()("Refused", { code: Readable }) {}

/** What a worker does to itself; `hang` waits for what is done to it from outside, `none` does nothing. */
export const Harm = Schema.Literals([
  "none",
  "hang",
  "throw",
  "die",
  "exit",
  "block",
  "outOfMemory",
  "unreadable",
  "unreadableError"
])
export type Harm = typeof Harm.Type

const harm = (what: Harm): Effect.Effect<number, Refused> => {
  switch (what) {
    case "none":
      return Effect.succeed(1)
    case "hang":
      return Effect.never
    case "throw":
      return Effect.sync(() => {
        throw new RangeError("harmed")
      })
    case "die":
      return Effect.die(new RangeError("harmed"))
    case "exit":
      return Effect.sync(() => process.exit(7))
    case "block":
      return Effect.sync(() => {
        for (let n = 0;; n = (n + 1) % 2) if (n > 1) return n
      })
    case "outOfMemory":
      return Effect.sync(() => {
        // of small objects only: V8 may abort the whole process, not only the thread, for an array that grows
        let kept = {}
        for (;;) kept = { kept }
      })
    case "unreadable":
      return Effect.succeed(unreadable)
    case "unreadableError":
      return Effect.fail(new Refused({ code: unreadable }))
  }
}

export class Victim extends Actor.Service<Victim>()("Victim", {
  args: Schema.Struct({ journal: Schema.String, onBuild: Harm, onClose: Harm }),
  error: Refused,
  protocol: [
    Rpc.make("echo", { payload: { n: Schema.Int }, success: Schema.Int }),
    /** notes "begun" and the id of its process, then comes to harm */
    Rpc.make("harm", { payload: { what: Harm }, success: Readable, error: Refused }),
    /** emits 1 and 2, and the same */
    Rpc.make("stream", { payload: { what: Harm }, success: Readable, error: Refused, stream: true })
  ]
}) {}

export default Victim.toLayer(({ journal, onBuild, onClose }) => {
  const harmed = (what: Harm): Effect.Effect<number, Refused> =>
    Effect.andThen(Effect.sync(() => fs.appendFileSync(journal, `begun ${process.pid}\n`)), harm(what))
  return Effect.gen(function*() {
    if (onClose !== "none") yield* Effect.addFinalizer(() => Effect.orDie(harmed(onClose)))
    if (onBuild !== "none") yield* harmed(onBuild)
    return Victim.handlers({
      echo: ({ n }) => Effect.succeed(n),
      harm: ({ what }) => harmed(what),
      stream: ({ what }) => Stream.concat(Stream.make(1, 2), Stream.fromEffect(harmed(what)))
    })
  })
  // the call behind a stream waits for its end
}, { streams: "in-order" })
