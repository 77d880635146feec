/** Objects whose methods have timeouts, in the program and in actors. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Actor from "../../../../src/Actor.ts"
import * as Handle from "../../../../src/Handle.ts"

/** Each method never ends, but for `echo`. */
export const Slow = Handle.object({
  run: Actor.method().annotate(Actor.RunTimeout, "50 millis"),
  call: Actor.method().annotate(Actor.CallTimeout, "50 millis"),
  ticks: Actor.method({ success: Schema.Int, stream: true }).annotate(Actor.RunTimeout, "50 millis"),
  echo: Actor.method({ payload: { n: Schema.Int }, success: Schema.Int }).annotate(Actor.RunTimeout, "1 hour")
}, { name: "Slow" })

export const slow = Slow.of({
  run: () => Effect.never,
  call: () => Effect.never,
  ticks: () => Stream.concat(Stream.make(1), Stream.never),
  echo: ({ n }) => Effect.as(Effect.yieldNow, n)
})

/** The limits and outcomes of the timeouts of an object, and the result of `echo`. */
export const timeoutsOf = (object: typeof Slow.Type) =>
  Effect.gen(function*() {
    const errors = [
      yield* Effect.flip(object.run()),
      yield* Effect.flip(object.call()),
      yield* Effect.flip(Stream.runDrain(object.ticks()))
    ]
    const shown = errors.map((error) => error._tag === "CallTimedOut" ? `${error.limit} ${error.outcome}` : error._tag)
    return [...shown, String(yield* Effect.orDie(object.echo({ n: 7 })))]
  })

export class Owner extends Actor.Service<Owner>()("Owner", {
  protocol: {
    make: Actor.method({ success: Slow }),
    /** the timeouts of an object */
    use: Actor.method({ payload: { object: Slow }, success: Schema.Array(Schema.String) })
  }
}) {}

export default Owner.toLayer({
  make: () => slow,
  use: ({ object }) => Effect.orDie(timeoutsOf(object))
})
