/** What is told of a worker that ends by what its code throws. */
import { assert, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Logger } from "effect"
import { SpawnError } from "../../../src/ActorError.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as NodeActorSystem from "../../../src/node/NodeActorSystem.ts"
import behaviours, { things, Thrower } from "../fixtures/uncaught.ts"
import { assertError, assertExited, defectOf, errorOf, exitedOf, forked } from "../support/asserts.ts"
import { onEveryPlacement } from "../support/placements.ts"

const fixture = { module: new URL("../fixtures/uncaught.ts", import.meta.url), behaviours }

// the reports of crashes are not for the screen
const quiet = Effect.provide(Logger.layer([]))

onEveryPlacement(fixture, (placement) => {
  for (const [what, [, told]] of Object.entries(things)) {
    it.live(`C1, F2: a worker that ends by an uncaught value has crashed, and its exit shows the value (${what})`, () =>
      Effect.gen(function*() {
        const thrower = yield* Thrower.spawn()
        const exit = yield* Effect.exit(thrower.throw({ what }))
        assertExited(exit, "Crashed", "Unknown")
        for (const text of told) assert.include(exitedOf(exit).message, text)
        assertExited(yield* ActorRef.awaitExit(thrower), "Crashed", "NotRun")
      }).pipe(Effect.provide(placement.layer()), quiet))
  }

  it.live("F2: a worker that ends by a rejected promise has crashed, and its exit shows the value", () =>
    Effect.gen(function*() {
      const thrower = yield* Thrower.spawn()
      const exit = yield* Effect.exit(thrower.reject({ what: "error with a cause" }))
      assertExited(exit, "Crashed", "Unknown")
      for (const text of things["error with a cause"]![1]) assert.include(exitedOf(exit).message, text)
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("F2: an uncaught error that the worker has handled is not the cause of a later exit", () =>
    Effect.gen(function*() {
      const thrower = yield* Thrower.spawn()
      yield* thrower.survive({ what: "error with a cause" })
      const exit = yield* Effect.exit(thrower.exit({ code: 4 }))
      assertExited(exit, "Crashed", "Unknown")
      assert.include(exitedOf(exit).message, "exited with code 4")
      assert.notInclude(exitedOf(exit).message, "settings")
    }).pipe(Effect.provide(placement.layer()), quiet))

  it.live("F2: a worker that prints V8's text for a full heap has crashed, and has not run out of memory", () =>
    Effect.gen(function*() {
      const thrower = yield* Thrower.spawn()
      assertExited(yield* Effect.exit(thrower.pretend()), "Crashed", "Unknown")
    }).pipe(Effect.provide(placement.layer()), quiet))

  const load = (code: string) =>
    Effect.gen(function*() {
      const module = `data:text/javascript,${encodeURIComponent(code)}`
      const layer = placement.name === "threads"
        ? NodeActorSystem.layerThreads({ module })
        : NodeActorSystem.layerProcesses({ module })
      const error = errorOf(yield* Thrower.spawn().pipe(Effect.scoped, Effect.provide(layer), Effect.exit))
      assert.instanceOf(error, SpawnError)
      return error
    })

  for (
    const [how, code] of [
      ["throws", `throw new Error("cannot load", { cause: new Error("no such host") })`],
      [
        "throws an uncaught error",
        `setTimeout(() => { throw new Error("cannot load", { cause: new Error("no such host") }) }); await new Promise(() => {})`
      ]
    ] as const
  ) {
    it.live(`F4: the failure of a module that ${how} during its load includes the cause`, () =>
      Effect.gen(function*() {
        const { message, reason } = yield* load(code)
        assert.strictEqual(reason, "ModuleFailed")
        assert.include(message, "Error: cannot load")
        assert.include(message, "[cause]: Error: no such host")
      }).pipe(quiet))
  }
}, { except: ["memory"], reason: "in memory the process of the test would end" })

onEveryPlacement(fixture, (placement) => {
  it.live("C1: a defect with several errors keeps them, and their causes", () =>
    Effect.gen(function*() {
      const thrower = yield* Thrower.spawn()
      const failing = yield* forked(thrower.failAll())
      const defect = defectOf(yield* Fiber.await(failing))
      assertError(defect, { name: "AggregateError", message: "all failed" })
      assert.instanceOf(defect, AggregateError)
      const [first, second]: ReadonlyArray<unknown> = defect.errors
      assertError(first, { name: "Error", message: "first" })
      assertError(first.cause, { name: "TypeError", message: "why" })
      assert.strictEqual(second, "second")
      assert.deepStrictEqual(yield* Effect.exit(thrower.echo({ n: 1 })), Exit.succeed(1))
    }).pipe(Effect.provide(placement.layer())))
})
