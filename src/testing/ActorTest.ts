/**
 * Tests of a program whose workers and links fail. {@link faults} is a layer around any `ActorSystem`, in memory, on threads or in child
 * processes. It loses, duplicates, delays and reorders messages, cuts links, and kills and freezes workers. A seed determines the faults.
 *
 * @module
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { ActorSystem } from "../ActorSystem.ts"
import * as System from "../internal/system/system.ts"
import * as FaultPlan from "./faultPlan.ts"
import { placement } from "./faultyPlacement.ts"

/**
 * The faults of the messages in one direction of a link. A message is a batch of frames. Calls that are made together, in one turn of
 * the event loop, share a message, and so do their answers. A large batch is sent in several messages.
 *
 * @category models
 * @since 0.1.0
 */
export type Direction = FaultPlan.Direction

/**
 * The options of `faults`: the faults, and the workers that have them.
 *
 * @category models
 * @since 0.1.0
 */
export type FaultOptions = FaultPlan.Options

/**
 * A fault: its kind, and the message of the worker to which it happened. Workers are numbered from 0, in the order of their start.
 * Messages are numbered from 1 in each direction. A cut, kill or freeze before the first message has the message number 0.
 *
 * @category models
 * @since 0.1.0
 */
export type Fault = FaultPlan.Fault

/**
 * An `ActorSystem` with faults. It has the kind of workers and the options of the `ActorSystem` with which it is provided. It starts its own
 * workers, which end with its scope.
 *
 * The engine detects these faults by the same means as real faults. Every call still settles, with its answer or with an `ActorExited`
 * whose `outcome` is true. The number of messages depends on timing only by the heartbeats: each heartbeat is one message in each
 * direction.
 *
 * Throws a `RangeError` that names the option if an option is out of range.
 *
 * @example
 * ```ts
 * import { Actor, ActorSystem } from "uactor"
 * import { ActorTest } from "uactor/testing"
 * import { Effect, Layer, Schema } from "effect"
 * import assert from "node:assert"
 *
 * class Echo extends Actor.Service<Echo>()("Echo", {
 *   protocol: { say: Actor.method({ payload: { text: Schema.String }, success: Schema.String }) }
 * }) {}
 * const EchoLive = Echo.toLayer({ say: ({ text }) => Effect.succeed(text) })
 *
 * // the link is cut after the second message; the first two messages are "ready" and "spawned"
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
  const plan = FaultPlan.plan(options)
  return Layer.effect(
    ActorSystem,
    Effect.flatMap(
      ActorSystem,
      ({ "~uactor/ActorSystem": system }) =>
        System.make(
          placement(system.placement, plan),
          FaultPlan.withHeartbeat(system.options, plan)
        )
    )
  )
}
