/**
 * Where actors live. The same definition and behaviour run on every system; only
 * the layer changes: {@link layer} keeps them in this process, and
 * `NodeActorSystem` of `uactor/node` puts them on worker threads or into child
 * processes.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as MemoryLink from "./internal/system/memoryLink.ts"
import * as Options from "./internal/system/options.ts"
import * as System from "./internal/system/system.ts"

/**
 * Times after which a system stops waiting for an actor. They are measured by the machine's own clock, not by the program's `Clock`;
 * with more than twelve days, as with `Infinity`, it does not stop waiting.
 *
 * @category models
 * @since 0.1.0
 */
export interface Timeouts {
  /** how long the worker may take to start and to build the behaviour; then `spawn` fails. 30 seconds by default. */
  readonly spawnTimeout?: Duration.Input | undefined
  /** how long closing may take, finalizers included; then the worker is killed. 5 seconds by default. */
  readonly shutdownTimeout?: Duration.Input | undefined
  /** how long an interrupted handler may take to react; then its worker is killed. 5 seconds by default. */
  readonly interruptTimeout?: Duration.Input | undefined
}

/**
 * The service that starts actors. `spawn` and the layers of an actor require it.
 *
 * @category services
 * @since 0.1.0
 */
export class ActorSystem extends Context.Service<ActorSystem, { readonly "~uactor/ActorSystem": System.System }>()(
  "uactor/ActorSystem"
) {
  /**
   * Actors as fibers of this process, for tests and for actors that need no worker. What is sent is encoded, copied and decoded
   * as it would be between threads, so nothing is shared by accident.
   *
   * @example
   * ```ts
   * import { Actor, ActorSystem } from "uactor"
   * import { Effect, Schema } from "effect"
   * import { Rpc } from "effect/rpc"
   * import assert from "node:assert"
   *
   * class Echo extends Actor.Service<Echo>()("Echo", {
   *   protocol: [Rpc.make("say", { payload: { text: Schema.String }, success: Schema.String })]
   * }) {}
   * const EchoLive = Echo.toLayer({ say: ({ text }) => Effect.succeed(text) })
   *
   * const program = Effect.gen(function*() {
   *   const echo = yield* Echo.spawn()
   *   return yield* echo.say({ text: "hello" })
   * }).pipe(Effect.scoped, Effect.provide(ActorSystem.layer(EchoLive)))
   *
   * assert.strictEqual(await Effect.runPromise(program), "hello")
   * ```
   */
  static readonly layer = <B, E, R>(
    behaviours: Layer.Layer<B, E, R>,
    options?: Timeouts
  ): Layer.Layer<ActorSystem, E, R> => {
    const times = Options.timeouts("ActorSystem.layer", options)
    return Layer.effect(
      ActorSystem,
      Effect.flatMap(
        Layer.build(behaviours),
        (context) => System.make(MemoryLink.placement(context as Context.Context<never>), times)
      )
    )
  }
}
