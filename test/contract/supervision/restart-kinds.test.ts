import { assert, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Logger, Schedule, Stream } from "effect"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as Supervision from "../../../src/Supervision.ts"
import behaviours, { Being } from "../fixtures/lives.ts"
import { assertExited, exitedOf, forked, upTo } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"

const fixture = { module: new URL("../fixtures/lives.ts", import.meta.url), behaviours }

// the reports of crashes are not for the screen
const quiet = Effect.provide(Logger.layer([]))

const policyOf = (restart: Supervision.Restart, maxRestarts = 5) =>
  Supervision.make({ schedule: Schedule.spaced(1), maxRestarts, restart })

const live = (policy: Supervision.Policy) =>
  Effect.gen(function*() {
    const journal = yield* Journal.make
    const being = yield* Supervision.supervised(Being.spawn({ journal: journal.path, way: "lives" }), policy)
    return { journal, being }
  })

const kinds = ["on-death", "on-defect", "always", "never"] as const

/** The kinds of policies that restart an actor after each way to end. */
const restarts = {
  exit: ["on-death", "always"],
  crashNow: ["on-death", "on-defect", "always"],
  stop: ["always"]
} satisfies Record<string, ReadonlyArray<Supervision.Restart>>

onEveryPlacement(fixture, (placement) => {
  for (const end of ["exit", "crashNow", "stop"] as const) {
    // in memory the process of the test would end
    if (end === "exit" && placement.isMemory) continue
    for (const kind of kinds) {
      for (const workers of ["dedicated", 1] as const) {
        const isRestarted = (restarts[end] as ReadonlyArray<Supervision.Restart>).includes(kind)
        const then = isRestarted ? "is restarted" : "has ended"
        it.live(`F3: an actor with the policy "${kind}" ${then} after ${end} (workers: ${workers})`, () =>
          Effect.gen(function*() {
            const { being } = yield* live(policyOf(kind))
            yield* Effect.exit<unknown, unknown, never>(being[end]())
            if (isRestarted) return assert.strictEqual((yield* being.who()).incarnation, 2)
            const exit = yield* ActorRef.awaitExit(being)
            if (end === "stop") assert.deepStrictEqual(exit, Exit.void)
            else assertExited(exit, "Crashed", "NotRun")
            const reason = end === "stop" ? "Stopped" : "Crashed"
            assertExited(yield* Effect.exit(being.who()), reason, "NotRun")
          }).pipe(Effect.provide(placement.layer({ workers })), quiet))
      }
    }
  }

  it.live(`F3: the policy "never" takes precedence over a policy around it`, () =>
    Effect.gen(function*() {
      const { being } = yield* Supervision.supervised(live(policyOf("never")), policyOf("always"))
      yield* Effect.exit(being.crash())
      assertExited(yield* ActorRef.awaitExit(being), "Crashed", "NotRun")
    }).pipe(Effect.provide(placement.layer()), quiet))

  for (const workers of ["dedicated", 1] as const) {
    it.live(
      `F3: with the policy "always", the calls behind Actor.stopSelf run in order, in this incarnation or the next (workers: ${workers})`,
      () =>
        Effect.gen(function*() {
          const { being, journal } = yield* live(policyOf("always"))
          const lives = yield* forked(Stream.runCollect(ActorRef.incarnations(being)))
          const before = yield* Effect.forEach(upTo(20), (n) => forked(being.note({ n })))
          const stopping = yield* forked(being.stop())
          const behind = yield* Effect.forEach(upTo(20), (n) => forked(being.note({ n: 20 + n })))
          assert.strictEqual(yield* Fiber.join(stopping), "stopping")
          const after = yield* Effect.forEach(upTo(20), (n) => forked(being.note({ n: 40 + n })))
          assert.deepStrictEqual(yield* Effect.forEach([...before, ...behind, ...after], Fiber.join), upTo(60))
          assert.strictEqual((yield* being.who()).incarnation, 2)
          const lines = yield* journal.lines
          const notes = lines.filter((line) => /: \d+$/.test(line))
          assert.deepStrictEqual(notes.map((line) => Number(line.split(": ")[1])), upTo(60))
          assert.include(lines, "1: released on success")
          // the accepted calls have run before the end
          const next = lines.findIndex((line) => line.startsWith("2: "))
          assert.isTrue(lines.slice(next).every((line) => line.startsWith("2: ")))
          yield* ActorRef.stop(being)
          const [, second] = yield* Fiber.join(lives)
          assert.strictEqual(second?.previous?.reason, "Stopped")
          assert.include(second?.previous?.message, "stopped itself")
        }).pipe(Effect.provide(placement.layer({ workers })), quiet)
    )

    it.live(`F3: a stop asked for twice restarts an actor with the policy "always" once (workers: ${workers})`, () =>
      Effect.gen(function*() {
        const { being } = yield* live(policyOf("always"))
        const stops = yield* Effect.forEach(upTo(2), () => forked(being.stop()))
        assert.deepStrictEqual(yield* Effect.forEach(stops, Fiber.join), ["stopping", "stopping"])
        const { incarnation } = yield* being.who()
        assert.isAtLeast(incarnation, 2)
        yield* ActorRef.stop(being)
        assert.deepStrictEqual(yield* ActorRef.awaitExit(being), Exit.void)
      }).pipe(Effect.provide(placement.layer({ workers })), quiet))

    it.live(`L4: ActorRef.stop ends an actor with the policy "always" that is stopping itself (workers: ${workers})`, () =>
      Effect.gen(function*() {
        const { being, journal } = yield* live(policyOf("always"))
        yield* forked(being.stop())
        const hanging = yield* forked(being.hang())
        yield* journal.awaitLine("1: hanging")
        yield* ActorRef.stop(being)
        assert.strictEqual(exitedOf(yield* Fiber.await(hanging)).reason, "Stopped")
        assert.deepStrictEqual(yield* ActorRef.awaitExit(being), Exit.void)
      }).pipe(Effect.provide(placement.layer({ workers })), quiet))
  }

  it.live(`F4: an actor with the policy "always" that stops itself without a restart left has been stopped`, () =>
    Effect.gen(function*() {
      const { being } = yield* live(policyOf("always", 0))
      yield* being.stop()
      assert.deepStrictEqual(yield* ActorRef.awaitExit(being), Exit.void)
    }).pipe(Effect.provide(placement.layer()), quiet))
})
