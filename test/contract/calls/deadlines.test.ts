/**
 * The timeouts of a system measure the time that a worker has had. While the program itself is blocked, as while its machine sleeps,
 * no worker is late.
 */
import { assert, it } from "@effect/vitest"
import { Effect, Exit, Fiber, type Layer, Logger, Option } from "effect"
import * as Actor from "../../../src/Actor.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import lifecycle, { BodyFailed, Resource, Voter } from "../fixtures/lifecycle.ts"
import references, { Clerk, Visitor } from "../fixtures/reference-direct.ts"
import stage, { Stage } from "../fixtures/stage.ts"
import { assertExited, assertInterrupted, exitedOf, forked, left, logOf, upTo } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"

const fixture = (name: string, behaviours: Layer.Layer<never>) => ({
  module: new URL(`../fixtures/${name}.ts`, import.meta.url),
  behaviours
})

const sleeper = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))

const blockNow = (ms: number): void => void Atomics.wait(sleeper, 0, 0, ms)

/** Blocks the program. */
const block = (ms: number): Effect.Effect<void> => Effect.sync(() => blockNow(ms))

// a short one, so that the program can be blocked for longer; generous against a machine that is busy
const timeout = "1 second"
const longer = 1_300

onEveryPlacement(fixture("lifecycle", lifecycle), (placement) => {
  it.live("L2: a program that is blocked for longer than spawnTimeout, before or during a spawn, still gets its actor", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const during = yield* forked(Resource.spawn({ journal: journal.path }))
      yield* left
      const before = yield* forked(Resource.spawn({ journal: journal.path }))
      yield* block(2_500)
      for (const [line, spawning] of Object.entries({ during, before })) {
        const resource = yield* Fiber.join(spawning)
        yield* resource.note({ line })
        assert.include(yield* journal.lines, line)
      }
      // a worker that starts needs more time than one that ends
    }).pipe(Effect.provide(placement.layer({ spawnTimeout: "2 seconds" }))))

  it.live("L4: actors close in order, even if the program is blocked, before or during their stop, for longer than shutdownTimeout", () => {
    const { layer, lines } = logOf("Warn")
    return Effect.gen(function*() {
      const journals = yield* Effect.replicateEffect(Journal.make, 2)
      const resources = yield* Effect.forEach(journals, ({ path }) => Resource.spawn({ journal: path }))
      const during = yield* forked(ActorRef.stop(resources[0]!))
      yield* left
      const before = yield* forked(ActorRef.stop(resources[1]!))
      yield* block(longer)
      yield* Fiber.joinAll([during, before])
      for (const journal of journals) assert.include(yield* journal.lines, "released first on success")
      for (const resource of resources) assert.deepStrictEqual(yield* ActorRef.awaitExit(resource), Exit.void)
      assert.deepStrictEqual(lines, [])
    }).pipe(Effect.provide(placement.layer({ shutdownTimeout: timeout })), Effect.provide(layer))
  })

  it.live("L4: a shared worker closes in order, even if the program is blocked for longer than shutdownTimeout", () => {
    const { layer, lines } = logOf("Warn")
    return Effect.gen(function*() {
      const journal = yield* Journal.make
      yield* Effect.gen(function*() {
        yield* Effect.scoped(Resource.spawn({ journal: journal.path }))
        // the worker is asked to end in this turn, with the system
        yield* Effect.sync(() => void setImmediate(blockNow, longer))
      }).pipe(Effect.provide(placement.layer({ shutdownTimeout: timeout, workers: 1 })))
      assert.include(yield* journal.lines, "released first on success")
      assert.deepStrictEqual(lines, [])
    }).pipe(Effect.provide(layer))
  })

  for (const [when, soon] of [["before the vote", queueMicrotask], ["during the vote", setImmediate]] as const) {
    it.live(`L5: an actor votes, even if the program is blocked for longer than shutdownTimeout (${when})`, () => {
      const { layer, lines } = logOf("Warn")
      return Effect.gen(function*() {
        const journal = yield* Journal.make
        const failure = new BodyFailed({ vote: "absorb", journal: journal.path })
        const result = yield* Actor.use(Voter, [], () => {
          // it is asked in this turn
          soon(() => blockNow(longer))
          return failure
        })
        assert.deepStrictEqual(result, Option.none())
        assert.deepStrictEqual(lines, [])
      }).pipe(Effect.provide(placement.layer({ shutdownTimeout: timeout })), Effect.provide(layer))
    })
  }
})

onEveryPlacement(fixture("stage", stage), (placement) => {
  it.live("C3: a program blocked, before or during an interruption, for longer than interruptTimeout kills no worker", () => {
    const { layer, lines } = logOf("Warn")
    return Effect.gen(function*() {
      const stages = yield* Effect.replicateEffect(Stage.spawn(), 2)
      const calls = yield* Effect.forEach(stages, (stage) => forked(stage.hold({ job: "a" })))
      for (const stage of stages) yield* stage.awaitLine({ line: "a began" })
      const during = yield* forked(Fiber.interrupt(calls[0]!))
      yield* left
      const before = yield* forked(Fiber.interrupt(calls[1]!))
      yield* block(longer)
      yield* Fiber.joinAll([during, before])
      for (const call of calls) assertInterrupted(yield* Fiber.await(call))
      for (const stage of stages) {
        assert.deepStrictEqual(yield* stage.log(), ["a began", "a interrupted", "a finalized"])
      }
      assert.deepStrictEqual(lines, [])
    }).pipe(Effect.provide(placement.layer({ interruptTimeout: timeout })), Effect.provide(layer))
  })

  it.live("F2: a program blocked for longer than the heartbeat kills no worker", () =>
    Effect.gen(function*() {
      const stage = yield* Stage.spawn()
      const watcher = yield* forked(ActorRef.awaitExit(stage))
      for (const _ of upTo(2)) {
        yield* block(longer)
        yield* Effect.sleep(1)
      }
      assert.strictEqual(yield* stage.echo({ n: 1 }), 1)
      assert.isUndefined(watcher.pollUnsafe())
    }).pipe(Effect.provide(placement.layer({ heartbeat: timeout }))))

  it.live("L4: accepted calls have the whole time of a drain, even if the program is blocked for longer", () =>
    Effect.gen(function*() {
      const stage = yield* Stage.spawn()
      const calls = yield* Effect.forEach(upTo(3), (n) => forked(stage.echo({ n })))
      const stopping = yield* forked(ActorRef.stop(stage, { drain: timeout }))
      yield* block(longer)
      yield* Fiber.join(stopping)
      assert.deepStrictEqual(yield* Effect.forEach(calls, Fiber.join), upTo(3))
    }).pipe(Effect.provide(placement.layer())))

  it.live("C3, L4: a repeatedly blocked program still kills a worker that does not react", () =>
    Effect.gen(function*() {
      const stage = yield* Stage.spawn()
      const call = yield* forked(stage.stubborn({ job: "a" }))
      yield* stage.awaitLine({ line: "a began" })
      const blocking = yield* forked(Effect.forever(Effect.andThen(block(100), Effect.sleep(1))))
      yield* Fiber.interrupt(call)
      assertInterrupted(yield* Fiber.await(call))
      yield* Fiber.interrupt(blocking)
      assert.strictEqual(exitedOf(yield* ActorRef.awaitExit(stage)).reason, "Killed")
      // the kill is what the test waits for, so the timeout is shorter than in the other tests
    }).pipe(Effect.provide(placement.layer({ interruptTimeout: "300 millis" })), Effect.provide(Logger.layer([]))))
})

onEveryPlacement(fixture("stage", stage), (placement) => {
  it.live("F7: queued calls of a killed worker are NotRun, even if the program is blocked meanwhile", () =>
    Effect.gen(function*() {
      const journal = yield* Journal.make
      const stage = yield* Stage.spawn()
      const running = yield* forked(stage.block({ job: "a", journal: journal.path, checks: false }))
      yield* journal.awaitLine("blocking")
      const behind = yield* forked(stage.echo({ n: 1 }))
      yield* left
      const killing = yield* forked(ActorRef.kill(stage))
      yield* block(longer)
      yield* Fiber.join(killing)
      assertExited(yield* Fiber.await(running), "Killed", "Unknown")
      assertExited(yield* Fiber.await(behind), "Killed", "NotRun")
    }).pipe(Effect.provide(placement.layer()), Effect.provide(Logger.layer([]))))
}, { except: ["memory"], reason: "a busy loop in memory blocks the test itself" })

onEveryPlacement(fixture("reference-direct", references), (placement) => {
  it.live("C3: a program blocked when a worker ends kills no other worker of its calls", () => {
    const { layer, lines } = logOf("Warn")
    return Effect.gen(function*() {
      const journal = yield* Journal.make
      const clerk = yield* Clerk.spawn({ journal: journal.path })
      const visitor = yield* Visitor.spawn({ journal: journal.path, clerk })
      const hanging = yield* forked(visitor.hang({ line: "a" }))
      yield* journal.awaitLine("a begun")
      yield* ActorRef.kill(visitor)
      yield* block(longer)
      assertExited(yield* Fiber.await(hanging), "Killed", "Unknown")
      yield* journal.awaitLine("a finalized")
      assert.strictEqual(yield* clerk.count(), 1)
      assert.deepStrictEqual(lines, [])
    }).pipe(Effect.provide(placement.layer({ interruptTimeout: timeout })), Effect.provide(layer))
  })
})
