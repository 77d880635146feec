/**
 * The interruption of a call, for a handler that computes and for a caller that cannot wait.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Interruption from "../internal/actor/interruption.ts"

/**
 * Ends the running handler as interrupted if its caller has been interrupted. Call it in the loop of a handler that computes for a long
 * time without yielding. It reads shared memory, takes a few nanoseconds and does not yield. It does nothing in an uninterruptible
 * region, such as a finalizer.
 *
 * It works on threads only. In a child process and in memory it does nothing, because no message reaches a loop that does not yield. The
 * child process is killed after `interruptTimeout`.
 *
 * The shared memory has room for 8192 calls of one caller's thread. If more calls run and are interrupted together, the interruption of
 * the first of them is not visible to `checkInterrupt`. If one of these computes, its thread is killed after `interruptTimeout`.
 *
 * @example
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { Actor } from "uactor"
 *
 * class Primes extends Actor.Service<Primes>()("Primes", {
 *   protocol: { count: Actor.method({ payload: { below: Schema.Int }, success: Schema.Int }) }
 * }) {}
 *
 * export const PrimesLive = Primes.toLayer({
 *   count: ({ below }) =>
 *     Effect.sync(() => {
 *       let count = 0
 *       for (let n = 2; n < below; n++) {
 *         Actor.checkInterrupt() // a plain function: no `yield*`
 *         let divisor = 2
 *         while (n % divisor !== 0) divisor++
 *         if (divisor === n) count++
 *       }
 *       return count
 *     })
 * })
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const checkInterrupt: () => void = Interruption.check

/**
 * Lets an interrupted caller continue at once. By default an interrupted caller waits until the actor has acknowledged the interruption.
 * `disconnect` runs the call in a detached fiber: when the caller is interrupted, that fiber is interrupted in the background, and the
 * handler's finalizers run as usual. Until the call has ended in the actor, it counts as a running call there.
 *
 * Wrap the call itself, inside `Effect.timeout` or a race. The outcome of the call is unchanged while the caller is not interrupted.
 *
 * @example
 * ```ts
 * import { Actor, ActorSystem } from "uactor"
 * import { Effect, Schema } from "effect"
 * import assert from "node:assert"
 *
 * class Report extends Actor.Service<Report>()("Report", {
 *   protocol: { make: Actor.method({ success: Schema.String }) }
 * }) {}
 *
 * // its finalizer takes a tenth of a second
 * const ReportLive = Report.toLayer({
 *   make: () => Effect.ensuring(Effect.never, Effect.sleep("100 millis"))
 * })
 *
 * const program = Effect.gen(function*() {
 *   const report = yield* Report.spawn()
 *   return yield* report.make().pipe(
 *     Actor.disconnect, // the timeout does not wait for the finalizer
 *     Effect.timeoutOrElse({ duration: "10 millis", orElse: () => Effect.succeed("no report") })
 *   )
 * }).pipe(Effect.scoped, Effect.provide(ActorSystem.layer(ReportLive)))
 *
 * assert.strictEqual(await Effect.runPromise(program), "no report")
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const disconnect = <A, E, R>(call: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(
      Effect.forkDetach(restore(call), { startImmediately: true }),
      (fiber) =>
        Effect.onInterrupt(restore(Fiber.join(fiber)), () =>
          Effect.withFiber((caller) => Effect.sync(() => fiber.interruptUnsafe(caller.id))))
    )
  )
