/**
 * Results that stay in the actor. A method whose result schema is
 * {@link Deferred} returns at once, and its caller holds a handle to what is still
 * in the making there: it can await it, look at it, and interrupt it. The
 * completion is pushed when it happens; nobody polls.
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
import * as Codec from "../internal/codec.ts"
import { LocalDeferred } from "../internal/exports.ts"
import { Forking } from "../internal/forking.ts"
import * as Handles from "../internal/handles.ts"
import * as Objects from "../internal/objects.ts"
import type { AnyHandle } from "./AnyHandle.ts"

/**
 * A result that is still in the making, in the actor that makes it (uActor: a proxied `AsyncResult`). It lives as long as the
 * scope that received it, or until {@link release}.
 *
 * @category models
 * @since 0.1.0
 */
export interface DeferredHandle<out A, out E = never> extends AnyHandle {
  /** the result, any number of times; a timeout on it takes nothing away (H1) */
  readonly await: Effect.Effect<A, E | ActorExited | HandleReleased>
  /** the result if it is there */
  readonly poll: Effect.Effect<Option.Option<Exit.Exit<A, E | ActorExited | HandleReleased>>>
  readonly isDone: Effect.Effect<boolean, ActorExited | HandleReleased>
  /** interrupts what makes the result, in the actor, and returns when that is acknowledged */
  readonly interrupt: Effect.Effect<void>
}

/**
 * A schema for results that stay in the actor: as the `success` of a method, the method returns at once and the caller gets a
 * {@link DeferredHandle}. `error` is what the making may fail with.
 *
 * @example
 * ```ts
 * import { Actor, ActorSystem, Handle } from "uactor"
 * import { Effect, Schema } from "effect"
 * import { Rpc } from "effect/rpc"
 * import assert from "node:assert"
 *
 * class Slow extends Actor.Service<Slow>()("Slow", {
 *   protocol: [Rpc.make("square", { payload: { n: Schema.Int }, success: Handle.Deferred({ success: Schema.Int }) })]
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
  return Objects.schemaOf<DeferredHandle<A["Type"], E["Type"]>>({
    expected: "a handle of kind Deferred",
    // a result that is known travels along
    fresh: codec.success.isolated && codec.error.isolated,
    is: (u) => Handles.isHandle(u, "Deferred"),
    encode: (handle, to) => Handles.toWire(handle, codec, to),
    decode: (wire, from) => Handles.receive(wire, codec, from),
    result: codec
  })
}

/**
 * Runs an effect in the actor's own scope and hands out its result as a handle (uActor: `threadpool.apply_async`). The method
 * that calls it returns at once, and the actor takes its next call.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fork = <A, E, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<DeferredHandle<A, E>, never, Exclude<R, Scope.Scope>> =>
  // its requirements are those of the effect that is returned
  new Forking(effect as Effect.Effect<A, E>) as Effect.Effect<LocalDeferred> as Effect.Effect<DeferredHandle<A, E>>

/**
 * Hands out an Effect `Deferred` as a handle. Interrupting the handle interrupts the `Deferred`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromDeferred = <A, E>(deferred: Deferreds.Deferred<A, E>): DeferredHandle<A, E> =>
  new LocalDeferred(
    Effect.runFork(Deferreds.await(deferred)),
    Effect.asVoid(Deferreds.interrupt(deferred))
  ) as DeferredHandle<A, E>

/**
 * A fiber that waits for the result, for code that wants to `join`: interrupting the fiber interrupts what makes the result, in
 * the actor, and waits until that is acknowledged. It is a child of the fiber that asks for it.
 *
 * @category combinators
 * @since 0.1.0
 */
export const toFiber = <A, E>(
  handle: DeferredHandle<A, E>
): Effect.Effect<Fiber.Fiber<A, E | ActorExited | HandleReleased>> =>
  Effect.forkChild(Effect.onInterrupt(handle.await, () => handle.interrupt), { startImmediately: true })
