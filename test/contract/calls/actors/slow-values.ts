/** Actors whose answers and payloads take their time to be encoded and decoded, and say so in a journal. */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as Actor from "../../../../src/Actor.ts"
import * as Journal from "../../support/journal.ts"

const atOnce = SchemaGetter.transform((path: string) => path)

// at once, or after a while
const Decoded = Schema.Struct({ slowly: Schema.Boolean, job: Schema.String }).pipe(
  Schema.decodeTo(Schema.Struct({ slowly: Schema.Boolean, job: Schema.String }), {
    decode: SchemaGetter.transformEffect((payload: { readonly slowly: boolean; readonly job: string }) =>
      Effect.as(payload.slowly ? Effect.yieldNow : Effect.sync(() => undefined), payload)
    ),
    encode: SchemaGetter.transform((payload: { readonly slowly: boolean; readonly job: string }) => payload)
  })
)

// notes that it has begun, and ends when the line "go" has been noted
const slowly = SchemaGetter.transformEffect((path: string) => {
  const { awaitLine, note } = Journal.at(path)
  return Effect.andThen(note("encoding"), awaitLine("go")).pipe(
    Effect.onInterrupt(() => note("gave up")),
    Effect.as(path)
  )
})

const SlowlyEncoded = Schema.String.pipe(Schema.decodeTo(Schema.String, { decode: atOnce, encode: slowly }))

export const Way = Schema.Literals(["succeeds", "fails", "fails and dies"])

export class Slow extends Actor.Service<Slow>()("Slow", {
  args: Schema.Struct({ journal: Schema.String }),
  protocol: [
    /** notes that it has run; its answer takes time */
    Rpc.make("answer", { payload: { way: Way }, success: SlowlyEncoded, error: SlowlyEncoded }),
    Rpc.make("exit"),
    Rpc.make("ping")
  ]
}) {}

/** Its payloads take an effect to be decoded. */
export class Reader extends Actor.Service<Reader>()("Reader", {
  protocol: [
    /** logs its job, and waits until it is let go */
    Rpc.make("hold", { payload: Decoded }),
    Rpc.make("holdUninterruptible", { payload: Decoded }),
    // out of line:
    Rpc.make("holdForked", { payload: Decoded }),
    /** lets a job go */
    Rpc.make("letGo", { payload: Decoded }),
    /** the jobs, as their handlers were run, and those that were let go */
    Rpc.make("log", { success: Schema.Array(Schema.String) })
  ]
}) {}

const ReaderLive = Reader.toLayer(() =>
  Effect.sync(() => {
    const log: Array<string> = []
    const gates = new Map<string, Deferred.Deferred<void>>()
    const gate = (job: string) => {
      const gate = gates.get(job) ?? Deferred.makeUnsafe<void>()
      gates.set(job, gate)
      return gate
    }
    const note = (line: string) => Effect.sync(() => void log.push(line))
    const hold = ({ job }: { readonly job: string }) =>
      Effect.andThen(Effect.andThen(note(job), Deferred.await(gate(job))), note(`${job} ended`))
    return Reader.handlers({
      hold,
      holdUninterruptible: (payload) => Rpc.uninterruptible(hold(payload)),
      holdForked: (payload) => Rpc.fork(hold(payload)),
      letGo: ({ job }) => Rpc.fork(Effect.asVoid(Deferred.succeed(gate(job), undefined))),
      log: () => Rpc.fork(Effect.sync(() => log.slice()))
    })
  })
)

export default Layer.mergeAll(
  ReaderLive,
  Slow.toLayer(({ journal }) => {
    const ran = Journal.at(journal).note("ran")
    return Effect.succeed(Slow.handlers({
      answer: ({ way }) => {
        if (way === "succeeds") return Effect.as(ran, journal)
        const failure = Cause.fail(journal)
        return Effect.andThen(
          ran,
          Effect.failCause(way === "fails" ? failure : Cause.combine(failure, Cause.die("beside it")))
        )
      },
      exit: () => Rpc.fork(Effect.sync(() => process.exit(7))),
      ping: () => Effect.void
    }))
  })
)
