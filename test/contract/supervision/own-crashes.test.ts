import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Schedule } from "effect"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as Supervision from "../../../src/Supervision.ts"
import behaviours, { Being } from "../fixtures/lives.ts"
import { assertExited, exitedOf, forked, logOf, upTo } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"

const fixture = { module: new URL("../fixtures/lives.ts", import.meta.url), behaviours }

const policy = Supervision.make({ schedule: Schedule.spaced(1), maxRestarts: 1 })

const live = Effect.gen(function*() {
  const journal = yield* Journal.make
  const being = yield* Supervision.supervised(Being.spawn({ journal: journal.path, way: "lives" }), policy)
  return { journal, being }
})

onEveryPlacement(fixture, (placement) => {
  for (const workers of ["dedicated", 1] as const) {
    const name = (text: string): string => `${text} (workers: ${workers})`
    const run = <A, E>(test: Effect.Effect<A, E, Effect.Services<typeof live>>, log = logOf("Error")) =>
      test.pipe(Effect.provide(placement.layer({ workers })), Effect.provide(log.layer))

    it.live(
      name("F3: the queued calls of an actor that crashes by itself go to its next incarnation, in order"),
      () =>
        run(Effect.gen(function*() {
          const { being, journal } = yield* live
          const hanging = yield* forked(being.hang())
          const behind = yield* Effect.forEach(upTo(100), (n) => forked(being.note({ n })))
          yield* journal.awaitLine("1: hanging")
          const crash = yield* forked(being.crashNow())
          const after = yield* Effect.forEach(upTo(50), (n) => forked(being.note({ n: 100 + n })))
          assertExited(yield* Fiber.await(hanging), "Crashed", "Unknown")
          const error = exitedOf(yield* Fiber.await(crash))
          assert.deepStrictEqual([error.reason, error.outcome, error.begun], ["Crashed", "Unknown", true])
          assert.include(error.message, "crashed: in a handler while it ran")
          assert.deepStrictEqual(yield* Effect.forEach([...behind, ...after], Fiber.join), upTo(150))
          const lines = (yield* journal.lines).filter((line) => /: \d+$/.test(line))
          assert.deepStrictEqual(lines, upTo(150).map((n) => `2: ${n}`))
        }))
    )

    it.live(
      name("F3: an accepted tell in the mailbox of an actor that crashes by itself runs in its next incarnation"),
      () =>
        run(Effect.gen(function*() {
          const { being, journal } = yield* live
          yield* forked(Effect.exit(being.hang()))
          yield* being.note({ n: 1 }, { discard: true })
          yield* Effect.exit(being.crashNow())
          yield* journal.awaitLine("2: 1")
        }))
    )

    it.live(
      name("F3: a running call of an idempotent method runs again after its actor has crashed by itself"),
      () =>
        run(Effect.gen(function*() {
          const { being, journal } = yield* live
          const call = yield* forked(being.hangOnce())
          yield* journal.awaitLine("1: hanging")
          yield* Effect.exit(being.crashNow())
          assert.strictEqual(yield* Fiber.join(call), 2)
        }))
    )

    it.live(name("F4: an actor that crashes by itself without a restart left has ended"), () => {
      const log = logOf("Error")
      return run(
        Effect.gen(function*() {
          const { being, journal } = yield* live
          const address = ActorRef.address(being)
          yield* Effect.exit(being.crash())
          assert.strictEqual((yield* being.who()).incarnation, 2)
          const second = ActorRef.address(being)
          const queued = yield* forked(being.hang())
          const behind = yield* forked(being.note({ n: 1 }))
          yield* journal.awaitLine("2: hanging")
          yield* Effect.exit(being.crashNow())
          assertExited(yield* Fiber.await(queued), "Crashed", "Unknown")
          assertExited(yield* Fiber.await(behind), "Crashed", "NotRun")
          assertExited(yield* ActorRef.awaitExit(being), "Crashed", "NotRun")
          assertExited(yield* Effect.exit(being.who()), "Crashed", "NotRun")
          // F6
          assert.deepStrictEqual(log.lines, [
            {
              message: `${address} crashed`,
              annotations: { actor: `${address} (incarnation 1)`, reason: "Crashed" }
            },
            {
              message: `${second} crashed`,
              annotations: { actor: `${second} (incarnation 2)`, reason: "Crashed" }
            }
          ])
        }),
        log
      )
    })

    it.live(
      name("L4: a stop with drain while the actor restarts from its own crash finishes the carried calls"),
      () =>
        run(Effect.gen(function*() {
          const { being, journal } = yield* live
          const hanging = yield* forked(Effect.exit(being.hang()))
          const behind = yield* Effect.forEach(upTo(10), (n) => forked(being.note({ n })))
          yield* journal.awaitLine("1: hanging")
          yield* forked(Effect.exit(being.crashNow()))
          yield* Fiber.join(hanging)
          yield* ActorRef.stop(being, { drain: true })
          assert.deepStrictEqual(yield* Effect.forEach(behind, Fiber.join), upTo(10))
          assert.strictEqual((yield* ActorRef.awaitExit(being))._tag, "Success")
        }))
    )

    it.live(
      name("L4: a kill or a stop while an actor closes after its own crash ends it for good"),
      () =>
        run(Effect.gen(function*() {
          for (const end of [ActorRef.kill, ActorRef.stop]) {
            const { being, journal } = yield* live
            const hanging = yield* forked(Effect.exit(being.hang()))
            const behind = yield* forked(being.note({ n: 1 }))
            yield* journal.awaitLine("1: hanging")
            yield* forked(Effect.exit(being.crashNow()))
            yield* Fiber.join(hanging)
            yield* end(being)
            assert.strictEqual(exitedOf(yield* Fiber.await(behind)).outcome, "NotRun")
            const exit = yield* ActorRef.awaitExit(being)
            if (end === ActorRef.kill) assertExited(exit, "Killed", "NotRun")
            else assert.strictEqual(exit._tag, "Success")
          }
        }))
    )
  }
})
