import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Logger, Schedule, Stream } from "effect"
import * as Actor from "../../../src/Actor.ts"
import * as ActorRef from "../../../src/ActorRef.ts"
import * as Supervision from "../../../src/Supervision.ts"
import behaviours, { Being } from "../fixtures/lives.ts"
import { assertError, assertExited, defectOf, errorOf, exitedOf, forked } from "../support/asserts.ts"
import * as Journal from "../support/journal.ts"
import { onEveryPlacement } from "../support/placements.ts"

const fixture = { module: new URL("../fixtures/lives.ts", import.meta.url), behaviours }

// the reports of crashes are not for the screen
const quiet = Effect.provide(Logger.layer([]))

const soon = Supervision.make({ schedule: Schedule.spaced(1) })

const live = Effect.gen(function*() {
  const journal = yield* Journal.make
  return { journal, being: yield* Being.spawn({ journal: journal.path, way: "lives" }) }
})

onEveryPlacement(fixture, (placement) => {
  for (const workers of ["dedicated", 1] as const) {
    const name = (text: string): string => `${text} (workers: ${workers})`

    it.live(
      name("L8: an actor knows its address and its incarnation, in its behaviour and in its handlers"),
      () =>
        Effect.gen(function*() {
          const { being, journal } = yield* live
          const address = ActorRef.address(being)
          assert.deepStrictEqual(yield* being.who(), { address, incarnation: 1 })
          assert.deepStrictEqual(yield* being.who(), { address, incarnation: 1 })
          assert.deepStrictEqual(yield* journal.lines, [`1: built as ${address}`])
        }).pipe(Effect.provide(placement.layer({ workers })))
    )

    it.live(name("L8: an actor sends itself messages by its own reference"), () =>
      Effect.gen(function*() {
        const { being, journal } = yield* live
        yield* being.count({ n: 3 })
        yield* journal.awaitLine("1: 0")
        assert.deepStrictEqual((yield* journal.lines).slice(1), ["1: 3", "1: 2", "1: 1", "1: 0"])
      }).pipe(Effect.provide(placement.layer({ workers }))))

    it.live(
      name("L8: the reference that an actor returns of itself reaches its next incarnation, too"),
      () =>
        Effect.gen(function*() {
          const { being } = yield* Supervision.supervised(live, soon)
          const me = (yield* being.me()) as typeof being
          const address = ActorRef.address(being)
          assert.strictEqual(ActorRef.address(me), address)
          assert.strictEqual(yield* me.note({ n: 1 }), 1)
          assertExited(yield* Effect.exit(being.crash()), "Crashed", "Unknown")
          const second = yield* me.who()
          assert.strictEqual(second.incarnation, 2)
          assert.strictEqual(second.address, ActorRef.address(being))
          assert.notStrictEqual(second.address, address)
          const again = (yield* being.me()) as typeof being
          assert.deepStrictEqual(yield* again.who(), second)
        }).pipe(Effect.provide(placement.layer({ workers })), quiet)
    )

    it.live(
      name("L8: an actor that stops itself finishes its accepted calls, and has ended without a failure"),
      () =>
        Effect.gen(function*() {
          const { being, journal } = yield* Supervision.supervised(live, soon)
          const stop = yield* forked(being.stop())
          const after = yield* forked(being.note({ n: 1 }))
          assert.strictEqual(yield* Fiber.join(stop), "stopping")
          assert.strictEqual(yield* Fiber.join(after), 1)
          assert.strictEqual((yield* ActorRef.awaitExit(being))._tag, "Success")
          assertExited(yield* Effect.exit(being.who()), "Stopped", "NotRun")
          assert.deepStrictEqual((yield* journal.lines).slice(1), [
            "1: 1",
            "1: the background is interrupted",
            "1: released on success"
          ])
        }).pipe(Effect.provide(placement.layer({ workers })))
    )

    it.live(
      name("L9: a supervised fiber that fails ends its actor as crashed, and no other actor of its worker"),
      () =>
        Effect.gen(function*() {
          const { being, journal } = yield* live
          const { being: other } = yield* live
          const hanging = yield* forked(being.hang())
          yield* journal.awaitLine("1: hanging")
          yield* being.fail()
          assertExited(yield* Fiber.await(hanging), "Crashed", "Unknown")
          const exit = yield* ActorRef.awaitExit(being)
          assertExited(exit, "Crashed", "NotRun")
          assert.match(exitedOf(exit).message, /^Being#\d+@\S+ crashed: in the background$/)
          assertExited(yield* Effect.exit(being.who()), "Crashed", "NotRun")
          yield* journal.awaitLine("1: released on Misfortune: in the background")
          assert.strictEqual((yield* other.who()).incarnation, 1)
        }).pipe(Effect.provide(placement.layer({ workers })), quiet)
    )

    it.live(
      name("L9: the end of an actor interrupts its supervised fibers, and is no crash"),
      () =>
        Effect.gen(function*() {
          const { being, journal } = yield* Supervision.supervised(live, soon)
          yield* ActorRef.stop(being)
          assert.strictEqual((yield* ActorRef.awaitExit(being))._tag, "Success")
          assert.deepStrictEqual((yield* journal.lines).slice(1), [
            "1: the background is interrupted",
            "1: released on success"
          ])
        }).pipe(Effect.provide(placement.layer({ workers })))
    )

    it.live(name("L9: a crash while the actor is built is a defect of its spawn"), () =>
      Effect.gen(function*() {
        const journal = yield* Journal.make
        const exit = yield* Effect.exit(Being.spawn({ journal: journal.path, way: "crashes" }))
        assertError(defectOf(exit), { message: "in the build" })
        assert.include(yield* journal.lines, "1: released on Misfortune: in the build")
      }).pipe(Effect.provide(placement.layer({ workers }))))

    it.live(
      name("L8: a stop by the actor itself while it is built fails its spawn, whatever its policy"),
      () =>
        Effect.gen(function*() {
          const policies = [undefined, soon, Supervision.make({ schedule: Schedule.spaced(1), restart: "always" })]
          for (const policy of policies) {
            const journal = yield* Journal.make
            const spawn = Being.spawn({ journal: journal.path, way: "stopsFirst" })
            const exit = yield* Effect.exit(policy === undefined ? spawn : Supervision.supervised(spawn, policy))
            const error = errorOf(exit)
            assert(error._tag === "SpawnError")
            assert.strictEqual(error.reason, "WorkerFailed")
            assert.match(error.message, /^Being#\d+@\S+ stopped itself before it was built$/)
            assert.deepStrictEqual((yield* journal.lines).slice(1), ["1: released on success"])
          }
        }).pipe(Effect.provide(placement.layer({ workers })))
    )

    it.live(
      name("L8: an actor that stops itself while it is built again has ended without a failure"),
      () =>
        Effect.gen(function*() {
          const journal = yield* Journal.make
          const spawn = Being.spawn({ journal: journal.path, way: "stopsLater" })
          const always = Supervision.make({ schedule: Schedule.spaced(1), restart: "always" })
          const being = yield* Supervision.supervised(spawn, always)
          const hanging = yield* forked(being.hang())
          yield* journal.awaitLine("1: hanging")
          const behind = yield* forked(being.note({ n: 1 }))
          yield* being.fail()
          assertExited(yield* Fiber.await(hanging), "Crashed", "Unknown")
          assertExited(yield* Fiber.await(behind), "Stopped", "NotRun")
          assert.strictEqual((yield* ActorRef.awaitExit(being))._tag, "Success")
          yield* journal.awaitLine("2: released on success")
        }).pipe(Effect.provide(placement.layer({ workers })), quiet)
    )

    it.live(
      name("L4: an actor that crashes and does not close is killed after shutdownTimeout"),
      () =>
        Effect.gen(function*() {
          const journal = yield* Journal.make
          const being = yield* Being.spawn({ journal: journal.path, way: "stuck" })
          assertExited(yield* Effect.exit(being.crash()), "Crashed", "Unknown")
          assertExited(yield* ActorRef.awaitExit(being), "Crashed", "NotRun")
        }).pipe(Effect.provide(placement.layer({ workers, shutdownTimeout: "100 millis" })), quiet)
    )

    it.live(
      name("L4: a supervised actor that crashes and does not close restarts on another worker"),
      () =>
        Effect.gen(function*() {
          const journal = yield* Journal.make
          const being = yield* Supervision.supervised(Being.spawn({ journal: journal.path, way: "stuck" }), soon)
          const address = ActorRef.address(being)
          yield* Effect.exit(being.crash())
          const second = yield* being.who()
          assert.strictEqual(second.incarnation, 2)
          assert.notStrictEqual(second.address.split("@")[1], address.split("@")[1])
          const incarnations = yield* ActorRef.incarnations(being).pipe(Stream.take(1), Stream.runCollect)
          assert.strictEqual(incarnations[0]?.previous?.reason, "Crashed")
        }).pipe(Effect.provide(placement.layer({ workers, shutdownTimeout: "100 millis" })), quiet)
    )
  }

  it.live("L8: Actor.self dies in a fiber that runs in an actor of another class", () =>
    Effect.gen(function*() {
      const { being } = yield* live
      assertError(defectOf(yield* Effect.exit(being.wrongSelf())), {
        name: "TypeError",
        message: "Actor.self(Other): this fiber runs in an actor of Being"
      })
    }).pipe(Effect.provide(placement.layer())))
})

it.effect("L8, L9: the functions of an actor die in a fiber that runs in no actor", () =>
  Effect.gen(function*() {
    const uses = [
      ["Actor.self(Being)", Actor.self(Being)],
      ["Actor.forkSupervised", Actor.forkSupervised(Effect.void)],
      ["Actor.stopSelf", Actor.stopSelf]
    ] as const
    for (const [what, use] of uses) {
      assertError(defectOf(yield* Effect.exit(use)), { message: `${what}: this fiber does not run in an actor` })
    }
  }))
