/** Actors whose calls have timeouts, and which note in a file what runs in them. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Actor from "../../../../src/Actor.ts"
import * as ActorRef from "../../../../src/ActorRef.ts"
import * as Journal from "../../support/journal.ts"

const args = Schema.Struct({ journal: Schema.String })

const protocol = {
  echo: Actor.method({ payload: { n: Schema.Int }, success: Schema.Int }),
  /** notes "waiting", and returns when the journal has the line "go"; notes "interrupted" if it is interrupted */
  wait: Actor.method({ success: Schema.String }),
  /** the same, without a timeout */
  patient: Actor.method({ success: Schema.String }).annotate(Actor.CallTimeout, Infinity),
  /** the same, with a short timeout of its own */
  brief: Actor.method({ success: Schema.String }).annotate(Actor.CallTimeout, "50 millis"),
  /** 1, then 2 when the journal has the line "go" */
  ticks: Actor.method({ success: Schema.Int, stream: true }),
  /** ends its worker, out of turn */
  exit: Actor.method()
}

/** its behaviour has a timeout of 100 ms */
export class Timed extends Actor.Service<Timed>()("Timed", { args, protocol }) {}

/** its behaviour has no timeout */
export class Untimed extends Actor.Service<Untimed>()("Untimed", { args, protocol }) {}

/** calls an actor by reference */
export class Caller extends Actor.Service<Caller>()("Caller", {
  protocol: {
    /** the error of a call of `wait` */
    callWait: Actor.method({
      payload: { timed: Timed.ref },
      success: Schema.Struct({ tag: Schema.String, outcome: Schema.String })
    }),
    /** waits for the end of an actor */
    awaitExit: Actor.method({ payload: { timed: Timed.ref }, success: Schema.String })
  }
}) {}

const build = ({ journal: path }: typeof args.Type) =>
  Effect.sync(() => {
    const journal = Journal.at(path)
    const wait = journal.note("waiting").pipe(
      Effect.andThen(journal.awaitLine("go")),
      Effect.andThen(journal.note("went on")),
      Effect.as("done"),
      Effect.onInterrupt(() => journal.note("interrupted"))
    )
    return Untimed.handlers({
      echo: ({ n }) => Effect.succeed(n),
      wait: () => wait,
      patient: () => wait,
      brief: () => wait,
      ticks: () => Stream.concat(Stream.make(1), Stream.fromEffect(Effect.as(journal.awaitLine("go"), 2))),
      exit: () => Rpc.fork(Effect.sync(() => process.exit(7)))
    })
  })

export default Layer.mergeAll(
  Timed.toLayer(build, { callTimeout: "100 millis" }),
  Untimed.toLayer(build),
  Caller.toLayer({
    callWait: ({ timed }) =>
      Effect.match(timed.wait(), {
        onSuccess: () => ({ tag: "none", outcome: "none" }),
        onFailure: ({ _tag, outcome }) => ({ tag: _tag, outcome })
      }),
    awaitExit: ({ timed }) => Effect.map(ActorRef.awaitExit(timed), ({ _tag }) => _tag)
  })
)
