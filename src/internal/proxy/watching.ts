/**
 * What a watcher of an actor learns, as effects: its exit and its incarnations.
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import type { ActorExited } from "../../ActorError.ts"
import type { ActorProxy } from "./actorProxy.ts"
import type { Incarnation } from "./proxyState.ts"

/** Completes when the actor has ended for good. */
export const awaitExit = (proxy: ActorProxy): Effect.Effect<Exit.Exit<void, ActorExited>> =>
  Effect.callback((resume) => {
    const stop = proxy.watch({ onExit: (exit) => resume(Effect.succeed(exit)) })
    return Effect.sync(stop)
  })

/** The current incarnation and every later one, until the actor has ended for good. */
export const incarnations = (proxy: ActorProxy): Stream.Stream<Incarnation> => {
  const bufferOptions = { bufferSize: 1024, strategy: "sliding" } as const
  return Stream.callback((queue) =>
    Effect.acquireRelease(
      Effect.sync(() => {
        Queue.offerUnsafe(queue, proxy.incarnation)
        return proxy.watch({
          onIncarnation: (incarnation) => Queue.offerUnsafe(queue, incarnation),
          onExit: () => Queue.endUnsafe(queue)
        })
      }),
      (stop) => Effect.sync(stop)
    ), bufferOptions)
}
