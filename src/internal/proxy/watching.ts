/**
 * What a watcher of an actor learns, as effects: its exit, its incarnations, and their ends.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import type { ActorExited } from "../../ActorError.ts"
import type { ActorProxy } from "./actorProxy.ts"
import type { End, Incarnation } from "./proxyState.ts"

/** Completes when the actor has ended for good. */
export const awaitExit = (proxy: ActorProxy): Effect.Effect<Exit.Exit<void, ActorExited>> =>
  Effect.callback((resume) => {
    const stop = proxy.watch({ onExit: (exit) => resume(Effect.succeed(exit)) })
    return Effect.sync(stop)
  })

const bufferOptions = { bufferSize: 1024, strategy: "sliding" } as const

/** The current incarnation and every later one, until the actor has ended for good. */
export const incarnations = (proxy: ActorProxy): Stream.Stream<Incarnation> => {
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

/** The end of the current incarnation and of every later one. The last one is the end of the actor for good. */
export const ends = (proxy: ActorProxy): Stream.Stream<End> =>
  Stream.callback((queue) =>
    Effect.acquireRelease(
      Effect.sync(() => {
        const offer = (exit: Exit.Exit<void, ActorExited>, restarts: boolean): void => {
          const { address, number: incarnation } = proxy.incarnation
          Queue.offerUnsafe(queue, { incarnation, address, exit, restarts })
        }
        return proxy.watch({
          onEnd: (end) => offer(end.reason === "Stopped" ? Exit.void : Exit.fail(end), true),
          onExit: (exit) => {
            offer(exit, false)
            Queue.endUnsafe(queue)
          }
        })
      }),
      (stop) => Effect.sync(stop)
    ), bufferOptions)
