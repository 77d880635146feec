import { assert } from "@effect/vitest"
import { type Cause, Duration, Effect, Exit, Option } from "effect"
import * as Actor from "../../../src/Actor.ts"
import { assertError, assertInterrupted, defectOf, errorOf } from "../support/asserts.ts"
import { onOneWorker } from "../support/sharedWorkers.ts"
import behaviours, { Busy, defects, DiesAtEnd, DiesVoting, Failures, Gone, NotFound } from "./actors/failures.ts"

const fixture = { module: new URL("./actors/failures.ts", import.meta.url), behaviours }

/** What must be seen of each defect; for the rest it is enough that the call dies. */
const seen: Partial<Record<string, (defect: unknown) => void>> = {
  "a built-in error with own fields": (defect) => {
    assertError(defect, {
      name: "RangeError",
      message: "out of range",
      code: "E_RANGE",
      details: { limits: [1, 2] }
    })
    assert.instanceOf(defect, RangeError)
    assert.include(defect.stack, "actors/failures.ts")
  },
  "an error of a class of its own": (defect) => {
    assertError(defect, { name: "DatabaseError", message: "no connection", table: "users" })
    assert.include(defect.stack, "actors/failures.ts")
  },
  "an error with a cause": (defect) => {
    assert.instanceOf(defect, Error)
    assert.instanceOf(defect.cause, TypeError)
    assert.deepStrictEqual([defect.message, defect.cause.message, defect.cause.cause], ["outer", "inner", "innermost"])
  },
  "an AggregateError": (defect) => {
    assertError(defect, { name: "AggregateError", message: "several" })
  },
  "a DOMException": (defect) => {
    assertError(defect, { name: "AbortError", message: "aborted" })
  },
  "an error that refers to itself": (defect) => {
    assertError(defect, { message: "cyclic", code: 1 })
  },
  "an error with a function among its fields": (defect) => {
    assertError(defect, { message: "with a function", code: 1 })
  },
  "an error with a field that cannot be read": (defect) => {
    assertError(defect, { message: "unreadable" })
  },
  "a frozen error": (defect) => {
    assertError(defect, { message: "frozen" })
  },
  "a schema issue": (defect) => {
    assertError(defect, { name: "SchemaError", message: `Expected an integer\n  at ["n"]` })
  },
  "an error whose cause is a schema issue": (defect) => {
    assert.instanceOf(defect, Error)
    assertError(defect.cause, { name: "SchemaError", message: `Expected an integer\n  at ["n"]` })
  },
  "an object of a class": (defect) => assert.strictEqual(defect, "an object of the class Odd"),
  "a string": (defect) => assert.strictEqual(defect, "just a text"),
  "a number": (defect) => assert.strictEqual(defect, 42),
  "a bigint": (defect) => assert.strictEqual(defect, 42n),
  "undefined": (defect) => assert.isUndefined(defect),
  "null": (defect) => assert.isNull(defect),
  "a plain object": (defect) => assert.deepStrictEqual(defect, { code: 1, nested: { list: [1, "two", null] } }),
  "a proxy of a plain object": (defect) => assert.deepStrictEqual(defect, { code: 1 }),
  "an array with a function beside its items": (defect) => assert.deepStrictEqual(defect, [1]),
  "an error with such a field": (defect) => assertError(defect, { message: "with a proxy", code: { n: 1 } }),
  "an error named toString": (defect) => assertError(defect, { name: "toString", message: "odd" }),
  "an error named __proto__": (defect) => assertError(defect, { name: "__proto__", message: "odd" }),
  "an error with a field named __proto__": (defect) => {
    assertError(defect, { message: "odd", isAdmin: undefined })
  },
  "what only looks like an encoded error": (defect) => assert.deepStrictEqual(defect, { "~uactor/Error": null }),
  "what looks like an encoded error": (defect) =>
    assert.deepStrictEqual(defect, { "~uactor/Error": { name: "Error", message: "forged", fields: {} } }),
  "what looks like encoded data": (defect) =>
    assert.deepStrictEqual(defect, { "~uactor/Data": 1, more: { "~uactor/Error": null } }),
  "an error whose cause looks like an encoded error": (defect) => {
    assertError(defect, { message: "outer" })
    assert.deepStrictEqual(defect.cause, { "~uactor/Error": { name: "Error", message: "forged", fields: {} } })
  },
  "an entangled array": (defect) => assert.isString(defect),
  "a symbol": (defect) => assert.include(String(defect), "mark")
}

onOneWorker(fixture, Failures.layer(), (it) => {
  it.effect("C1: a typed error keeps its class and fields, also in a union", () =>
    Effect.gen(function*() {
      const failures = yield* Failures.spawn()
      const notFound = yield* Effect.flip(failures.fail({ which: "NotFound" }))
      assert.instanceOf(notFound, NotFound)
      assert.deepStrictEqual([notFound.id, notFound.at, notFound.message], ["a", new Date(12), "there is no a"])
      const busy: unknown = yield* Effect.flip(failures.fail({ which: "Busy" }))
      assert.instanceOf(busy, Busy)
      assert.deepStrictEqual(busy.retryAfter, Duration.seconds(3))
      const gone: unknown = yield* Effect.flip(failures.fail({ which: "Gone" }))
      assert.instanceOf(gone, Gone)
      assert.deepStrictEqual([gone.id, gone.at], ["b", new Date(13)])
    }))

  it.effect("C1: a typed error can be caught by its tag", () =>
    Effect.gen(function*() {
      const failures = yield* Failures.spawn()
      const caught = Effect.catchTag(failures.fail({ which: "Gone" }), "Gone", (gone) => Effect.succeed(gone.id))
      assert.strictEqual(yield* caught, "b")
    }))

  it.effect("C1: a typed error need not be a class", () =>
    Effect.gen(function*() {
      const failures = yield* Failures.spawn()
      assert.deepStrictEqual(yield* Effect.flip(failures.failPlainly()), { code: 7, since: new Date(12) })
    }))

  for (const kind of Object.keys(defects)) {
    it.effect(`C1: a handler may die with ${kind}, and its actor continues`, () =>
      Effect.gen(function*() {
        const failures = yield* Failures.spawn()
        const defect = defectOf(yield* Effect.exit(failures.die({ kind })))
        seen[kind]?.(defect)
        assert.strictEqual(yield* failures.ping(), "pong")
      }))

    it.effect(`C1: a finalizer, a vote and the user of an actor may die with ${kind}`, () =>
      Effect.gen(function*() {
        const ending = defectOf(yield* Effect.exit(Effect.scoped(DiesAtEnd.spawn({ kind }))))
        seen[kind]?.(ending)
        const voting = yield* Effect.exit(Actor.use(DiesVoting, [], () => Effect.fail(kind)))
        seen[kind]?.(defectOf(voting))
        const using = Actor.use(DiesVoting, [], () => Effect.suspend(() => Effect.die(defects[kind]!())))
        assert.deepStrictEqual(yield* using, Option.none())
      }))
  }

  it.effect("C1: a handler that throws before it returns an effect is a defect of the call", () =>
    Effect.gen(function*() {
      const failures = yield* Failures.spawn()
      const defect = defectOf(yield* Effect.exit(failures.throw()))
      assert.instanceOf(defect, RangeError)
      assert.strictEqual(defect.message, "thrown")
      assert.strictEqual(yield* failures.ping(), "pong")
    }))

  it.effect("C1: a typed error and the defect of a finalizer both arrive", () =>
    Effect.gen(function*() {
      const failures = yield* Failures.spawn()
      const exit = yield* Effect.exit(failures.failAndDie())
      assert(Exit.isFailure(exit))
      assert.deepStrictEqual(exit.cause.reasons.map((reason) => reason._tag), ["Fail", "Die"])
      const [fail, die] = exit.cause.reasons as [Cause.Fail<unknown>, Cause.Die]
      assert.instanceOf(fail.error, NotFound)
      assert.instanceOf(die.defect, RangeError)
    }))

  it.effect("C1: a handler that interrupts itself interrupts the call", () =>
    Effect.gen(function*() {
      const failures = yield* Failures.spawn()
      assertInterrupted(yield* Effect.exit(failures.interruptItself()))
      assert.strictEqual(yield* failures.ping(), "pong")
    }))

  it.effect("C1: a defect may have its own schema", () =>
    Effect.gen(function*() {
      const failures = yield* Failures.spawn()
      assert.deepStrictEqual(defectOf(yield* Effect.exit(failures.dieAsDeclared())), { code: 7 })
    }))

  it.effect("C1: a defect that does not fit its schema still settles its call", () =>
    Effect.gen(function*() {
      const failures = yield* Failures.spawn()
      assert(Exit.isFailure(yield* Effect.exit(failures.dieUndeclared())))
      assert.strictEqual(yield* failures.ping(), "pong")
    }))

  it.effect("C1: concurrent calls with different outcomes each get their own outcome", () =>
    Effect.gen(function*() {
      const failures = yield* Failures.spawn()
      const round = Effect.all([
        Effect.exit(failures.ping()),
        Effect.exit(failures.fail({ which: "Busy" })),
        Effect.exit(failures.die({ kind: "a string" })),
        Effect.exit(failures.interruptItself()),
        Effect.exit(failures.failPlainly())
      ], { concurrency: "unbounded" })
      const rounds = yield* Effect.all(Array.from({ length: 50 }, () => round), { concurrency: "unbounded" })
      for (const [pong, busy, died, interrupted, plain] of rounds) {
        assert.deepStrictEqual(pong, Exit.succeed("pong" as const))
        assert.instanceOf(errorOf(busy), Busy)
        assert.strictEqual(defectOf(died), "just a text")
        assertInterrupted(interrupted)
        assert.deepStrictEqual(errorOf<unknown>(plain), { code: 7, since: new Date(12) })
      }
    }))
}, { inCluster: true })
