// The actors of the two pools of the original: one says in which process it runs, at once or through a handle.
import { Effect, Layer, Schema, Semaphore } from "effect"
import { Rpc } from "effect/rpc"
import { Actor, Handle } from "../../src/index.ts"

/** Answers at once. */
export class Getpid extends Actor.Service<Getpid>()("Getpid", {
  protocol: [Rpc.make("getpid", { success: Schema.Int })]
}) {}

/** Returns a handle at once; the results are made four at a time inside the actor. */
export class AsyncGetpid extends Actor.Service<AsyncGetpid>()("AsyncGetpid", {
  protocol: [Rpc.make("getpid", { success: Handle.Deferred({ success: Schema.Int }) })]
}) {}

export default Layer.mergeAll(
  Getpid.toLayer({ getpid: () => Effect.sync(() => process.pid) }),
  AsyncGetpid.toLayer(() =>
    Effect.map(Semaphore.make(4), (four) => ({
      getpid: () => Handle.fork(four.withPermit(Effect.sync(() => process.pid)))
    }))
  )
)
