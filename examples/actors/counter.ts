// An actor with arguments, state, a typed error, a stream and a finalizer.
import { Effect, Ref, Schema, Stream } from "effect"
import { Actor } from "uactor"

export class Overflow extends Schema.TaggedError<Overflow>()("Overflow", { max: Schema.Int }) {}

export class Counter extends Actor.Service<Counter>()("Counter", {
  args: Schema.Struct({ start: Schema.Int, max: Schema.Int }),
  protocol: {
    increment: Actor.method({ payload: { by: Schema.Int }, success: Schema.Int, error: Overflow }),
    countdown: Actor.method({ success: Schema.Int, stream: true }),
    crash: Actor.method()
  }
}) {}

export default Counter.toLayer(({ max, start }) =>
  Effect.gen(function*() {
    const n = yield* Ref.make(start)
    return {
      increment: Effect.fnUntraced(function*({ by }: { readonly by: number }) {
        const next = (yield* Ref.get(n)) + by
        if (next > max) return yield* new Overflow({ max })
        yield* Ref.set(n, next)
        return next
      }),
      countdown: () => Stream.unwrap(Effect.map(Ref.get(n), (n) => Stream.range(1, n).pipe(Stream.map((i) => n - i)))),
      crash: () => Effect.sync(() => process.exit(1))
    }
  })
)
