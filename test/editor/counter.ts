/** A program for the language server. The comments mark the lines that the server is to find. */
import { Effect, Ref, Schema } from "effect"
import { Actor, ActorPool, Handle } from "../../src/index.ts"

const Cursor = Handle.object({
  next: Actor.method({ success: Schema.Int }) // method next
})

class Counter extends Actor.Service<Counter>()("Counter", {
  protocol: {
    increment: Actor.method({ payload: { by: Schema.Int }, success: Schema.Int }), // method increment
    open: Actor.method({ success: Cursor })
  }
}) {}

const open = () =>
  Cursor.of({
    next: () => Effect.succeed(1) // handler of next
  })

export const plain = Counter.toLayer({
  increment: ({ by }) => Effect.succeed(by), // handler of increment
  open
})

export const built = Counter.toLayer(() =>
  Effect.map(Ref.make(0), (n) =>
    Counter.handlers({
      increment: ({ by }) => Ref.updateAndGet(n, (x) => x + by), // handler of increment
      open
    }))
)

export const program = Effect.gen(function*() {
  const counter = yield* Counter.spawn()
  yield* counter.increment({ by: 1 }) // call of increment
  const pool = yield* ActorPool.make(Counter, { size: 2 })
  yield* pool.client.increment({ by: 1 }) // call of increment
  const cursor = yield* counter.open()
  return yield* cursor.next() // call of next
})
