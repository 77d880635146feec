/**
 * The service that starts actors. The same definition and behaviour run on every system; only the layer changes.
 * `ActorSystem.layer` runs actors in this process. `NodeActorSystem` of `uactor/node` runs them on worker threads or in child processes.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { SystemTracing } from "./internal/observe/clientSpan.ts"
import { structuredClone } from "./internal/runtime/globals.ts"
import * as System from "./internal/system/system.ts"
import * as ConfigValues from "./internal/workers/configValues.ts"
import * as MemoryPlacement from "./internal/workers/memoryPlacement.ts"
import * as Options from "./internal/workers/options.ts"
import type { Given } from "./WorkerConfig.ts"

/**
 * The timeouts of a system. They are measured by the clock of the machine, not by the `Clock` of the program. A timeout of more than
 * twelve days is the same as `Infinity`: no timeout.
 *
 * @category models
 * @since 0.1.0
 */
export interface Timeouts {
  /** The time in which the worker must start and build the behaviour. After it, `spawn` fails. 30 seconds by default. */
  readonly spawnTimeout?: Duration.Input | undefined
  /** The time in which an actor must close, finalizers included. After it, the worker is killed. 5 seconds by default. */
  readonly shutdownTimeout?: Duration.Input | undefined
  /** The time in which a handler must react to an interruption. After it, its worker is killed. 5 seconds by default. */
  readonly interruptTimeout?: Duration.Input | undefined
}

/**
 * The options of a system in memory. `C` is the type of the values in `config`.
 *
 * @category models
 * @since 0.2.0
 */
export interface MemoryOptions<C extends Given<any> = never> extends Timeouts {
  /** The values that the layers of `WorkerConfig` services provide to the behaviours. */
  readonly config?: Context.Context<C> | undefined
  /**
   * Which spans the system makes, if the program has a tracer: those of callers and of handlers (`"full"`, the default), those of handlers
   * (`"server"`), or none (`"off"`). The same option of `NodeActorSystem.layerThreads` has the details.
   */
  readonly tracing?: "full" | "server" | "off" | undefined
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
   * The number of tells (`{ discard: true }`) that the actors of the system have accepted and lost. A lost tell did not run, or may not
   * have run to completion, because its actor has ended. The log also warns of lost tells.
   */
  static readonly lostTells: Effect.Effect<number, never, ActorSystem> = Effect.suspend(() =>
    Effect.map(ActorSystem, (service) => service["~uactor/ActorSystem"].lostTells)
  )

  /**
   * A system whose actors run as fibers of this process, for tests and for actors that need no worker. Messages are encoded, copied and
   * decoded as between threads, so that actors share no memory by accident. Throws a `RangeError` if a timeout is not a duration of at
   * least 0, or if `tracing` is another value. A value of `config` that the behaviours require is missing in the type of the result if the option does not contain it.
   *
   * @example
   * ```ts
   * import { Actor, ActorSystem } from "uactor"
   * import { Effect, Schema } from "effect"
   * import { Rpc } from "effect/rpc"
   * import assert from "node:assert"
   *
   * class Echo extends Actor.Service<Echo>()("Echo", {
   *   protocol: { say: Actor.method({ payload: { text: Schema.String }, success: Schema.String }) }
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
  static readonly layer = <B, E, R, C extends Given<any> = never>(
    behaviours: Layer.Layer<B, E, R>,
    options?: MemoryOptions<C>
  ): Layer.Layer<ActorSystem, E, Exclude<R, C>> => {
    const checked = Options.checked("ActorSystem.layer", options)
    const values = ConfigValues.valuesOf("ActorSystem.layer", options?.config)
    return Layer.effect(
      ActorSystem,
      Effect.flatMap(
        Effect.suspend(() =>
          Effect.provideContext(
            Layer.build(behaviours),
            Context.add(
              ConfigValues.contextOf(structuredClone(values)) as Context.Context<C>,
              SystemTracing,
              checked.tracing
            )
          )
        ),
        (context) => System.make(MemoryPlacement.placement(context as Context.Context<never>), checked)
      )
    )
  }
}
