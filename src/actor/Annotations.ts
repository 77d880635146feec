/**
 * Annotations of methods, most of which a spawn or a behaviour may set for all methods, too.
 */
import type * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Methods from "../internal/codec/methods.ts"

/**
 * Annotates a method as idempotent: `Actor.method(…).annotate(Actor.Idempotent, true)`. When a supervised actor restarts after a
 * crash, a call of such a method runs again, although it may have run before. `false` by default.
 *
 * @category annotations
 * @since 0.1.0
 */
export const Idempotent: Context.Reference<boolean> = Methods.Idempotent

/**
 * The timeout of calls, a duration longer than 0. By default a call has no timeout. There are three places for it, of which the first in
 * this list counts:
 *
 * - the method: `Actor.method(…).annotate(Actor.CallTimeout, "1 second")`, also of a `Handle.object`; `Infinity` exempts the method;
 * - the spawn: `Counter.spawn(…).pipe(Effect.provideService(Actor.CallTimeout, "1 second"))`, for the actors that the effect spawns;
 * - the behaviour: `callTimeout` among the options of `toLayer`.
 *
 * The time runs from the call to its end, the wait in the mailbox and for a restart included. After it, the call is interrupted like a call
 * whose caller is interrupted, and fails with `CallTimedOut`, whose `outcome` says whether the call may have run. To know this, the caller
 * waits for the actor to acknowledge the interruption, for `interruptTimeout` at most. The timeout of a tell ends when the mailbox accepts
 * the tell. Streams have no timeout: use `Stream.timeout`.
 *
 * The time is measured by the clock of the machine, not by the `Clock` of the program. Throws a `RangeError` if the duration of a method
 * is out of range; a spawn fails with `SpawnError` (`OptionsInvalid`) if its duration is.
 *
 * @example
 * ```ts
 * import { Actor, ActorSystem } from "uactor"
 * import { Effect, Schema } from "effect"
 * import assert from "node:assert"
 *
 * class Weather extends Actor.Service<Weather>()("Weather", {
 *   protocol: {
 *     now: Actor.method({ success: Schema.String }).annotate(Actor.CallTimeout, "20 millis"),
 *     report: Actor.method({ success: Schema.String })
 *   }
 * }) {}
 *
 * const WeatherLive = Weather.toLayer(
 *   { now: () => Effect.never, report: () => Effect.succeed("rain") },
 *   { callTimeout: "10 seconds" }
 * )
 *
 * const program = Effect.gen(function*() {
 *   const weather = yield* Weather.spawn()
 *   assert.strictEqual(yield* weather.report(), "rain")
 *   const error = yield* Effect.flip(weather.now())
 *   assert.strictEqual(error._tag, "CallTimedOut")
 *   assert.strictEqual(error.outcome, "Unknown")
 * }).pipe(Effect.scoped, Effect.provide(ActorSystem.layer(WeatherLive)))
 *
 * await Effect.runPromise(program)
 * ```
 *
 * @category references
 * @since 0.1.0
 */
export const CallTimeout: Context.Reference<Duration.Input | undefined> = Methods.CallTimeout

/**
 * Which spans the calls of a method have, if the program has a tracer: a span of the caller and one of the handler (`"full"`), one of the
 * handler (`"server"`), or none (`"off"`). By default they have those of the option `tracing` of the system. With `"off"`, the spans of
 * the code of the handler are in the span of the caller. `Actor.Service` throws a `RangeError` if the annotation is another value.
 *
 * @example
 * ```ts
 * import { Actor, ActorSystem } from "uactor"
 * import { Effect, Layer, Schema, Tracer } from "effect"
 * import assert from "node:assert"
 *
 * class Gauge extends Actor.Service<Gauge>()("Gauge", {
 *   protocol: {
 *     set: Actor.method({ payload: { to: Schema.Int } }),
 *     get: Actor.method({ success: Schema.Int }).annotate(Actor.Tracing, "off")
 *   }
 * }) {}
 *
 * const GaugeLive = Gauge.toLayer({ set: () => Effect.void, get: () => Effect.succeed(7) })
 *
 * const names: Array<string> = []
 * const tracer = Tracer.make({
 *   span: (options) => {
 *     names.push(`${options.kind} ${options.name}`)
 *     return new Tracer.NativeSpan(options)
 *   }
 * })
 *
 * const program = Effect.gen(function*() {
 *   const gauge = yield* Gauge.spawn()
 *   yield* Effect.withSpan(Effect.andThen(gauge.set({ to: 7 }), gauge.get()), "request")
 * }).pipe(
 *   Effect.scoped,
 *   Effect.provide(ActorSystem.layer(GaugeLive, { tracing: "server" })),
 *   Effect.provide(Layer.succeed(Tracer.Tracer, tracer))
 * )
 *
 * await Effect.runPromise(program)
 * assert.deepStrictEqual(names, ["internal request", "server Gauge.set"])
 * ```
 *
 * @category references
 * @since 0.2.0
 */
export const Tracing: Context.Reference<"full" | "server" | "off" | undefined> = Methods.Tracing

/**
 * The timeout of the run of a call: of the time from the start of its handler to its answer, without the wait in the mailbox, in the queue of
 * a pool or for a restart. A duration longer than 0; by default a run has no timeout. The places are those of {@link CallTimeout}: the
 * annotation of a method, the spawn, and the behaviour with its option `runTimeout`.
 *
 * After the time, the handler is interrupted, and the call fails with `CallTimedOut`, the `limit` `run` and the outcome `Unknown`. A
 * handler that computes without yielding sees the interruption in `Actor.checkInterrupt`, on threads. One that does not react is ended with
 * its worker after `interruptTimeout`. In memory, such a handler cannot be ended.
 *
 * The run of a stream lasts until the stream has ended, the waits for its reader included. A stream has the timeout of its method alone,
 * because a stream may be endless. The run of a tell has the timeout, too, and only the log reports its end. A handler that returns
 * `Rpc.uninterruptible` has no timeout.
 *
 * The time is measured by the clock of the machine. Throws a `RangeError` if the duration of a method is out of range; a spawn fails with
 * `SpawnError` (`OptionsInvalid`) if its duration is.
 *
 * @example
 * ```ts
 * import { Actor, ActorSystem } from "uactor"
 * import { Effect, Schema } from "effect"
 * import assert from "node:assert"
 *
 * class Render extends Actor.Service<Render>()("Render", {
 *   protocol: { page: Actor.method({ payload: { n: Schema.Int }, success: Schema.String }) }
 * }) {}
 *
 * const RenderLive = Render.toLayer(
 *   { page: ({ n }) => n === 0 ? Effect.never : Effect.succeed(`page ${n}`) },
 *   { runTimeout: "20 millis" }
 * )
 *
 * const program = Effect.gen(function*() {
 *   const render = yield* Render.spawn()
 *   const calls = [0, 1].map((n) => Effect.result(render.page({ n })))
 *   const [first, second] = yield* Effect.all(calls, { concurrency: "unbounded" })
 *   assert(first?._tag === "Failure" && first.failure._tag === "CallTimedOut" && first.failure.limit === "run")
 *   // the wait behind the first page does not count
 *   assert.strictEqual(second?._tag, "Success")
 * }).pipe(Effect.scoped, Effect.provide(ActorSystem.layer(RenderLive)))
 *
 * await Effect.runPromise(program)
 * ```
 *
 * @category references
 * @since 0.2.0
 */
export const RunTimeout: Context.Reference<Duration.Input | undefined> = Methods.RunTimeout
