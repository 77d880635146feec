// The actors of the two pools of the original: an actor returns the id of its process, immediately or through a handle.
import { Effect, Layer, Schema, Semaphore } from "effect"
import { Actor, Handle } from "uactor"

/** Answers immediately. */
export class Getpid extends Actor.Service<Getpid>()("Getpid", {
  protocol: { getpid: Actor.method({ success: Schema.Int }) }
}) {}

/** Returns a handle immediately. The actor computes at most four results concurrently. */
export class AsyncGetpid extends Actor.Service<AsyncGetpid>()("AsyncGetpid", {
  protocol: { getpid: Actor.method({ success: Handle.Deferred({ success: Schema.Int }) }) }
}) {}

export default Layer.mergeAll(
  Getpid.toLayer({ getpid: () => Effect.sync(() => process.pid) }),
  AsyncGetpid.toLayer(() =>
    Effect.map(Semaphore.make(4), (four) => ({
      getpid: () => Handle.fork(four.withPermit(Effect.sync(() => process.pid)))
    }))
  )
)
