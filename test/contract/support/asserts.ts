/** What tests of the contract say again and again about the end of a call, and what has been logged. */
import { assert } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as References from "effect/References"
import * as Result from "effect/Result"
import { ActorExited } from "../../../src/ActorError.ts"
import * as ActorRef from "../../../src/ActorRef.ts"

/** Forks a fiber that has made its call when this returns. */
export const forked = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<Fiber.Fiber<A, E>, never, R> =>
  Effect.forkChild(effect, { startImmediately: true })

/** Lets what has been called leave for its worker, which it does at the end of the turn. */
export const left: Effect.Effect<void> = Effect.promise(() => Promise.resolve())

/** The typed error of an exit, which must have one. */
export const errorOf = <E>(exit: Exit.Exit<unknown, E>): E => {
  assert(Exit.isFailure(exit), "it should have failed")
  const error = Cause.findErrorOption(exit.cause)
  assert(Option.isSome(error), `it should have a typed error: ${Cause.pretty(exit.cause)}`)
  return error.value
}

/** The defect of an exit, which must have one. */
export const defectOf = (exit: Exit.Exit<unknown, unknown>): unknown => {
  assert(Exit.isFailure(exit), "it should have died")
  const defect = Cause.findDefect(exit.cause)
  assert(Result.isSuccess(defect), `it should have a defect: ${Cause.pretty(exit.cause)}`)
  return defect.success
}

/** Asserts that a defect is an error with these fields, its message and its name among them. */
export function assertError(
  defect: unknown,
  fields: { readonly [key: string]: unknown }
): asserts defect is Error {
  assert.instanceOf(defect, Error)
  const actual = defect as unknown as Record<string, unknown>
  assert.deepStrictEqual(Object.fromEntries(Object.keys(fields).map((key) => [key, actual[key]])), fields)
}

/** Asserts that something died of a `TypeError` whose message has all these parts. */
export const assertTypeError = (exit: Exit.Exit<unknown, unknown>, ...parts: ReadonlyArray<string>): void => {
  const defect = defectOf(exit)
  assert.instanceOf(defect, TypeError)
  // in a cluster, the address of the actor follows its name
  const message = defect.message.replace(/^(\w+)\/\d+\./, "$1.")
  for (const part of parts) assert.include(message, part)
}

/** Asserts that something was interrupted, and nothing else. */
export const assertInterrupted = (exit: Exit.Exit<unknown, unknown>): void =>
  assert(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause), `it should be interrupted: ${String(exit)}`)

/** Asserts that a call ended with its actor, and returns how. */
export const exitedOf = (exit: Exit.Exit<unknown, unknown>): ActorExited => {
  const error = errorOf(exit)
  assert.instanceOf(error, ActorExited)
  return error
}

/** Asserts that a call ended with its actor, in this way. */
export const assertExited = (
  exit: Exit.Exit<unknown, unknown>,
  reason: ActorExited["reason"],
  outcome: ActorExited["outcome"]
): void => {
  const error = exitedOf(exit)
  assert.deepStrictEqual([error.reason, error.outcome], [reason, outcome], error.message)
}

/** Asserts that these are the same actors, in the same order: as values, all references are alike. */
export const assertActors = (
  actual: ReadonlyArray<ActorRef.AnyActorRef>,
  expected: ReadonlyArray<ActorRef.AnyActorRef>
): void => assert.deepStrictEqual(actual.map(ActorRef.address), expected.map(ActorRef.address))

/** Interrupts fibers that use something again and again, each after another number of steps. */
export const interruptBusy = (use: Effect.Effect<unknown, unknown>): Effect.Effect<void> =>
  Effect.forEach(upTo(60), (steps) =>
    Effect.gen(function*() {
      const stepping = Effect.replicateEffect(Effect.suspend(() => Effect.void), steps, { discard: true })
      const busy = yield* Effect.forkChild(Effect.andThen(stepping, Effect.forever(use, { disableYield: true })))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(busy)
    }), { discard: true })

/** The numbers from 1 to `n`. */
export const upTo = (n: number): ReadonlyArray<number> => Array.from({ length: n }, (_, i) => i + 1)

/** What is logged at a level, with its annotations. Leaves out the warnings of Effect's test clock about a slow test. */
export const logOf = (level: "Error" | "Warn" | "Info") => {
  const lines: Array<{ readonly message: string; readonly annotations: unknown }> = []
  const logger = Logger.make(({ fiber, logLevel, message }) => {
    if (logLevel === level && !/\btest clock\b/.test(String(message))) {
      lines.push({ message: String(message), annotations: fiber.getRef(References.CurrentLogAnnotations) })
    }
  })
  return { lines, layer: Logger.layer([logger]) }
}
