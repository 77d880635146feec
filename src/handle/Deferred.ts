/**
 * Pending results that stay in the actor. A method with the result schema {@link Deferred} returns at once. Its caller holds a handle of
 * the pending result and can await, poll and interrupt it. The actor pushes the result to the holders as soon as it is available.
 *
 * @since 0.1.0
 */
import * as Deferreds from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { ActorExited, HandleReleased } from "../ActorError.ts"
import * as Codec from "../internal/codec/codec.ts"
import { DeferredSource } from "../internal/handles/deferredSource.ts"
import { LocalDeferred } from "../internal/handles/exports.ts"
import { ForkedResult } from "../internal/handles/forkedResult.ts"
import * as Handles from "../internal/handles/handle.ts"
import * as Marshal from "../internal/handles/marshal.ts"
import * as HandleSchema from "../internal/remote/handleSchema.ts"
import type { AnyHandle } from "./AnyHandle.ts"

/**
 * A handle of a pending result in the actor that computes it. It lives as long as the scope that received it, or until `Handle.release`.
 * In uActor: a proxied `AsyncResult`.
 *
 * @category models
 * @since 0.1.0
 */
export interface DeferredHandle<out A, out E = never> extends AnyHandle {
  /** Waits for the result. A result can be awaited any number of times. A timeout of `await` does not affect the result. */
  readonly await: Effect.Effect<A, E | ActorExited | HandleReleased>
  /** The result if it is available, without waiting. */
  readonly poll: Effect.Effect<Option.Option<Exit.Exit<A, E | ActorExited | HandleReleased>>>
  /** Whether the result is available. */
  readonly isDone: Effect.Effect<boolean, ActorExited | HandleReleased>
  /** Interrupts the computation of the result in the actor, and waits until the actor has acknowledged the interruption. */
  readonly interrupt: Effect.Effect<void>
}

/**
 * A schema for handles of pending results. A method with this schema as `success` returns at once, and its caller receives a
 * {@link DeferredHandle}. `success` and `error` are the schemas of the result and of the error of its computation. By default there is no
 * error.
 *
 * @example
 * ```ts
 * import { Actor, ActorSystem, Handle } from "uactor"
 * import { Effect, Schema } from "effect"
 * import assert from "node:assert"
 *
 * class Slow extends Actor.Service<Slow>()("Slow", {
 *   protocol: { square: Actor.method({ payload: { n: Schema.Int }, success: Handle.Deferred({ success: Schema.Int }) }) }
 * }) {}
 * const SlowLive = Slow.toLayer({ square: ({ n }) => Handle.fork(Effect.delay(Effect.succeed(n * n), "10 millis")) })
 *
 * const program = Effect.gen(function*() {
 *   const slow = yield* Slow.spawn()
 *   const result = yield* slow.square({ n: 7 })
 *   return yield* result.await
 * }).pipe(Effect.scoped, Effect.provide(ActorSystem.layer(SlowLive)))
 *
 * assert.strictEqual(await Effect.runPromise(program), 49)
 * ```
 *
 * @category schemas
 * @since 0.1.0
 */
export const Deferred = <A extends Schema.Top, E extends Schema.Top = Schema.Never>(options: {
  readonly success: A
  readonly error?: E | undefined
}): Schema.declare<DeferredHandle<A["Type"], E["Type"]>> => {
  const codec: Codec.ResultCodec = {
    success: Codec.compile(options.success),
    error: Codec.compile(options.error ?? Schema.Never)
  }
  return HandleSchema.schemaOf<DeferredHandle<A["Type"], E["Type"]>>({
    expected: "a handle of kind Deferred",
    // a completed result is sent with the handle
    fresh: codec.success.isFresh && codec.error.isFresh,
    is: (u) => Handles.isHandle(u, "Deferred"),
    encode: (handle, to) => Handles.toWire(handle, codec, to),
    decode: (wire, from) => Marshal.receive(wire, codec, from),
    result: codec
  })
}

/**
 * Runs an effect in the scope of the actor and returns a handle of its pending result. The method that calls `fork` returns at once, and
 * the actor runs its next call. In uActor: `threadpool.apply_async`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fork = <A, E, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<DeferredHandle<A, E>, never, Exclude<R, Scope.Scope>> =>
  // a `ForkedResult` has the requirements of its effect
  new ForkedResult(effect as Effect.Effect<A, E>) as Effect.Effect<LocalDeferred> as Effect.Effect<DeferredHandle<A, E>>

/**
 * Exports an Effect `Deferred` as a handle. Interrupting the handle interrupts the `Deferred`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromDeferred = <A, E>(deferred: Deferreds.Deferred<A, E>): DeferredHandle<A, E> =>
  new LocalDeferred(new DeferredSource(deferred), Effect.asVoid(Deferreds.interrupt(deferred))) as DeferredHandle<A, E>

/**
 * Starts a fiber that waits for the result. The interruption of the fiber interrupts the computation of the result in the actor, and waits
 * until the actor has acknowledged it. The fiber is a child of the current fiber.
 *
 * @category combinators
 * @since 0.1.0
 */
export const toFiber = <A, E>(
  handle: DeferredHandle<A, E>
): Effect.Effect<Fiber.Fiber<A, E | ActorExited | HandleReleased>> =>
  Effect.forkChild(Effect.onInterrupt(handle.await, () => handle.interrupt), { startImmediately: true })
