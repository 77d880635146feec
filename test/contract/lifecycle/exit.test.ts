import { assert, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Logger, Option, Result, Scope } from "effect"
import { ActorExited } from "../../../src/ActorError.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import behaviours, { BodyFailed, Refused, Resource, Stubborn } from "../fixtures/lifecycle.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"

const fixture = { module: new URL("../fixtures/lifecycle.ts", import.meta.url), behaviours }

const releasedOn = (exit: string) => [
  "acquired first",
  "acquired second",
  `released second on ${exit}`,
  `released first on ${exit}`
]

/** How a call ended that the end of its actor settled. */
const lost = (exit: Exit.Exit<unknown, unknown>): Pick<ActorExited, "reason" | "outcome"> => {
  assert(Exit.isFailure(exit))
  const error = Option.getOrThrow(Cause.findErrorOption(exit.cause))
  assert.instanceOf(error, ActorExited)
  return { reason: error.reason, outcome: error.outcome }
}

/** Collects what is logged at `Warn` and above while the effect runs. */
const withWarnings = <A, E, R>(f: (warnings: ReadonlyArray<string>) => Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const warnings: Array<string> = []
    const logger = Logger.make(({ logLevel, message }) => {
      if (logLevel === "Warn" || logLevel === "Error" || logLevel === "Fatal") warnings.push(String(message))
    })
    return Effect.provide(f(warnings), Logger.layer([logger]))
  })

onEveryPlacement(fixture, (placement) => {
  // ---- L3: the exit crosses ----

  it.live("L3: finalizers see the success of the spawner's scope, and run in reverse order", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      yield* Effect.scoped(Resource.spawn({ journal: journal.path }))
      assert.deepStrictEqual(yield* journal.lines, releasedOn("success"))
    }).pipe(Effect.provide(placement.layer())))

  it.live("L3: finalizers see the typed failure of the spawner's scope, with its name, message and fields", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const failure = new Refused({ code: 12, since: new Date(0) })
      const exit = yield* Effect.exit(
        Effect.scoped(Effect.andThen(Resource.spawn({ journal: journal.path }), Effect.fail(failure)))
      )
      assert.deepStrictEqual(exit, Exit.fail(failure))
      assert.deepStrictEqual(
        yield* journal.lines,
        releasedOn(`Fail of Refused "refused with 12" with code 12`)
      )
    }).pipe(Effect.provide(placement.layer())))

  it.live("L3: finalizers see the defect of the spawner's scope", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const defect = Object.assign(new RangeError("out of range"), { code: "E_RANGE" })
      const exit = yield* Effect.exit(
        Effect.scoped(Effect.andThen(Resource.spawn({ journal: journal.path }), Effect.die(defect)))
      )
      assert.deepStrictEqual(exit, Exit.die(defect))
      assert.deepStrictEqual(
        yield* journal.lines,
        releasedOn(`Die of RangeError "out of range" with code E_RANGE`)
      )
    }).pipe(Effect.provide(placement.layer())))

  it.live("L3: finalizers see the interruption of the spawner's scope", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const fiber = yield* Effect.forkChild(
        Effect.scoped(Effect.andThen(Resource.spawn({ journal: journal.path }), Effect.never))
      )
      yield* journal.awaitLine("acquired second")
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(yield* journal.lines, releasedOn("interruption"))
    }).pipe(Effect.provide(placement.layer())))

  it.live("L3: a failure that neither a schema nor structured clone can carry still closes the actor as a failure", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const failure: Error & { self?: unknown } = Object.assign(new Error("strange"), { code: 1, f: () => 1 })
      failure.self = failure
      yield* Effect.exit(
        Effect.scoped(Effect.andThen(Resource.spawn({ journal: journal.path }), Effect.fail(failure)))
      )
      assert.deepStrictEqual(yield* journal.lines, releasedOn(`Fail of Error "strange" with code 1`))
    }).pipe(Effect.provide(placement.layer())))

  it.live("L3: the actor of a layer sees the exit of the program", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const failure = new BodyFailed({ vote: "pass", journal: "none" })
      const program = Effect.gen(function*() {
        const resource = yield* Resource
        yield* resource.note({ line: "used" })
        return yield* failure
      }).pipe(Effect.provide(Resource.layer({ journal: journal.path })))
      assert.deepStrictEqual(yield* Effect.exit(program), Exit.fail(failure))
      const lines = yield* journal.lines
      assert.deepStrictEqual(lines.slice(0, 3), ["acquired first", "acquired second", "used"])
      assert.match(lines[3]!, /^released second on Fail of BodyFailed/)
      assert.match(lines[4]!, /^released first on Fail of BodyFailed/)
    }).pipe(Effect.provide(placement.layer())))

  it.live("L3: a finalizer that dies is a defect of the scope that closes, with its name, message and remote stack", () =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(Effect.scoped(Stubborn.spawn({ finalizer: "dies" })))
      assert(Exit.isFailure(exit))
      const defect = Result.getOrThrow(Cause.findDefect(exit.cause))
      assert.instanceOf(defect, RangeError)
      assert.strictEqual(defect.message, "no way out")
      assert.include(defect.stack, "fixtures/lifecycle.ts")
    }).pipe(Effect.provide(placement.layer())))

  // ---- L4: closing goes in order ----

  it.live("L4: closing interrupts the running call, waits for its finalizers, then releases the actor", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const scope = yield* Scope.make()
      const resource = yield* Scope.provide(Resource.spawn({ journal: journal.path }), scope)
      const call = yield* Effect.forkChild(Effect.exit(resource.hang()), { startImmediately: true })
      yield* journal.awaitLine("hanging")
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(lost(yield* Fiber.join(call)), { reason: "Stopped", outcome: "Unknown" })
      assert.deepStrictEqual(yield* journal.lines, [
        "acquired first",
        "acquired second",
        "acquired what the call needs",
        "hanging",
        "released what the call needs on interruption",
        "released second on success",
        "released first on success"
      ])
    }).pipe(Effect.provide(placement.layer())))

  it.live("L4: closing settles the queued calls as NotRun", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const scope = yield* Scope.make()
      const resource = yield* Scope.provide(Resource.spawn({ journal: journal.path }), scope)
      const running = yield* Effect.forkChild(Effect.exit(resource.hang()), { startImmediately: true })
      const queued = yield* Effect.forkChild(
        Effect.exit(resource.note({ line: "ran" })),
        { startImmediately: true }
      )
      yield* journal.awaitLine("hanging")
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(lost(yield* Fiber.join(running)), { reason: "Stopped", outcome: "Unknown" })
      assert.deepStrictEqual(lost(yield* Fiber.join(queued)), { reason: "Stopped", outcome: "NotRun" })
      assert.notInclude(yield* journal.lines, "ran")
    }).pipe(Effect.provide(placement.layer())))

  it.live("L4: stop ends an actor before its scope does, and runs its finalizers", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const resource = yield* Resource.spawn({ journal: journal.path })
      const running = yield* Effect.forkChild(Effect.exit(resource.hang()), { startImmediately: true })
      yield* journal.awaitLine("hanging")
      yield* ActorRef.stop(resource)
      assert.strictEqual((yield* journal.lines).at(-1), "released first on success")
      assert.deepStrictEqual(lost(yield* Fiber.join(running)), { reason: "Stopped", outcome: "Unknown" })
      assert.deepStrictEqual(yield* ActorRef.awaitExit(resource), Exit.void)
    }).pipe(Effect.provide(placement.layer())))

  it.live("L4: stop with drain finishes the accepted calls, running and queued, and accepts no more", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const resource = yield* Resource.spawn({ journal: journal.path })
      const calls = yield* Effect.forEach(
        ["one", "two", "three"],
        (line) => Effect.forkChild(resource.wait({ line }), { startImmediately: true })
      )
      yield* resource.note({ line: "told" }, { discard: true })
      yield* journal.awaitLine("waiting")
      const stopping = yield* Effect.forkChild(ActorRef.stop(resource, { drain: true }), { startImmediately: true })
      const late = yield* Effect.exit(resource.note({ line: "late" }))
      assert.deepStrictEqual(lost(late), { reason: "Stopped", outcome: "NotRun" })
      yield* journal.note("go")
      assert.deepStrictEqual(yield* Effect.forEach(calls, Fiber.join), ["one", "two", "three"])
      yield* Fiber.join(stopping)
      assert.deepStrictEqual(
        (yield* journal.lines).filter((line) => line !== "waiting" && line !== "go"),
        [
          "acquired first",
          "acquired second",
          "one",
          "two",
          "three",
          "told",
          "released second on success",
          "released first on success"
        ]
      )
    }).pipe(Effect.provide(placement.layer())))

  it.live("L4: stop with drain ends an idle actor immediately", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const resource = yield* Resource.spawn({ journal: journal.path })
      yield* resource.note({ line: "done" })
      yield* ActorRef.stop(resource, { drain: true })
      assert.strictEqual((yield* journal.lines).at(-1), "released first on success")
    }).pipe(Effect.provide(placement.layer())))

  it.live("L4: a drain with a time limit interrupts unfinished calls after the limit", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const resource = yield* Resource.spawn({ journal: journal.path })
      const running = yield* Effect.forkChild(Effect.exit(resource.hang()), { startImmediately: true })
      const queued = yield* Effect.forkChild(Effect.exit(resource.note({ line: "ran" })), { startImmediately: true })
      yield* journal.awaitLine("hanging")
      yield* ActorRef.stop(resource, { drain: "50 millis" })
      assert.deepStrictEqual(lost(yield* Fiber.join(running)), { reason: "Stopped", outcome: "Unknown" })
      assert.deepStrictEqual(lost(yield* Fiber.join(queued)), { reason: "Stopped", outcome: "NotRun" })
      assert.notInclude(yield* journal.lines, "ran")
    }).pipe(Effect.provide(placement.layer())))

  it.live("L4: the end of the scope ends a drain that would never finish", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const scope = yield* Scope.make()
      const resource = yield* Scope.provide(Resource.spawn({ journal: journal.path }), scope)
      const running = yield* Effect.forkChild(Effect.exit(resource.hang()), { startImmediately: true })
      yield* journal.awaitLine("hanging")
      const stopping = yield* Effect.forkChild(ActorRef.stop(resource, { drain: true }), { startImmediately: true })
      yield* Scope.close(scope, Exit.void)
      yield* Fiber.join(stopping)
      assert.deepStrictEqual(lost(yield* Fiber.join(running)), { reason: "Stopped", outcome: "Unknown" })
      assert.strictEqual((yield* journal.lines).at(-1), "released first on success")
    }).pipe(Effect.provide(placement.layer())))

  it.live("L4: concurrent stops close the actor once", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const resource = yield* Resource.spawn({ journal: journal.path })
      yield* Effect.all(
        [ActorRef.stop(resource), ActorRef.stop(resource, { drain: true }), ActorRef.stop(resource)],
        { concurrency: "unbounded" }
      )
      yield* ActorRef.stop(resource)
      assert.deepStrictEqual(yield* journal.lines, releasedOn("success"))
    }).pipe(Effect.provide(placement.layer())))

  it.live("L4: an interrupted stop continues, and the scope waits for the actor", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      yield* Effect.scoped(Effect.gen(function*() {
        const resource = yield* Resource.spawn({ journal: journal.path })
        const stopping = yield* Effect.forkChild(ActorRef.stop(resource), { startImmediately: true })
        yield* Fiber.interrupt(stopping)
      }))
      assert.deepStrictEqual(yield* journal.lines, releasedOn("success"))
    }).pipe(Effect.provide(placement.layer())))

  it.live("L4: a hanging finalizer is abandoned after shutdownTimeout, with a log line", () =>
    withWarnings((warnings) =>
      Effect.gen(function*() {
        const address = yield* Effect.scoped(Effect.map(Stubborn.spawn({ finalizer: "hangs" }), ActorRef.address))
        assert.lengthOf(warnings, 1)
        assert.include(warnings[0], address)
        assert.include(warnings[0], "100 ms")
        assert.include(warnings[0], "killed")
      }).pipe(Effect.provide(placement.layer({ shutdownTimeout: "100 millis" })))
    ))

  it.live("L4: closing within shutdownTimeout logs nothing", () =>
    withWarnings((warnings) =>
      Effect.gen(function*() {
        const journal = yield* Journal.make
        yield* Effect.scoped(Resource.spawn({ journal: journal.path }))
        assert.deepStrictEqual(warnings, [])
      }).pipe(Effect.provide(placement.layer()))
    ))
})

onEveryPlacement(fixture, (placement) => {
  it.live("L4: a finalizer that blocks its worker is killed after shutdownTimeout", () =>
    withWarnings((warnings) =>
      Effect.gen(function*() {
        yield* Effect.scoped(Stubborn.spawn({ finalizer: "blocks" }))
        assert.lengthOf(warnings, 1)
      }).pipe(Effect.provide(placement.layer({ shutdownTimeout: "100 millis" })))
    ))

  it.live("L4: a handler that blocks its worker is killed after shutdownTimeout, and its call reports the kill", () =>
    withWarnings((warnings) =>
      Effect.gen(function*() {
        const journal = yield* Journal.make
        const scope = yield* Scope.make()
        const resource = yield* Scope.provide(Resource.spawn({ journal: journal.path }), scope)
        const running = yield* Effect.forkChild(Effect.exit(resource.block()), { startImmediately: true })
        const queued = yield* Effect.forkChild(Effect.exit(resource.note({ line: "ran" })), { startImmediately: true })
        yield* journal.awaitLine("blocking")
        yield* Scope.close(scope, Exit.void)
        assert.deepStrictEqual(lost(yield* Fiber.join(running)), { reason: "Killed", outcome: "Unknown" })
        assert.strictEqual(lost(yield* Fiber.join(queued)).reason, "Killed")
        const exit = yield* ActorRef.awaitExit(resource)
        assert.strictEqual(lost(exit).reason, "Killed")
        assert.lengthOf(warnings, 1)
        assert.notInclude(yield* journal.lines, "released first on success")
      }).pipe(Effect.provide(placement.layer({ shutdownTimeout: "100 millis" })))
    ))

  it.live("L4: the finalizers of an actor killed in a shared worker see an interruption", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const resource = yield* Resource.spawn({ journal: journal.path })
      yield* ActorRef.kill(resource)
      assert.deepStrictEqual(yield* journal.lines, releasedOn("interruption"))
    }).pipe(Effect.provide(placement.layer({ workers: 1 }))))
}, { except: ["memory"], reason: "in memory no worker is shared, and what blocks its event loop blocks the test" })

onEveryPlacement(fixture, (placement) => {
  it.live("L4: in a shared worker, closing one actor interrupts its own calls only", () =>
    Effect.gen(function*() {
      const [one, two] = yield* Effect.all([Journal.make, Journal.make])
      const stays = yield* Resource.spawn({ journal: two.path })
      const call = yield* Effect.forkChild(stays.wait({ line: "done" }), { startImmediately: true })
      yield* two.awaitLine("waiting")
      yield* Effect.scoped(Effect.gen(function*() {
        const goes = yield* Resource.spawn({ journal: one.path })
        yield* Effect.forkChild(Effect.exit(goes.hang()), { startImmediately: true })
        yield* one.awaitLine("hanging")
      }))
      assert.strictEqual((yield* one.lines).at(-1), "released first on success")
      yield* two.note("go")
      assert.strictEqual(yield* Fiber.join(call), "done")
      assert.notInclude(yield* two.lines, "released first on success")
    }).pipe(Effect.provide(placement.layer({ workers: 1 }))))
})
