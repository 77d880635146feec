/** Actors whose runs have timeouts, and which note in a file what runs in them. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Actor from "../../../../src/Actor.ts"
import * as Journal from "../../support/journal.ts"

const args = Schema.Struct({ journal: Schema.String })

const protocol = {
  echo: Actor.method({ payload: { n: Schema.Int }, success: Schema.Int }),
  /** notes "waiting", and returns when the journal has the line "go"; notes "interrupted" if it is interrupted */
  wait: Actor.method({ success: Schema.String }),
  /** the same, out of line */
  forked: Actor.method({ success: Schema.String }),
  /** the same, uninterruptible */
  sealed: Actor.method({ success: Schema.String }),
  /** the same, without a timeout */
  patient: Actor.method({ success: Schema.String }).annotate(Actor.RunTimeout, Infinity),
  /** the same, with a short timeout of its own */
  brief: Actor.method({ success: Schema.String }).annotate(Actor.RunTimeout, "50 millis"),
  /** 1, then 2 when the journal has the line "go" */
  ticks: Actor.method({ success: Schema.Int, stream: true }),
  /** the same, with a timeout of its own */
  briefTicks: Actor.method({ success: Schema.Int, stream: true }).annotate(Actor.RunTimeout, "50 millis"),
  /** computes until it is interrupted */
  spin: Actor.method(),
  /** computes for ever */
  burn: Actor.method()
}

/** its behaviour has a timeout of 100 ms */
export class Timed extends Actor.Service<Timed>()("Timed", { args, protocol }) {}

/** its behaviour has no timeout */
export class Untimed extends Actor.Service<Untimed>()("Untimed", { args, protocol }) {}

/** calls an actor by reference */
export class Caller extends Actor.Service<Caller>()("Caller", {
  protocol: {
    /** the result or the error of a call */
    use: Actor.method({
      payload: { timed: Timed.ref, method: Schema.Literals(["wait", "brief"]) },
      success: Schema.String
    })
  }
}) {}

const build = ({ journal: path }: typeof args.Type) =>
  Effect.sync(() => {
    const journal = Journal.at(path)
    const wait = journal.note("waiting").pipe(
      Effect.andThen(journal.awaitLine("go")),
      Effect.as("done"),
      Effect.onInterrupt(() => journal.note("interrupted"))
    )
    const ticks = Stream.concat(
      Stream.make(1),
      Stream.fromEffect(Effect.as(Effect.onInterrupt(journal.awaitLine("go"), () => journal.note("interrupted")), 2))
    )
    return Untimed.handlers({
      echo: ({ n }) => Effect.succeed(n),
      wait: () => wait,
      forked: () => Rpc.fork(wait),
      sealed: () => Rpc.uninterruptible(wait),
      patient: () => wait,
      brief: () => wait,
      ticks: () => ticks,
      briefTicks: () => ticks,
      spin: () =>
        Effect.sync(() => {
          for (;;) Actor.checkInterrupt()
        }),
      burn: () =>
        Effect.sync(() => {
          for (;;);
        })
    })
  })

export default Layer.mergeAll(
  Timed.toLayer(build, { runTimeout: "100 millis" }),
  Untimed.toLayer(build),
  Caller.toLayer({
    use: ({ method, timed }) =>
      Effect.match(timed[method](), {
        onSuccess: (result) => result,
        onFailure: (error) => error._tag === "CallTimedOut" ? `${error.limit} ${error.outcome}` : error._tag
      })
  })
)
