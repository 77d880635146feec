/** An actor that hands out what stays in it, and whose end others react to. */
import * as Effect from "effect/Effect"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as Stream from "effect/Stream"
import * as Actor from "../../../../src/Actor.ts"
import * as Handle from "../../../../src/Handle.ts"
import * as Journal from "../../support/journal.ts"

/** A path, which takes until the journal there has the line "go" to be decoded. */
const Slow = Schema.String.pipe(Schema.decodeTo(Schema.String, {
  encode: SchemaGetter.transform((path: string) => path),
  decode: SchemaGetter.transformEffect((path: string) => {
    const { awaitLine, note } = Journal.at(path)
    return Effect.as(Effect.andThen(note("decoding"), awaitLine("go")), path)
  })
}))

export class Mortal extends Actor.Service<Mortal>()("Mortal", {
  args: Schema.Struct({ journal: Schema.String }),
  protocol: [
    Rpc.make("ping", { success: Schema.String }),
    Rpc.make("numbers", { payload: { upTo: Schema.Int }, success: Schema.Int, stream: true }),
    Rpc.make("ref", { success: Handle.Ref(Schema.Int) }),
    /** has the path of the journal in it */
    Rpc.make("queue", { success: Handle.Queue(Slow) }),
    /** never returns */
    Rpc.make("hang"),
    /** ends its worker, where it has one of its own */
    Rpc.make("exit")
  ]
}) {}

export default Mortal.toLayer(({ journal }) =>
  Effect.gen(function*() {
    const ref = yield* Handle.makeRef(1)
    const queue = yield* Handle.makeQueue<string>()
    yield* Effect.orDie(queue.offer(journal))
    return Mortal.handlers({
      ping: () => Effect.succeed("pong"),
      numbers: ({ upTo }) => Stream.range(1, upTo),
      ref: () => Effect.succeed(ref),
      queue: () => Effect.succeed(queue),
      hang: () => Effect.never,
      exit: () => Effect.sync(() => process.exit(7))
    })
  }), { mailboxCapacity: 1 })
