/**
 * Testing what a program does when its actors' workers and links fail:
 * {@link faults} is a layer around any `ActorSystem`, in memory, on threads or in
 * child processes, that loses, repeats, delays and reorders messages, cuts links,
 * and kills and freezes workers, by the dice of a seed.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { ActorSystem } from "./ActorSystem.ts"
import * as Faults from "./internal/system/faults.ts"
import * as System from "./internal/system/system.ts"

/**
 * What happens to the messages of one direction of a link. A message is all that one side had to say in one turn, so several
 * calls that are made together are one message, and so are their answers.
 *
 * @category models
 * @since 0.1.0
 */
export type Direction = Faults.Direction

/**
 * What goes wrong, and where.
 *
 * @category models
 * @since 0.1.0
 */
export type FaultOptions = Faults.Options

/**
 * One thing that went wrong: what, and to which message of which worker. Workers count from 0, in the order in which they were
 * started, messages from 1; a step that comes before the first message is at 0.
 *
 * @category models
 * @since 0.1.0
 */
export type Fault = Faults.Fault

/**
 * An `ActorSystem` like the one it is provided with, on the same kind of workers and with the same options, whose links and workers
 * fail as `options` say. Its workers are its own, and end with its scope.
 *
 * What goes wrong is noticed by the library as it would be if it had happened by itself, so every call still settles, with its
 * answer or with an `ActorExited` whose `outcome` is true. The number of messages depends on timing in one way only: each beat of the
 * `heartbeat` is a message in both directions.
 *
 * Throws a `RangeError` that names the option when one is out of its range.
 *
 * @example
 * ```ts
 * import { Actor, ActorSystem, ActorTest } from "uactor"
 * import { Effect, Layer, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import assert from "node:assert"
 *
 * class Echo extends Actor.Service<Echo>()("Echo", {
 *   protocol: [Rpc.make("say", { payload: { text: Schema.String }, success: Schema.String })]
 * }) {}
 * const EchoLive = Echo.toLayer({ say: ({ text }) => Effect.succeed(text) })
 *
 * // the link breaks when the second message has come: the first two were "ready" and "spawned"
 * const system = ActorTest.faults({ fromWorker: { cutAfter: 2 } }).pipe(Layer.provide(ActorSystem.layer(EchoLive)))
 *
 * const program = Effect.gen(function*() {
 *   const echo = yield* Echo.spawn()
 *   return yield* Effect.flip(echo.say({ text: "hello" }))
 * }).pipe(Effect.scoped, Effect.provide(system))
 *
 * const error = await Effect.runPromise(program)
 * assert(error._tag === "ActorExited" && error.reason === "Disconnected")
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const faults = (options: FaultOptions = {}): Layer.Layer<ActorSystem, never, ActorSystem> => {
  const plan = Faults.plan(options)
  return Layer.effect(
    ActorSystem,
    Effect.flatMap(
      ActorSystem,
      ({ "~uactor/ActorSystem": sound }) =>
        System.make(Faults.placement(sound.placement, plan), Faults.withHeartbeat(sound.options, plan))
    )
  )
}
