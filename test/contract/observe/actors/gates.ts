/** An actor whose calls wait for each other. */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Actor from "../../../../src/Actor.ts"

export class Gate extends Actor.Service<Gate>()("Gate", {
  protocol: {
    /** runs until `open` is called */
    pass: Actor.method(),
    /** runs beside the other calls */
    open: Actor.method(),
    touch: Actor.method({ success: Schema.Int }),
    touches: Actor.method({ success: Schema.Int, stream: true }),
    refuse: Actor.method({ error: Schema.Struct({ _tag: Schema.tag("Refused") }) }),
    die: Actor.method(),
    exit: Actor.method(),
    crash: Actor.method(),
    /** runs beside the other calls */
    crashNow: Actor.method(),
    quiet: Actor.method({ success: Schema.Int }).annotate(Actor.Tracing, "off"),
    served: Actor.method({ success: Schema.Int }).annotate(Actor.Tracing, "server"),
    loud: Actor.method({ success: Schema.Int }).annotate(Actor.Tracing, "full")
  }
}) {}

/** a gate with room for ten calls */
export class Booth extends Actor.Service<Booth>()("Booth", {
  protocol: {
    pass: Actor.method(),
    /** cannot be interrupted until `open` is called */
    insist: Actor.method(),
    open: Actor.method(),
    touch: Actor.method()
  }
}) {}

export class Visitor extends Actor.Service<Visitor>()("Visitor", {
  protocol: { visit: Actor.method({ payload: { gate: Gate.ref }, success: Schema.Int }) }
}) {}

const Refused = Schema.Struct({ _tag: Schema.tag("Refused") })

/** cannot be built */
export class Closed extends Actor.Service<Closed>()("Closed", {
  protocol: { touch: Actor.method() },
  error: Refused
}) {}

/** no module serves it */
export class Unserved extends Actor.Service<Unserved>()("Unserved", { protocol: { touch: Actor.method() } }) {}

const inner = Effect.withSpan(Effect.succeed(1), "inner")

export default Layer.mergeAll(
  Gate.toLayer(() =>
    Effect.map(Deferred.make<void>(), (gate) =>
      Gate.handlers({
        pass: () => Deferred.await(gate),
        open: () => Rpc.fork(Effect.asVoid(Deferred.succeed(gate, undefined))),
        touch: () => inner,
        touches: () => Stream.make(1, 2),
        refuse: () => Effect.fail({ _tag: "Refused" as const }),
        die: () => Effect.die(new TypeError("oops")),
        crashNow: () => Rpc.fork(Actor.crash(Cause.fail("oops"))),
        crash: () => Actor.crash(Cause.fail("oops")),
        exit: () => Effect.sync(() => process.exit(3)),
        quiet: () => inner,
        served: () => inner,
        loud: () => inner
      }))
  ),
  Booth.toLayer(() =>
    Effect.map(Deferred.make<void>(), (gate) =>
      Booth.handlers({
        pass: () => Deferred.await(gate),
        insist: () => Effect.uninterruptible(Deferred.await(gate)),
        open: () => Rpc.fork(Effect.asVoid(Deferred.succeed(gate, undefined))),
        touch: () => Effect.void
      })), { mailboxCapacity: 10, onFull: "fail" }),
  Closed.toLayer(() => Effect.fail({ _tag: "Refused" as const })),
  Visitor.toLayer({ visit: ({ gate }) => Effect.orDie(gate.touch()) })
)
